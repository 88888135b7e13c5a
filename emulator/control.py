# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator's own HTTP interface, for tests in other processes. Unsigned; the server listens on the loopback only."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .messages import ApiError, Json, Request, Response

if t.TYPE_CHECKING:
    from .app import Emulator


def answer(emulator: Emulator, request: Request) -> Response:
    """Answer a request below ``/_emulator/``."""
    handler = _ROUTES.get((request.method, request.path.removeprefix("/_emulator/")))
    if handler is None:
        known = ", ".join(f"{method} /_emulator/{path}" for method, path in _ROUTES)
        return Response.of({"error": f"there is no such path; there are {known}"}, 404)
    try:
        document = json.loads(request.body) if request.body else {}
        return Response.of(handler(emulator, document, dict(request.pairs())))
    except (ApiError, ValueError, KeyError, TypeError) as error:
        return Response.of({"error": f"{type(error).__name__}: {error}"}, 400)


def _state(emulator: Emulator, _document: Json, _query: dict[str, str]) -> Json:
    with emulator.world.lock:
        emulator.settle()
        fleet = emulator.fleet
        machines = fleet.machines if fleet is not None else {}
        return {
            "servers": [
                {
                    **server.as_json(),
                    "ssh_address": machines[server.id].address if server.id in machines else None,
                    "ssh_port": machines[server.id].port if server.id in machines else None,
                    "ssh_up": machines[server.id].up if server.id in machines else None,
                    "authorized_keys": (
                        machines[server.id].authorized_keys.read_text().splitlines() if server.id in machines else None
                    ),
                }
                for server in emulator.huawei.servers.values()
            ],
            "keypairs": [pair.as_detail() for pair in emulator.huawei.keypairs.values()],
            "tasks": [
                {
                    **task.as_row(),
                    "task_status": task.status,
                    "error_code": task.error_code,
                    "error_msg": task.error_msg,
                }
                for task in emulator.huawei.tasks.values()
            ],
            "jobs": [
                {"job_id": job.id, "type": job.type, "status": job.status} for job in emulator.huawei.jobs.values()
            ],
            "rotations": [task.as_json() for task in emulator.huawei.csms.tasks.values()],
            "migrations": [task.as_row() for task in emulator.huawei.sms.tasks.values()],
            "directories": [
                {
                    "DirectoryId": directory.id,
                    "users": directory.users,
                    "groups": directory.groups,
                    "configurations": directory.configurations,
                    "targets": directory.targets,
                }
                for directory in emulator.alibaba.directories.values()
            ],
            "cloudsso_tasks": [{**task.what(), **task.progress()} for task in emulator.alibaba.tasks.values()],
            "logins": [dataclasses.asdict(login) for login in fleet.logins] if fleet is not None else [],
        }


def _requests(emulator: Emulator, _document: Json, query: dict[str, str]) -> Json:
    with emulator.world.lock:
        entries = emulator.requests.writes() if query.get("writes") else list(emulator.requests)
        return {"requests": [entry.as_json() for entry in entries]}


def _forget(emulator: Emulator, _document: Json, _query: dict[str, str]) -> Json:
    with emulator.world.lock:
        emulator.requests.clear()
        return {}


def _faults(emulator: Emulator, _document: Json, _query: dict[str, str]) -> Json:
    with emulator.world.lock:
        return {"faults": [dataclasses.asdict(fault) for fault in emulator.world.faults]}


def _add_fault(emulator: Emulator, document: Json, _query: dict[str, str]) -> Json:
    return dataclasses.asdict(emulator.fail(document.pop("what"), **document))


def _heal(emulator: Emulator, _document: Json, _query: dict[str, str]) -> Json:
    emulator.heal()
    return {}


def _reset(emulator: Emulator, _document: Json, _query: dict[str, str]) -> Json:
    emulator.reset()
    return {}


def _environment(emulator: Emulator, _document: Json, _query: dict[str, str]) -> Json:
    return emulator.environment()


