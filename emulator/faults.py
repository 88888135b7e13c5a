# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on demand: responses that go wrong, and tasks that end badly.

A fault is a plain description, the same in Python and over ``POST /_emulator/faults``: what happens (``what``), to
which requests or to which server, and how often. Two families share the description:

* response faults spoil the response to a matching request (``RESPONSE_FAULTS``);
* outcome faults decide how a task or job of a service ends (``OUTCOME_FAULTS``).
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import re
import typing as t

from .messages import ApiError, Delivery, Json, Request, Response

RESPONSE_FAULTS = {
    "error": "an error with status, code and message in the service's own shape, or with body verbatim",
    "throttle": "429 with the gateway's code, and Retry-After when retry_after is given",
    "html": "an HTML page, with status (default 200)",
    "empty": "status (default 200) and no body",
    "truncated_json": "half of the JSON document, in an otherwise correct response",
    "cut": "close the connection in the middle of the body",
    "close_before": "close the connection; the request is not processed",
    "close_after": "process the request, then close the connection: the response is lost",
    "reset_before": "like close_before, with a TCP reset",
    "reset_after": "like close_after, with a TCP reset",
    "hang": "process the request, and answer only after seconds",
    "drip": "process the request, and send the body one byte every seconds",
    "redirect": "302 to location",
    "patch": "process the request, and merge patch (RFC 7396) into the JSON response; with server into that row of a list",
}
OUTCOME_FAULTS = {
    "task_fails": "the next key pair, rotation or CloudSSO task of the server (or secret) fails with code and message",
    "task_stuck": "that task never leaves RUNNING",
    "task_slow": "that task takes seconds",
    "task_word": "that task ends with the status word given",
    "task_hidden": "that task is missing from the list of running tasks",
    "task_lingers": "that task stays in the list of running tasks after its end",
    "task_remark": "that task succeeds, and gives message as a reason of failure (CloudSSO)",
    "associate_rejected": "associate answers 2xx, without a task id, with status FAILED, code and message",
    "job_fails": "the server's part of the next power job fails with code and message",
    "job_stuck": "the server's part of the next power job never ends",
    "start_fails": "the server's part of the next start fails; it stays off",
    "ssh_never_up": "after the next start the server is ACTIVE but nothing listens on its SSH port",
    "old_key_stays": "the next key pair task leaves the old public key in authorized_keys",
    "new_key_refused": "the next key pair task does not write the new public key to authorized_keys",
}

_SETTINGS = {"service", "operation", "method", "path", "server", "skip", "times", "share"}
_DETAILS = {
    "status",
    "code",
    "message",
    "body",
    "headers",
    "retry_after",
    "seconds",
    "location",
    "patch",
    "word",
}


@dataclasses.dataclass
class Fault:
    """One fault.

    Attributes:
        what: A name of ``RESPONSE_FAULTS`` or ``OUTCOME_FAULTS``.
        service, operation, method: Only requests with these; None is any.
        path: Only requests whose undecoded target matches this regular expression somewhere.
        server: Only what concerns this server, by id or name (a secret's name or a principal's id elsewhere).
        skip: Matches that are left alone first.
        times: Matches that are spoiled then; None for all.
        share: The share of these that are spoiled, at random, from 0 to 1; the same ones in each run.
        details: Further arguments of the fault: ``status``, ``code``, ``message``, ``seconds``, ...
    """

    number: int
    what: str
    service: str | None = None
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    server: str | None = None
    skip: int = 0
    times: int | None = 1
    share: float = 1.0
    details: dict[str, Json] = dataclasses.field(default_factory=dict)
    played: int = 0

    def __post_init__(self) -> None:
        self._rng = random.Random(self.number)

    def take(self) -> bool:
        """Count one match; return whether this one is to be spoiled."""
        if self.skip:
            self.skip -= 1
            return False
        if self._rng.random() >= self.share:
            return False
        if self.times is not None and self.played >= self.times:
            return False
        self.played += 1
        return True

    def __str__(self) -> str:
        return f"{self.what} #{self.number}"


