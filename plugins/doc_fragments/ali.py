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
      - AccessKey id to sign requests with.
      - The default is E(ALIBABA_CLOUD_ACCESS_KEY_ID), then E(ALICLOUD_ACCESS_KEY), then
        E(ALIBABACLOUD_ACCESS_KEY_ID), then E(ALICLOUD_ACCESS_KEY_ID).
      - The sources of credentials, in this order, are the options; the environment (an access key, then OIDC);
        C(~/.aliyun/config.json); C(~/.alibabacloud/credentials.ini), or the file in
        E(ALIBABA_CLOUD_CREDENTIALS_FILE); the address in E(ALIBABA_CLOUD_CREDENTIALS_URI); and the metadata service
        of an ECS instance with a RAM role. All parts of one key come from one source.
        V(true) in E(ALIBABA_CLOUD_ECS_METADATA_DISABLED) switches the metadata service off.
      - See R(the guide on authentication,ansible_collections.multicloud.async_tasks.docsite.guide_authentication) for
        all details.
    type: str
  ali_access_key_secret:
    description:
      - AccessKey secret that belongs to O(ali_access_key_id).
      - For an id from the environment, it is read from the matching variable, E(ALIBABA_CLOUD_ACCESS_KEY_SECRET),
        E(ALICLOUD_SECRET_KEY), E(ALIBABACLOUD_ACCESS_KEY_SECRET) or E(ALICLOUD_ACCESS_KEY_SECRET).
    type: str
  ali_security_token:
    description:
      - Security token that belongs to a temporary access key.
      - For an id from the environment, it is read from the matching variable, E(ALIBABA_CLOUD_SECURITY_TOKEN),
        E(ALICLOUD_SECURITY_TOKEN) or E(ALIBABACLOUD_SECURITY_TOKEN).
    type: str
  ali_profile:
    description:
      - Name of a profile in C(~/.aliyun/config.json) or C(~/.alibabacloud/credentials.ini). As an option, the profile
        and its region take precedence over the environment.
      - Without credentials in the environment, the default is E(ALIBABA_CLOUD_PROFILE), then E(ALICLOUD_PROFILE),
        then E(ALIBABACLOUD_PROFILE), then the default profile of the files.
      - Profiles for CloudSSO sign-in, OAuth, an external program or an RSA key pair need the Python package
        C(alibabacloud_credentials) on the host the module runs on. All other kinds of profiles need nothing else.
    type: str
  ali_ecs_role_name:
    description:
      - Name of the RAM role of the ECS instance the module runs on. As an option, it takes precedence over the
        environment.
      - Without any other credentials, the default is E(ALIBABA_CLOUD_ECS_METADATA), then E(ALICLOUD_ECS_ROLE_NAME),
        then the only role of the instance.
    type: str
  ali_role_arn:
    description:
      - ARN of a RAM role to assume with the credentials. Requests are signed with its temporary keys. The module
        renews the keys before they expire.
      - With an access key from the environment, the default is E(ALIBABA_CLOUD_ROLE_ARN), then
        E(ALICLOUD_ASSUME_ROLE_ARN), then E(ALIBABACLOUD_ROLE_ARN).
    type: str
  ali_role_session_name:
    description:
      - Name of the session in the logs of the account. The default is V(ansible-multicloud-async-tasks).
      - For a role from the environment, E(ALIBABA_CLOUD_ROLE_SESSION_NAME) and E(ALICLOUD_ASSUME_ROLE_SESSION_NAME)
        set another default.
    type: str
  ali_role_duration:
    description:
      - Lifetime of the keys of the role in seconds, at least V(900). The default is one hour.
      - It also applies to a role from the environment or from a profile. E(ALICLOUD_ASSUME_ROLE_SESSION_EXPIRATION)
        sets another default for these.
    type: int
  ali_role_external_id:
    description:
      - External id that the trust policy of the role requires.
      - Without an external id in the profile, the default is E(ALIBABA_CLOUD_EXTERNAL_ID), then
        E(ALIBABACLOUD_EXTERNAL_ID).
    type: str
  ali_role_policy:
    description:
      - Policy that narrows the permissions of the role, as a dictionary or as JSON text. It also applies to a role
        from the environment or from a profile. It is an error without a role.
    type: json
  ali_region:
    description:
      - Id of the region of the CloudSSO directory, such as V(cn-shanghai).
      - The default is the region of O(ali_profile), then E(ALI_REGION), then E(ALIBABA_CLOUD_REGION_ID), then
        E(ALIBABA_CLOUD_REGION), then E(ALICLOUD_REGION), then E(ALIBABACLOUD_REGION_ID), then E(ALICLOUD_REGION_ID),
        then C(region_id) of the profile with the credentials.
    type: str
  ali_endpoint:
    description:
      - Base URL of all services of Alibaba Cloud, in place of the addresses of the region. It includes STS, unless
        O(ali_sts_endpoint) is set.
      - Scheme and host only. The default scheme is C(https://). C(http://) is accepted for loopback addresses only.
      - The default is E(ALI_ENDPOINT), then E(ALIBABA_CLOUD_ENDPOINT_CLOUDSSO), then E(CLOUDSSO_ENDPOINT).
      - Without any of these, the module uses the address of the region, or its VPC address if
        E(ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED) is V(true) or E(ALIBABA_CLOUD_ENDPOINT_TYPE) is V(vpc).
    type: str
  ali_sts_endpoint:
    description:
      - Base URL of STS, which issues the keys of roles.
      - Without O(ali_endpoint), the default is E(ALI_STS_ENDPOINT), then E(ALI_ENDPOINT), then
        E(ALIBABA_CLOUD_ENDPOINT_STS), then E(STS_ENDPOINT), then the STS of the region in
        E(ALIBABA_CLOUD_STS_REGION), then the global STS. If E(ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED) is V(true), the
        module uses the VPC address of STS.
    type: str
  ali_timeout:
    description:
      - Time limit for one operation with all its pages and retries, in seconds.
      - If the service throttles a request, the pause that it asks for is added once, unless the pause is longer than
        this limit.
      - Read requests are retried after throttling, server errors and lost connections.
    type: float
    default: 60.0
  ali_validate_certs:
    description:
      - Whether to verify the certificates of the services.
    type: bool
    default: true
  ali_ca_path:
    description:
      - File or directory of CA certificates to trust, in place of those of Python's C(requests).
      - The default is E(REQUESTS_CA_BUNDLE), then E(CURL_CA_BUNDLE).
    type: path
seealso:
  - name: Request signatures of Alibaba Cloud APIs
    description: The vendor's documentation of the signature that requests carry.
    link: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
"""
