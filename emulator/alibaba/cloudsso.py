# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CloudSSO: who may do what in which account, and the tasks that make it so."""

from __future__ import annotations

import calendar
import collections
import dataclasses
import re
import time
import typing as t
import uuid

from ..clock import iso
from ..messages import ApiError, Json, Response
from ..service import Call, Operation, Service, World
from . import responses

VERSION = "2021-05-15"
TARGET_TYPE = "RD-Account"
#: Rows of a page, by default and at most.
DEFAULT_RESULTS, MAX_RESULTS = 10, 20
#: How far back tasks are listed, in seconds: by default, and at most.
DEFAULT_WINDOW, MAX_WINDOW = 24 * 3600, 7 * 24 * 3600
STATUSES = ("InProgress", "Success", "Failed")
CREATE, DELETE = "CreateAccessAssignment", "DeleteAccessAssignment"
PROVISION, DEPROVISION = "ProvisionAccessConfiguration", "DeprovisionAccessConfiguration"

_FILTER = re.compile(r"StartTime ge (?P<start>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")


@dataclasses.dataclass
class Directory:
    """A directory, and what is in it: names by id.

    Attributes:
        assignments: Access configuration, principal and target of every assignment.
        provisionings: Access configuration and target of every provisioning.
    """

    id: str
    name: str
    account: str
    region: str
    created: float
    users: dict[str, str] = dataclasses.field(default_factory=dict)
    groups: dict[str, str] = dataclasses.field(default_factory=dict)
    configurations: dict[str, str] = dataclasses.field(default_factory=dict)
    targets: dict[str, str] = dataclasses.field(default_factory=dict)
    assignments: set[tuple[str, str, str]] = dataclasses.field(default_factory=set)
    provisionings: set[tuple[str, str]] = dataclasses.field(default_factory=set)


@dataclasses.dataclass
class Task:
    """A task.

    Attributes:
        principal_type: ``User`` or ``Group``; None for tasks that concern an access configuration only.
        start, end: Seconds since the epoch.
    """

    id: str
    directory: Directory
    type: str
    configuration_id: str
    target_id: str
    start: float
    principal_type: str | None = None
    principal_id: str | None = None
    status: str = "InProgress"
    end: float | None = None
    failure_reason: str | None = None

    def what(self) -> dict[str, Json]:
        """Return the fields that say what the task is about."""
        document: dict[str, Json] = {
            "TaskId": self.id,
            "TaskType": self.type,
            "Status": self.status,
            "AccessConfigurationId": self.configuration_id,
            "AccessConfigurationName": self.directory.configurations[self.configuration_id],
            "TargetType": TARGET_TYPE,
            "TargetId": self.target_id,
            "TargetName": self.directory.targets[self.target_id],
            "TargetPath": f"rd-3G****/r-Wm****/{self.target_id}",
            "TargetPathName": f"rd-3G****/root/{self.directory.targets[self.target_id]}",
        }
        if self.principal_id is not None:
            names = self.directory.users if self.principal_type == "User" else self.directory.groups
            document |= {
                "PrincipalType": self.principal_type,
                "PrincipalId": self.principal_id,
                "PrincipalName": names[self.principal_id],
            }
        return document

    def progress(self) -> dict[str, Json]:
        """Return the fields that say how far the task is; those that do not apply are absent."""
        document: dict[str, Json] = {
            "TaskId": self.id,
            "TaskType": self.type,
            "Status": self.status,
            "StartTime": iso(self.start),
        }
        if self.end is not None:
            document["EndTime"] = iso(self.end)
        if self.failure_reason is not None:
            document["FailureReason"] = self.failure_reason
        return document


