# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials of Huawei Cloud that lie in files, are assumed, or are handed out by the metadata service of an ECS."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import AccessKey, RefreshableKey
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.files import UserFile
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import credentials, metadata
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiOperation
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.credentials import (
    Agency,
    Federation,
    FoundCredentials,
    IdToken,
    Password,
    Token,
    WantedProject,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.endpoints import Endpoints
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    EPOCH,
    IAM,
    KPS,
    PROJECT,
    FakeTransport,
    answer,
    client,
    error_response,
    lost,
    unreachable,
)

INSTANCE = AccessKey("instance-ak", "instance-sk", "instance-token", "ECS metadata", EPOCH + 3600)
KEYS = {"hwc_access_key": "option-ak", "hwc_secret_key": "option-sk"}
SDK = {"HUAWEICLOUD_SDK_AK": "sdk-ak", "HUAWEICLOUD_SDK_SK": "sdk-sk"}
AGENCY = {"hwc_agency_name": "ops", "hwc_agency_domain_name": "their-account"}
FILE = """
[basic]
ak = file-ak
sk = file%sk
project_id = file-project
iam_endpoint = https://iam.example.com

[global]
ak = global-ak
sk = global-sk
"""


class CredentialProviders:
    """The providers of keys: a metadata service that gives a key, or an error."""

    def __init__(self, instance: AccessKey | errors.CloudError) -> None:
        self.instance = instance
        self.deadlines: list[float | None] = []

    def metadata(self, deadline: float | None) -> AccessKey:
        """Implement ``credentials.CredentialProviders``."""
        self.deadlines.append(deadline)
        if isinstance(self.instance, errors.CloudError):
            raise self.instance.copy()
        return self.instance

    def container(self, url: str, token: str, deadline: float) -> AccessKey:
        """Implement ``credentials.CredentialProviders``."""
        raise AssertionError(url)


NO_INSTANCE = errors.CredentialsError("http://169.254.169.254 is not there.")


def find(
    home: Path,
    options: dict[str, t.Any] | None = None,
    environ: dict[str, str] | None = None,
    instance: AccessKey | errors.CloudError = NO_INSTANCE,
) -> FoundCredentials:
    return credentials.find(options or {}, {"HOME": str(home), **(environ or {})}, CredentialProviders(instance))


def keep(home: Path, text: str) -> None:
    (home / ".huaweicloud").mkdir()
    (home / ".huaweicloud" / "credentials").write_text(text)


# The file of the SDK


def test_the_file_of_the_sdk_comes_after_the_environment_and_before_the_metadata_service(tmp_path: Path) -> None:
    keep(tmp_path, FILE)
    assert find(tmp_path, {}, SDK).credentials.source == "environment"
    found = find(tmp_path, {}, {}, INSTANCE)
    assert found.credentials == AccessKey("file-ak", "file%sk", None, "~/.huaweicloud/credentials [basic]")
    assert found.settings == {"hwc_project_id": "file-project", "hwc_iam_endpoint": "https://iam.example.com"}
    assert found.project == WantedProject("file-project")


@pytest.mark.parametrize(
    ("options", "environ", "project"),
    [
        ({"hwc_project_name": "name"}, {}, WantedProject(None, "name")),
        ({}, {"HW_PROJECT_NAME": "name"}, WantedProject(None, "name")),
        ({}, {"HW_PROJECT_ID": "id"}, WantedProject("id")),
        (AGENCY, {}, WantedProject()),
        ({**AGENCY, "hwc_project_name": "name"}, {}, WantedProject(None, "name")),
    ],
)
def test_the_project_of_the_file_is_the_last(
    tmp_path: Path, options: dict[str, str], environ: dict[str, str], project: WantedProject
) -> None:
    keep(tmp_path, FILE)
    assert find(tmp_path, options, environ).project == project


def test_a_token_of_an_identity_provider_in_the_file(tmp_path: Path) -> None:
    keep(tmp_path, "[basic]\nidp_id = idp\nid_token_file = ~/token\nak = a\nsk = s\nproject_id = p\n")
    found = find(tmp_path)
    file = UserFile(str(tmp_path / "token"), "~/token", True)
    assert found.credentials == Federation("idp", IdToken(file=file), "~/.huaweicloud/credentials [basic]")
    assert found.project == WantedProject("p")


