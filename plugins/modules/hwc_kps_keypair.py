#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_kps_keypair: creates, imports, describes and deletes key pairs of KPS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hwc_kps_keypair
short_description: Manage SSH key pairs of Huawei Cloud KPS (Key Pair Service)
version_added: 0.1.0
description:
  - Creates a key pair, imports one from a public key, changes its description, or deletes it.
  - The key of a key pair cannot be changed. The module fails if a key pair of this name has another key than
    O(public_key).
  - If the response to a request is lost, the module looks for its effect for up to a minute. It never sends the request
    again. The private key of a created key pair is then lost, and the module fails.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_hwc
  - multicloud.async_tasks.connection
  - multicloud.async_tasks.hwc
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the key pair, 1 to 64 letters, digits, underscores and hyphens.
    type: str
    required: true
  state:
    description:
      - V(present) creates or imports the key pair if it does not exist. V(absent) deletes it.
      - Deleting a key pair does not change servers. Its public key stays on them.
    type: str
    choices:
      - present
      - absent
    default: present
  public_key:
    description:
      - Public key to import, in OpenSSH format. Without it, the service generates a key pair, and RV(private_key) is
        returned once.
    type: str
  description:
    description:
      - Description of the key pair. Without it, an existing description is kept.
    type: str
  scope:
    description:
      - Whether the key pair belongs to the user (V(user)) or to the whole account (V(domain)). Only used when the key
        pair is created.
    type: str
    choices:
      - user
      - domain
  type:
    description:
      - Type of the key. Only used when the key pair is created.
    type: str
    choices:
      - ssh
      - x509
seealso:
  - module: multicloud.async_tasks.hwc_kps_keypair_info
  - module: multicloud.async_tasks.hwc_kps_keypair_association
  - name: Creating and importing an SSH key pair, KPS API reference
    description: The vendor's page on the operation.
    link: https://support.huaweicloud.com/intl/en-us/api-dew/CreateKeypair.html
"""

EXAMPLES = r"""
- name: Import a public key as a key pair
  multicloud.async_tasks.hwc_kps_keypair:
    hwc_region: cn-north-4
    name: fleet-2026
    public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/fleet_2026.pub') }}"
    description: Key of the fleet since November 2026

- name: Generate a key pair; only this run returns the private key
  multicloud.async_tasks.hwc_kps_keypair:
    hwc_region: cn-north-4
    name: generated-pair
  register: pair
  no_log: true

- name: Store the private key
  ansible.builtin.copy:
    content: "{{ pair.private_key }}"
    dest: /etc/fleet/generated-pair.pem
    mode: "0600"
  when: pair.private_key is defined
  no_log: true

- name: Delete a key pair
  multicloud.async_tasks.hwc_kps_keypair:
    hwc_region: cn-north-4
    name: fleet-2025
    state: absent
"""

RETURN = r"""
keypair:
  description: The key pair after the module ran, with the fields of the API. In check mode the expected key pair.
  returned: when O(state=present)
  type: dict
  sample:
    name: fleet-2026
    type: ssh
    scope: user
    fingerprint: 8e:2f:6b:4a:11:9c:d0:72:aa:41:0e:5d:93:64:bb:1f
private_key:
  description:
    - The private key in PEM format. Only the run that lets the service generate the key pair returns it. It cannot be
      read again.
    - Use C(no_log=true), or Ansible prints it.
  returned: when the service generated the key pair
  type: str
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

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CloudError,
    InvalidResponseError,
    UsageError,
    WriteUncertainError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import Row
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_name
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import kps_keypairs
from ansible_collections.multicloud.async_tasks.plugins.module_utils._writes import send

T = t.TypeVar("T")

#: The fields of a pair that a diff shows.
SHOWN = ("name", "type", "scope", "public_key", "description")


def execute(context: Context) -> Result:
    """Compare what is with what is wanted, and do the difference."""
    name = check_name("name", context.params["name"])
    present = kps_keypairs.show_keypair(context.client(HWC), name)
    if context.params["state"] == "absent":
        return _absent(context, name, present)
    return _present(context, name, present)


