# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key Pair Service and CloudSSO, as far as the source asks them: tasks that change with a fake clock, and trouble on demand."""

from __future__ import annotations

import dataclasses
import email.utils
import typing as t
import urllib.parse

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Request, Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC_OPTIONS
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._alibaba.alibaba import ali_options
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    ACCESS_KEY,
    EPOCH,
    PROJECT,
    REGION,
    SECRET_KEY,
    FakeClock,
    answer,
    error_response,
)

#: Seconds that each request takes.
TOOK = 0.05
#: The options of a source for Key Pair Service.
KPS_OPTIONS: dict[str, t.Any] = {
    "service": "kps",
    "hwc_access_key": ACCESS_KEY,
    "hwc_secret_key": SECRET_KEY,
    "hwc_region": REGION,
    "hwc_project_id": PROJECT,
    "jitter": 0,
}
#: The options of a source for CloudSSO.
CLOUDSSO_OPTIONS: dict[str, t.Any] = {
    "service": "cloudsso",
    "directory_id": "d-1",
    "jitter": 0,
    **{name: value for name, value in ali_options().items() if value is not None},
}
assert set(KPS_OPTIONS) - {"service", "jitter"} <= set(HWC_OPTIONS)


@dataclasses.dataclass
class FakeTask:
    """A task. Times are seconds since the clock began.

    Attributes:
        begins: When it begins.
        ends: When it ends.
        fails: Code and message with which it fails; None when it succeeds.
    """

    begins: float = 0.0
    ends: float = 1e9
    fails: tuple[str, str] | None = None


class FakeServices:
    """Both services behind one transport.

    Args:
        clock: The time.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.tasks: dict[str, FakeTask] = {}
        #: What was asked, such as ``running``, ``failed``, ``task t-1``, ``ListTasks StartTime ge ...``.
        self.asked: list[str] = []
        #: What comes of requests whose word begins so, in place of a response.
        self.trouble: dict[str, Response | CloudError] = {}
        #: Called at the beginning of each request.
        self.on_request: t.Callable[[], None] | None = None

    def connect(self, **_arguments: t.Any) -> FakeServices:
        """Return itself, in place of a new object of the real transport's class."""
        return self

    def close(self) -> None:
        """Implement ``Transport``; do nothing."""

    @property
    def age(self) -> float:
        """Seconds since the clock began."""
        return self.clock.now - 1000.0

    def send(self, request: Request, timeout: float) -> Response:
        """Implement ``Transport``."""
        if self.on_request is not None:
            self.on_request()
        if len(self.asked) > 5000:
            pytest.fail("the source never stops")
        self.clock.now += min(TOOK, timeout)
        url = urllib.parse.urlsplit(request.url)
        query = dict(urllib.parse.parse_qsl(url.query))
        response = (
            self._cloudsso(request.headers["x-acs-action"], query) if request.method == "POST" else self._kps(url.path)
        )
        for begin, outcome in self.trouble.items():
            if self.asked[-1].startswith(begin):
                if isinstance(outcome, CloudError):
                    raise outcome.copy()
                return outcome
        return response

    def _kps(self, path: str) -> Response:
        what = path.rsplit("/", 2)[-2:] if "/tasks/" in path else [path.rsplit("/", 1)[-1].split("-")[0]]
        self.asked.append(" ".join(what).replace("tasks", "task"))
        if what[0] == "tasks":
            task = self._begun().get(what[1])
            if task is None:
                return error_response(400, "KPS.0001", "no such task")
            return answer({"task_id": what[1], "server_id": f"s-{what[1]}", "task_status": f"{self._word(task)}_RESET"})
        wanted = "RUNNING" if what[0] == "running" else "FAILED"
        rows = [self._row(name, task) for name, task in self._begun().items() if self._word(task) == wanted]
        return answer({"total": len(rows), "tasks": rows})

    def _row(self, name: str, task: FakeTask) -> dict[str, t.Any]:
        code, message = task.fails or (None, None)
        row = {"task_id": name, "server_id": f"s-{name}", "server_name": f"server-{name}", "keypair_name": "kp"}
        row["task_time"] = str(int((EPOCH + task.ends) * 1000))
        return {**row, "task_error_code": code, "task_error_msg": message} if code else row

    def _cloudsso(self, action: str, query: t.Mapping[str, str]) -> Response:
        date = email.utils.formatdate(EPOCH + self.age, usegmt=True)
        words = {"RUNNING": "InProgress", "SUCCESS": "Success", "FAILED": "Failed"}
        shown = {
            name: {"TaskId": name, "Status": words[self._word(task)], "FailureReason": (task.fails or ("", ""))[1]}
            for name, task in self._begun().items()
        }
        if action == "GetTask":
            self.asked.append(f"task {query['TaskId']}")
            if query["TaskId"] not in shown:
                return answer({"Code": "EntityNotExists.Task", "Message": "no such task"}, 404, date=date)
            return answer({"Task": shown[query["TaskId"]]}, date=date)
        self.asked.append(f"ListTasks {query.get('Filter', '')}".strip())
        rows = list(shown.values())[: int(query["MaxResults"])]
        return answer({"Tasks": rows, "IsTruncated": False}, date=date)

    def _begun(self) -> dict[str, FakeTask]:
        return {name: task for name, task in self.tasks.items() if task.begins <= self.age}

    def _word(self, task: FakeTask) -> str:
        if self.age < task.ends:
            return "RUNNING"
        return "FAILED" if task.fails else "SUCCESS"
