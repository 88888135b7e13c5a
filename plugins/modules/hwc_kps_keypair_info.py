#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_kps_keypair_info: shows one key pair of KPS, or lists them all."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hwc_kps_keypair_info
short_description: Show or list SSH key pairs of Huawei Cloud KPS (Key Pair Service)
version_added: 0.1.0
description:
  - Returns one key pair by its name (C(ListKeypairDetail)), or all key pairs of the project (C(ListKeypairs)). It
    reads all pages.
  - It never returns private keys. KPS returns a private key once, when it generates the key pair.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_hwc
  - multicloud.async_tasks.attributes.info_module
  - multicloud.async_tasks.connection
  - multicloud.async_tasks.hwc
options:
  name:
    description:
      - Name of the key pair. Without it, the module lists all key pairs, with fewer fields.
    type: str
seealso:
  - module: multicloud.async_tasks.hwc_kps_keypair
  - name: Querying the key pair list, KPS API reference
    description: The vendor's page on the operation.
    link: https://support.huaweicloud.com/intl/en-us/api-dew/ListKeypairs.html
"""

EXAMPLES = r"""
- name: Show one key pair
  multicloud.async_tasks.hwc_kps_keypair_info:
    hwc_region: cn-north-4
    name: fleet-2026
  register: pair

- name: List them all
  multicloud.async_tasks.hwc_kps_keypair_info:
    hwc_region: cn-north-4
  register: pairs

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ pairs.keypairs | map(attribute='name') | list }}"
"""

RETURN = r"""
keypairs:
  description: The key pairs, with the fields of the API. The list is empty if O(name) is unknown.
  returned: success, and on failure when a part of the list was read
  type: list
  elements: dict
  contains:
    name:
      description: Name of the key pair.
      type: str
      sample: fleet-2026
    type:
      description: Type of the key, V(ssh) or V(x509).
      type: str
      sample: ssh
    scope:
      description: V(user) for a key pair of the user, V(domain) for a key pair of the whole account.
      type: str
      sample: user
    public_key:
      description: The public key, in OpenSSH format.
      type: str
    fingerprint:
      description: Fingerprint of the key. The service does not document how it is computed.
      type: str
    is_key_protection:
      description: Whether the service keeps the private key.
      type: bool
    description:
      description: Description of the key pair. Only with O(name).
      type: str
    create_time:
      description:
        - Creation time of the key pair, in milliseconds since the epoch (the API documents seconds). Only with
          O(name).
      type: int
    created:
      description: Creation time of the key pair, in ISO 8601, UTC. Only with O(name).
      type: str
      sample: "2026-11-21T12:00:00Z"
http_status:
  description: HTTP status of the response that made the module fail.
  returned: on failure, when there was a response
  type: int
  sample: 403
error_code:
  description: Error code of the service. If the response had none, the HTTP status as text.
  returned: on failure, when the service returned an error
  type: str
  sample: APIGW.0302
error_msg:
  description:
    - Error message of the service, up to 1000 characters. Control characters are escaped and known secrets are shown
      as V(********).
  returned: on failure, when the service returned an error
  type: str
  sample: You do not have permission.
request_id:
  description: Id of the request that failed. The vendor's support asks for it.
  returned: on failure, when the error response has one
  type: str
  sample: 7c2a4f0e9d1b4a6f8f3e5d2c1b0a9e8d
error_details:
  description:
    - Further fields of the error response, such as C(encoded_authorization_message) or C(access_denied_detail). An
      administrator can find the missing permission with them.
  returned: on failure, when the error response has further fields
  type: dict
credentials_source:
  description:
    - Source of the credentials, such as V(options), V(environment) or V(ECS metadata). It never contains credentials.
  returned: when credentials were found
  type: str
  sample: environment
"""

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_name
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import kps_keypairs
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.pagination import list_result


def execute(context: Context) -> Result:
    """Show one, or list all."""
    if context.params["name"] is None:
        return list_result(
            context.result, "keypairs", lambda: kps_keypairs.list_keypairs(context.client(HWC)), bounded=False
        )
    name = check_name("name", context.params["name"])
    found = kps_keypairs.show_keypair(context.client(HWC), name)
    return {"keypairs": [found] if found else []}


ARGUMENT_SPEC: ArgumentSpec = {"name": {"type": "str"}}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=[HWC],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
