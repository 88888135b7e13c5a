#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_sms_passphrase_info: options, documentation, and the operation of SMS that it calls."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hwc_sms_passphrase_info
short_description: Read the passphrase of a migration task of Huawei Cloud SMS (Server Migration Service)
version_added: 0.1.0
description:
  - Returns the passphrase of a migration task (C(ShowPassphrase)).
  - The passphrase is a secret. The module returns it in clear text in RV(passphrase) and nowhere else. Always use
    C(no_log=true) with this module. The lookup returns the passphrase only where you use it.
  - Without C(no_log=true), Ansible prints the result at verbosity 1 (C(-v)) and above, callbacks and controllers such
    as AWX store it, and ad hoc commands always print it.
  - SMS has one region per site, C(cn-north-4) for the sites in China and C(ap-southeast-3) for all others. The module
    selects the one that fits O(hwc_region). A few regions have their own service.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
  - multicloud.async_tasks.attributes.actiongroup_hwc
  - multicloud.async_tasks.attributes.info_module
  - multicloud.async_tasks.connection
  - multicloud.async_tasks.hwc
options:
  task_id:
    description:
      - Id of the migration task.
      - 1 to 64 letters, digits, dots, underscores and hyphens.
    type: str
    required: true
seealso:
  - plugin: multicloud.async_tasks.hwc_sms_passphrase
    plugin_type: lookup
  - module: multicloud.async_tasks.wait_for_task
  - name: Querying the passphrase of a task, SMS API reference
    description: The vendor's page on the operation.
    link: https://support.huaweicloud.com/intl/en-us/api-sms/ShowPassphrase.html
"""

EXAMPLES = r"""
- name: Read the passphrase of a migration task
  multicloud.async_tasks.hwc_sms_passphrase_info:
    hwc_region: cn-north-4
    task_id: 7a9a4a1c-2c1e-4a3b-9c55-0f3f9b6a2d11
  register: migration
  no_log: true

- name: Write it to a file for the agent on the source server
  ansible.builtin.copy:
    content: "{{ migration.passphrase }}"
    dest: /opt/sms-agent/passphrase
    mode: "0600"
  no_log: true

# Without no_log: true the first task prints, at verbosity 1 and above:
#
# ok: [localhost] => {"changed": false, "credentials_source": "environment", "passphrase": "the passphrase in clear", ...}
#
# and with it:
#
# ok: [localhost] => {"censored": "the output has been hidden due to the fact that 'no_log: true' was specified for this result", ...}
"""

RETURN = r"""
task_id:
  description: Id of the migration task.
  returned: success
  type: str
  sample: 7a9a4a1c-2c1e-4a3b-9c55-0f3f9b6a2d11
passphrase:
  description: The passphrase in clear text. An unknown O(task_id) is an error.
  returned: success
  type: str
error_details:
  description:
    - Further fields of the error response. For a missing permission (C(SMS.9004)) these are
      C(encoded_authorization_message), which an administrator can decode with STS, and C(details), the reasons.
  returned: when the error response has further fields
  type: dict
  sample:
    encoded_authorization_message: eyJEZWNvZGVkTWVzc2FnZSI6...
    details:
      - error_code: SMS.9004
        error_msg: You do not have permission to perform action XXX on resource XXX.
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
credentials_source:
  description:
    - Source of the credentials, such as V(options), V(environment) or V(ECS metadata). It never contains credentials.
  returned: when credentials were found
  type: str
  sample: environment
"""

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_id
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import sms


def execute(context: Context) -> Result:
    """Read the passphrase."""
    task_id = check_id("task_id", context.params["task_id"])
    return {"task_id": task_id, "passphrase": sms.show_passphrase(context.client(HWC), task_id)}


ARGUMENT_SPEC: ArgumentSpec = {"task_id": {"type": "str", "required": True}}

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
