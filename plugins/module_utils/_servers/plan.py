# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which operation a server's key pair can have: a pure decision, made before anything is sent.

KPS has one request for bind, replace and reset, and infers the operation from the server's power state and the login that
is given. Here it is decided first, so that what cannot work is refused with its reason and nothing is begun.

Source: "Resetting, replacing, binding and unbinding a key pair" in the user guide of DEW (support.huaweicloud.com).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import ecs, kps_keypairs

#: Images that KPS cannot work on (user guide, "Constraints"). What that calls Euler is EulerOS; Huawei Cloud EulerOS, another
#: system, is not among them.
_UNSUPPORTED = re.compile(
    r"coreos|openeuler|(?<!cloud )euleros|freebsd|kylin ?v10|uniontech ?os|uos server 20|centos stream 8", re.IGNORECASE
)


@dataclasses.dataclass(frozen=True)
class Logins:
    """What the user gave to get into running servers.

    Attributes:
        private_key: The private key that is bound now, PEM.
        root_password: The password of root.
    """

    private_key: str | None = dataclasses.field(default=None, repr=False)
    root_password: str | None = dataclasses.field(default=None, repr=False)


class Step(t.NamedTuple):
    """What is to be done to one server.

    Attributes:
        operation: ``reset``, ``replace``, ``bind``, ``unbind``, or None when nothing is to be done.
        login: What KPS gets in with; None for a server that is off.
        refusal: Why nothing can be done, and what would help.
    """

    operation: str | None = None
    login: kps_keypairs.Login | None = None
    refusal: str | None = None


def decide(
    server: t.Mapping[str, t.Any] | None,
    keypair_name: str | None,
    *,
    force: bool,
    logins: Logins,
    busy_with: str | None,
) -> Step:
    """What is to be done to a server.

    Args:
        server: The server as ``ecs.summarize`` shows it; None when it does not exist.
        keypair_name: The key pair it should have; None when it should have none.
        force: Start an operation although the server has the wanted key pair already.
        logins: What the user gave.
        busy_with: Id of a task that works on the server's key pair now.
    """
    if server is None:
        return Step(refusal="There is no such server in this project and region. Check the id.")
    bound = server["key_name"]
    if bound == keypair_name and not (force and keypair_name):
        return Step()
    refusal = _refusal(server, busy_with)
    if refusal:
        return Step(refusal=refusal)
    if server["status"] == ecs.SHUTOFF:
        return Step("unbind" if keypair_name is None else "reset" if bound else "bind")
    if bound:
        if logins.private_key:
            return Step("replace" if keypair_name else "unbind", kps_keypairs.Login("keypair", logins.private_key))
        wanted = "replace it" if keypair_name else "unbind it"
        lost = (
            "To reset it without that key, stop the server first."
            if keypair_name
            else "Without that key, stop the server first."
        )
        return Step(
            refusal=f"It is running with the key pair {bound}. To {wanted}, give the private key of {bound}. {lost}"
        )
    if logins.root_password:
        return Step("bind", kps_keypairs.Login("password", logins.root_password))
    return Step(
        refusal="It is running and has no key pair. To bind one, give the password of root, or stop the server first."
    )


def _refusal(server: t.Mapping[str, t.Any], busy_with: str | None) -> str | None:
    if busy_with:
        return f"KPS task {busy_with} works on its key pair. Wait for it (wait_for_task, service kps), then run this again."
    if server["locked"]:
        return "It is locked, so that actions on it are refused. Unlock it first."
    if str(server["os_type"] or "Linux").lower() != "linux":
        return f"Its system is {server['os_type']}; KPS works on Linux only."
    if server["image_name"] and _UNSUPPORTED.search(server["image_name"]):
        return f"KPS does not support its image, {server['image_name']}."
    if server["task_state"]:
        return f"It is busy ({server['task_state']}). Run this again when that is over."
    if server["status"] not in (ecs.ACTIVE, ecs.SHUTOFF):
        return f"Its status is {server['status']}; it must be ACTIVE or SHUTOFF."
    return None
