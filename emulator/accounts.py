# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accounts that exist when the emulator starts: one with each cloud, with something in it for every service."""

from __future__ import annotations

import dataclasses
import uuid

from .alibaba.cloud import AlibabaCloud
from .alibaba.cloudsso import Directory
from .alibaba.ram import AccessKey as AlibabaKey
from .alibaba.ram import Role
from .huawei.cloud import HuaweiCloud
from .huawei.csms import Secret
from .huawei.directory import AccessKey, Domain, Project, User

HUAWEI_REGION = "cn-north-4"
ALIBABA_REGION = "cn-shanghai"

_NAMESPACE = uuid.UUID("6f1d3f0e-5f0d-4c53-9d6e-3a4f2d9b7a10")


def stable_id(what: str) -> str:
    """Return an id of the usual form, the same in every run."""
    return str(uuid.uuid5(_NAMESPACE, what))


@dataclasses.dataclass(frozen=True)
class HuaweiAccount:
    """The account with Huawei Cloud: one user with one access key, and the project of one region."""

    domain: Domain
    project: Project
    user: User
    access_key: AccessKey


@dataclasses.dataclass(frozen=True)
class AlibabaAccount:
    """The account with Alibaba Cloud: one access key, one role it may assume, one CloudSSO directory."""

    id: str
    access_key: AlibabaKey
    role: Role
    directory: Directory


def populate_huawei(cloud: HuaweiCloud, old_key: str, new_key: str) -> HuaweiAccount:
    """Let the account exist, with key pairs ``old`` and ``new``, two secrets and two migrations.

    Args:
        cloud: Where.
        old_key: Public key line of the pair that servers have.
        new_key: Public key line of the pair they are to get.
    """
    directory = cloud.directory
    domain = directory.add_domain(Domain(_hex("domain"), "emulated-account"))
    project = directory.add_project(Project(_hex("project"), HUAWEI_REGION, domain.id))
    directory.add_project(Project(_hex("object storage"), "MOS", domain.id))
    user = directory.add_user(User(_hex("user"), "emulated-user", "Emulated-Password-1", domain.id))
    key = directory.add_access_key(
        AccessKey("AKEMULATED0000000001", "skemulated/0000000000000000000000000001", user.id, domain.id)
    )
    for name, public in (("old", old_key), ("new", new_key)):
        cloud.pairs.add(project.id, user.id, name, public)
    cloud.csms.add_secret(Secret("database", project.id))
    cloud.csms.add_secret(Secret("plain", project.id, type="COMMON"))
    # one migration gives its passphrase away, the other does not
    cloud.sms.add(
        domain.id, project.id, "migration-01", id=stable_id("migration-01"), passphrase="emulated-passphrase-1"
    )
    cloud.sms.add(domain.id, project.id, "migration-02", id=stable_id("migration-02"))
    return HuaweiAccount(domain, project, user, key)


def populate_alibaba(cloud: AlibabaCloud) -> AlibabaAccount:
    """Let the account exist, with two users, a group, two access configurations and three accounts in its directory."""
    account = "1234567890123456"
    key = cloud.ram.add_access_key(
        AlibabaKey(
            "LTAIEMULATED0000000001",
            "skemulated00000000000000000001",
            account,
            f"acs:ram::{account}:user/emulated-user",
        )
    )
    role = Role("emulated-role", account, account)
    cloud.ram.roles.append(role)
    directory = Directory("d-emulated0001", "emulated-directory", account, ALIBABA_REGION, cloud.world.now())
    directory.users.update({"u-emulated0001": "alice", "u-emulated0002": "bob"})
    directory.groups.update({"g-emulated0001": "operators"})
    directory.configurations.update({"ac-emulated0001": "read-only", "ac-emulated0002": "administrator"})
    directory.targets.update({f"100000000000000{number}": f"account-{number}" for number in (1, 2, 3)})
    cloud.cloudsso.directories[directory.id] = directory
    return AlibabaAccount(account, key, role, directory)


def _hex(what: str) -> str:
    return stable_id(what).replace("-", "")