def test_the_settings_of_the_file_are_the_last_to_be_asked(tmp_path: Path) -> None:
    settings = {"hwc_project_id": "file-project"}
    assert credentials.setting("hwc_project_id", {}, {}, settings) == "file-project"
    assert credentials.setting("hwc_project_id", {}, {"HW_PROJECT_ID": "env"}, settings) == "env"
    assert credentials.setting("hwc_region", {}, {}, settings) is None
    places = Endpoints("cn-north-4", None, None, {}, profile_iam_endpoint="https://iam.example.com")
    assert places.resolve("iam").url == "https://iam.example.com"
    assert places.resolve("kps").url == KPS
    other = Endpoints("cn-north-4", None, None, {"HWC_ENDPOINT": "a.example.com"}, profile_iam_endpoint="b.example.com")
    assert other.resolve("iam").url == "https://a.example.com"


def test_a_temporary_key_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere"
    path.write_text("[basic]\nak = a\nsk = s\nsecurity_token = t\n")
    found = find(tmp_path, environ={"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(path)})
    assert found.credentials == AccessKey("a", "s", "t", f"{path} [basic]")
    assert found.settings == {}


def test_a_file_without_the_section_is_skipped(tmp_path: Path) -> None:
    keep(tmp_path, "[global]\nak = a\nsk = s\n")
    assert find(tmp_path, instance=INSTANCE).credentials.source == "ECS metadata"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[basic]\nak = a\n", "key sk is missing beside ak"),
        ("[basic]\nidp_id = i\n", "key id_token_file is missing beside idp_id"),
        ("[basic]\nid_token_file = f\nak = a\nsk = s\n", "key idp_id is missing beside id_token_file"),
        ("[basic]\n", "holds neither ak and sk nor idp_id and id_token_file"),
        ("top-secret\n", "cannot be understood"),
    ],
)
def test_errors_in_the_file_are_reported(tmp_path: Path, text: str, words: str) -> None:
    keep(tmp_path, text)
    with pytest.raises(errors.CredentialsError, match=words) as caught:
        find(tmp_path, instance=INSTANCE)
    assert "top-secret" not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / ".huaweicloud" / "credentials").mkdir(parents=True)
    with pytest.raises(errors.CredentialsError, match="~/.huaweicloud/credentials cannot be read: Is a directory"):
        find(tmp_path)


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / ".huaweicloud").mkdir()
    (tmp_path / ".huaweicloud" / "credentials").write_bytes(b"[basic]\nak = \xff\xfe\n")
    with pytest.raises(errors.CredentialsError, match="not text in UTF-8"):
        find(tmp_path)


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(
        errors.CredentialsError, match="There is no file /nowhere, which the environment or a profile names"
    ):
        find(tmp_path, environ={"HUAWEICLOUD_SDK_CREDENTIALS_FILE": "/nowhere"}, instance=INSTANCE)


# The metadata service

BASE = "http://169.254.169.254"
TOKEN = f"PUT {BASE}/meta-data/latest/api/token"
KEY = f"GET {BASE}/openstack/latest/securitykey"
GOOD = {
    "credential": {
        "access": "instance-ak",
        "secret": "instance-sk",
        "securitytoken": "instance-token",
        "expires_at": "2026-01-02T04:04:05.000000Z",
    }
}


BROKEN = errors.InvalidResponseError("The response was cut short.", truncated=True)


def text(body: str, status: int = 200) -> Response:
    return Response(status, {"content-type": "text/plain"}, body.encode())


def test_a_key_is_fetched_with_a_session_token(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, text("session"))
    cloud.expect(KEY, GOOD)
    assert metadata.fetch(cloud, cloud.clock, {}) == INSTANCE
    assert cloud.requests[0].headers["X-Metadata-Token-Ttl-Seconds"] == "21600"
    assert cloud.requests[1].headers["X-Metadata-Token"] == "session"


@pytest.mark.parametrize(
    "answered", [text("no", 404), text("no", 405), text("no", 503), text("no", 500), lost(), BROKEN], ids=str
)
def test_a_service_without_session_tokens_is_asked_without(cloud: FakeTransport, answered: Response) -> None:
    cloud.expect(TOKEN, answered)
    cloud.expect(KEY, GOOD)
    assert metadata.fetch(cloud, cloud.clock, {}) == INSTANCE
    assert "X-Metadata-Token" not in cloud.requests[1].headers


