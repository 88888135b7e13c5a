# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The retry rule, the deadline of an operation, and what is made of a response's body and headers."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.options import ALI_OPTIONS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import (
    FIRST_PAUSE,
    MAX_PAUSE,
    Http,
    Request,
    RequestsTransport,
    Response,
    decode_json,
    retry_pause,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC_OPTIONS
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    FakeClock,
    FakeTransport,
    answer,
    cut,
    html,
)

URL = "https://kms.example.com/v3/p/tasks/t"


def http(cloud: FakeTransport, *, check_mode: bool = False, timeout: float = 60.0) -> Http:
    return Http(cloud, cloud.clock, lambda: 0.5, check_mode=check_mode, timeout=timeout)


def patiently(
    cloud: FakeTransport, attempts: t.Callable[[float], t.Any], timeout: float, patience: float, *, read_only: bool
) -> t.Any:
    sender = http(cloud, timeout=timeout)
    return sender.call(attempts, read_only=read_only, budget=sender.budget(patience=patience))


class Attempts:
    """A scripted attempt: each call takes its time, then returns or raises the next outcome."""

    def __init__(self, clock: FakeClock, *outcomes: t.Any, took: float = 0.0) -> None:
        self.clock = clock
        self.outcomes = list(outcomes)
        self.took = took
        #: The seconds that were left at each attempt.
        self.left: list[float] = []

    def __call__(self, left: float) -> t.Any:
        self.left.append(left)
        self.clock.now += min(self.took, left)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


#: Every way an attempt can fail, and whether a read and a write may be repeated after it.
RULE: tuple[tuple[str, errors.CloudError, bool, bool], ...] = (
    ("throttled", errors.ThrottledError("too many", http_status=429), True, True),
    ("not received", errors.TransportError("refused", possibly_sent=False), True, True),
    ("maybe received", errors.TransportError("reset", possibly_sent=True), True, False),
    ("bad certificate", errors.TransportError("certificate", possibly_sent=False, permanent=True), False, False),
    ("unavailable", errors.UnavailableError("HTTP 503", http_status=503), True, False),
    ("cut short", errors.InvalidResponseError("half", truncated=True), True, False),
    ("html", errors.InvalidResponseError("<html>"), False, False),
    ("refused credentials", errors.AuthenticationError("HTTP 401", http_status=401), False, False),
    ("forbidden", errors.ForbiddenError("HTTP 403", http_status=403), False, False),
    ("not found", errors.NotFoundError("HTTP 404", http_status=404), False, False),
    ("rejected", errors.RejectedError("HTTP 400", http_status=400), False, False),
    ("wrong option", errors.UsageError("no region"), False, False),
    ("no credentials", errors.CredentialsError("none"), False, False),
    ("write in check mode", errors.CheckModeWriteError("a bug"), False, False),
)


@pytest.mark.parametrize("read_only", [True, False], ids=["read", "write"])
@pytest.mark.parametrize(("error", "read", "write"), [row[1:] for row in RULE], ids=[row[0] for row in RULE])
def test_an_operation_is_repeated_by_the_rule_and_only_by_it(
    cloud: FakeTransport, error: errors.CloudError, read: bool, write: bool, read_only: bool
) -> None:
    attempts = Attempts(cloud.clock, error, "done")
    if read if read_only else write:
        assert http(cloud).call(attempts, read_only=read_only) == "done"
        assert len(cloud.clock.sleeps) == 1
    else:
        with pytest.raises(type(error)) as caught:
            http(cloud).call(attempts, read_only=read_only)
        assert caught.value is error
        assert cloud.clock.sleeps == []
        assert "tried" not in str(error), "it was tried once"


@pytest.mark.parametrize("row", RULE, ids=[row[0] for row in RULE])
def test_a_login_before_a_write_is_repeated_like_a_read(
    cloud: FakeTransport, row: tuple[str, errors.CloudError, bool, bool]
) -> None:
    _name, error, read, _write = row
    unsent = error.copy()
    unsent.unsent = True
    attempts = Attempts(cloud.clock, unsent, "done")
    if read:
        assert http(cloud).call(attempts, read_only=False) == "done"
    else:
        with pytest.raises(type(error)):
            http(cloud).call(attempts, read_only=False)


@pytest.mark.parametrize(("name", "error"), [row[:2] for row in RULE], ids=[row[0] for row in RULE])
def test_an_error_says_whether_a_write_may_have_taken_effect(name: str, error: errors.CloudError) -> None:
    assert error.outcome_unknown == (name in ("maybe received", "unavailable", "cut short", "html"))


