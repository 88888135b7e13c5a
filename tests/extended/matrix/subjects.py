# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subjects of the matrix: reads of both clouds, waits, and each kind of write, with the request that the fault strikes."""

from __future__ import annotations

import dataclasses
import typing as t

from emulator import Emulator
from emulator.huawei.csms import Secret
from emulator.huawei.servers import Server
from emulator.messages import Request

READ, WAIT, WRITE = "read", "wait", "write"
#: Seconds of a wait, of those that a write ends with, too.
WAIT_TIMEOUT = 400.0
#: A key that is imported; nothing is done with it.
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8pXqnyHuyZNR3O1iVrGzBTVvJ8bGnXmOWY8yGVzWqN"


@dataclasses.dataclass(frozen=True)
class Prepared:
    """One run, ready to go.

    Attributes:
        options: The module's options, credentials included.
        took_effect: Whether the write has taken effect in the service.
        secrets: What must not be seen in any output.
    """

    options: dict[str, t.Any]
    took_effect: t.Callable[[], bool] = lambda: False
    secrets: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Subject:
    """A kind of module.

    Attributes:
        name: In the names of cells.
        kind: ``READ``, ``WAIT`` or ``WRITE``.
        module: The module.
        operation: The vendor's name of the operation that the fault strikes.
        prepare: Lets the emulator have what the run works on.
        cloud: ``hwc`` or ``ali``.
        gone: Status and code with which the service says that the thing asked for does not exist; None where it cannot.
        bodiless: The response promises no body.
        traceable: Whether the module can find out if a write whose response was lost took effect.
        synchronous: Whether the write has taken effect when it is answered.
        answer_is_secret: The response holds a secret.
        lists: It reads many tasks with one request.
    """

    name: str
    kind: str
    module: str
    operation: str
    prepare: t.Callable[[Emulator], Prepared]
    cloud: str = "hwc"
    gone: tuple[int, str] | None = None
    bodiless: bool = False
    traceable: bool = True
    synchronous: bool = True
    answer_is_secret: bool = False
    lists: bool = False

    def strikes(self, request: Request) -> bool:
        """Return whether a request is the one that the fault is for."""
        if self.cloud == "ali":
            return request.header("x-acs-action") == self.operation
        method, part = _TARGETS[self.operation]
        path = request.path
        return request.method == method and (
            path.endswith(part[:-1]) if part.endswith("$") else part in path.replace("/v3/tasks/", "/v3/x/tasks/")
        )


#: Method, and the end ($) or a part of the path.
_TARGETS = {
    "ListKeypairTask": ("GET", "/tasks/"),
    "ListSecretTask": ("GET", "/csms/tasks$"),
    "ShowPassphrase": ("GET", "/passphrase$"),
    "ListServersDetails": ("GET", "/cloudservers/detail$"),
    "AssociateKeypair": ("POST", "/keypairs/associate$"),
    "DisassociateKeypair": ("POST", "/keypairs/disassociate$"),
    "CreateKeypair": ("POST", "/keypairs$"),
    "UpdateKeypairDescription": ("PUT", "/keypairs/"),
    "DeleteKeypair": ("DELETE", "/keypairs/"),
    "ServerAction": ("POST", "/cloudservers/action$"),
    "DeleteFailedTask": ("DELETE", "/failed-tasks/"),
}


def _key(emulator: Emulator) -> dict[str, t.Any]:
    return {"hwc_access_key": emulator.access_key.access, "hwc_secret_key": emulator.access_key.secret}


def _huawei(emulator: Emulator, **options: t.Any) -> dict[str, t.Any]:
    return {**_key(emulator), "hwc_region": "cn-north-4", "hwc_project_id": emulator.project.id, **options}


def _with_key(
    emulator: Emulator,
    took_effect: t.Callable[[], bool] = lambda: False,
    secrets: tuple[str, ...] = (),
    **options: t.Any,
) -> Prepared:
    return Prepared(_huawei(emulator, **options), took_effect, (emulator.access_key.secret, *secrets))


def _server(emulator: Emulator, number: int, status: str) -> Server:
    server = list(emulator.huawei.servers.values())[number]
    server.status = status
    return server