def test_a_missing_service_is_noticed_at_the_first_request(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, unreachable())
    with pytest.raises(errors.CredentialsError, match="No connection"):
        metadata.fetch(cloud, cloud.clock, {})


def test_a_first_request_to_the_metadata_service_takes_three_seconds_at_most(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, text("session"), took=9.0)
    cloud.expect(KEY, GOOD, took=9.0)
    cloud.always(KEY, GOOD, took=9.0)
    with pytest.raises(errors.TransportError):
        metadata.fetch(cloud, cloud.clock, {})
    assert cloud.clock.now - 1000.0 <= 3.0


@pytest.mark.parametrize("outcome", [text("top-secret", 500), text("", 429), lost(), BROKEN], ids=str)
@pytest.mark.parametrize("deadline", [None, 1060.0], ids=["first", "renewal"])
def test_a_temporary_error_is_retried(cloud: FakeTransport, outcome: t.Any, deadline: float | None) -> None:
    cloud.expect(TOKEN, text("session"))
    cloud.expect(KEY, outcome)
    cloud.expect(KEY, GOOD)
    assert metadata.fetch(cloud, cloud.clock, {}, deadline) == INSTANCE


def test_a_temporary_error_is_retried_for_a_bounded_time(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, text("session"))
    cloud.always(KEY, text("top-secret", 502))
    with pytest.raises(errors.UnavailableError, match="answered with HTTP 502") as caught:
        metadata.fetch(cloud, cloud.clock, {}, 1060.0)
    assert 10.0 < cloud.clock.now - 1000.0 <= 15.0
    assert "top-secret" not in str(caught.value)


def test_a_lost_session_token_is_requested_again_when_it_is_required(cloud: FakeTransport) -> None:
    cloud.expect(TOKEN, lost())
    cloud.expect(KEY, text("token is missing", 401))
    cloud.expect(TOKEN, text("session"))
    cloud.expect(KEY, GOOD)
    assert metadata.fetch(cloud, cloud.clock, {}) == INSTANCE
    assert cloud.requests[-1].headers["X-Metadata-Token"] == "session"


def test_a_failing_metadata_service_is_asked_again_when_a_key_is_needed(tmp_path: Path) -> None:
    providers = CredentialProviders(
        errors.UnavailableError("http://169.254.169.254 answered with HTTP 503.", http_status=503)
    )
    found = credentials.find({}, {"HOME": str(tmp_path)}, providers).credentials
    assert isinstance(found, RefreshableKey)
    assert found.source == "ECS metadata"
    with pytest.raises(errors.UnavailableError):
        found.take(7.0)
    providers.instance = NO_INSTANCE
    with pytest.raises(errors.CredentialsError, match="There are no credentials for Huawei Cloud: .*is not there"):
        found.take(8.0)
    providers.instance = INSTANCE
    assert found.take(9.0) == INSTANCE
    assert providers.deadlines == [None, 7.0, 8.0, 9.0]


# The agent of a pod


POD = "http://169.254.170.23/v1/credentials?a=1"


@pytest.mark.parametrize(
    "document",
    [
        {"credential": GOOD["credential"]},
        {
            "credentials": {
                "accessKeyId": "instance-ak",
                "secretAccessKey": "instance-sk",
                "securityToken": "instance-token",
            }
        },
        {"access_key_id": "instance-ak", "secret_access_key": "instance-sk", "security_token": "instance-token"},
    ],
)
def test_the_agent_of_a_pod_gives_a_key_for_a_token(cloud: FakeTransport, document: dict[str, t.Any]) -> None:
    cloud.expect(f"POST {POD}", text("", 503), body={})
    cloud.expect(f"POST {POD}", answer(document), body={})
    key = metadata.fetch_of_pod(cloud, cloud.clock, POD, "pod-token", 1060.0)
    assert (key.access_key, key.secret_key, key.security_token) == ("instance-ak", "instance-sk", "instance-token")
    assert key.source == "pod identity"
    headers = cloud.requests[0].headers
    assert (headers["Authorization"], headers["Content-Type"]) == ("pod-token", "application/json")


