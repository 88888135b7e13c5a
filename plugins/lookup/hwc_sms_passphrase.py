# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup hwc_sms_passphrase: the passphrase of a migration task, read on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: hwc_sms_passphrase
short_description: Read the passphrase of a migration task of Huawei Cloud SMS (Server Migration Service)
version_added: 0.1.0
description:
  - Returns the passphrases of migration tasks (C(ShowPassphrase)), one for each term.
  - A lookup runs on the controller, with the environment and the home directory of the user who runs Ansible.
    C(module_defaults) and the keyword C(environment) do not apply to it.
  - Ansible does not mask the value. Use C(no_log=true) with every task whose arguments or result contain it.
  - SMS has one region per site, C(cn-north-4) for the sites in China and C(ap-southeast-3) for all others. The lookup
    selects the one that fits O(hwc_region). A few regions have their own service.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.hwc
requirements:
  - requests (Python library)
options:
  _terms:
    description:
      - Ids of migration tasks, each of 1 to 64 letters, digits, dots, underscores and hyphens.
    type: list
    elements: str
    required: true
seealso:
  - module: multicloud.async_tasks.hwc_sms_passphrase_info
"""

EXAMPLES = r"""
- name: Write the passphrase to a file for the agent on the source server
  ansible.builtin.copy:
    content: "{{ lookup('multicloud.async_tasks.hwc_sms_passphrase', task_id, hwc_region='cn-north-4') }}"
    dest: /opt/sms-agent/passphrase
    mode: "0600"
  no_log: true

- name: Use credentials from variables
  ansible.builtin.copy:
    content: >-
      {{ lookup('multicloud.async_tasks.hwc_sms_passphrase', task_id, hwc_region='cn-north-4',
                hwc_access_key=vault_access_key, hwc_secret_key=vault_secret_key) }}
    dest: /opt/sms-agent/passphrase
    mode: "0600"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The passphrases, in the order of the terms. An unknown task is an error.
  type: list
  elements: str
"""

import os
import random
import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_ids
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.secrets import Secrets
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import REQUESTS_IMPORT_ERROR
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.factory import open_huawei
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC_OPTIONS
from ansible_collections.multicloud.async_tasks.plugins.module_utils._runtime import Runtime
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import sms


class LookupModule(LookupBase):
    """The lookup of passphrases."""

    def run(self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        """Return the passphrases of the tasks in ``terms``."""
        if REQUESTS_IMPORT_ERROR is not None:
            raise AnsibleError("The lookup hwc_sms_passphrase needs the Python package requests on the controller.")
        self.set_options(var_options=variables, direct=kwargs)
        secrets = Secrets(
            str(kwargs[option]) for option, spec in HWC_OPTIONS.items() if spec.get("no_log") and kwargs.get(option)
        )
        try:
            # One request for each, whatever is named twice.
            client = open_huawei({option: self.get_option(option) for option in HWC_OPTIONS}, self.runtime(secrets.add))
            passphrases = {task_id: sms.show_passphrase(client, task_id) for task_id in check_ids("_terms", terms)}
        except CloudError as error:
            # Nothing masks what a lookup says.
            raise AnsibleLookupError(secrets.mask(str(error))) from None
        return [passphrases[task_id] for task_id in terms]

    def runtime(self, on_secret: t.Callable[[str], None]) -> Runtime:
        """Return the runtime of the client: the controller's environment and clock."""
        return Runtime(
            os.environ,
            SystemClock(),
            random.random,
            check_mode=False,
            on_secret=on_secret,
            on_warning=Display().warning,
        )
