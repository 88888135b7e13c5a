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
      - Access key id (AK) that requests are signed with.
      - Without it, E(HUAWEICLOUD_SDK_AK), then E(HW_ACCESS_KEY) and E(OS_ACCESS_KEY) are read.
      - Credentials are looked for in the options, then in the environment, then in the section C([basic]) of C(~/.huaweicloud/credentials)
        (or of the file that E(HUAWEICLOUD_SDK_CREDENTIALS_FILE) names), then asked of the agent of a CCE pod, and at last of the metadata
        service of an ECS with an agency, which takes three seconds at most where there is none, uses no proxy, and is left out when
        E(HWC_METADATA_DISABLED) is V(true). All parts of one identity come from one place. Among options, and likewise in the
        environment, a token is preferred to an access key, and an access key to a password; in the environment the tokens of identity
        providers (OIDC) come before access keys.
      - The guide on authentication tells all of it, see R(the guide,ansible_collections.multicloud.async_tasks.docsite.guide_authentication).
    type: str
  hwc_secret_key:
    description:
      - Secret access key (SK) that belongs to O(hwc_access_key).
      - Without it, E(HUAWEICLOUD_SDK_SK), then E(HW_SECRET_KEY) and E(OS_SECRET_KEY) are read.
    type: str
  hwc_security_token:
    description:
      - Security token that belongs to a temporary access key.
      - In the environment it is read from the variable that goes with the key, E(HUAWEICLOUD_SDK_SECURITY_TOKEN) beside
        E(HUAWEICLOUD_SDK_AK) and E(HW_SECURITY_TOKEN) beside E(HW_ACCESS_KEY).
    type: str
  hwc_auth_token:
    description:
      - IAM token that is sent instead of a signature. It lives for 24 hours and is valid for the projects of one region.
      - Without it, E(HW_AUTH_TOKEN), then E(OS_AUTH_TOKEN) are read.
    type: str
  hwc_user_name:
    description:
      - Name of an IAM user, to get a token with O(hwc_user_password). Accounts themselves (HUAWEI ID) cannot get one.
      - Without it, E(HW_USER_NAME), then E(OS_USERNAME) are read.
      - When it is given, this user logs in, whatever other credentials are in the environment and in files. The password may then be
        in the environment.
    type: str
  hwc_user_password:
    description:
      - Password of the IAM user. A token is got once per run, and once more when it is refused as expired. A refused password is sent once,
        however many tasks a run asks about, for wrong passwords in a row lock the user.
      - Without it, E(HW_USER_PASSWORD), then E(OS_PASSWORD) are read.
    type: str
  hwc_domain_name:
    description:
      - Name of the account that the IAM user belongs to.
      - Without it, E(HW_DOMAIN_NAME), then E(OS_DOMAIN_NAME), E(OS_USER_DOMAIN_NAME) and E(OS_PROJECT_DOMAIN_NAME) are read.
    type: str
  hwc_agency_name:
    description:
      - Name of an agency to assume with the credentials that were found. Requests are signed with its temporary keys, which are renewed
        before they end.
      - Without it, and with credentials of the environment, E(HW_ASSUME_ROLE_AGENCY_NAME), then E(OS_AGENCY_NAME) are read.
    type: str
  hwc_agency_domain_name:
    description:
      - Name of the account that delegated the agency. Either this or O(hwc_agency_domain_id) is needed with O(hwc_agency_name).
      - Beside an agency of the environment, E(HW_ASSUME_ROLE_DOMAIN_NAME), then E(OS_AGENCY_DOMAIN_NAME) are read.
    type: str
  hwc_agency_domain_id:
    description:
      - Id of the account that delegated the agency.
      - Beside an agency of the environment, E(HW_ASSUME_ROLE_DOMAIN_ID) is read.
    type: str
  hwc_agency_duration:
    description:
      - Seconds that a key of the agency lives, V(900) to V(86400). The default is one hour.
      - Beside an agency of the environment, E(HW_ASSUME_ROLE_DURATION) is read.
    type: int
  hwc_region:
    description:
      - Region id, such as V(cn-north-4). It chooses the addresses of the services, and the project unless O(hwc_project_id) does.
      - Without it, E(HWC_REGION), then E(HW_REGION_NAME) and E(OS_REGION_NAME) are read.
    type: str
  hwc_project_id:
    description:
      - Id of the project. When it is not given, IAM is asked for the project named O(hwc_project_name), which costs one more request.
      - Without it, and without O(hwc_project_name), E(HUAWEICLOUD_SDK_PROJECT_ID), then E(HW_PROJECT_ID) and E(OS_PROJECT_ID) are read,
        then C(project_id) of the file whose access key is used.
      - Neither environment nor file are asked for the project when O(hwc_agency_name) is given, for it belongs to another account;
        nor is the environment when it names another region than O(hwc_region).
    type: str
  hwc_project_name:
    description:
      - Name of the project to look up, such as V(cn-north-4_dev). The default is the region's own project, which has the region's name.
      - It is preferred to a project id of the environment or of a file.
      - Without it, E(HW_PROJECT_NAME), then E(OS_PROJECT_NAME) are read.
    type: str
  hwc_endpoint:
    description:
      - Base URL to use for every service of Huawei Cloud in place of the region's, IAM included unless O(hwc_iam_endpoint) is given.
      - Scheme and host only; a bare host means C(https://). C(http://) is accepted for loopback addresses only.
      - Without it, E(HWC_ENDPOINT) is read, then for each service the variable of the official SDK, such as
        E(HUAWEICLOUD_SDK_REGION_KPS_CN_NORTH_4).
    type: str
  hwc_iam_endpoint:
    description:
      - Base URL of IAM, where tokens are got and projects looked up.
      - Without it, E(HWC_IAM_ENDPOINT) is read, and after O(hwc_endpoint) and E(HWC_ENDPOINT) E(HUAWEICLOUD_SDK_IAM_ENDPOINT), then
        C(iam_endpoint) of the file whose access key is used.
    type: str
  hwc_sts_endpoint:
    description:
      - Base URL of STS, where keys are got for tokens of identity providers (E(HUAWEICLOUD_OIDC_PROVIDER_URN)).
      - Without it, E(HWC_STS_ENDPOINT) is read, and after O(hwc_endpoint) and E(HWC_ENDPOINT) E(HUAWEICLOUD_SDK_STS_ENDPOINT).
    type: str
  hwc_timeout:
    description:
      - Seconds that one operation may take, all its repetitions included.
      - When the service turns a request away because there are too many (throttling), the pause that it asks for comes on top of this, once,
        unless it is longer than this. The quotas of Huawei Cloud are counted by the minute. Modules that wait for what they started have as
        much time for this as for the wait.
      - Reads are repeated after throttling, server errors and broken connections. A write is repeated only when the request certainly did
        not reach the service, or was turned away before it was processed.
    type: float
    default: 60.0
  hwc_validate_certs:
    description:
      - Whether the certificates of the services are checked.
    type: bool
    default: true
  hwc_ca_path:
    description:
      - File or directory of CA certificates to trust in place of those that come with Python's C(requests).
      - Without it, E(REQUESTS_CA_BUNDLE), then E(CURL_CA_BUNDLE) are read.
    type: path
requirements:
  - requests (Python library)
notes:
  - Proxies are taken from E(HTTPS_PROXY), E(HTTP_PROXY), E(ALL_PROXY) and E(NO_PROXY), whose entries may have a port. A C(http://) address
    of this machine is reached without a proxy. C(~/.netrc) is not read.
  - The environment that counts is that of the host the module runs on. Cloud modules usually run on the controller
    (C(delegate_to=localhost)).
seealso:
  - name: Authentication of Huawei Cloud APIs
    description: The vendor's documentation of signatures and tokens.
    link: https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-provide.html
"""