@pytest.mark.parametrize(
    ("answered", "words"),
    [
        (text("top-secret", 403), "answered with HTTP 403"),
        (answer({"credential": {"access": "a", "secret": "top-secret"}}), "without a complete key"),
        (answer({"credential": ["top-secret"]}), "without a complete key"),
        (answer({}), "without a complete key"),
        (text("top-secret"), "not a JSON object"),
    ],
)
def test_the_agent_of_a_pod_that_gives_no_key(cloud: FakeTransport, answered: Response, words: str) -> None:
    cloud.expect(f"POST {POD}", answered, body={})
    with pytest.raises(errors.CredentialsError, match=f"^http://169.254.170.23/v1/credentials .*{words}") as caught:
        metadata.fetch_of_pod(cloud, cloud.clock, POD, "pod-token", 1060.0)
    assert "top-secret" not in str(caught.value)
    assert "a=1" not in str(caught.value)


def test_a_variable_may_forbid_the_metadata_service(cloud: FakeTransport) -> None:
    with pytest.raises(errors.CredentialsError, match="HWC_METADATA_DISABLED"):
        metadata.fetch(cloud, cloud.clock, {"HWC_METADATA_DISABLED": "TRUE"})


def test_another_address_is_checked_like_any_endpoint(cloud: FakeTransport) -> None:
    cloud.expect("PUT http://127.0.0.1:80/meta-data/latest/api/token", unreachable())
    with pytest.raises(errors.CredentialsError):
        metadata.fetch(cloud, cloud.clock, {"HWC_METADATA_ENDPOINT": "http://127.0.0.1:80"})
    with pytest.raises(errors.UsageError, match="HWC_METADATA_ENDPOINT"):
        metadata.fetch(cloud, cloud.clock, {"HWC_METADATA_ENDPOINT": "http://metadata.example.com"})


@pytest.mark.parametrize(
    ("answered", "words"),
    [
        (text("Please configure Cloud Service Agency first", 401), "Please configure Cloud Service Agency first"),
        (answer({"credential": {"access": "a", "secret": "top-secret"}}), "without a complete key"),
        (answer({"credential": "top-secret"}), "without a complete key"),
        (text('{"credential": {"secret": "top-secret"'), "not a JSON object"),
    ],
)
def test_responses_without_a_key(cloud: FakeTransport, answered: Response, words: str) -> None:
    cloud.expect(TOKEN, text("session"))
    cloud.expect(KEY, answered)
    with pytest.raises(errors.CredentialsError, match=words) as caught:
        metadata.fetch(cloud, cloud.clock, {})
    assert "top-secret" not in str(caught.value)


def test_missing_credentials_name_options_and_variables(tmp_path: Path) -> None:
    with pytest.raises(errors.CredentialsError) as caught:
        find(tmp_path)
    for name in ("hwc_access_key", "HUAWEICLOUD_SDK_AK", "hwc_auth_token", "HW_AUTH_TOKEN", "hwc_user_password"):
        assert name in str(caught.value)
    assert "169.254.169.254 is not there" in str(caught.value)


# Agencies


@pytest.mark.parametrize("given", [{"hwc_agency_domain_name": "n"}, {"hwc_agency_domain_id": "i"}])
def test_an_agency_of_the_options_goes_with_whatever_there_is(tmp_path: Path, given: dict[str, str]) -> None:
    options = {"hwc_agency_name": "ops", **given, "hwc_agency_duration": 900}
    base = AccessKey("sdk-ak", "sdk-sk", None, "environment")
    names = (given.get("hwc_agency_domain_name"), given.get("hwc_agency_domain_id"))
    found = find(tmp_path, options, SDK).credentials
    assert found == Agency(base, "ops", *names, 900, "environment, agency")
    assert found.secrets() == ["sdk-sk"]
    keep(tmp_path, FILE)
    assert find(tmp_path, options).credentials.source == "~/.huaweicloud/credentials [basic], agency"