def test_pauses_double_up_to_a_bound_and_are_spread() -> None:
    error = errors.UnavailableError("HTTP 503")
    middle = [retry_pause(error, read_only=True, attempt=number, jitter=0.5) for number in range(1, 9)]
    assert middle == [0.5, 1, 2, 4, 8, 16, 20, 20]
    assert retry_pause(error, read_only=True, attempt=1, jitter=0.0) == FIRST_PAUSE * 0.5
    assert retry_pause(error, read_only=True, attempt=9, jitter=1.0) == MAX_PAUSE * 1.5


THROTTLED = errors.ThrottledError("too many", http_status=429)
IN_A_MINUTE = errors.ThrottledError("too many", retry_after=60.0)
MINUTE = errors.ThrottledError("too many", retry_after=60.0, quota=True)


def test_a_throttled_request_is_repeated_after_two_to_five_seconds_and_then_later_each_time() -> None:
    assert [retry_pause(THROTTLED, read_only=False, attempt=1, jitter=number) for number in (0.0, 0.5, 1.0)] == [
        2,
        3.5,
        5,
    ]
    pauses = [retry_pause(THROTTLED, read_only=False, attempt=number, jitter=0.0) for number in range(1, 8)]
    assert pauses == [2, 4, 8, 16, 20, 20, 20]


def test_a_quota_is_probed_once_and_then_waited_out() -> None:
    pauses = [retry_pause(MINUTE, read_only=False, attempt=number, jitter=0.5) for number in range(1, 4)]
    assert pauses == [3.5, 60.5, 60.5]
    second = errors.ThrottledError("too many", retry_after=1.0, quota=True)
    assert retry_pause(second, read_only=True, attempt=1, jitter=0.5) == 1.5, "a short window is over sooner"


def test_a_pause_is_never_shorter_than_the_service_asks() -> None:
    for attempt in range(1, 9):
        for jitter in (0.0, 1.0):
            pause = retry_pause(IN_A_MINUTE, read_only=True, attempt=attempt, jitter=jitter)
            assert pause is not None
            assert pause >= 60.0


def test_a_service_that_asks_for_no_pause_is_not_flooded() -> None:
    at_once = errors.ThrottledError("too many", retry_after=0.0)
    pauses = [retry_pause(at_once, read_only=True, attempt=number, jitter=0.0) for number in range(1, 5)]
    assert pauses == [0.5, 1.0, 1.5, 2.0]


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("prefix", ["hwc", "ali"])
def test_a_window_of_a_minute_is_survived_in_the_time_that_is_the_default(
    cloud: FakeTransport, prefix: str, read_only: bool
) -> None:
    attempts = Attempts(cloud.clock, MINUTE, MINUTE, "done", took=0.2)
    timeout = {**HWC_OPTIONS, **ALI_OPTIONS}[f"{prefix}_timeout"]["default"]
    assert http(cloud, timeout=timeout).call(attempts, read_only=read_only) == "done"
    assert cloud.clock.sleeps == [3.5, 60.5]


def test_one_pause_extends_the_time_if_it_is_not_longer_than_that_time(cloud: FakeTransport) -> None:
    with pytest.raises(errors.ThrottledError, match="It was tried 3 times"):
        http(cloud, timeout=60.0).call(Attempts(cloud.clock, *[MINUTE] * 9, took=0.2), read_only=True)
    assert cloud.clock.now - 1000.0 < 121.0
    for error in (MINUTE, IN_A_MINUTE):
        begun = cloud.clock.now
        with pytest.raises(errors.ThrottledError, match="The time is up before the 60 s that it asks for are over"):
            http(cloud, timeout=10.0).call(Attempts(cloud.clock, *[error] * 9, took=0.2), read_only=True)
        assert cloud.clock.now - begun <= 10.0


def test_requests_that_share_a_time_share_the_pause_on_top_of_it(cloud: FakeTransport) -> None:
    # As the pages of a list do.
    sender = http(cloud, timeout=60.0)
    budget = sender.budget()
    assert sender.call(Attempts(cloud.clock, MINUTE, MINUTE, "one", took=0.2), read_only=True, budget=budget) == "one"
    assert 55.0 < budget() < 60.0
    assert sender.call(Attempts(cloud.clock, "two", took=0.2), read_only=True, budget=budget) == "two"
    with pytest.raises(errors.ThrottledError):
        sender.call(Attempts(cloud.clock, MINUTE, MINUTE, took=0.2), read_only=True, budget=budget)


