# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between Ansible and the rest: what a module is given, and how each end of ``execute`` ends the module."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import RejectedError, UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.interrupts import SIGNALS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import at_least
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import kps
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    ACCESS_KEY,
    KPS,
    PROJECT,
    SECRET_KEY,
    FakeTransport,
    error_response,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import ModuleRun, run_module

# --- What a module is given


def test_a_number_is_at_least_what_it_must_be() -> None:
    assert at_least("limit", 1, 1) == 1
    assert at_least("limit", None, 1) is None
    for value in (0, -1, 0.5, float("nan"), float("inf")):
        with pytest.raises(UsageError, match=r"^limit must be a number of at least 1, not .*\. Nothing was sent"):
            at_least("limit", value, 1)


def test_a_client_is_made_of_the_options(cloud: FakeTransport) -> None:
    run = ModuleRun(
        cloud, {"hwc_validate_certs": False, "hwc_ca_path": "/etc/ca.pem", "hwc_security_token": "sts-token"}
    )
    client = run.context.client(HWC)
    assert cloud.arguments == {"validate_certs": False, "ca_path": "/etc/ca.pem", "environ": {}}
    assert run.context.result == {"changed": False, "credentials_source": "options"}
    assert run.module.no_log_values == {SECRET_KEY, "sts-token"}
    assert client.scope == {"region": "cn-north-4", "project": PROJECT}
    assert run.context.client(HWC) is client
    assert run.context.client(HWC) is client


def test_a_secret_that_is_a_part_of_words_does_not_mask_them(cloud: FakeTransport) -> None:
    run = ModuleRun(cloud, {})
    for secret in ("t", "Connect"):
        run.context.mask(secret)
    assert run.module.no_log_values == set()
    assert run.context.secrets.mask("HTTPSConnection: Connect, t") == "HTTPSConnection: ********, t"


def test_a_secret_of_a_run_is_taken_out_of_all_responses(cloud: FakeTransport) -> None:
    run = ModuleRun(cloud, {})
    run.context.mask("before-the-client")
    client = run.context.client(HWC)
    run.context.mask("after-the-client")
    echo = f"before-the-client after-the-client {SECRET_KEY}"
    cloud.expect(f"GET {KPS}/v3/{PROJECT}/tasks/t", error_response(400, "KPS.0002", echo))
    with pytest.raises(RejectedError, match=r": \*{8} \*{8} \*{8}\.$"):
        kps.show_task(client, "t")


def test_a_client_is_made_of_the_environment_where_options_are_silent(cloud: FakeTransport) -> None:
    options = dict.fromkeys(("hwc_access_key", "hwc_secret_key", "hwc_region", "hwc_project_id"))
    environ = {
        "HUAWEICLOUD_SDK_AK": ACCESS_KEY,
        "HUAWEICLOUD_SDK_SK": "sk-of-environment",
        "HUAWEICLOUD_SDK_PROJECT_ID": "p-1",
        "HWC_REGION": "cn-south-1",
        "HWC_ENDPOINT": "http://127.0.0.1:8080",
    }
    run = ModuleRun(cloud, options, environ=environ)
    client = run.context.client(HWC)
    assert run.context.result["credentials_source"] == "environment"
    assert run.module.no_log_values == {"sk-of-environment"}
    assert (client.region, client.scope["project"]) == ("cn-south-1", "p-1")
    assert client.origin("kps") == "http://127.0.0.1:8080"


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_an_invalid_timeout_is_rejected(cloud: FakeTransport, seconds: float) -> None:
    with pytest.raises(UsageError, match="^hwc_timeout must be a number of seconds above 0, not "):
        ModuleRun(cloud, {"hwc_timeout": seconds}).context.client(HWC)


