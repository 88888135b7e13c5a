# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what modules support: check mode, diff mode, repetition, action groups."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes that modules document; a module, or a fragment such as ``info_module``, adds their ``support``."""

    #: For every module.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Reports in check mode what it would change, after the same reads, and sends no request that changes anything.
  diff_mode:
    description: Shows in diff mode what it changed, or would change, as a state before and a state after.
  idempotent:
    description:
      - Run again with the same options, outside check mode, it changes nothing and reports no change.
      - This presumes that nobody else changed the object in between.
notes:
  - A task on the controller (C(ansible_connection=local), without C(become)) runs inside C(ansible-playbook) and starts no Python of its
    own, which takes about a tenth of the processor time. The result is the same. Set the variable C(multicloud_async_tasks_in_process) to V(false) to
    run it as a module, and see R(the guide, ansible_collections.multicloud.async_tasks.docsite.guide_controller) for the rule.
"""

    #: For modules that only read.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: It changes nothing, in check mode or outside.
  diff_mode:
    support: N/A
    details: It changes nothing, so there is no difference to show.
  idempotent:
    support: full
    details: It changes nothing.
"""

    #: For modules of the action group ``hwc``.
    ACTIONGROUP_HWC = r"""
options: {}
attributes:
  action_group:
    description: Takes C(group/multicloud.async_tasks.hwc) in C(module_defaults), to set the connection options of all modules for Huawei Cloud at once.
    support: full
    membership:
      - multicloud.async_tasks.hwc
"""

    #: For modules of the action group ``ali``.
    ACTIONGROUP_ALI = r"""
options: {}
attributes:
  action_group:
    description: Takes C(group/multicloud.async_tasks.ali) in C(module_defaults), to set the connection options of all modules for Alibaba Cloud at once.
    support: full
    membership:
      - multicloud.async_tasks.ali
"""

    #: For modules of both groups: to be named before the fragments of the two, for the first of several is shown.
    ACTIONGROUP_BOTH = r"""
options: {}
attributes:
  action_group:
    description: >-
      Takes C(group/multicloud.async_tasks.hwc) and C(group/multicloud.async_tasks.ali) in C(module_defaults), to set the connection
      options of all modules for Huawei Cloud and Alibaba Cloud at once.
    support: full
    membership:
      - multicloud.async_tasks.hwc
      - multicloud.async_tasks.ali
"""

    #: For modules that may run long.
    ASYNC = r"""
options: {}
attributes:
  async:
    description: Can be started with the keyword C(async), and asked after later with M(ansible.builtin.async_status).
"""
