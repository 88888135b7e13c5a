# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision which operation a server's key pair can have: every row of the table, and every refusal."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.plan import LoginSecrets, NextStep, decide

WANTED = "kp-new"
KEY = "-----BEGIN RSA PRIVATE KEY-----"
EVERYTHING = LoginSecrets(private_key=KEY, root_password="hunter2")
NOTHING = LoginSecrets()


def server(**fields: t.Any) -> dict[str, t.Any]:
    """Return a server that is off and has another key pair than the wanted one."""
    return {
        "server_id": "s-1",
        "status": "SHUTOFF",
        "task_state": None,
        "key_name": "kp-old",
        "locked": False,
        "os_type": "Linux",
        "image_name": "Ubuntu 22.04 server 64bit",
        **fields,
    }


def step(
    of: t.Mapping[str, t.Any] | None,
    wanted: str | None = WANTED,
    *,
    force: bool = False,
    logins: LoginSecrets = NOTHING,
    busy_with: str | None = None,
) -> NextStep:
    return decide(of, wanted, force=force, logins=logins, busy_with=busy_with)


#: Power state, the pair it has, the pair it should have, the logins given, the operation, the login that KPS gets.
TABLE: tuple[tuple[str, str | None, str | None, LoginSecrets, str, tuple[str, str] | None], ...] = (
    ("SHUTOFF", "kp-old", WANTED, NOTHING, "reset", None),
    ("SHUTOFF", "kp-old", WANTED, EVERYTHING, "reset", None),
    ("SHUTOFF", None, WANTED, NOTHING, "bind", None),
    ("SHUTOFF", None, WANTED, EVERYTHING, "bind", None),
    ("ACTIVE", "kp-old", WANTED, LoginSecrets(private_key=KEY), "replace", ("keypair", KEY)),
    ("ACTIVE", "kp-old", WANTED, EVERYTHING, "replace", ("keypair", KEY)),
    ("ACTIVE", None, WANTED, LoginSecrets(root_password="hunter2"), "bind", ("password", "hunter2")),
    ("ACTIVE", None, WANTED, EVERYTHING, "bind", ("password", "hunter2")),
    ("SHUTOFF", "kp-old", None, NOTHING, "unbind", None),
    ("SHUTOFF", "kp-old", None, EVERYTHING, "unbind", None),
    ("ACTIVE", "kp-old", None, LoginSecrets(private_key=KEY), "unbind", ("keypair", KEY)),
)


@pytest.mark.parametrize(("status", "bound", "wanted", "logins", "operation", "login"), TABLE)
def test_power_state_pair_and_logins_decide_the_operation(
    status: str,
    bound: str | None,
    wanted: str | None,
    logins: LoginSecrets,
    operation: str,
    login: tuple[str, str] | None,
) -> None:
    decided = step(server(status=status, key_name=bound), wanted, logins=logins)
    assert (decided.operation, decided.refusal) == (operation, None)
    assert (None if decided.login is None else (decided.login.kind, decided.login.secret)) == login


@pytest.mark.parametrize(
    ("bound", "wanted", "logins", "words"),
    [
        ("kp-old", WANTED, NOTHING, ("kp-old", "To replace it", "private key of kp-old", "stop the server first")),
        ("kp-old", WANTED, LoginSecrets(root_password="hunter2"), ("To replace it", "private key of kp-old")),
        ("kp-old", None, NOTHING, ("To unbind it", "private key of kp-old", "stop the server first")),
        (None, WANTED, NOTHING, ("no key pair", "password of root", "stop the server first")),
        (None, WANTED, LoginSecrets(private_key=KEY), ("no key pair", "password of root")),
    ],
)
def test_a_running_server_is_refused_without_a_login_for_kps(
    bound: str | None, wanted: str | None, logins: LoginSecrets, words: tuple[str, ...]
) -> None:
    decided = step(server(status="ACTIVE", key_name=bound), wanted, logins=logins)
    assert (decided.operation, decided.login) == (None, None)
    for word in words:
        assert word in str(decided.refusal)
    assert "hunter2" not in str(decided.refusal)


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF"])
@pytest.mark.parametrize("wanted", [WANTED, None])
def test_a_server_that_is_as_it_should_be_is_left_alone(status: str, wanted: str | None) -> None:
    assert step(server(status=status, key_name=wanted), wanted, logins=EVERYTHING) == NextStep()