class CloudSso(Service):
    """The service.

    Args:
        world: Time, faults, the lock.
        task_seconds: How long a task takes.
    """

    name = "cloudsso"

    def __init__(self, world: World, task_seconds: float) -> None:
        self.world = world
        self.task_seconds = task_seconds
        #: Requests per second of one account; None: no limit. The documented one of GetTask is 20.
        self.rate_limit: int | None = None
        #: 400 or 429: not documented.
        self.throttle_status = 429
        #: Milliseconds told in x-acs-retry-after when throttled; None tells nothing.
        self.retry_after: int | None = None
        self.directories: dict[str, Directory] = {}
        self.tasks: dict[str, Task] = {}
        self._recent: dict[str, collections.deque[float]] = collections.defaultdict(collections.deque)

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations; the path is the version."""
        reads = {
            "GetTask": self._get_task,
            "GetTaskStatus": self._get_task_status,
            "ListTasks": self._list_tasks,
            "ListDirectories": self._list_directories,
        }
        writes = {
            CREATE: self._change_assignment,
            DELETE: self._change_assignment,
            PROVISION: self._change_provisioning,
            DEPROVISION: self._change_provisioning,
        }
        return [
            *(Operation(name, name, VERSION, handle) for name, handle in reads.items()),
            *(Operation(name, name, VERSION, handle, writes=True) for name, handle in writes.items()),
        ]

    def error_response(self, error: ApiError) -> Response:
        """Return an error in the one form; a throttled request may be told when to try again."""
        response = responses.error_response(error)
        if error.code.startswith("Throttling") and self.retry_after is not None:
            response = response.with_headers(("x-acs-retry-after", str(self.retry_after)))
        return response

    def invalid(self, message: str) -> ApiError:
        """Return the error for a malformed request."""
        return ApiError(400, "InvalidParameter", message)

    def concerns(self, call: Call) -> set[str]:
        """Return the ids a call names, and those of the task it asks for."""
        names = {value for name, value in call.query.items() if name.endswith("Id")}
        task = self.tasks.get(call.query.get("TaskId", ""))
        return names | self._names(task) if task is not None else names

    def _names(self, task: Task) -> set[str]:
        return {name for name in (task.configuration_id, task.principal_id, task.target_id) if name}

    def throttle(self, account: str) -> None:
        """Count a request of an account.

        Raises:
            ApiError: It is one too many.
        """
        if self.rate_limit is None:
            return
        now, recent = self.world.now(), self._recent[account]
        while recent and recent[0] <= now - 1:
            recent.popleft()
        recent.append(now)
        if len(recent) > self.rate_limit:
            raise responses.throttled(self.throttle_status)

    # what a call names

    def _given(self, call: Call, name: str) -> str:
        value = call.query.get(name)
        if not value:
            raise responses.missing(name)
        return value

    def _directory(self, call: Call) -> Directory:
        directory = self.directories.get(self._given(call, "DirectoryId"))
        if directory is None or directory.account != call.identity.domain_id:
            raise responses.not_exists("Directory", call.query["DirectoryId"])
        return directory

    def _task(self, call: Call) -> Task:
        directory = self._directory(call)
        task = self.tasks.get(self._given(call, "TaskId"))
        if task is None or task.directory is not directory:
            raise responses.not_exists("Task", call.query["TaskId"])
        return task

    def _configuration(self, call: Call, directory: Directory) -> str:
        configuration = self._given(call, "AccessConfigurationId")
        if configuration not in directory.configurations:
            raise responses.not_exists("AccessConfiguration", configuration)
        return configuration

    def _target(self, call: Call, directory: Directory) -> str:
        if self._given(call, "TargetType") != TARGET_TYPE:
            raise responses.invalid("TargetType", f"it must be {TARGET_TYPE}.")
        target = self._given(call, "TargetId")
        if target not in directory.targets:
            raise responses.not_exists("Target", target)
        return target

    def _principal(self, call: Call, directory: Directory) -> tuple[str, str]:
        kind, principal = self._given(call, "PrincipalType"), self._given(call, "PrincipalId")
        if kind not in ("User", "Group"):
            raise responses.invalid("PrincipalType", "it must be User or Group.")
        if principal not in (directory.users if kind == "User" else directory.groups):
            raise responses.not_exists(kind, principal)
        return kind, principal

    # reading

    def _get_task(self, call: Call) -> Response:
        task = self._task(call)
        return responses.success({"Task": {**task.what(), **task.progress()}})

    def _get_task_status(self, call: Call) -> Response:
        return responses.success({"TaskStatus": self._task(call).progress()})

    def _list_directories(self, call: Call) -> Response:
        rows = [
            {
                "DirectoryId": directory.id,
                "DirectoryName": directory.name,
                "Region": directory.region,
                "CreateTime": iso(directory.created),
                "UpdateTime": iso(directory.created),
            }
            for directory in self.directories.values()
            if directory.account == call.identity.domain_id
        ]
        return responses.success({"Directories": rows, "TotalCounts": len(rows)})

    def _list_tasks(self, call: Call) -> Response:
        directory = self._directory(call)
        limit = self.integer(call, "MaxResults", DEFAULT_RESULTS, 1, MAX_RESULTS)
        since = self._since(call)
        wanted = self._wanted(call)
        found = [
            task
            for task in reversed(self.tasks.values())
            if task.directory is directory
            and task.start >= since
            and all(task.what().get(name) == value for name, value in wanted.items())
        ]
        start = self._start(found, call.query.get("NextToken", ""))
        page, more = found[start : start + limit], start + limit < len(found)
        document: dict[str, Json] = {
            "Tasks": [{**task.what(), **task.progress()} for task in page],
            "IsTruncated": more,
            "MaxResults": limit,
            "TotalCounts": len(found),
        }
        return responses.success({**document, "NextToken": f"nt-{page[-1].id}"} if more else document)

    def _since(self, call: Call) -> float:
        text, now = call.query.get("Filter"), self.world.now()
        if text is None:
            return now - DEFAULT_WINDOW
        match = _FILTER.fullmatch(text)
        if match is None:
            raise responses.invalid("Filter", "it must be StartTime ge YYYY-MM-DDTHH:mm:SSZ.")
        since = calendar.timegm(time.strptime(match["start"], "%Y-%m-%dT%H:%M:%SZ"))
        if since < now - MAX_WINDOW:
            raise responses.invalid("Filter", "at most 7 days back.")
        return since

    def _wanted(self, call: Call) -> dict[str, str]:
        """Return the filters that compare for equality; some make sense in pairs only."""
        for one, other in (("PrincipalId", "PrincipalType"), ("TargetId", "TargetType")):
            if (one in call.query) != (other in call.query):
                raise responses.invalid(one, f"{one} and {other} must be given together.")
        names = ("AccessConfigurationId", "PrincipalId", "PrincipalType", "TargetId", "TargetType")
        wanted = {name: call.query[name] for name in (*names, "Status", "TaskType") if name in call.query}
        if wanted.get("Status", "Success") not in STATUSES:
            raise responses.invalid("Status", f"it must be one of {', '.join(STATUSES)}.")
        types = (CREATE, DELETE, PROVISION, DEPROVISION)
        if wanted.get("TaskType", CREATE) not in types:
            raise responses.invalid("TaskType", f"it must be one of {', '.join(types)}.")
        return wanted

    def _start(self, found: list[Task], token: str) -> int:
        if not token:
            return 0
        for index, task in enumerate(found):
            if token == f"nt-{task.id}":
                return index + 1
        raise responses.invalid("NextToken", "it is not a token of this list.")

    # changing

    def _change_assignment(self, call: Call) -> Response:
        directory = self._directory(call)
        configuration, target = self._configuration(call, directory), self._target(call, directory)
        principal = self._principal(call, directory)
        strategy = call.query.get("DeprovisionStrategy", "None")
        if strategy not in ("None", "DeprovisionForLastAccessAssignmentOnAccount"):
            raise responses.invalid("DeprovisionStrategy", strategy)
        task = self.change_assignment(directory, call.operation.name, configuration, principal, target, strategy)
        return responses.success({"Task": task.what()})

    def change_assignment(
        self,
        directory: Directory,
        operation: str,
        configuration: str,
        principal: tuple[str, str],
        target: str,
        strategy: str = "None",
    ) -> Task:
        """Start to assign an access configuration, or to take it away.

        Args:
            operation: ``CreateAccessAssignment`` or ``DeleteAccessAssignment``.
            principal: Type and id.
            strategy: What becomes of the provisioning when the last assignment goes.
        """
        kind, principal_id = principal
        assignment = (configuration, principal_id, target)
        if operation == DELETE and assignment not in directory.assignments:
            raise responses.not_exists("AccessAssignment", "/".join(assignment))
        return self._begin(
            Task(
                id=_task_id(),
                directory=directory,
                type=operation,
                configuration_id=configuration,
                target_id=target,
                start=self.world.now(),
                principal_type=kind,
                principal_id=principal_id,
            ),
            lambda: self._assign(directory, assignment, operation, strategy),
        )

    def _assign(self, directory: Directory, assignment: tuple[str, str, str], operation: str, strategy: str) -> None:
        configuration, _principal, target = assignment
        if operation == CREATE:
            directory.assignments.add(assignment)
            directory.provisionings.add((configuration, target))
            return
        directory.assignments.discard(assignment)
        last = not any(other[::2] == (configuration, target) for other in directory.assignments)
        if last and strategy != "None":
            directory.provisionings.discard((configuration, target))

    def _change_provisioning(self, call: Call) -> Response:
        directory = self._directory(call)
        configuration = self._configuration(call, directory)
        if "TargetId" in call.query or "TargetType" in call.query:
            targets = [self._target(call, directory)]
        else:
            targets = sorted(target for other, target in directory.provisionings if other == configuration)
        if call.operation.name == DEPROVISION:
            self._check_deprovisioning(directory, configuration, targets)
        tasks = []
        for target in targets:
            task = Task(
                id=_task_id(),
                directory=directory,
                type=call.operation.name,
                configuration_id=configuration,
                target_id=target,
                start=self.world.now(),
            )
            tasks.append(self._begin(task, self._provisioner(directory, (configuration, target), call.operation.name)))
        return responses.success({"Tasks": [task.what() for task in tasks]})

    def _check_deprovisioning(self, directory: Directory, configuration: str, targets: list[str]) -> None:
        for target in targets:
            if (configuration, target) not in directory.provisionings:
                raise responses.not_exists("AccessConfigurationProvisioning", f"{configuration}/{target}")
            if any(assignment[::2] == (configuration, target) for assignment in directory.assignments):
                code = "DeletionConflict.AccessConfigurationProvisioning.AccessAssignment"
                raise ApiError(409, code, "The access configuration is still assigned in the account.")

    def _provisioner(self, directory: Directory, pair: tuple[str, str], operation: str) -> t.Callable[[], None]:
        change = directory.provisionings.add if operation == PROVISION else directory.provisionings.discard
        return lambda: change(pair)

    def _begin(self, task: Task, effect: t.Callable[[], None]) -> Task:
        """Start a task, unless one for the same configuration and account is running."""
        for other in self.tasks.values():
            if (
                other.status == "InProgress"
                and other.directory is task.directory
                and (other.configuration_id, other.target_id) == (task.configuration_id, task.target_id)
                and (other.principal_id == task.principal_id or None in (other.principal_id, task.principal_id))
            ):
                raise ApiError(409, "OperationConflict.Task", f"The task {other.id} is in progress.")
        fate = self.world.faults.fate(self._names(task), task.type, self.task_seconds, "InternalError")
        self.tasks[task.id] = task

        def finish() -> None:
            task.end = self.world.now()
            if fate.failure is None:
                effect()
                task.status, task.failure_reason = fate.word or "Success", fate.remark
            else:
                task.status, task.failure_reason = fate.word or "Failed", ": ".join(fate.failure)

        if fate.seconds is not None:
            self.world.timeline.after(fate.seconds, finish)
        return task


def _task_id() -> str:
    return f"t-{uuid.uuid4().hex[:20]}"