def test_an_agency_of_the_environment_goes_with_credentials_of_the_environment(tmp_path: Path) -> None:
    environ = {"HW_ASSUME_ROLE_AGENCY_NAME": "ops", "HW_ASSUME_ROLE_DOMAIN_ID": "i", "HW_ASSUME_ROLE_DURATION": "1800"}
    found = find(tmp_path, {}, {**SDK, **environ}).credentials
    assert isinstance(found, Agency)
    assert (found.name, found.domain_id, found.duration) == ("ops", "i", 1800)
    assert find(tmp_path, KEYS, environ).credentials.source == "options"
    assert find(tmp_path, {}, environ, INSTANCE).credentials.source == "ECS metadata"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hwc_agency_name": "ops"}, "hwc_agency_domain_name .* is missing beside hwc_agency_name"),
        ({**AGENCY, "hwc_agency_duration": 899}, "must be between 900 and 86400 seconds"),
        ({**AGENCY, "hwc_agency_duration": 86401}, "must be between 900 and 86400 seconds"),
    ],
)
def test_agencies_that_are_not_complete(tmp_path: Path, options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(errors.CredentialsError, match=words):
        find(tmp_path, {**KEYS, **options})


READ = HuaweiOperation(
    service="kps",
    name="ListThings",
    method="GET",
    path="/v3/{project_id}/things",
    read_only=True,
    response_key="things",
)
THINGS = f"GET {KPS}/v3/{PROJECT}/things"
ASSUME = f"POST {IAM}/v3.0/OS-CREDENTIAL/securitytokens"
TOKENS = f"POST {IAM}/v3/auth/tokens"


def role(**fields: t.Any) -> dict[str, t.Any]:
    return {"auth": {"identity": {"methods": ["assume_role"], "assume_role": fields}}}


def temporary(number: int, end: str = "2026-01-02T04:04:05.000000Z") -> Response:
    key = {"access": f"AK{number}", "secret": f"sk-{number}", "securitytoken": f"st-{number}", "expires_at": end}
    return answer({"credential": key}, 201)


def agency(base: t.Any) -> Agency:
    return Agency(base, "ops", "their-account", None, 3600, f"{base.source}, agency")


BODY = role(agency_name="ops", domain_name="their-account", duration_seconds=3600)


def test_an_agency_is_assumed_once_and_its_key_signs(cloud: FakeTransport) -> None:
    secrets: list[str] = []
    made = client(cloud, credentials=agency(AccessKey("base-ak", "base-sk")), secrets=secrets)
    cloud.expect(ASSUME, temporary(1), body=BODY)
    cloud.expect(THINGS, {"things": []}, times=2)
    made.call(READ)
    made.call(READ)
    assert "Access=base-ak," in cloud.requests[0].headers["Authorization"]
    assert "Access=AK1," in cloud.requests[1].headers["Authorization"]
    assert cloud.requests[1].headers["X-Security-Token"] == "st-1"
    assert secrets == ["sk-1", "st-1"]
    assert made.credentials_source == "options, agency"


def test_an_agency_by_the_id_of_its_account(cloud: FakeTransport) -> None:
    base = AccessKey("base-ak", "base-sk")
    made = client(cloud, credentials=Agency(base, "ops", None, "their-id", 900, "x"))
    cloud.expect(ASSUME, temporary(1), body=role(agency_name="ops", domain_id="their-id", duration_seconds=900))
    cloud.expect(THINGS, {"things": []})
    made.call(READ)


def test_an_agency_that_is_not_there_is_told_with_its_options(cloud: FakeTransport) -> None:
    cloud.expect(ASSUME, answer({"error": {"code": 404, "message": "Could not find agency ops."}}, 404), body=BODY)
    with pytest.raises(errors.RejectedError, match="Check the agency .hwc_agency_name, .*hwc_agency_domain_name"):
        client(cloud, credentials=agency(AccessKey("base-ak", "base-sk"))).call(READ)


def test_the_key_of_an_agency_is_renewed_in_time_and_when_it_is_rejected(cloud: FakeTransport) -> None:
    made = client(cloud, credentials=agency(AccessKey("base-ak", "base-sk")))
    assert not made.renewable()
    cloud.expect(ASSUME, temporary(1), body=BODY)
    cloud.expect(THINGS, {"things": []})
    made.call(READ)
    assert made.renewable()
    cloud.clock.sleep(3300)
    cloud.expect(ASSUME, temporary(2, "2026-01-02T05:04:05.000000Z"), body=BODY)
    cloud.expect(THINGS, error_response(401, "APIGW.0301", "token expired"))
    cloud.expect(ASSUME, temporary(3, "2026-01-02T05:04:05.000000Z"), body=BODY)
    cloud.expect(THINGS, {"things": []})
    made.call(READ)
    assert "Access=AK3," in cloud.requests[-1].headers["Authorization"]


def test_an_agency_may_be_assumed_with_a_token_or_with_the_key_of_an_instance(cloud: FakeTransport) -> None:
    for base in (Token("their-token", "options"), RefreshableKey("ECS metadata", lambda _deadline: INSTANCE)):
        cloud.expect(ASSUME, temporary(1), body=BODY)
        cloud.expect(THINGS, {"things": []})
        client(cloud, credentials=agency(base)).call(READ)
    assert cloud.requests[0].headers["X-Auth-Token"] == "their-token"
    assert "Access=instance-ak," in cloud.requests[2].headers["Authorization"]


def test_an_agency_is_assumed_in_the_name_of_an_account(cloud: FakeTransport) -> None:
    cloud.expect(TOKENS, answer({"token": {}}, 201, x_subject_token="account-token"), body=LOGIN)
    cloud.expect(ASSUME, temporary(1), body=BODY)
    cloud.expect(THINGS, {"things": []})
    secrets: list[str] = []
    client(cloud, credentials=agency(Password("user", "hunter2", "account")), secrets=secrets).call(READ)
    assert cloud.requests[1].headers["X-Auth-Token"] == "account-token"
    assert secrets == ["account-token", "sk-1", "st-1"]


def test_the_project_of_an_agency_is_looked_up_with_its_key(cloud: FakeTransport) -> None:
    made = client(cloud, credentials=agency(AccessKey("base-ak", "base-sk")), project_id=None)
    cloud.expect(ASSUME, temporary(1), body=BODY)
    cloud.expect(f"GET {IAM}/v3/projects?name=cn-north-4", {"projects": [{"id": PROJECT, "name": "cn-north-4"}]})
    cloud.expect(THINGS, {"things": []})
    made.call(READ)
    assert "Access=AK1," in cloud.requests[1].headers["Authorization"]


def test_half_a_key_of_an_agency_is_an_error(cloud: FakeTransport) -> None:
    cloud.expect(ASSUME, answer({"credential": {"access": "a", "secret": "top-secret"}}, 201), body=BODY)
    with pytest.raises(errors.CredentialsError, match="without a complete key") as caught:
        client(cloud, credentials=agency(AccessKey("base-ak", "base-sk"))).call(READ)
    assert "top-secret" not in str(caught.value)


def test_the_key_of_an_instance_is_fetched_again_when_it_is_rejected(cloud: FakeTransport) -> None:
    secrets: list[str] = []
    again = AccessKey("again-ak", "again-sk", "again-token", "ECS metadata")
    made = client(cloud, credentials=RefreshableKey("ECS metadata", lambda _deadline: again, INSTANCE), secrets=secrets)
    cloud.expect(THINGS, error_response(401, "APIGW.0301", "bad"))
    cloud.expect(THINGS, {"things": []})
    made.call(READ)
    assert "Access=again-ak," in cloud.requests[1].headers["Authorization"]
    assert secrets == ["instance-sk", "instance-token", "again-sk", "again-token"]


LOGIN = {
    "auth": {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"domain": {"name": "account"}, "name": "user", "password": "hunter2"}},
        },
        "scope": {"domain": {"name": "account"}},
    }
}