def test_a_patient_client_waits_longer_than_the_timeout_when_throttled(cloud: FakeTransport) -> None:
    attempts = Attempts(cloud.clock, *[IN_A_MINUTE] * 9, "done")
    assert patiently(cloud, attempts, 10.0, 1000.0, read_only=False) == "done"
    assert set(attempts.left) == {10.0}, "each attempt has no more time than any other"


def test_throttled_pauses_are_not_part_of_the_time_for_the_rest(cloud: FakeTransport) -> None:
    sender = http(cloud, timeout=10.0)
    budget = sender.budget(patience=1000.0)
    sender.call(Attempts(cloud.clock, *[IN_A_MINUTE] * 3, "done", took=1.0), read_only=True, budget=budget)
    assert budget.without_patience() == pytest.approx(6.0)
    assert budget() > 800.0


def test_a_patient_client_gives_up_after_its_time_and_says_so(cloud: FakeTransport) -> None:
    attempts = Attempts(cloud.clock, *[IN_A_MINUTE] * 9)
    with pytest.raises(errors.ThrottledError) as caught:
        patiently(cloud, attempts, 10.0, 200.0, read_only=False)
    assert str(caught.value).endswith("The time is up before the 60 s that it asks for are over. It was tried 4 times.")
    assert cloud.clock.now - 1000.0 <= 200.0


def test_a_service_that_is_down_is_reported_after_the_timeout_whatever_the_patience(cloud: FakeTransport) -> None:
    attempts = Attempts(cloud.clock, *[errors.UnavailableError("HTTP 503.")] * 50, took=1.0)
    with pytest.raises(errors.UnavailableError):
        patiently(cloud, attempts, 60.0, 2000.0, read_only=True)
    assert 30.0 < cloud.clock.now - 1000.0 <= 60.0


def test_throttling_is_a_response(cloud: FakeTransport) -> None:
    down = errors.UnavailableError("HTTP 503.")
    attempts = Attempts(cloud.clock, *[down, down, THROTTLED] * 12, "done", took=5.0)
    assert patiently(cloud, attempts, 60.0, 1000.0, read_only=True) == "done"
    assert cloud.clock.now - 1000.0 > 180.0


def test_a_kept_connection_that_was_closed_costs_no_pause(cloud: FakeTransport) -> None:
    stale = errors.TransportError("broke", possibly_sent=True, stale=True)
    attempts = Attempts(cloud.clock, stale, "done")
    assert http(cloud).call(attempts, read_only=True) == "done"
    assert cloud.clock.sleeps == [0.0]
    again = Attempts(cloud.clock, stale, stale, "done")
    assert http(cloud).call(again, read_only=True) == "done"
    assert cloud.clock.sleeps[1:] == [0.0, 1.0], "but for the first"
    with pytest.raises(errors.TransportError):
        http(cloud).call(Attempts(cloud.clock, stale), read_only=False)


@pytest.mark.parametrize(
    ("method", "read_only", "outcome", "told"),
    [
        ("POST", False, answer({}), 1),
        ("DELETE", False, answer(None, 204), 1),
        ("POST", False, html(), 1),
        ("POST", False, answer({}, 302), 0),
        ("POST", False, answer({}, 400), 0),
        ("POST", False, answer({}, 503), 0),
        ("POST", True, answer({}), 0),
        ("GET", True, answer({}), 0),
        ("POST", False, errors.TransportError("lost", possibly_sent=True), 0),
    ],
)
def test_an_accepted_write_is_noted_before_its_response_is_read(
    cloud: FakeTransport, method: str, read_only: bool, outcome: t.Any, told: int
) -> None:
    writes: list[None] = []
    cloud.expect(f"{method} {URL}", outcome)
    sender = Http(cloud, cloud.clock, lambda: 0.5, check_mode=False, timeout=60.0, on_write=lambda: writes.append(None))
    with contextlib.suppress(errors.TransportError):
        sender.send(Request(method, URL, {}), "KPS Test", read_only=read_only, timeout=1.0)
    assert len(writes) == told


def test_a_service_that_says_how_long_to_wait_is_obeyed(cloud: FakeTransport) -> None:
    attempts = Attempts(cloud.clock, errors.ThrottledError("too many", retry_after=7.0), "done")
    assert http(cloud).call(attempts, read_only=False) == "done"
    assert cloud.clock.sleeps == [7.5]


