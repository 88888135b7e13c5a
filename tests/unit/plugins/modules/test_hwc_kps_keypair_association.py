# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_kps_keypair_association: its options; what it does is tested with ``_servers``."""

from __future__ import annotations

import base64
import html
import json
import typing as t
from urllib.parse import quote

import pytest

from ansible_collections.multicloud.async_tasks.plugins.modules import hwc_kps_keypair_association
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils._core.test_secrets import pem, readable
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    ECS,
    KPS,
    PROJECT,
    FakeTransport,
    answer,
    error_response,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import (
    ModuleRun,
    defaults,
    run_module,
)

NAME = "hwc_kps_keypair_association"
DEFAULTS = {
    **defaults(hwc_kps_keypair_association.ARGUMENT_SPEC),
    "server_ids": ["s-1"],
    "keypair_name": "kp-new",
}


def test_a_server_is_reset(cloud: FakeTransport) -> None:
    server = {"id": "s-1", "name": "web", "status": "SHUTOFF", "key_name": "kp-old"}
    cloud.expect(f"GET {KPS}/v3/{PROJECT}/keypairs/kp-new", {"keypair": {"name": "kp-new"}})
    cloud.expect(f"GET {ECS}/v1/{PROJECT}/cloudservers/detail?server_id=s-1", {"servers": [server]})
    cloud.expect(f"GET {KPS}/v3/{PROJECT}/running-tasks?limit=1000&offset=0", {"total": 0, "tasks": []})
    body = {"keypair_name": "kp-new", "server": {"id": "s-1"}}
    cloud.expect(f"POST {KPS}/v3/{PROJECT}/keypairs/associate", {"task_id": "t-1"}, body=body)
    task = {"task_id": "t-1", "task_status": "SUCCESS_RESET"}
    cloud.expect(f"GET {KPS}/v3/{PROJECT}/tasks/t-1", task)
    result = ModuleRun(cloud, DEFAULTS).execute(hwc_kps_keypair_association.execute)
    assert (result["changed"], result["failed"], result["task_ids"]) == (True, False, ["t-1"])


def test_the_defaults_of_the_options() -> None:
    # The id is refused before anything else, so that nothing is sent; the options are told on the way out.
    result = run_module(NAME, {"server_id": "..", "keypair_name": "kp-new"})
    assert result["msg"].startswith("server_ids: '..' is not a valid id.")
    told = result["invocation"]["module_args"]
    assert {name: told[name] for name in DEFAULTS} == {**DEFAULTS, "server_ids": [".."]}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keypair_name": "kp"}, "server_ids"),
        ({"server_ids": ["s-1"]}, "keypair_name"),
        (
            {"server_ids": ["s-1"], "keypair_name": "kp", "private_key": "-----PEM", "private_key_file": "b"},
            "mutually exclusive",
        ),
        ({"server_ids": ["s-1"], "state": "reset"}, "present, absent"),
    ],
    ids=repr,
)
def test_wrong_options_are_refused_by_ansible(options: dict[str, t.Any], words: str) -> None:
    assert words in run_module(NAME, options)["msg"]


def test_secrets_are_not_told() -> None:
    secrets = {"private_key": "hunter-one", "root_password": "hunter-two", "hwc_secret_key": "hunter-three"}
    result = run_module(NAME, {"server_ids": ["s-1"], "keypair_name": "kp", **secrets})
    assert "PEM" in result["msg"]
    for secret in secrets.values():
        assert secret not in str(result)


PEM = pem(1190)
#: What becomes of a key on its way through a service.
ECHOES: dict[str, t.Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "URL": quote,
    "HTML": html.escape,
    "Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "line by line": lambda text: "; ".join(text.splitlines()),
    "the request": lambda text: json.dumps({"server": {"auth": {"type": "keypair", "key": text}}}),
}


@pytest.mark.parametrize("where", ["refusal", "page", "answer without a task", "failed already", "failed task"])
@pytest.mark.parametrize("echo", [*ECHOES.values()], ids=[*ECHOES])
def test_a_key_that_kps_echoes_is_in_no_result(cloud: FakeTransport, echo: t.Callable[[str], str], where: str) -> None:
    said = f"cannot log in with {echo(PEM)}, sorry"
    server = {"id": "s-1", "name": "web", "status": "ACTIVE", "key_name": "kp-old"}
    running = f"GET {KPS}/v3/{PROJECT}/running-tasks?limit=1000&offset=0"
    failed = f"GET {KPS}/v3/{PROJECT}/failed-tasks?limit=1000&offset=0"
    cloud.always(f"GET {KPS}/v3/{PROJECT}/keypairs/kp-new", {"keypair": {"name": "kp-new"}})
    cloud.always(f"GET {ECS}/v1/{PROJECT}/cloudservers/detail?server_id=s-1", {"servers": [server]})
    cloud.always(running, {"total": 0, "tasks": []})
    row = {"task_id": "t-1", "server_id": "s-1", "task_error_code": "KPS.6009", "task_error_msg": said}
    cloud.always(failed, {"total": 1, "tasks": [row] if where == "failed task" else []})
    cloud.always(f"GET {KPS}/v3/{PROJECT}/tasks/t-1", {"task_id": "t-1", "task_status": "FAILED_REPLACE"})
    responses: dict[str, t.Any] = {
        "refusal": error_response(400, "KPS.6009", said),
        "page": answer({}, 502)._replace(body=f"<html>{said}".encode(), headers={}),
        "answer without a task": {"error_msg": said, "note": said},
        "failed already": {"status": "FAILED", "error_code": "KPS.6009", "error_msg": said},
        "failed task": {"task_id": "t-1"},
    }
    auth = {"type": "keypair", "key": PEM}
    body = {"keypair_name": "kp-new", "server": {"id": "s-1", "auth": auth, "port": 22}}
    cloud.expect(f"POST {KPS}/v3/{PROJECT}/keypairs/associate", responses[where], body=body)
    run = ModuleRun(cloud, {**DEFAULTS, "private_key": PEM, "port": 22})
    result = hwc_kps_keypair_association.MODULE.perform(run.context)
    assert result["failed"]
    shown = json.dumps([result, run.module.warnings])
    assert "cannot log in with" in shown
    assert "********" in shown
    assert readable(shown, "".join(PEM.splitlines()[1:-1])) == []
    assert base64.b64encode(PEM.splitlines()[5].encode()).decode()[:40] not in shown