@pytest.mark.parametrize(
    ("base", "url", "body"),
    [
        (AccessKey("base-ak", "base-sk"), ASSUME, BODY),
        (Password("user", "hunter2", "account"), TOKENS, LOGIN),
    ],
    ids=["key", "token"],
)
def test_an_invalid_response_with_a_secret_in_it_is_not_quoted(
    cloud: FakeTransport, base: t.Any, url: str, body: t.Any
) -> None:
    half = Response(201, {"content-type": "application/json"}, b'{"credential": {"secret": "top-secret"')
    cloud.expect(url, half, body=body)
    with pytest.raises(errors.InvalidResponseError, match="not shown") as caught:
        client(cloud, credentials=agency(base)).once(READ, timeout=5.0)
    assert "top-secret" not in str(caught.value)


def test_all_details_of_a_missing_permission_are_reported(cloud: FakeTransport) -> None:
    details = {
        "encoded_authorization_message": "XK41HVGVZGWQoOn0" * 500,
        "details": [{"error_code": "SMS.9004", "error_msg": "You may not do XXX on YYY"}],
    }
    cloud.expect(THINGS, answer({"error_code": "SMS.9004", "error_msg": "Not allowed.", **details}, 403))
    with pytest.raises(errors.ForbiddenError) as caught:
        client(cloud).call(READ)
    assert str(caught.value).endswith(f"why it was denied: {details['encoded_authorization_message']}")
    assert "Reason: SMS.9004: You may not do XXX on YYY." in str(caught.value)
    assert caught.value.as_result()["error_details"] == details
