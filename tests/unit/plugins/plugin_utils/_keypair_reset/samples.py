# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired states, records and results of modules, for the tests of the role's stages."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.records import Record, begin

#: Two public keys in OpenSSH's format.
NEW_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
OLD_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"


def desired(host: str, **more: t.Any) -> dict[str, t.Any]:
    """Return the desired state of a host, as the role notes it."""
    return {
        "host": host,
        "server_id": f"id-{host}",
        "region": "",
        "project_id": "",
        "keypair_name": "new",
        "method": "reset",
        "public_key": "",
        "private_key_file": "",
        "generate": False,
        "old_private_key_file": "",
        "has_root_password": False,
        "force": False,
        "stop_type": "soft",
        "power_after": "running",
        "clean_failed_tasks": True,
        "play_size": 4,
        "run": "use-1",
        "lost": False,
        "failure": "",
        "problems": [],
        "ssh": {"host": host, "port": 22, "user": "root", "args": "", "executable": "ssh"},
        **more,
    }


def record(host: str, **more: t.Any) -> Record:
    """Return a record as it begins, with some fields as they are later."""
    known = desired(host)
    (begun,) = begin([{**known, **{name: value for name, value in more.items() if name in known}}])
    return {**begun, **more}


def server(host: str, **more: t.Any) -> dict[str, t.Any]:
    """Return a row of ``hwc_ecs_server_info``: a server that runs with the key pair ``old``."""
    return {
        "server_id": f"id-{host}",
        "name": host,
        "status": "ACTIVE",
        "task_state": None,
        "key_name": "old",
        "locked": False,
        "os_type": "Linux",
        "image_name": "Ubuntu 22.04 server 64bit",
        **more,
    }


def of(*hosts: str, **result: t.Any) -> dict[str, t.Any]:
    """Return the result of one batch of a loop."""
    return {"item": {"server_ids": [f"id-{host}" for host in hosts]}, **result}


def task(host: str, **more: t.Any) -> dict[str, t.Any]:
    """Return a row of ``hwc_kps_task_info`` about a task that resets a server to the key pair ``new``."""
    row = {"task_id": f"task-{host}", "server_id": f"id-{host}", "keypair_name": "new"}
    return {**row, "operate_type": "RUNNING_RESET", **more}