def _resets(emulator: Emulator, count: int = 1) -> list[str]:
    pair = emulator.huawei.keypairs[emulator.project.id, "new"]
    servers = [_server(emulator, number, "SHUTOFF") for number in range(count)]
    return [str(emulator.huawei.kps.bind(server, pair)["task_id"]) for server in servers]


def _kps_task(emulator: Emulator) -> Prepared:
    # With a token, which travels in a header of the request.
    token = emulator.huawei.directory.issue_token(
        emulator.user, emulator.domain.id, emulator.project.id, domain_scope=False, methods=("password",)
    )
    options = {"hwc_auth_token": token.text, "hwc_region": "cn-north-4", "hwc_project_id": emulator.project.id}
    return Prepared({**options, "task_id": _resets(emulator)[0]}, secrets=(token.text,))


def _rotations(emulator: Emulator, count: int) -> list[str]:
    csms = emulator.huawei.csms
    secrets = [csms.add_secret(Secret(f"database-{number}", emulator.project.id)) for number in range(count)]
    return [csms.rotate(secret).id for secret in secrets]


def _csms_list(emulator: Emulator) -> Prepared:
    _rotations(emulator, 2)
    key = emulator.huawei.directory.temporary_key(emulator.user.id, emulator.domain.id, 86400.0)
    token = str(key.security_token)
    options = {"hwc_access_key": key.access, "hwc_secret_key": key.secret, "hwc_security_token": token}
    return Prepared(_huawei(emulator, **options), secrets=(key.secret, token))


def _passphrase(emulator: Emulator) -> Prepared:
    migration = next(row for row in emulator.huawei.sms.tasks.values() if row.passphrase)
    return _with_key(emulator, task_id=migration.id)


def _servers(emulator: Emulator) -> Prepared:
    return _with_key(emulator, server_ids=[_server(emulator, 0, "ACTIVE").id])


def _alibaba(emulator: Emulator, **options: t.Any) -> Prepared:
    account = emulator.alibaba_account
    principal = f"acs:ram::{account.id}:assumed-role/emulated-role/matrix"
    key = emulator.alibaba.ram.temporary_key(account.id, principal, 86400.0)
    cloudsso = emulator.alibaba.cloudsso
    task = cloudsso.change_assignment(
        account.directory,
        "CreateAccessAssignment",
        "ac-emulated0001",
        ("User", "u-emulated0001"),
        "1000000000000001",
    )
    token = str(key.security_token)
    return Prepared(
        {
            "ali_access_key_id": key.access,
            "ali_access_key_secret": key.secret,
            "ali_security_token": token,
            "ali_region": "cn-shanghai",
            "directory_id": account.directory.id,
            **{name: task.id if value == "the task" else value for name, value in options.items()},
        },
        secrets=(key.secret, token),
    )


_WAIT: dict[str, t.Any] = {"timeout": WAIT_TIMEOUT, "progress": 0}


def _wait_kps(emulator: Emulator) -> Prepared:
    return _with_key(emulator, service="kps", task_ids=_resets(emulator), **_WAIT)


def _wait_csms(emulator: Emulator) -> Prepared:
    return _with_key(emulator, service="csms", task_ids=_rotations(emulator, 4), **_WAIT)


def _associate(emulator: Emulator) -> Prepared:
    server = _server(emulator, 0, "ACTIVE")
    key = emulator.old_key.private
    return _with_key(
        emulator,
        lambda: any(task.server_id == server.id for task in emulator.huawei.tasks.values()),
        (key,),
        server_ids=[server.id],
        keypair_name="new",
        private_key=key,
        wait_timeout=WAIT_TIMEOUT,
    )


def _disassociate(emulator: Emulator) -> Prepared:
    server = _server(emulator, 0, "SHUTOFF")
    return _with_key(
        emulator,
        lambda: any(task.server_id == server.id for task in emulator.huawei.tasks.values()),
        server_ids=[server.id],
        state="absent",
        wait_timeout=WAIT_TIMEOUT,
    )


