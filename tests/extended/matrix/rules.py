# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The expected results of a fault, derived from what happened by the rules that hold for every module.

1. Only reads are repeated. A write is repeated only when it certainly did not reach the service, or was throttled.
2. When a response is lost or cannot be read, the request counts as sent, and the module finds out what it did.
3. ``changed`` is true from the moment a write was accepted, on every exit.
4. Only a code of the service says that something does not exist.
5. A refused credential is tried once.
6. A wait ends by its own clock with the state of every task, and goes on through every fault that may pass.
"""

from __future__ import annotations

import dataclasses

from subjects import READ, WAIT, WAIT_TIMEOUT, Subject

#: What a fault means. The response is good, however odd it looks.
FINE = "fine"
#: The service refuses this request, by a code of its own.
REFUSED = "refused"
#: The same; the credentials are refused.
DENIED = "denied"
#: The same; the identity may not do this.
FORBIDDEN = "forbidden"
#: The same; the very thing asked for does not exist.
GONE = "gone"
#: Something refuses the request, and does not speak as the service does.
STRANGER = "stranger"
#: Rejected before it was processed.
THROTTLED = "throttled"
#: The service, or what stands before it, failed.
UNAVAILABLE = "unavailable"
#: The request was sent, and no whole response came back.
LOST = "lost"
#: A response came that says nothing about the request.
UNREAD = "unread"
#: A good response says that the service did not do it: one that may be believed, and may not.
SAID = "said"
#: The request certainly did not reach the service.
UNSENT = "unsent"
#: The same, and another try cannot help.
UNTRUSTED = "untrusted"
#: A correct reading is welcome, and so is an error of the collection's own.
ODD = "odd"

#: How often a fault strikes: the first time, every second time, every time.
ONCE, OFTEN, ALWAYS = "once", "often", "always"
OK, FAILED = "ok", "failed"
EITHER = frozenset([OK, FAILED])
YES, NO, OPEN = frozenset([True]), frozenset([False]), frozenset([True, False])

#: Words of which a failure says at least one, by what the fault means.
SAYS = {
    REFUSED: r"\b4\d\d\b",
    DENIED: r"\b4\d\d\b",
    FORBIDDEN: r"\b4\d\d\b",
    GONE: r"not found|does not exist|HTTP \d{3}",
    STRANGER: r"\b4\d\d\b",
    THROTTLED: r"HTTP 429|HTTP 400|HTTP 200|HTTP 503|[Tt]hrottl|too many|asked to wait",
    UNAVAILABLE: r"HTTP \d{3}",
    LOST: r"broke|cut short|did not|reset|closed|answer|response|went wrong|TLS|HTTP 408",
    UNREAD: r"answer|response|redirect",
    SAID: r"answer|response|returned HTTP 200|rejected",
    UNSENT: r"onnection|proxy|resolve|address",
    UNTRUSTED: r"certificate|TLS|proxy|address",
    ODD: r".",
    FINE: r".",
}


@dataclasses.dataclass(frozen=True)
class Expected:
    """The expected result of one cell.

    Attributes:
        outcomes: ``OK``, ``FAILED`` or both.
        changed: What ``changed`` may be.
        least, most: How many of the struck requests may have been sent.
        seconds: How long the run may take by its own clock.
        uncertain: Whether the rows must say that a task may run that was not found.
        states: The states that tasks of a wait may have; None for those that are not waits.
    """

    outcomes: frozenset[str]
    changed: frozenset[bool]
    least: int
    most: int
    seconds: float
    uncertain: bool = False
    states: frozenset[str] | None = None


#: More requests than any run should send.
MANY = 2000
#: Seconds within which a run ends that is not to be repeated.
AT_ONCE = 10.0


def expected(
    subject: Subject,
    means: str,
    times: str,
    *,
    carried: bool,
    slow: bool,
    dark: bool,
    timeout: float,
    window: float,
) -> Expected:
    """Derive what must come of a fault.

    Args:
        subject: What runs.
        means: What the fault means.
        times: ``ONCE``, ``OFTEN`` or ``ALWAYS``.
        carried: Whether the service carried the struck request out.
        slow: The fault takes all the time that a request has.
        dark: After the fault nothing works any more.
        timeout: Seconds of ``hwc_timeout`` or ``ali_timeout``.
        window: Seconds that the service asks to wait.
    """
    if subject.kind == READ:
        found = _read(means, times, slow=slow, timeout=timeout, window=window)
    elif subject.kind == WAIT:
        found = _wait(means, times, window=window, lists=subject.lists)
    else:
        found = _written(subject, means, times, carried=carried, slow=slow, dark=dark, timeout=timeout, window=window)
    # What another try cannot help is not tried again.
    return dataclasses.replace(found, seconds=min(found.seconds, AT_ONCE)) if means in (UNTRUSTED, DENIED) else found


def _written(
    subject: Subject,
    means: str,
    times: str,
    *,
    carried: bool,
    slow: bool,
    dark: bool,
    timeout: float,
    window: float,
) -> Expected:
    seconds = WAIT_TIMEOUT + 4 * timeout + 150.0
    outcomes, changed, least, most = _write(subject, means, times, carried=carried, slow=slow, dark=dark, window=window)
    uncertain = means in (LOST, UNAVAILABLE, UNREAD) and not carried and subject.operation.endswith("ociateKeypair")
    return Expected(outcomes, changed, least, most, seconds, uncertain)


def _read(means: str, times: str, *, slow: bool, timeout: float, window: float) -> Expected:
    outcomes, most = EITHER, MANY
    if means in (FINE, GONE):
        outcomes, most = frozenset([OK]), 1
    elif means in (REFUSED, DENIED, FORBIDDEN):
        outcomes, most = frozenset([FAILED]), 1
    elif means == UNTRUSTED or (times == ALWAYS and means != ODD):
        outcomes = frozenset([FAILED])
    elif means in (THROTTLED, UNAVAILABLE, LOST, UNSENT) and not slow:
        outcomes = frozenset([OK]) if window <= 60 else EITHER
    # A window of a minute is waited out, whatever the time of one operation is.
    return Expected(outcomes, NO, 0, most, timeout + 65.0)


def _wait(means: str, times: str, *, window: float, lists: bool) -> Expected:
    outcomes, most = EITHER, MANY
    states = frozenset(["success", "pending", "unknown", "missing", "error"])
    good, open_ = frozenset(["success"]), frozenset(["success", "pending", "unknown"])
    if means == FINE:
        outcomes, states = frozenset([OK]), good
    elif means == DENIED:
        outcomes, most, states = frozenset([FAILED]), 1, open_
    elif means in (REFUSED, FORBIDDEN):
        # A list that is refused need not cost the verdicts: single reads may tell.
        outcomes = EITHER if lists and times != ALWAYS else frozenset([FAILED])
        states = open_ | {"error"}
    elif means == UNTRUSTED:
        outcomes, states = frozenset([FAILED]), open_
    elif means == GONE:
        outcomes = frozenset([OK if times == ONCE else FAILED])
        states = good if times == ONCE else frozenset(["missing"])
    elif means in (STRANGER, SAID):
        outcomes = frozenset([FAILED]) if times == ALWAYS else EITHER
        states = open_ | {"error"}
    elif means != ODD:
        passes = times != ALWAYS and window < WAIT_TIMEOUT / 2
        outcomes = frozenset([OK]) if passes else frozenset([FAILED]) if times == ALWAYS else EITHER
        states = good if passes else open_
    return Expected(outcomes, NO, 0, most, WAIT_TIMEOUT + 10.5, states=states)


def _write(
    subject: Subject, means: str, times: str, *, carried: bool, slow: bool, dark: bool, window: float
) -> tuple[frozenset[str], frozenset[bool], int, int]:
    if means == FINE:
        return frozenset([OK]), YES, 1, 1
    if means == GONE:
        return frozenset([OK]), NO, 1, 1
    if means in (REFUSED, DENIED, FORBIDDEN):
        return frozenset([FAILED]), NO, 1, 1
    if means == STRANGER:
        return frozenset([FAILED]), OPEN, 1, 1
    if means == UNTRUSTED or (means == UNSENT and times == ALWAYS):
        return frozenset([FAILED]), NO, 0, 0
    if means == UNSENT:
        return (EITHER, OPEN, 0, 1) if slow else (frozenset([OK]), YES, 1, 1)
    if means == THROTTLED:
        if times == ALWAYS:
            return frozenset([FAILED]), NO, 1 if window > 60 else 2, MANY
        return (frozenset([OK]), YES, 2, 2) if window <= 60 else (EITHER, OPEN, 1, 2)
    if means == SAID:
        return (frozenset([OK]), YES, 1, 1) if carried and subject.traceable else (frozenset([FAILED]), OPEN, 1, 1)
    if carried:
        found = means == ODD or subject.traceable
        outcomes = EITHER if means == ODD else frozenset([OK if found and not dark else FAILED])
        return outcomes, YES, 1, 1
    if means == ODD:
        return EITHER, OPEN, 0, 1
    return frozenset([FAILED]), OPEN, 1, 1