@dataclasses.dataclass(frozen=True)
class Fate:
    """The end that faults give a task, and when it comes.

    Attributes:
        seconds: How long it takes; None is for ever.
        failure: Code and message with which it fails.
        word: The status word it ends with, instead of the usual one.
        hidden, lingers: It is missing from the list of running tasks; it stays there after its end.
        remark: A reason of failure told although it succeeds.
    """

    seconds: float | None
    failure: tuple[str, str] | None = None
    word: str | None = None
    hidden: bool = False
    lingers: bool = False
    remark: str | None = None


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)

    def __iter__(self) -> t.Iterator[Fault]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)

    def add(self, what: str, **settings: Json) -> Fault:
        """Add a fault; see ``Fault`` for the settings. An unknown word is an error, not a fault."""
        if what not in RESPONSE_FAULTS and what not in OUTCOME_FAULTS:
            raise ValueError(f"no fault is called {what!r}; there are {', '.join([*RESPONSE_FAULTS, *OUTCOME_FAULTS])}")
        unknown = set(settings) - _SETTINGS - _DETAILS
        if unknown:
            raise ValueError(f"fault {what!r} does not know {', '.join(sorted(unknown))}")
        details = {name: settings.pop(name) for name in list(settings) if name in _DETAILS}
        fault = Fault(next(self._numbers), what, details=details, **settings)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()

    def outcome(self, whats: t.Collection[str], names: t.Collection[str], operation: str) -> Fault | None:
        """Return the fault that decides how something ends.

        Args:
            whats: The outcome faults that would apply here.
            names: What the thing is called: a server's id and name.
            operation: The operation that set it going.
        """
        for fault in self._faults:
            if (
                fault.what in whats
                and fault.operation in (None, operation)
                and (fault.server is None or fault.server in names)
                and fault.take()
            ):
                return fault
        return None

    def fate(self, names: t.Collection[str], operation: str, seconds: float, code: str) -> Fate:
        """Return the fate of a task that an operation has just made.

        Args:
            names: What its subject is called.
            seconds: How long such a task takes by itself.
            code: With which it fails when the fault names none.
        """
        fate = Fate(seconds)
        for what in (
            "task_fails",
            "task_stuck",
            "task_slow",
            "task_word",
            "task_hidden",
            "task_lingers",
            "task_remark",
        ):
            fault = self.outcome([what], names, operation)
            if fault is None:
                continue
            details = fault.details
            if what == "task_fails":
                message = details.get("message", "The dependent service is unavailable.")
                fate = dataclasses.replace(fate, failure=(details.get("code", code), message))
            elif what == "task_stuck":
                fate = dataclasses.replace(fate, seconds=None)
            elif what == "task_slow":
                fate = dataclasses.replace(fate, seconds=float(details["seconds"]))
            elif what == "task_word":
                fate = dataclasses.replace(fate, word=str(details["word"]))
            elif what == "task_hidden":
                fate = dataclasses.replace(fate, hidden=True)
            elif what == "task_lingers":
                fate = dataclasses.replace(fate, lingers=True)
            else:
                fate = dataclasses.replace(fate, remark=str(details["message"]))
        return fate

    def answer(self, request: Request, service: str, operation: str, names: t.Collection[str]) -> Fault | None:
        """Return the fault that spoils the response to a request.

        Args:
            names: Ids and names of the servers (or the like) the request concerns.
        """
        for fault in self._faults:
            if (
                fault.what in RESPONSE_FAULTS
                and fault.service in (None, service)
                and fault.operation in (None, operation)
                and fault.method in (None, request.method)
                and (fault.path is None or re.search(fault.path, request.target))
                and (fault.server is None or fault.server in names)
                and fault.take()
            ):
                return fault
        return None


def spoil(
    fault: Fault,
    process: t.Callable[[], Response],
    shape: t.Callable[[ApiError], Response],
    throttled: ApiError,
) -> Response:
    """Return the spoiled response.

    Args:
        process: Processes the request and gives the proper response; not called when the request is to get lost.
        shape: Writes an error the way the service does.
        throttled: How the cloud says that there were too many requests.
    """
    details = fault.details
    status = details.get("status")
    if fault.what == "error":
        headers = tuple((details.get("headers") or {}).items())
        if "body" in details:
            body = details["body"]
            if isinstance(body, str):
                return Response(status or 500, body.encode(), (*headers, ("Content-Type", "text/plain")))
            return Response.of(body, status or 500).with_headers(*headers)
        error = ApiError(status or 500, details.get("code", "Emulator.0001"), details.get("message", "as told to fail"))
        return shape(error).with_headers(*headers)
    if fault.what == "throttle":
        refusal = type(throttled)(
            status or throttled.status, details.get("code", throttled.code), details.get("message", throttled.message)
        )
        response = shape(refusal).with_headers(*(details.get("headers") or {}).items())
        if "retry_after" in details:
            response = response.with_headers(("Retry-After", str(details["retry_after"])))
        return response
    if fault.what == "html":
        page = b"<html><head><title>Sign in</title></head><body><h1>Please sign in to the proxy</h1></body></html>"
        return Response(status or 200, page, (("Content-Type", "text/html; charset=utf-8"),))
    if fault.what == "empty":
        return Response(status or 200)
    if fault.what == "redirect":
        return Response(status or 302, b"", (("Location", details.get("location", "http://127.0.0.1:9/")),))
    if fault.what in ("close_before", "reset_before"):
        return Response(0, delivery=Delivery(respond=False, reset=fault.what == "reset_before"))
    response = process()
    if fault.what in ("close_after", "reset_after"):
        return dataclasses.replace(response, delivery=Delivery(respond=False, reset=fault.what == "reset_after"))
    if fault.what == "hang":
        return dataclasses.replace(response, delivery=Delivery(delay=float(details.get("seconds", 3600))))
    if fault.what == "drip":
        return dataclasses.replace(response, delivery=Delivery(drip=float(details.get("seconds", 0.1))))
    if fault.what == "cut":
        return dataclasses.replace(response, delivery=Delivery(cut=len(response.body) // 2))
    if fault.what == "truncated_json":
        return dataclasses.replace(response, body=response.body[: len(response.body) // 2])
    document = merge(json.loads(response.body), details.get("patch", {}), fault.server)
    return dataclasses.replace(response, body=json.dumps(document).encode(), status=status or response.status)


def merge(document: Json, patch: Json, row: str | None = None) -> Json:
    """Return a JSON merge patch (RFC 7396), with one addition: an object patched onto a list is merged into its objects.

    Args:
        row: Only into objects of a list that have this among their values; None is all of them.
    """
    if isinstance(document, list) and isinstance(patch, dict):
        return [merge(item, patch, row) if row is None or row in _values(item) else item for item in document]
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value, row)
    return result


def _values(item: Json) -> list[Json]:
    return list(item.values()) if isinstance(item, dict) else []
