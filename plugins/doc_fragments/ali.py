# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the connection options of Alibaba Cloud."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that every module of the action group ``ali`` takes."""

    DOCUMENTATION = r"""
options:
  ali_access_key_id:
    description:
      - AccessKey id that requests are signed with.
      - Without it, E(ALIBABA_CLOUD_ACCESS_KEY_ID), then E(ALICLOUD_ACCESS_KEY), E(ALIBABACLOUD_ACCESS_KEY_ID) and
        E(ALICLOUD_ACCESS_KEY_ID) are read.
      - Credentials are looked for in the options, then in the environment (an access key; then OIDC), then in C(~/.aliyun/config.json), then in
        C(~/.alibabacloud/credentials.ini) (or the file that E(ALIBABA_CLOUD_CREDENTIALS_FILE) names), then at the address in
        E(ALIBABA_CLOUD_CREDENTIALS_URI), and at last asked of the metadata service of an ECS instance with a RAM role, which takes three
        seconds at most where there is none, uses no proxy, and is left out when E(ALIBABA_CLOUD_ECS_METADATA_DISABLED) is V(true). All parts
        of one key come from one place.
      - The guide on authentication tells all of it, see R(the guide,ansible_collections.multicloud.async_tasks.docsite.guide_authentication).
    type: str
  ali_access_key_secret:
    description:
      - AccessKey secret that belongs to O(ali_access_key_id).
      - In the environment it is read from the variable that goes with the id, E(ALIBABA_CLOUD_ACCESS_KEY_SECRET), E(ALICLOUD_SECRET_KEY),
        E(ALIBABACLOUD_ACCESS_KEY_SECRET) or E(ALICLOUD_ACCESS_KEY_SECRET).
    type: str
  ali_security_token:
    description:
      - Security token that belongs to a temporary access key.
      - In the environment it is read from the variable that goes with the id, E(ALIBABA_CLOUD_SECURITY_TOKEN), E(ALICLOUD_SECURITY_TOKEN)
        or E(ALIBABACLOUD_SECURITY_TOKEN).
    type: str
  ali_profile:
    description:
      - Name of a profile in C(~/.aliyun/config.json) or C(~/.alibabacloud/credentials.ini). As an option it is preferred to the environment,
        and so is its region.
      - Without it, and without credentials in the environment, E(ALIBABA_CLOUD_PROFILE), then E(ALICLOUD_PROFILE) and
        E(ALIBABACLOUD_PROFILE) are read, and then the files' own default is taken.
      - Profiles with an access key, a security token, a RAM role, the RAM role of an ECS instance, OIDC or a credentials URI work without
        anything else. Other kinds (CloudSSO sign-in, OAuth, external program, RSA key pair) need the Python package
        C(alibabacloud_credentials) on the host the module runs on.
    type: str
  ali_ecs_role_name:
    description:
      - Name of the RAM role of the ECS instance the module runs on. As an option it is preferred to the environment.
      - Without it, and without any other credentials, E(ALIBABA_CLOUD_ECS_METADATA), then E(ALICLOUD_ECS_ROLE_NAME) are read, and the
        metadata service is asked for the name of the one role there is.
    type: str
  ali_role_arn:
    description:
      - ARN of a RAM role to assume with the credentials that were found. Requests are signed with its temporary keys, which are renewed
        before they end.
      - Without it, and with an access key of the environment, E(ALIBABA_CLOUD_ROLE_ARN), then E(ALICLOUD_ASSUME_ROLE_ARN) and
        E(ALIBABACLOUD_ROLE_ARN) are read.
    type: str
  ali_role_session_name:
    description:
      - Name of the session, as the logs of the account show it. The default is V(ansible-multicloud-async-tasks).
      - Beside a role of the environment, E(ALIBABA_CLOUD_ROLE_SESSION_NAME), then E(ALICLOUD_ASSUME_ROLE_SESSION_NAME) are read.
    type: str
  ali_role_duration:
    description:
      - Seconds that a key of the role lives, at least V(900). The default is one hour.
      - It holds for a role of the environment or of a profile, too; there E(ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION) is read without it.
    type: int
  ali_role_external_id:
    description:
      - External id that the trust policy of the role asks for.
      - Without it, and without one in the profile, E(ALIBABA_CLOUD_EXTERNAL_ID), then E(ALIBABACLOUD_EXTERNAL_ID) are read.
    type: str
  ali_role_policy:
    description:
      - A policy that narrows the permissions of the role, as a dictionary or as JSON text. It holds for a role of the environment or of a
        profile, too, and is an error without any role.
    type: json
  ali_region:
    description:
      - Region id of the CloudSSO directory, such as V(cn-shanghai).
      - Without it, the region of a profile that is named in O(ali_profile) is taken. Else E(ALI_REGION), then E(ALIBABA_CLOUD_REGION_ID),
        E(ALIBABA_CLOUD_REGION), E(ALICLOUD_REGION), E(ALIBABACLOUD_REGION_ID) and E(ALICLOUD_REGION_ID) are read, then C(region_id) of the
        profile whose credentials are used.
    type: str
  ali_endpoint:
    description:
      - Base URL to use for every service of Alibaba Cloud in place of the region's, STS included unless O(ali_sts_endpoint) is given.
      - Scheme and host only; a bare host means C(https://). C(http://) is accepted for loopback addresses only.
      - Without it, E(ALI_ENDPOINT), then E(ALIBABA_CLOUD_ENDPOINT_CLOUDSSO) and E(CLOUDSSO_ENDPOINT) are read.
      - Without any of these, the region's address is used; inside a VPC, when E(ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED) is V(true) or
        E(ALIBABA_CLOUD_ENDPOINT_TYPE) is V(vpc), that which the region has for VPCs.
    type: str
  ali_sts_endpoint:
    description:
      - Base URL of STS, where roles are assumed.
      - Without it, and without O(ali_endpoint), E(ALI_STS_ENDPOINT), then E(ALI_ENDPOINT), E(ALIBABA_CLOUD_ENDPOINT_STS) and
        E(STS_ENDPOINT) are read. The default is the global STS, or that of the region in E(ALIBABA_CLOUD_STS_REGION), inside a VPC when
        E(ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED) is V(true).
    type: str
  ali_timeout:
    description:
      - Seconds that one operation may take, all its repetitions included.
      - When the service turns a request away because there are too many (throttling), the pause that it asks for comes on top of this, once,
        unless it is longer than this.
      - Reads are repeated after throttling, server errors and broken connections.
    type: float
    default: 60.0
  ali_validate_certs:
    description:
      - Whether the certificates of the services are checked.
    type: bool
    default: true
  ali_ca_path:
    description:
      - File or directory of CA certificates to trust in place of those that come with Python's C(requests).
      - Without it, E(REQUESTS_CA_BUNDLE), then E(CURL_CA_BUNDLE) are read.
    type: path
requirements:
  - requests (Python library)
notes:
  - Proxies are taken from E(HTTPS_PROXY), E(HTTP_PROXY), E(ALL_PROXY) and E(NO_PROXY), whose entries may have a port. A C(http://) address
    of this machine is reached without a proxy. C(~/.netrc) is not read.
  - The environment and the files that count are those of the host, and of the user, the module runs as. Cloud modules usually run on the
    controller (C(delegate_to=localhost)).
seealso:
  - name: Request signatures of Alibaba Cloud APIs
    description: The vendor's documentation of the signature that requests carry.
    link: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
"""