def test_an_operation_ends_within_its_time(cloud: FakeTransport) -> None:
    attempts = Attempts(cloud.clock, *[errors.UnavailableError("HTTP 503.")] * 50, took=1.0)
    with pytest.raises(errors.UnavailableError, match="It was tried 5 times") as caught:
        http(cloud, timeout=20.0).call(attempts, read_only=True)
    assert str(caught.value) == "HTTP 503. It was tried 5 times."
    assert cloud.clock.now - 1000.0 == 12.5, "the next pause of 8 s would have crossed the end"
    assert attempts.left == [20.0, 18.5, 16.5, 13.5, 8.5], "each attempt has what is left"


def test_a_wait_that_is_longer_than_the_time_left_is_not_begun(cloud: FakeTransport) -> None:
    attempts = Attempts(cloud.clock, errors.ThrottledError("too many", retry_after=61.0), "never")
    with pytest.raises(errors.ThrottledError):
        http(cloud, timeout=60.0).call(attempts, read_only=True)
    assert cloud.clock.sleeps == []


def test_a_call_may_have_a_time_of_its_own(cloud: FakeTransport) -> None:
    attempts = Attempts(cloud.clock, "done")
    http(cloud, timeout=60.0).call(attempts, read_only=True, budget=http(cloud).budget(3.0))
    assert attempts.left == [3.0]


