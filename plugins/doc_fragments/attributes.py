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
    description:
      - In check mode the module reads the same data and returns what it would change. It sends no request that
        changes anything.
  diff_mode:
    description: In diff mode the module returns the state before and after the change.
  idempotent:
    description:
      - A second run with the same options, outside check mode, changes nothing and reports no change.
      - This assumes that the object was not changed in between.
notes:
  - On the controller (C(ansible_connection=local), without C(become)) the module runs inside C(ansible-playbook) and
    needs about a tenth of the processor time. The result is the same. Set the variable
    C(multicloud_async_tasks_in_process) to V(false) to switch this off. See R(the guide on tasks on the controller,
    ansible_collections.multicloud.async_tasks.docsite.guide_controller).
"""

    #: For modules that only read.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: It never changes anything.
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
    description:
      - Use C(group/multicloud.async_tasks.hwc) in C(module_defaults) to set the connection options of all modules for
        Huawei Cloud.
    support: full
    membership:
      - multicloud.async_tasks.hwc
"""

    #: For modules of the action group ``ali``.
    ACTIONGROUP_ALI = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/multicloud.async_tasks.ali) in C(module_defaults) to set the connection options of all modules for
        Alibaba Cloud.
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
      Use C(group/multicloud.async_tasks.hwc) and C(group/multicloud.async_tasks.ali) in C(module_defaults) to set the
      connection options of all modules for Huawei Cloud and Alibaba Cloud.
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
    description: Supports the keyword C(async) and M(ansible.builtin.async_status).
"""
