# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the connection options of Huawei Cloud."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that every module of the action group ``hwc`` takes."""

    DOCUMENTATION = r"""
options:
  hwc_access_key:
    description:
      - Access key id (AK) to sign requests with.
      - The default is E(HUAWEICLOUD_SDK_AK), then E(HW_ACCESS_KEY), then E(OS_ACCESS_KEY).
      - The sources of credentials, in this order, are the options; the environment; the section C([basic]) of
        C(~/.huaweicloud/credentials), or of the file in E(HUAWEICLOUD_SDK_CREDENTIALS_FILE); the agent of a CCE pod;
        and the metadata service of an ECS with an agency. All parts of one identity come from one source. Within the
        options and within the environment, a token takes precedence over an access key, and an access key over a
        password. In the environment, tokens of identity providers (OIDC) take precedence over access keys.
        V(true) in E(HWC_METADATA_DISABLED) switches the metadata service off.
      - See R(the guide on authentication,ansible_collections.multicloud.async_tasks.docsite.guide_authentication) for
        all details.
    type: str
  hwc_secret_key:
    description:
      - Secret access key (SK) that belongs to O(hwc_access_key).
      - The default is E(HUAWEICLOUD_SDK_SK), then E(HW_SECRET_KEY), then E(OS_SECRET_KEY).
    type: str
  hwc_security_token:
    description:
      - Security token that belongs to a temporary access key.
      - For a key from the environment, it is read from E(HUAWEICLOUD_SDK_SECURITY_TOKEN) with E(HUAWEICLOUD_SDK_AK),
        and from E(HW_SECURITY_TOKEN) with E(HW_ACCESS_KEY).
    type: str
  hwc_auth_token:
    description:
      - IAM token to use instead of signatures. It is valid for 24 hours and for the projects of one region.
      - The default is E(HW_AUTH_TOKEN), then E(OS_AUTH_TOKEN).
    type: str
  hwc_user_name:
    description:
      - Name of an IAM user, to get a token with O(hwc_user_password). The account itself (HUAWEI ID) cannot get a
        token.
      - The default is E(HW_USER_NAME), then E(OS_USERNAME).
      - This option takes precedence over all other credentials in the environment and in files. The password may be
        in the environment.
    type: str
  hwc_user_password:
    description:
      - Password of the IAM user. The module gets one token per run, and another one if the token has expired. It
        sends a rejected password only once, because several wrong passwords in a row lock the user.
      - The default is E(HW_USER_PASSWORD), then E(OS_PASSWORD).
    type: str
  hwc_domain_name:
    description:
      - Name of the account of the IAM user.
      - The default is E(HW_DOMAIN_NAME), then E(OS_DOMAIN_NAME), then E(OS_USER_DOMAIN_NAME), then
        E(OS_PROJECT_DOMAIN_NAME).
    type: str
  hwc_agency_name:
    description:
      - Name of an agency to assume with the credentials. Requests are signed with its temporary keys. The module
        renews the keys before they expire.
      - With credentials from the environment, the default is E(HW_ASSUME_ROLE_AGENCY_NAME), then E(OS_AGENCY_NAME).
    type: str
  hwc_agency_domain_name:
    description:
      - Name of the account that created the agency. O(hwc_agency_name) requires this or O(hwc_agency_domain_id).
      - For an agency from the environment, the default is E(HW_ASSUME_ROLE_DOMAIN_NAME), then
        E(OS_AGENCY_DOMAIN_NAME).
    type: str
  hwc_agency_domain_id:
    description:
      - Id of the account that created the agency.
      - For an agency from the environment, the default is E(HW_ASSUME_ROLE_DOMAIN_ID).
    type: str
  hwc_agency_duration:
    description:
      - Lifetime of the keys of the agency in seconds, V(900) to V(86400). The default is one hour.
      - For an agency from the environment, the default is E(HW_ASSUME_ROLE_DURATION), then one hour.
    type: int
  hwc_region:
    description:
      - Id of the region, such as V(cn-north-4). It determines the addresses of the services, and the project unless
        O(hwc_project_id) is set.
      - The default is E(HWC_REGION), then E(HW_REGION_NAME), then E(OS_REGION_NAME).
    type: str
  hwc_project_id:
    description:
      - Id of the project. Without it, the module looks up the project O(hwc_project_name), which takes one more
        request.
      - Without O(hwc_project_name), the default is E(HUAWEICLOUD_SDK_PROJECT_ID), then E(HW_PROJECT_ID), then
        E(OS_PROJECT_ID), then C(project_id) of the file with the access key.
      - These defaults do not apply if O(hwc_agency_name) is set, or O(hwc_agency_domain_name) or
        O(hwc_agency_domain_id) to another account than that of the environment, because the project belongs to another
        account. Those of the environment do not apply if the environment names another region than O(hwc_region).
    type: str
  hwc_project_name:
    description:
      - Name of the project to look up, such as V(cn-north-4_dev). It takes precedence over a project id from the
        environment or from a file.
      - The default is the project with the name of the region.
      - E(HW_PROJECT_NAME) and E(OS_PROJECT_NAME) set another default.
    type: str
  hwc_endpoint:
    description:
      - Base URL of all services of Huawei Cloud, in place of the addresses of the region. It includes IAM, unless
        O(hwc_iam_endpoint) is set.
      - Scheme and host only. The default scheme is C(https://). C(http://) is accepted for loopback addresses only.
      - The default is E(HWC_ENDPOINT), then for each service the variable of the official SDK, such as
        E(HUAWEICLOUD_SDK_REGION_KPS_CN_NORTH_4).
    type: str
  hwc_iam_endpoint:
    description:
      - Base URL of IAM, which issues tokens and looks up projects.
      - The default is E(HWC_IAM_ENDPOINT), then O(hwc_endpoint), then E(HWC_ENDPOINT), then
        E(HUAWEICLOUD_SDK_IAM_ENDPOINT), then C(iam_endpoint) of the file with the access key.
    type: str
  hwc_sts_endpoint:
    description:
      - Base URL of STS, which issues keys for tokens of identity providers (E(HUAWEICLOUD_OIDC_PROVIDER_URN)).
      - The default is E(HWC_STS_ENDPOINT), then O(hwc_endpoint), then E(HWC_ENDPOINT), then
        E(HUAWEICLOUD_SDK_STS_ENDPOINT).
    type: str
  hwc_timeout:
    description:
      - Time limit for one operation with all its pages and retries, in seconds.
      - If the service throttles a request, the pause that it asks for is added once, unless the pause is longer than
        this limit. Huawei Cloud counts its quotas per minute. For modules that wait for what they started, the limit
        of the wait applies instead.
      - Read requests are retried after throttling, server errors and lost connections. Requests that change something
        are retried only if they certainly did not reach the service, or were throttled before they were processed.
    type: float
    default: 60.0
  hwc_validate_certs:
    description:
      - Whether to verify the certificates of the services.
    type: bool
    default: true
  hwc_ca_path:
    description:
      - File or directory of CA certificates to trust, in place of those of Python's C(requests).
      - The default is E(REQUESTS_CA_BUNDLE), then E(CURL_CA_BUNDLE).
    type: path
seealso:
  - name: Authentication of Huawei Cloud APIs
    description: The vendor's documentation of signatures and tokens.
    link: https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-provide.html
"""
