# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doubles that the unit tests share: a clock that never sleeps, and a cloud that follows a script.

Both are handed in where the real thing would be; nothing is patched. The cloud is strict: a request that differs
from the script fails the test at once, and a scripted request that never comes fails it at its end.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t
import urllib.parse

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError, TransportError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.interrupts import Interrupted
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Http, Request, Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import signing
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.credentials import (
    Credentials,
    WantedProject,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import Endpoints

#: 2026-01-02T03:04:05Z, when every fake clock starts.
EPOCH = 1767323045.0
REGION = "cn-north-4"
PROJECT = "0123456789abcdef0123456789abcdef"
ACCESS_KEY = "AKEXAMPLE"
SECRET_KEY = "sk-example-secret"
KPS = f"https://kms.{REGION}.myhuaweicloud.com"
ECS = f"https://ecs.{REGION}.myhuaweicloud.com"
IAM = f"https://iam.{REGION}.myhuaweicloud.com"


class FakeClock:
    """Time that passes only when the code sleeps, or when a scripted request takes its time."""

    def __init__(self) -> None:
        self.now = 1000.0
        #: Every pause, in seconds.
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        """Implement ``Clock``."""
        return self.now

    def time(self) -> float:
        """Implement ``Clock``."""
        return EPOCH + self.now - 1000.0

    def sleep(self, seconds: float) -> None:
        """Implement ``Clock``."""
        self.sleeps.append(seconds)
        self.now += seconds


def answer(document: t.Any = None, status: int = 200, **headers: str) -> Response:
    """Return a response with a JSON body, or without any when there is no document. Underscores in header names mean hyphens."""
    body = b"" if document is None else json.dumps(document).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": "application/json", **named}, body)


def error_response(status: int, code: str, text: str, **headers: str) -> Response:
    """Return an error response in the form of KPS and API Gateway."""
    return answer({"error_code": code, "error_msg": text}, status, **headers)


def html(status: int = 200) -> Response:
    """Return the page of a proxy or a sign-in page."""
    return Response(status, {"content-type": "text/html"}, b"<html>\n<body>Please sign in</body></html>")


def cut(status: int = 200) -> Response:
    """Return half a JSON document."""
    return Response(status, {"content-type": "application/json"}, b'{"task_id": "t-1", "ta')


def lost() -> TransportError:
    """Return the connection broke after the request was sent."""
    return TransportError("The connection broke: reset by peer.", possibly_sent=True)


def unreachable() -> TransportError:
    """Return the error of a connection that failed."""
    return TransportError("No connection: refused.", possibly_sent=False)


def nowhere() -> TransportError:
    """Return the error of a host name that does not exist."""
    return TransportError("No connection: Name or service not known.", possibly_sent=False, unknown_host=True)


def _demand(condition: bool, message: str) -> None:
    """Fail the test. Not by an assertion: a wait takes every exception for the trouble of one request."""
    if not condition:
        pytest.fail(message)


@dataclasses.dataclass(frozen=True)
class Scripted:
    """One scripted request and what comes of it."""

    request: str
    outcome: Response | CloudError
    body: t.Any
    took: float


class FakeTransport:
    """A transport that follows a script.

    Args:
        clock: Its time; each request takes as long as the script says, and none longer than it may.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.script: list[Scripted] = []
        self.standing: dict[str, Scripted] = {}
        #: Every request that was sent.
        self.requests: list[Request] = []
        #: The seconds that each of them had.
        self.timeouts: list[float] = []
        #: The arguments that the transport was made with.
        self.arguments: dict[str, t.Any] = {}

    def expect(
        self,
        request: str,
        outcome: Response | CloudError | t.Mapping[str, t.Any],
        *,
        body: t.Any = None,
        took: float = 0.1,
        times: int = 1,
    ) -> None:
        """Add a request to the script.

        Args:
            request: Method and URL, percent-encoded, as ``GET https://...``.
            outcome: The response; a mapping is the JSON body of a response with HTTP 200.
            body: The JSON value, or the fields of the form, that the request must carry; None for a request without a body.
            took: Seconds until the outcome.
            times: How often in a row.
        """
        self.script += [self._scripted(request, outcome, body, took)] * times

    def always(self, request: str, outcome: Response | CloudError | t.Mapping[str, t.Any], took: float = 0.1) -> None:
        """Answer a request so whenever it comes out of turn, as when it is not the point how often it is sent."""
        self.standing[request] = self._scripted(request, outcome, None, took)

    @staticmethod
    def _scripted(
        request: str, outcome: Response | CloudError | t.Mapping[str, t.Any], body: t.Any, took: float
    ) -> Scripted:
        final = outcome if isinstance(outcome, (Response, CloudError)) else answer(outcome)
        return Scripted(request, final, body, took)

    def connect(self, **arguments: t.Any) -> FakeTransport:
        """Return itself, in place of a new object of the real transport's class."""
        self.arguments = arguments
        return self

    def close(self) -> None:
        """Implement ``Transport``; do nothing."""

    def send(self, request: Request, timeout: float) -> Response:
        """Implement ``Transport``."""
        sent = f"{request.method} {request.url}"
        _demand(timeout > 0, f"sent without time: {sent}")
        if sent in self.standing and not (self.script and sent == self.script[0].request):
            due = self.standing[sent]
        else:
            _demand(bool(self.script), f"not in the script: {sent} {request.body!r}")
            due = self.script.pop(0)
        _demand(sent == due.request, f"sent {sent} in place of {due.request}")
        body = _decode(request) if request.body else None
        _demand(body == due.body, f"{sent} carried {body!r} in place of {due.body!r}")
        if "X-Sdk-Date" in request.headers:
            _demand(request.headers["X-Sdk-Date"] == signing.sdk_date(self.clock.time()), "not signed again")
        self.requests.append(request)
        self.timeouts.append(timeout)
        self.clock.now += min(due.took, timeout)
        if due.took > timeout:
            raise TransportError(f"no response within {timeout:.1f} s", possibly_sent=True)
        if isinstance(due.outcome, CloudError):
            raise due.outcome
        return due.outcome

    def check(self) -> None:
        """Fail when a scripted request did not come."""
        assert not self.script, f"these requests were never sent: {[due.request for due in self.script]}"

    def writes(self) -> list[Request]:
        """Return the requests that were no ``GET``."""
        return [request for request in self.requests if request.method != "GET"]


class InterruptedTransport(FakeTransport):
    """A transport that a signal interrupts while a write is under way, which the cloud carries out.

    Args:
        clock: As of ``FakeTransport``.
        at: The number of the write, counted from 1.
    """

    def __init__(self, clock: FakeClock, at: int = 1) -> None:
        super().__init__(clock)
        self._at = at

    def send(self, request: Request, timeout: float) -> Response:
        """As of ``Transport``."""
        response = super().send(request, timeout)
        if request.method != "GET" and len(self.writes()) == self._at:
            raise Interrupted("SIGTERM")
        return response


def _decode(request: Request) -> t.Any:
    if request.headers.get("Content-Type") == "application/x-www-form-urlencoded":
        return dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True))
    return json.loads(request.body)


def client(
    cloud: FakeTransport,
    *,
    credentials: Credentials = AccessKey(ACCESS_KEY, SECRET_KEY),  # noqa: B008 (immutable)
    project_id: str | None = PROJECT,
    project_name: str | None = None,
    region: str | None = REGION,
    endpoint: str | None = None,
    check_mode: bool = False,
    timeout: float = 60.0,
    secrets: list[str] | None = None,
    warnings: list[str] | None = None,
) -> HuaweiClient:
    """Return a client on a scripted cloud; the secrets and warnings it tells are added to the lists."""
    return HuaweiClient(
        Http(cloud, cloud.clock, lambda: 0.5, check_mode=check_mode, timeout=timeout),
        credentials,
        Endpoints(region, endpoint, None, {}),
        project=WantedProject(project_id, project_name),
        on_secret=(secrets if secrets is not None else []).append,
        on_warning=(warnings if warnings is not None else []).append,
    )
