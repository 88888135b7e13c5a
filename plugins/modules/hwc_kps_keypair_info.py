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
  - Returns one key pair by its name (C(ListKeypairDetail)), or all key pairs of the project (C(ListKeypairs)), all pages.
  - Private keys are never returned. KPS hands one out once, when it generates the pair.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_hwc
  - multicloud.async_tasks.attributes.info_module
  - multicloud.async_tasks.hwc
options:
  name:
    description:
      - Name of the key pair. Without it all are listed, with fewer fields.
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
  description: The key pairs, with the fields of the API. An unknown O(name) gives an empty list.
  returned: success, and on failure when a part of a list was read
  type: list
  elements: dict
  contains:
    name:
      description: Name of the key pair.
      type: str
      sample: fleet-2026
    type:
      description: V(ssh) or V(x509).
      type: str
      sample: ssh
    scope:
      description: V(user) for the user's own, V(domain) for one that the whole account sees.
      type: str
      sample: user
    public_key:
      description: The public key, in OpenSSH's format.
      type: str
    fingerprint:
      description: The service's fingerprint of the key; how it is computed is not documented.
      type: str
    is_key_protection:
      description: Whether the service keeps the private key.
      type: bool
    description:
      description: The description. Only with O(name).
      type: str
    create_time:
      description: When it was created, in milliseconds since the epoch (the API documents seconds). Only with O(name).
      type: int
    created:
      description: The same in ISO 8601, UTC. Only with O(name).
      type: str
      sample: "2026-11-21T12:00:00Z"
http_status:
  description: HTTP status of the answer that made the task fail.
  returned: on failure, when there was an answer
  type: int
  sample: 403
error_code:
  description: The service's own code; where it gave none, the HTTP status as text.
  returned: on failure, when the service refused
  type: str
  sample: APIGW.0302
error_msg:
  description:
    - The service's own words, up to 1000 characters. Control characters are shown as escapes, known secrets as V(********).
  returned: on failure, when the service refused
  type: str
  sample: You do not have permission.
request_id:
  description: What the vendor's support asks for.
  returned: on failure, when the service refused and named one
  type: str
  sample: 7c2a4f0e9d1b4a6f8f3e5d2c1b0a9e8d
error_details:
  description:
    - Further fields of the refusal, such as C(encoded_authorization_message) or C(access_denied_detail), with which an administrator finds
      out which permission is missing.
  returned: on failure, when the service refused and said more
  type: dict
credentials_source:
  description: Where the credentials were found, such as V(options), V(environment) or V(ECS metadata); never what they are.
  returned: when they were found
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
