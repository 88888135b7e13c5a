# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One server of the Elastic Cloud Server service, as the API shows it."""

from __future__ import annotations

import dataclasses
import uuid

from ..clock import iso
from ..messages import Json

_STATES = {
    # status: vm_state and power_state of the API's extensions
    "ACTIVE": ("active", 1),
    "SHUTOFF": ("stopped", 3),
    "REBOOT": ("active", 1),
    "HARD_REBOOT": ("active", 1),
    "ERROR": ("error", 4),
    "BUILD": ("building", 0),
    "SUSPENDED": ("suspended", 3),
    "PAUSED": ("paused", 2),
}


@dataclasses.dataclass
class Server:
    """One server.

    Attributes:
        key_name: The bound key pair's name; None when none is bound.
        managed_key: The public key line that KPS or the server's creation put there; None when none is bound.
        password: What root would log in with.
        extra: Further fields of the API's server object, or other values for the usual ones.
    """

    id: str
    name: str
    project_id: str
    user_id: str
    created: float
    updated: float
    status: str = "ACTIVE"
    task_state: str | None = None
    key_name: str | None = None
    managed_key: str | None = None
    password: str = "Emulated-Root-1"
    disable_password: bool = False
    locked: bool = False
    os_type: str = "Linux"
    image_name: str = "Ubuntu 22.04 server 64bit"
    image_type: str = "gold"
    image_id: str = "eadd32f8-0000-4000-8000-00000000beef"
    address: str = "192.168.0.10"
    fault: dict[str, Json] | None = None
    tags: list[str] = dataclasses.field(default_factory=list)
    extra: dict[str, Json] = dataclasses.field(default_factory=dict)

    def names(self) -> set[str]:
        """Return the names that faults may use for the server."""
        return {self.id, self.name}

    @property
    def vm_state(self) -> str:
        """The word OpenStack has for the status."""
        return _STATES.get(self.status, ("active", 1))[0]

    def as_json(self) -> dict[str, Json]:
        """Return the API's server object."""
        _vm_state, power_state = _STATES.get(self.status, ("active", 1))
        volume = str(uuid.uuid5(uuid.NAMESPACE_OID, f"volume of {self.id}"))
        document: dict[str, Json] = {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "tenant_id": self.project_id,
            "user_id": self.user_id,
            "created": iso(self.created),
            "updated": iso(self.updated),
            "key_name": self.key_name,
            "locked": self.locked,
            "description": "",
            "hostId": uuid.uuid5(uuid.NAMESPACE_OID, f"host of {self.id}").hex,
            "host_status": "UP",
            "progress": 0,
            "config_drive": "",
            "accessIPv4": "",
            "accessIPv6": "",
            "enterprise_project_id": "0",
            "addresses": {
                "5e91e5a5-0000-4000-8000-0000000000aa": [
                    {
                        "addr": self.address,
                        "version": "4",
                        "OS-EXT-IPS:type": "fixed",
                        "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:10",
                        "OS-EXT-IPS:port_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"port of {self.id}")),
                    }
                ]
            },
            "flavor": {"id": "s6.small.1", "name": "s6.small.1", "disk": "0", "vcpus": "1", "ram": "1024"},
            "image": {"id": self.image_id},
            "metadata": {
                "charging_mode": "0",
                "vpc_id": "5e91e5a5-0000-4000-8000-0000000000aa",
                "os_type": self.os_type,
                "os_bit": "64",
                "image_name": self.image_name,
                "metering.image_id": self.image_id,
                "metering.imagetype": self.image_type,
                "metering.resourcespeccode": "s6.small.1.linux",
                "metering.cloudServiceType": "hws.service.type.ec2",
                "metering.resourcetype": "1",
            },
            "security_groups": [{"name": "default", "id": "5e91e5a5-0000-4000-8000-0000000000bb"}],
            "tags": list(self.tags),
            "sys_tags": [{"key": "_sys_enterprise_project_id", "value": "0"}],
            "os:scheduler_hints": {},
            "os-extended-volumes:volumes_attached": [
                {"id": volume, "device": "/dev/vda", "bootIndex": "0", "delete_on_termination": "false"}
            ],
            "OS-DCF:diskConfig": "MANUAL",
            "OS-EXT-AZ:availability_zone": "cn-north-4a",
            "OS-EXT-SRV-ATTR:host": "emulated",
            "OS-EXT-SRV-ATTR:hostname": self.name,
            "OS-EXT-SRV-ATTR:hypervisor_hostname": "emulated",
            "OS-EXT-SRV-ATTR:instance_name": f"instance-{self.id[:8]}",
            "OS-EXT-SRV-ATTR:launch_index": 0,
            "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
            "OS-EXT-STS:vm_state": self.vm_state,
            "OS-EXT-STS:power_state": power_state,
            "OS-EXT-STS:task_state": self.task_state,
            "OS-SRV-USG:launched_at": iso(self.created, fraction=True)[:-1],
            "OS-SRV-USG:terminated_at": None,
        }
        if self.fault is not None:
            document["fault"] = self.fault
        return {**document, **self.extra}