def _absent(context: Context, name: str, present: Row | None) -> Result:
    _note_diff(context, present, None)
    if present is None:
        return {}
    deleted: bool | None = True
    if not context.check_mode:
        deleted, _found, _lost = _send(
            context,
            name,
            lambda: kps_keypairs.delete_keypair(context.client(HWC), name),
            lambda found: found is None,
        )
    # None: the response was lost, and the pair is gone.
    context.result["changed"] = deleted is not False
    return {}


def _present(context: Context, name: str, present: Row | None) -> Result:
    wanted_key, description = context.params["public_key"], context.params["description"]
    if wanted_key is not None and kps_keypairs.key_material(wanted_key) is None:
        raise UsageError("public_key must be a public key in OpenSSH's format, such as 'ssh-ed25519 AAAA...'.")
    if present is None:
        return _create(context, name)
    if wanted_key is not None:
        _check_key(name, present, wanted_key)
    if description is None or description == (present.get("description") or ""):
        _note_diff(context, present, present)
        return {"keypair": present}
    after = {**present, "description": description}
    _note_diff(context, present, after)
    if not context.check_mode:
        _describe(context, name, description)
    context.result["changed"] = True
    return {"keypair": after}


def _check_key(name: str, present: Row, wanted_key: str) -> None:
    """Raise an error unless a key pair holds the wanted key."""
    if not present.get("public_key"):
        raise InvalidResponseError(
            f"KPS does not tell the public key of the key pair {name}, so that public_key cannot be compared with it."
        )
    if kps_keypairs.key_material(present["public_key"]) != kps_keypairs.key_material(wanted_key):
        raise UsageError(
            f"The key pair {name} exists and holds another key than public_key.",
            hint="The key of a pair cannot be changed: choose another name, or delete the pair first (state: absent).",
        )


def _create(context: Context, name: str) -> Result:
    params = context.params
    chosen = {"name": name, "type": params["type"], "public_key": params["public_key"], "scope": params["scope"]}
    fields = {key: value for key, value in chosen.items() if value is not None}
    described = {"description": params["description"]} if params["description"] else {}
    _note_diff(context, None, {**fields, **described})
    if context.check_mode:
        context.result["changed"] = True
        return {"keypair": {**fields, **described}}
    created, found, lost = _send(
        context, name, lambda: kps_keypairs.create_keypair(context.client(HWC), fields), lambda found: found is not None
    )
    context.result["changed"] = True
    if created is None and "public_key" not in fields:
        context.result["keypair"] = found
        raise WriteUncertainError(
            f"{lost} The key pair {name} was created; its private key was in the response, and is lost.",
            hint="Delete the pair (state: absent) and run this again.",
        )
    if created is None:
        # Another request may have created a pair of this name.
        _check_key(name, found or {}, params["public_key"])
    keypair = dict(created or found or {})
    private_key = keypair.pop("private_key", None)
    # Into the result at once: if anything fails now, the key must not be lost with it.
    context.result["keypair"] = keypair
    if private_key:
        context.result["private_key"] = private_key
    if described:
        _describe(context, name, params["description"])
    return {"keypair": {**keypair, **described}}


def _describe(context: Context, name: str, description: str) -> None:
    _send(
        context,
        name,
        lambda: kps_keypairs.set_description(context.client(HWC), name, description),
        lambda found: found is not None and (found.get("description") or "") == description,
    )


def _send(
    context: Context, name: str, write: t.Callable[[], T], took_effect: t.Callable[[Row | None], bool]
) -> tuple[T | None, Row | None, CloudError | None]:
    """Change a key pair; as ``_writes.send``."""

    def look() -> Row | None:
        return kps_keypairs.show_keypair(context.client(HWC), name)

    return send(context, f"the key pair {name}", write, look, took_effect)


def _note_diff(context: Context, before: Row | None, after: Row | None) -> None:
    if context.diff_mode:
        context.result["diff"] = {
            "before": {field: before[field] for field in SHOWN if before.get(field)} if before else {},
            "after": {field: after[field] for field in SHOWN if after.get(field)} if after else {},
        }


ARGUMENT_SPEC: ArgumentSpec = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "public_key": {"type": "str", "no_log": False},
    "description": {"type": "str"},
    "scope": {"type": "str", "choices": ["user", "domain"]},
    "type": {"type": "str", "choices": ["ssh", "x509"]},
}

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