def test_a_server_with_the_key_pair_is_left_alone_whatever_else_would_be_refused() -> None:
    odd = server(key_name=WANTED, status="ERROR", locked=True, os_type="Windows", task_state="rebuilding")
    assert step(odd) == NextStep()


def test_force_does_it_again() -> None:
    assert step(server(key_name=WANTED), force=True).operation == "reset"
    running = server(key_name=WANTED, status="ACTIVE")
    assert step(running, force=True, logins=EVERYTHING).operation == "replace"


def test_force_cannot_unbind_what_is_not_bound() -> None:
    assert step(server(key_name=None), None, force=True) == NextStep()


#: What is odd about a server, and words of the refusal.
REFUSED: tuple[tuple[dict[str, t.Any], str], ...] = (
    ({"locked": True}, "It is locked"),
    ({"os_type": "Windows"}, "Its system is Windows"),
    ({"os_type": "Other"}, "Its system is Other"),
    ({"task_state": "powering-off"}, r"It is busy \(powering-off\)"),
    *(
        ({"status": status}, f"Its status is {status}")
        for status in ("ERROR", "BUILD", "REBOOT", "SUSPENDED", "DELETED")
    ),
    *(
        ({"image_name": image}, "does not support its image")
        for image in (
            *("CoreOS 1298.6.0", "openEuler 22.03", "FreeBSD 11 (Other)", "Kylin V10 64bit", "KylinV10 SP1"),
            *("UnionTech OS Server 20 1050e", "UOS Server 20", "CentOS Stream 8 64bit", "EulerOS 2.5 64bit"),
        )
    ),
)


@pytest.mark.parametrize(("fields", "words"), REFUSED, ids=[str(row[0]) for row in REFUSED])
@pytest.mark.parametrize("wanted", [WANTED, None])
def test_a_server_that_kps_cannot_work_on_is_refused_with_the_reason(
    fields: dict[str, t.Any], words: str, wanted: str | None
) -> None:
    for status, force in itertools.product(("ACTIVE", "SHUTOFF"), (True, False)):
        decided = step(server(**{"status": status, **fields}), wanted, force=force, logins=EVERYTHING)
        assert decided.operation is None
        with pytest.raises(ValueError, match=words):
            raise ValueError(decided.refusal)


@pytest.mark.parametrize(
    "fields",
    [
        *({"os_type": None}, {"os_type": "linux"}, {"image_name": None}, {"image_name": ""}),
        *({"image_name": "CentOS 7.9"}, {"image_name": "Huawei Cloud EulerOS 2.0 Standard 64 bit"}),
    ],
    ids=repr,
)
def test_an_unknown_detail_does_not_refuse_a_server(fields: dict[str, t.Any]) -> None:
    assert step(server(**fields)).operation == "reset"


def test_a_server_that_another_task_works_on_is_refused_by_the_task() -> None:
    refused = step(server(), busy_with="t-9").refusal
    assert "KPS task t-9 works on its key pair" in str(refused)
    assert "wait_for_task" in str(refused)


def test_a_server_that_does_not_exist_is_refused() -> None:
    assert "no such server" in str(step(None).refusal)


def test_a_step_does_not_show_a_secret() -> None:
    shown = repr((EVERYTHING, step(server(status="ACTIVE", key_name=None), logins=EVERYTHING)))
    assert "hunter2" not in shown
    assert "BEGIN" not in shown
