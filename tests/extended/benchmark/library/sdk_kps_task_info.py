# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module sdk_kps_task_info: one question about a task, through the vendor's SDK, as short as such a module can be."""

from __future__ import annotations

import os

from ansible.module_utils.basic import AnsibleModule
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkkps.v3 import KpsClient, ListKeypairTaskRequest


def main() -> None:
    """Read a KPS task with the vendor's SDK."""
    module = AnsibleModule({"task_id": {"type": "str", "required": True}}, supports_check_mode=True)
    credentials = BasicCredentials(
        os.environ["HUAWEICLOUD_SDK_AK"], os.environ["HUAWEICLOUD_SDK_SK"], os.environ["HUAWEICLOUD_SDK_PROJECT_ID"]
    )
    client = KpsClient.new_builder().with_credentials(credentials).with_endpoint(os.environ["HWC_ENDPOINT"]).build()
    response = client.list_keypair_task(ListKeypairTaskRequest(task_id=module.params["task_id"]))
    module.exit_json(task_status=response.task_status)


if __name__ == "__main__":
    main()