def _set_server(emulator: Emulator, document: Json, _query: dict[str, str]) -> Json:
    """Change a server's fields behind the API's back: ``{"server": id or name, "fields": {...}}``."""
    with emulator.world.lock:
        server = emulator.huawei.ecs.find(document["server"])
        for name, value in document["fields"].items():
            if name not in {field.name for field in dataclasses.fields(server)}:
                raise ValueError(f"a server has no field {name}")
            setattr(server, name, value)
        return server.as_json()


def _rotate(emulator: Emulator, document: Json, _query: dict[str, str]) -> Json:
    """Rotate a secret: ``{"secret": name}``; without a name the one that can be rotated."""
    with emulator.world.lock:
        secret = emulator.huawei.csms.secrets[emulator.project.id, document.get("secret", "database")]
        return {"task_id": emulator.huawei.csms.rotate(secret).id}


def _migrate(emulator: Emulator, document: Json, _query: dict[str, str]) -> Json:
    """Let a migration run: ``{"task": id or name, "seconds": 2, "ends": "MIGRATE_SUCCESS", "error": null}``."""
    with emulator.world.lock:
        for migration in emulator.huawei.sms.tasks.values():
            if document["task"] in (migration.id, migration.name):
                emulator.huawei.sms.run(
                    migration,
                    float(document.get("seconds", 2)),
                    document.get("ends", "MIGRATE_SUCCESS"),
                    document.get("error"),
                )
                return {"task_id": migration.id}
        raise KeyError(document["task"])


def _assign(emulator: Emulator, document: Json, _query: dict[str, str]) -> Json:
    """Assign an access configuration; what is not given is the first there is.

    ``{"operation": "CreateAccessAssignment", "configuration": id, "user": id, "target": id}``
    """
    with emulator.world.lock:
        directory = emulator.alibaba_account.directory
        task = emulator.alibaba.cloudsso.change_assignment(
            directory,
            document.get("operation", "CreateAccessAssignment"),
            document.get("configuration", next(iter(directory.configurations))),
            ("User", document.get("user", next(iter(directory.users)))),
            document.get("target", next(iter(directory.targets))),
        )
        return {"directory_id": directory.id, "task_id": task.id}


def _settings(emulator: Emulator, document: Json, _query: dict[str, str]) -> Json:
    """Change how services behave: ``{"kps.task_seconds": 5, "cloudsso.rate_limit": 20}``."""
    with emulator.world.lock:
        for name, value in document.items():
            if name not in SETTINGS:
                raise ValueError(f"there is no setting {name}; there are {', '.join(SETTINGS)}")
            owner, _dot, attribute = name.partition(".")
            cloud = emulator.alibaba if owner == "cloudsso" else emulator.huawei
            setattr(cloud if owner == "huawei" else getattr(cloud, owner), attribute, value)
        return document


#: What can be set from outside; each is documented where it is defined.
SETTINGS = (
    "huawei.rate_limit",
    "ecs.job_seconds",
    "ecs.boot_seconds",
    "ecs.tolerant",
    "kps.task_seconds",
    "kps.accepted_status",
    "kps.replace_suffix",
    "csms.task_seconds",
    "csms.pending_status",
    "csms.delay_seconds",
    "csms.trailing_marker",
    "csms.total_of_page",
    "csms.nested_errors",
    "csms.tells_task_id",
    "cloudsso.task_seconds",
    "cloudsso.rate_limit",
    "cloudsso.throttle_status",
    "cloudsso.retry_after",
)

_ROUTES: dict[tuple[str, str], t.Callable[[Emulator, Json, dict[str, str]], Json]] = {
    ("GET", "state"): _state,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _forget,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _heal,
    ("POST", "reset"): _reset,
    ("GET", "environment"): _environment,
    ("POST", "server"): _set_server,
    ("POST", "settings"): _settings,
    ("POST", "rotate"): _rotate,
    ("POST", "migrate"): _migrate,
    ("POST", "assign"): _assign,
}