def test_the_time_for_operations_is_kept(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {KPS}/v3/{PROJECT}/tasks/t", {"task_status": "READY_RESET"})
    kps.show_task(ModuleRun(cloud, {"hwc_timeout": 7.0}).context.client(HWC), "t")
    assert cloud.timeouts == [7.0]


@pytest.mark.parametrize("project", ["..", "a/b", "a b", "a?b"])
def test_a_project_that_would_change_the_url_is_rejected(cloud: FakeTransport, project: str) -> None:
    with pytest.raises(UsageError, match="^hwc_project_id: "):
        ModuleRun(cloud, {"hwc_project_id": project}).context.client(HWC)


def test_a_region_outside_the_table_is_warned_about(cloud: FakeTransport) -> None:
    run = ModuleRun(cloud, {"hwc_region": "cn-mars-1"})
    run.context.client(HWC).origin("kps")
    assert ["'cn-mars-1'" in warning for warning in run.module.warnings] == [True]


# --- How a module ends

PROGRAM = """
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Module
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors as _errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
def execute(context):
    {body}
Module(execute, {{"word": {{"type": "str"}}}}, providers=[HWC], required_one_of=[("word",)]).run()
"""


def ended(body: str, environ: t.Mapping[str, str] | None = None) -> dict[str, t.Any]:
    """Return the result of a module whose ``execute`` has this body."""
    code = PROGRAM.format(body=body.replace("\n", "\n    "))
    result = run_module("", {"word": "given"}, source=code, HOME="/nonexistent", **(environ or {}))
    result.pop("invocation", None)
    return result


def test_a_result_is_returned_with_what_was_noted() -> None:
    assert ended("context.result['job'] = 1\nreturn {'changed': True}") == {"job": 1, "changed": True}


def test_no_result_is_one_without_a_change() -> None:
    assert ended("return None") == {"changed": False}


def test_a_result_that_failed_fails() -> None:
    result = ended("return {'failed': True, 'msg': 'one server failed', 'changed': True}")
    assert (result["failed"], result["msg"], result["changed"]) == (True, "one server failed", True)


def test_an_error_fails_with_its_fields_and_the_result_so_far() -> None:
    result = ended(
        "context.result.update(changed=True, task_id='t-1')\n"
        "raise _errors.RejectedError('It was refused.', hint='Do this.', http_status=400, code='KPS.1', "
        "text='no', request_id='r-1')"
    )
    assert result.pop("failed") is True
    assert result == {
        "msg": "It was refused. Do this.",
        "changed": True,
        "task_id": "t-1",
        "http_status": 400,
        "error_code": "KPS.1",
        "error_msg": "no",
        "request_id": "r-1",
    }


def test_a_bug_is_reported_as_one_and_does_not_hide_a_change() -> None:
    result = ended("context.result['changed'] = True\nreturn 1 / 0")
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["msg"] == (
        "Unexpected ZeroDivisionError: division by zero. This is a bug of the collection: please report it."
    )


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_ends_a_module_with_what_is_known(name: str) -> None:
    body = f"context.result.update(changed=True, job=1)\nimport signal\nsignal.raise_signal(signal.{name})"
    result = ended(body)
    assert (result["failed"], result["changed"], result["job"]) == (True, True, 1)
    assert result["msg"] == (
        f"Interrupted by {name}. Something may have been changed: check that before you run this again."
    )


def test_a_signal_before_any_change_says_no_more_than_that() -> None:
    assert ended("import os\nos.kill(os.getpid(), 15)")["msg"] == "Interrupted by SIGTERM."


def test_a_missing_library_is_reported() -> None:
    code = "import sys\nsys.modules['requests'] = None\n" + PROGRAM.format(body="raise SystemExit('never')")
    result = run_module("", {"word": "given"}, source=code)
    assert result["failed"]
    assert "requests" in result["msg"]


def test_secrets_of_the_environment_are_masked() -> None:
    environ = {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "hunter-secret"}
    result = ended("context.client(HWC)\nreturn {'echo': 'it is hunter-secret'}", environ)
    assert result["echo"] == "it is ********"


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('it is hunter%2Dsecret')",
        "return {'failed': True, 'msg': 'Unexpected: hunter%2Dsecret', 'exception': 'ValueError: hunter%2Dsecret'}",
    ],
    ids=["raised", "returned with what is known"],
)
def test_secrets_in_the_words_of_a_bug_are_masked_as_a_service_writes_them(body: str) -> None:
    environ = {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "hunter-secret"}
    result = ended(f"context.client(HWC)\n{body}", environ)
    assert result["failed"]
    assert "********" in result["msg"]
    assert "hunter" not in result["msg"]
    # The body itself may be in the traceback.
    assert "hunter" not in json.dumps(result).replace(f"context.client(HWC)\\n{body}", "").replace(body, "")


def test_options_are_checked_by_ansible() -> None:
    code = PROGRAM.format(body="return {'check_mode': context.check_mode}")
    assert "word" in run_module("", {}, source=code)["msg"]
    assert run_module("", {"word": "x", "_ansible_check_mode": True}, source=code)["check_mode"] is True
