# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision which operation the key pair of a server needs, made before anything is sent.

KPS has one request for bind, replace and reset, and derives the operation from the power state of the server and the given
login. Deciding first refuses what cannot work, with the reason.

Source: "Resetting, replacing, binding and unbinding a key pair" in the user guide of DEW (support.huaweicloud.com).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import ecs, kps_keypairs

#: Images that KPS does not support (user guide, "Constraints"). Its "Euler" is EulerOS, not Huawei Cloud EulerOS.
_UNSUPPORTED = re.compile(
    r"coreos|openeuler|(?<!cloud )euleros|freebsd|kylin ?v10|uniontech ?os|uos server 20|centos stream 8", re.IGNORECASE
)


NO_SUCH_SERVER = "There is no such server in this project and region. Check the id."
LOCKED = "It is locked, so that actions on it are rejected. Unlock it first."


def busy(task_state: str) -> str:
    """Return the refusal of a server that ECS works on."""
    return f"It is busy ({task_state}). Run this again when that is over."


def wrong_status(status: str | None) -> str:
    """Return the refusal of a server that is neither on nor off."""
    return f"Its status is {status}; it must be ACTIVE or SHUTOFF."


@dataclasses.dataclass(frozen=True)
class LoginSecrets:
    """The secrets of the user with which KPS logs in to running servers.

    Attributes:
        private_key: The private key that is bound now, PEM.
        root_password: The password of root.
    """

    private_key: str | None = dataclasses.field(default=None, repr=False)
    root_password: str | None = dataclasses.field(default=None, repr=False)


class NextStep(t.NamedTuple):
    """The next step for one server.

    Attributes:
        operation: ``reset``, ``replace``, ``bind``, ``unbind``, or None when there is nothing to do.
        login: The login of KPS; None for a server that is off.
        refusal: Why nothing can be done, and what helps.
    """

    operation: str | None = None
    login: kps_keypairs.KpsLogin | None = None
    refusal: str | None = None


def decide(
    server: t.Mapping[str, t.Any] | None,
    keypair_name: str | None,
    *,
    force: bool,
    logins: LoginSecrets,
    busy_with: str | None,
) -> NextStep:
    """Return the step for a server.

    Args:
        server: The server as ``ecs.summarize`` shows it; None when it does not exist.
        keypair_name: The desired key pair; None for no key pair.
        force: Whether to start an operation even if the server has the desired key pair.
        logins: The secrets of the user.
        busy_with: The id of a task that works on the key pair of the server now.
    """
    if server is None:
        return NextStep(refusal=NO_SUCH_SERVER)
    bound = server["key_name"]
    if bound == keypair_name and not (force and keypair_name):
        return NextStep()
    refusal = _refusal(server, busy_with)
    if refusal:
        return NextStep(refusal=refusal)
    if server["status"] == ecs.SHUTOFF:
        return NextStep("unbind" if keypair_name is None else "reset" if bound else "bind")
    if bound:
        if logins.private_key:
            return NextStep(
                "replace" if keypair_name else "unbind", kps_keypairs.KpsLogin("keypair", logins.private_key)
            )
        wanted = "replace it" if keypair_name else "unbind it"
        lost = (
            "To reset it without that key, stop the server first."
            if keypair_name
            else "Without that key, stop the server first."
        )
        return NextStep(
            refusal=f"It is running with the key pair {bound}. To {wanted}, give the private key of {bound}. {lost}"
        )
    if logins.root_password:
        return NextStep("bind", kps_keypairs.KpsLogin("password", logins.root_password))
    return NextStep(
        refusal="It is running and has no key pair. To bind one, give the password of root, or stop the server first."
    )


def _refusal(server: t.Mapping[str, t.Any], busy_with: str | None) -> str | None:
    if busy_with:
        return f"KPS task {busy_with} works on its key pair. Wait for it (wait_for_task, service kps), then run this again."
    if server["locked"]:
        return LOCKED
    if str(server["os_type"] or "Linux").lower() != "linux":
        return f"Its system is {server['os_type']}; KPS works on Linux only."
    if server["image_name"] and _UNSUPPORTED.search(server["image_name"]):
        return f"KPS does not support its image, {server['image_name']}."
    if server["task_state"]:
        return busy(server["task_state"])
    if server["status"] not in (ecs.ACTIVE, ecs.SHUTOFF):
        return wrong_status(server["status"])
    return None
