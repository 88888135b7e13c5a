# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup hwc_sms_passphrase: order, repetition, the environment of the controller, and what its errors do not show."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader

from ansible_collections.multicloud.async_tasks.plugins.lookup import hwc_sms_passphrase
from ansible_collections.multicloud.async_tasks.plugins.module_utils._runtime import Runtime
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    FakeTransport,
    error_response,
)

SMS = "https://sms.cn-north-4.myhuaweicloud.com/v3/tasks"
KEY: dict[str, t.Any] = {"hwc_access_key": "ak", "hwc_secret_key": "top-secret-key", "hwc_region": "cn-north-4"}


def look_up(
    cloud: FakeTransport, terms: list[t.Any], environ: dict[str, str] | None = None, **options: t.Any
) -> list[str]:
    """Run the lookup on a scripted cloud."""

    class Lookup(hwc_sms_passphrase.LookupModule):
        def runtime(self, on_secret: t.Callable[[str], None]) -> Runtime:
            return Runtime(environ or {}, cloud.clock, lambda: 0.5, False, on_secret, lambda _text: None, cloud.connect)

    # The loader gives a plugin its name, by which Ansible finds its documented options.
    lookup = lookup_loader.get("multicloud.async_tasks.hwc_sms_passphrase")
    lookup.__class__ = Lookup
    found: list[str] = lookup.run(terms, {}, **options)
    return found


def test_passphrases_come_in_the_order_of_the_terms_and_are_read_once(cloud: FakeTransport) -> None:
    for task_id in ("t-1", "t-2"):
        cloud.expect(f"GET {SMS}/{task_id}/passphrase", {"task_id": task_id, "passphrase": f"of {task_id}"})
    assert look_up(cloud, ["t-1", "t-2", "t-1"], **KEY) == ["of t-1", "of t-2", "of t-1"]


def test_the_environment_of_the_controller_is_read(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {SMS}/t-1/passphrase", {"task_id": "t-1", "passphrase": "p"})
    environ = {"HUAWEICLOUD_SDK_AK": "env-ak", "HUAWEICLOUD_SDK_SK": "env-sk", "HWC_REGION": "cn-north-4"}
    assert look_up(cloud, ["t-1"], environ) == ["p"]
    assert "Access=env-ak," in cloud.requests[0].headers["Authorization"]


@pytest.mark.parametrize("code", [("SMS.9004", 403), ("SMS.2252", 404), ("APIGW.0301", 401)])
def test_errors_do_not_show_secrets(cloud: FakeTransport, code: tuple[str, int]) -> None:
    cloud.expect(
        f"GET {SMS}/t-1/passphrase", error_response(code[1], code[0], "You sent top-secret-key and top-token.")
    )
    with pytest.raises(AnsibleLookupError, match=code[0]) as caught:
        look_up(cloud, ["t-1"], **KEY, hwc_security_token="top-token")
    assert "top-" not in str(caught.value)


def test_errors_do_not_show_secrets_of_the_environment(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {SMS}/t-1/passphrase", error_response(401, "APIGW.0301", "You sent top-secret-key."))
    environ = {"HUAWEICLOUD_SDK_AK": "env-ak", "HUAWEICLOUD_SDK_SK": "top-secret-key", "HWC_REGION": "cn-north-4"}
    with pytest.raises(AnsibleLookupError, match=r"You sent \*{8}") as caught:
        look_up(cloud, ["t-1"], environ)
    assert "top-" not in str(caught.value)


@pytest.mark.parametrize("term", ["", "..", "a/b", None, 7])
def test_ids_that_are_rejected(cloud: FakeTransport, term: t.Any) -> None:
    with pytest.raises(AnsibleLookupError, match="_terms"):
        look_up(cloud, [term], **KEY)


def test_every_example_with_the_passphrase_has_no_log() -> None:
    tasks = hwc_sms_passphrase.EXAMPLES.split("- name:")[1:]
    assert len(tasks) == 2
    assert all("no_log: true" in task for task in tasks)