def test_rejected_credentials_are_renewed_once_within_the_time(cloud: FakeTransport) -> None:
    refused = [errors.AuthenticationError("first"), errors.AuthenticationError("second")]
    attempts = Attempts(cloud.clock, *refused, took=2.0)
    left: list[float] = []

    def renew(seconds: float) -> bool:
        left.append(seconds)
        cloud.clock.now += 1.0
        return True

    with pytest.raises(errors.AuthenticationError, match="second"):
        http(cloud, timeout=10.0).call(attempts, read_only=False, renew=renew)
    assert left == [8.0]
    assert attempts.left == [10.0, 7.0]


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    ("failure", "pause"),
    [
        (errors.UnavailableError("IAM failed."), 0.5),
        (errors.TransportError("IAM did not respond.", possibly_sent=True), 0.5),
        (errors.ThrottledError("IAM throttled the login."), 3.5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_renewal_that_fails_for_now_is_left_to_the_next_attempt(
    cloud: FakeTransport, read_only: bool, failure: errors.CloudError, pause: float
) -> None:
    renewals: list[float] = []

    def renew(seconds: float) -> bool:
        renewals.append(seconds)
        failure.unsent = True
        raise failure

    attempts = Attempts(cloud.clock, errors.AuthenticationError("expired"), "done")
    assert http(cloud).call(attempts, read_only=read_only, renew=renew) == "done"
    assert (len(renewals), cloud.clock.sleeps) == (1, [pause])


def test_a_renewal_that_is_rejected_is_the_end(cloud: FakeTransport) -> None:
    def renew(_seconds: float) -> bool:
        raise errors.AuthenticationError("IAM rejected the password.")

    attempts = Attempts(cloud.clock, errors.AuthenticationError("expired"))
    with pytest.raises(errors.AuthenticationError, match=r"IAM rejected the password\.$"):
        http(cloud).call(attempts, read_only=True, renew=renew)
    assert cloud.clock.sleeps == []


def test_credentials_that_cannot_be_renewed_are_not_tried_again(cloud: FakeTransport) -> None:
    attempts = Attempts(cloud.clock, errors.AuthenticationError("refused"))
    with pytest.raises(errors.AuthenticationError):
        http(cloud).call(attempts, read_only=True, renew=lambda _left: False)
    assert len(attempts.left) == 1


def test_other_exceptions_are_passed_on(cloud: FakeTransport) -> None:
    with pytest.raises(ZeroDivisionError):
        http(cloud).call(Attempts(cloud.clock, ZeroDivisionError()), read_only=True)


def test_no_write_leaves_in_check_mode(cloud: FakeTransport) -> None:
    request = Request("POST", URL, {}, b"{}")
    with pytest.raises(errors.CheckModeWriteError, match="report it"):
        http(cloud, check_mode=True).send(request, "KPS Test", read_only=False, timeout=1.0)
    assert cloud.requests == []


def test_reads_are_sent_in_check_mode_whatever_their_method(cloud: FakeTransport) -> None:
    cloud.expect(f"POST {URL}", {})
    http(cloud, check_mode=True).send(Request("POST", URL, {}), "KPS Test", read_only=True, timeout=1.0)


def test_a_request_without_time_is_not_sent() -> None:
    with pytest.raises(errors.TransportError) as caught:
        RequestsTransport().send(Request("GET", URL, {}), 0.0)
    assert not caught.value.possibly_sent


def decode(response: Response, *, may_be_empty: bool = False) -> dict[str, t.Any]:
    return decode_json(response, "KPS ListKeypairTask at https://kms.example.com", may_be_empty=may_be_empty)


def test_a_response_is_a_json_object() -> None:
    assert decode(answer({"task_id": "t", "task_status": None})) == {"task_id": "t", "task_status": None}
    assert decode(answer({"task_id": "t"}, 202)) == {"task_id": "t"}


def test_an_operation_without_a_body_may_have_none() -> None:
    assert decode(Response(204, {}, b""), may_be_empty=True) == {}
    assert decode(Response(200, {}, b" \n"), may_be_empty=True) == {}
    assert decode(answer({"a": 1}), may_be_empty=True) == {"a": 1}


#: Invalid responses: the reason, the response, whether a body is due, words of the message, whether to try again.
BROKEN: tuple[tuple[str, Response, bool, str, bool], ...] = (
    (
        "redirect",
        answer(None, 302, location="https://evil.example.com/"),
        True,
        "to 'https://evil.example.com/'",
        False,
    ),
    ("redirect to nowhere", answer(None, 304), False, "to nowhere", False),
    ("redirect to a terminal", answer(None, 302, location="\x1b]0;x\x07"), True, r"'\x1b]0;x\x07'", False),
    ("html", html(), True, "<html> <body>Please sign in", False),
    ("html where no body is due", html(), False, "no valid JSON", False),
    ("nothing", Response(200, {}, b""), True, "no valid JSON: no text", False),
    ("nothing that claims to be JSON", answer(None), True, "no valid JSON: no text", True),
    ("half a document", cut(), True, "no valid JSON", True),
    ("half a document that claims nothing", Response(200, {}, b' {"task_id'), True, "no valid JSON", True),
    ("bytes that are no UTF-8", Response(200, {}, b'{"task_id": "\xff\xfe"}'), True, "no valid JSON", True),
    ("too deep", Response(200, {}, b'{"a":' * 5000 + b"1" + b"}" * 5000), True, "no valid JSON", True),
    ("deeper than we go", Response(200, {}, b'{"a":' * 60 + b"1" + b"}" * 60), True, "no valid JSON", True),
    ("NaN, which is not JSON", Response(200, {}, b'{"a": NaN}'), True, "no valid JSON", True),
    ("a list", answer([1]), True, "not a JSON object: '[1]'", False),
    ("a string", answer("task_id"), True, "not a JSON object", False),
)


@pytest.mark.parametrize(
    ("response", "due", "words", "again"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_another_body_is_an_error_that_quotes_it(response: Response, due: bool, words: str, again: bool) -> None:
    with pytest.raises(errors.InvalidResponseError) as caught:
        decode(response, may_be_empty=not due)
    message = str(caught.value)
    assert words in message
    assert "KPS ListKeypairTask at https://kms.example.com" in message
    assert str(response.status) in message
    assert caught.value.http_status == response.status
    assert caught.value.truncated is again


def test_a_quoted_body_is_short_and_on_one_line() -> None:
    quoted = Response(200, {}, b"line\n" * 1000).quote()
    assert len(quoted) < 210
    assert "\n" not in quoted
    assert quoted.endswith("...'")
    assert Response(200, {}, b"caf\xe9").quote() == "'caf\ufffd'"


@pytest.mark.parametrize(("timeout", "sent"), [(3.9, 1), (4.1, 2), (10.9, 2), (11.1, 3)])
def test_no_attempt_begins_whose_response_could_not_come(cloud: FakeTransport, timeout: float, sent: int) -> None:
    # A throttled write ends as throttled, and not as one whose response was lost.
    lefts: list[float] = []

    def attempt(left: float) -> None:
        lefts.append(left)
        raise errors.ThrottledError("too many")

    with pytest.raises(errors.ThrottledError):
        http(cloud, timeout=timeout).call(attempt, read_only=False)
    assert len(lefts) == sent
    assert min(lefts) >= 0.5