def _power(state: str) -> t.Callable[[Emulator], Prepared]:
    def prepare(emulator: Emulator) -> Prepared:
        server = _server(emulator, 0, "SHUTOFF" if state == "running" else "ACTIVE")
        return _with_key(
            emulator,
            lambda: bool(emulator.huawei.jobs),
            server_ids=[server.id],
            state=state,
            wait_timeout=WAIT_TIMEOUT,
        )

    return prepare


def _exists(emulator: Emulator, name: str) -> t.Callable[[], bool]:
    return lambda: (emulator.project.id, name) in emulator.huawei.keypairs


def _create(emulator: Emulator) -> Prepared:
    return _with_key(emulator, _exists(emulator, "made"), name="made")


def _import(emulator: Emulator) -> Prepared:
    return _with_key(emulator, _exists(emulator, "made"), name="made", public_key=PUBLIC_KEY)


def _delete(emulator: Emulator) -> Prepared:
    return _with_key(emulator, lambda: not _exists(emulator, "new")(), name="new", state="absent")


def _describe(emulator: Emulator) -> Prepared:
    pair = emulator.huawei.keypairs[emulator.project.id, "new"]
    return _with_key(emulator, lambda: pair.description == "fleet", name="new", description="fleet")


def _failed_task(emulator: Emulator) -> Prepared:
    server = _server(emulator, 0, "ACTIVE")  # which a request without a login cannot work on
    task_id = str(emulator.huawei.kps.bind(server, emulator.huawei.keypairs[emulator.project.id, "new"])["task_id"])
    task = emulator.huawei.tasks[task_id]
    emulator.huawei.kps._fail(task, "KPS.3054", "Update public key error")
    return _with_key(emulator, lambda: task_id not in emulator.huawei.tasks, task_ids=[task_id])


SUBJECTS = (
    Subject("kps info", READ, "hwc_kps_task_info", "ListKeypairTask", _kps_task, gone=(400, "KPS.0001")),
    Subject("csms info", READ, "hwc_csms_task_info", "ListSecretTask", _csms_list),
    Subject("passphrase", READ, "hwc_sms_passphrase_info", "ShowPassphrase", _passphrase, answer_is_secret=True),
    Subject("server info", READ, "hwc_ecs_server_info", "ListServersDetails", _servers),
    Subject(
        "cloudsso info",
        READ,
        "ali_cloudsso_task_info",
        "GetTask",
        lambda emulator: _alibaba(emulator, task_id="the task"),
        cloud="ali",
        gone=(404, "EntityNotExists.Task"),
    ),
    Subject("wait kps", WAIT, "wait_for_task", "ListKeypairTask", _wait_kps, gone=(400, "KPS.0001")),
    Subject("wait csms", WAIT, "wait_for_task", "ListSecretTask", _wait_csms, lists=True),
    Subject(
        "wait cloudsso",
        WAIT,
        "wait_for_task",
        "GetTask",
        lambda emulator: _alibaba(emulator, task_id="the task", service="cloudsso", **_WAIT),
        cloud="ali",
        gone=(404, "EntityNotExists.Task"),
    ),
    Subject("associate", WRITE, "hwc_kps_keypair_association", "AssociateKeypair", _associate, synchronous=False),
    Subject(
        "disassociate", WRITE, "hwc_kps_keypair_association", "DisassociateKeypair", _disassociate, synchronous=False
    ),
    Subject("stop", WRITE, "hwc_ecs_server_power", "ServerAction", _power("stopped"), synchronous=False),
    Subject("start", WRITE, "hwc_ecs_server_power", "ServerAction", _power("running"), synchronous=False),
    Subject("create", WRITE, "hwc_kps_keypair", "CreateKeypair", _create, traceable=False, answer_is_secret=True),
    Subject("import", WRITE, "hwc_kps_keypair", "CreateKeypair", _import),
    Subject("describe", WRITE, "hwc_kps_keypair", "UpdateKeypairDescription", _describe, bodiless=True),
    Subject("delete", WRITE, "hwc_kps_keypair", "DeleteKeypair", _delete, gone=(400, "KPS.4016"), bodiless=True),
    Subject(
        "forget",
        WRITE,
        "hwc_kps_failed_task",
        "DeleteFailedTask",
        _failed_task,
        gone=(400, "KPS.0005"),
        bodiless=True,
    ),
)
