# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of the past, so that every query of the documentation shows something on a fresh emulator."""

from __future__ import annotations

import typing as t

from .accounts import stable_id
from .alibaba import cloudsso
from .huawei import csms, kps

if t.TYPE_CHECKING:
    from .app import Emulator

#: How long ago the tasks ended, in seconds.
AGE = 3600.0
#: How long they took, in seconds.
DURATION = 60.0
#: The CloudSSO tasks: the one that the examples name, and one that failed.
ASSIGNMENT, FAILED_ASSIGNMENT = "t-shfqw1u1edszvxw5abcd", "t-shfqw1u1edszvxw5failed"


def add_history(emulator: Emulator) -> None:
    """Add a reset that failed, two rotations of a secret, and two CloudSSO tasks.

    Args:
        emulator: The emulator, just built. Without servers there is no failed reset.
    """
    end = emulator.clock.time() - AGE
    start = end - DURATION
    server = next(iter(emulator.huawei.servers.values()), None)
    if server is not None:
        failed = kps.Task(
            id=stable_id("failed reset").replace("-", ""),
            project_id=server.project_id,
            server_id=server.id,
            server_name=server.name,
            keypair_name="new",
            public_key=None,
            operation="RESET",
            created=int(start * 1000),
            phase="FAILED",
            error_code="KPS.3025",
            error_msg="Failed to create the temporary server",
        )
        emulator.huawei.kps.tasks[failed.id] = failed
    secret = emulator.huawei.csms.secrets[emulator.project.id, "database"]
    for name, status, code, message in (
        ("failed rotation", "FAILED", "CSMS.0001", "The rotation function returned an error."),
        ("rotation", "SUCCESS", None, None),
    ):
        rotation = csms.Rotation(stable_id(name), secret, int(start * 1000), status, code, message)
        emulator.huawei.csms.tasks[rotation.id] = rotation
    directory = emulator.alibaba_account.directory
    configuration, target = next(iter(directory.configurations)), next(iter(directory.targets))
    for user, task_id, reason in zip(
        directory.users, (ASSIGNMENT, FAILED_ASSIGNMENT), (None, "The account is being closed."), strict=False
    ):
        emulator.alibaba.tasks[task_id] = cloudsso.Task(
            id=task_id,
            directory=directory,
            type=cloudsso.CREATE,
            configuration_id=configuration,
            target_id=target,
            start=start,
            principal_type="User",
            principal_id=user,
            status="Success" if reason is None else "Failed",
            end=end,
            failure_reason=reason,
        )
        if reason is None:
            directory.assignments.add((configuration, user, target))
