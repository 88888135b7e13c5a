# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter keypair_reset_batches: groups servers for the requests of a stage of the role keypair_reset."""

from __future__ import annotations

DOCUMENTATION = r"""
name: keypair_reset_batches
short_description: Group servers for the requests of a stage of the role keypair_reset
version_added: 0.1.0
description:
  - Groups the servers of a stage of the role P(multicloud.async_tasks.keypair_reset#role) by region, project and key pair, so that
    each group needs one request.
author:
  - Multicloud Authors (@multicloud)
positional: _input, stage
options:
  _input:
    description: The records of the role.
    type: list
    elements: dict
    required: true
  stage:
    description: The stage that comes next.
    type: str
    required: true
    choices:
      - all
      - servers
      - current
      - stop
      - associate
      - wait
      - unconfirmed
      - start
      - after
      - clean
  secrets:
    description: For V(associate), the password of root by host. Servers with different ones do not share a batch; no batch holds one.
    type: dict
"""

EXAMPLES = r"""
- name: Stop the servers, one request for each group
  multicloud.async_tasks.hwc_ecs_server_power:
    hwc_region: "{{ item.region | default(omit, true) }}"
    server_ids: "{{ item.server_ids }}"
    state: stopped
  loop: "{{ keypair_reset_records | multicloud.async_tasks.keypair_reset_batches('stop') }}"
"""

RETURN = r"""
_value:
  description: The batches, with C(region), C(project_id), C(keypair_name), C(key_file), C(port), C(force), C(stop_type),
    C(password_of), C(public_key), C(server_ids), C(task_ids) and C(label).
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.batching import batches


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"keypair_reset_batches": batches}
