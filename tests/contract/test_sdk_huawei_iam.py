# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The official Huawei SDK works with the emulated IAM: tokens, temporary keys, projects, and the SDK's own look-ups."""

from __future__ import annotations

import json
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from emulator import Emulator, ManualClock
from emulator.huawei.directory import AccessKey, Agency, Domain, IdentityProvider, Project, User
from emulator.huawei.metadata import POD

from .conftest import HuaweiSdk
from .sdk import load


def post(emulator: Emulator, path: str, body: t.Any, **headers: str) -> tuple[int, dict[str, str], t.Any]:
    """Return an unsigned request: status, headers (names in lower case) and document."""
    request = urllib.request.Request(
        f"{emulator.url}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}},
    )
    try:
        with urllib.request.urlopen(request) as response:
            return (
                response.status,
                {name.lower(): value for name, value in response.headers.items()},
                json.load(response),
            )
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, json.load(error)


def password(emulator: Emulator, secret: str | None = None, **scope: t.Any) -> dict[str, t.Any]:
    """Return the body that asks for a token."""
    user = {
        "name": emulator.user.name,
        "password": secret or emulator.user.password,
        "domain": {"name": emulator.domain.name},
    }
    auth: dict[str, t.Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    return {"auth": {**auth, "scope": scope} if scope else auth}


def token(emulator: Emulator, **scope: t.Any) -> str:
    """Return a token."""
    return post(emulator, "/v3/auth/tokens", password(emulator, **scope))[1]["x-subject-token"]


def sdk_password(iam: t.Any, emulator: Emulator, secret: str, **scope: t.Any) -> t.Any:
    """Return the same through the SDK's models."""
    domain = iam.PwdPasswordUserDomain(emulator.domain.name)
    user = iam.PwdPasswordUser(domain=domain, name=emulator.user.name, password=secret)
    identity = iam.PwdIdentity(methods=["password"], password=iam.PwdPassword(user))
    auth = iam.PwdAuth(identity=identity, scope=iam.AuthScope(**scope))
    body = iam.KeystoneCreateUserTokenByPasswordRequestBody(auth)
    return iam.KeystoneCreateUserTokenByPasswordRequest(body=body)


def test_token_through_the_sdk(emulator: Emulator, huawei: HuaweiSdk) -> None:
    iam, client = huawei.models["iam"], huawei.client("iam")
    scope = {"project": iam.AuthScopeProject(name="cn-north-4")}
    response = client.keystone_create_user_token_by_password(
        sdk_password(iam, emulator, emulator.user.password, **scope)
    )
    assert response.status_code == 201
    assert response.x_subject_token in emulator.huawei.tokens
    assert response.token.project.id == emulator.project.id
    assert response.token.user.name == emulator.user.name
    assert response.token.methods == ["password"]
    assert response.token.expires_at.endswith("Z")
    assert len(response.token.expires_at) == len("2020-01-04T09:05:22.701000Z")


def test_wrong_password_through_the_sdk(emulator: Emulator, huawei: HuaweiSdk) -> None:
    iam, client = huawei.models["iam"], huawei.client("iam")
    error = load("huaweicloudsdkcore.exceptions.exceptions").ClientRequestException
    scope = {"project": iam.AuthScopeProject(name="cn-north-4")}
    with pytest.raises(error) as caught:
        client.keystone_create_user_token_by_password(sdk_password(iam, emulator, "wrong", **scope))
    assert caught.value.status_code == 401
    # the SDK keeps the code as the integer it is in keystone's shape
    assert str(caught.value.error_code) == "401"
    assert caught.value.error_msg == "The username or password is wrong."
    assert caught.value.request_id is None, "the SDK does not know IAM's name for it"
    assert post(emulator, "/v3/auth/tokens", password(emulator, "wrong"))[1]["x-iam-trace-id"]


def test_wrong_passwords_lock_the_user(emulator: Emulator, clock: ManualClock) -> None:
    for _attempt in range(5):
        assert post(emulator, "/v3/auth/tokens", password(emulator, "wrong"))[0] == 401
    status, _headers, document = post(emulator, "/v3/auth/tokens", password(emulator))
    assert (status, document["error"]["title"]) == (401, "Unauthorized")
    clock.advance(901)
    assert post(emulator, "/v3/auth/tokens", password(emulator))[0] == 201


def test_tokens_have_the_scope_that_was_asked_for(emulator: Emulator) -> None:
    project, domain = {"id": emulator.project.id}, {"name": emulator.domain.name}

    def body(**scope: t.Any) -> t.Any:
        return post(emulator, "/v3/auth/tokens?nocatalog=true", password(emulator, **scope))[2]["token"]

    assert body(project=project)["project"]["name"] == "cn-north-4"
    assert body(domain=domain)["domain"]["id"] == emulator.domain.id
    both = body(project=project, domain=domain)
    assert "domain" not in both
    assert both["project"]["id"] == emulator.project.id
    bare = body()
    assert not {"domain", "project", "catalog"} & set(bare)
    assert post(emulator, "/v3/auth/tokens", password(emulator, project={"name": "mars-1"}))[0] == 401
    assert "catalog" in post(emulator, "/v3/auth/tokens", password(emulator))[2]["token"]


def get(emulator: Emulator, path: str, text: str) -> tuple[int, t.Any]:
    """Return a read with a token."""
    status, _headers, document = post(emulator, path, None, X_Auth_Token=text)
    return status, document


def test_token_is_good_for_its_project(emulator: Emulator, clock: ManualClock) -> None:
    directory = emulator.huawei.directory
    other = directory.add_project(Project("other-project", "cn-east-3", emulator.domain.id))
    mine = token(emulator, project={"name": "cn-north-4"})
    assert get(emulator, f"/v3/{emulator.project.id}/keypairs", mine)[0] == 200
    assert emulator.requests[-1].identity == emulator.user.name
    status, document = get(emulator, f"/v3/{other.id}/keypairs", mine)
    assert (status, document["error_code"]) == (401, "APIGW.0307")
    assert get(emulator, f"/v3/{emulator.project.id}/keypairs", token(emulator))[0] == 401
    clock.advance(24 * 3600 + 1)
    status, document = get(emulator, f"/v3/{emulator.project.id}/keypairs", mine)
    assert (status, document["error_code"]) == (401, "APIGW.0307")
    status, document = get(emulator, f"/v3/{emulator.project.id}/keypairs", "nonsense")
    assert (status, document["error_code"]) == (401, "APIGW.0301")
    assert "decrypt token fail" in document["error_msg"]
    assert get(emulator, "/v3/projects", "nonsense") == (
        401,
        {
            "error": {
                "code": 401,
                "message": "The request you have made requires authentication.",
                "title": "Unauthorized",
            }
        },
    )


def test_projects(emulator: Emulator, huawei: HuaweiSdk) -> None:
    directory = emulator.huawei.directory
    directory.add_domain(Domain("other", "other-account"))
    directory.add_project(Project("not-mine", "cn-north-4", "other"))
    iam, client = huawei.models["iam"], huawei.client("iam")
    named = client.keystone_list_projects(iam.KeystoneListProjectsRequest(name="cn-north-4")).projects
    assert [project.id for project in named] == [emulator.project.id]
    every = client.keystone_list_projects(iam.KeystoneListProjectsRequest()).projects
    assert {project.name for project in every} == {"cn-north-4", "MOS"}
    pages = [
        client.keystone_list_projects(iam.KeystoneListProjectsRequest(page=page, per_page=1)).projects
        for page in (1, 2, 3)
    ]
    assert [len(page) for page in pages] == [1, 1, 0]
    domains = client.keystone_list_auth_domains(iam.KeystoneListAuthDomainsRequest()).domains
    assert [domain.id for domain in domains] == [emulator.domain.id]


def test_sdk_looks_the_project_up(emulator: Emulator, huawei: HuaweiSdk) -> None:
    # the SDK keeps what it found per access key and region, for the whole process: so this key is used nowhere else
    key = emulator.huawei.directory.add_access_key(
        AccessKey("AKLOOKUP", "secret", emulator.user.id, emulator.domain.id)
    )
    models = huawei.models["kps"]
    region = load("huaweicloudsdkcore.region.region").Region("cn-north-4", emulator.url)
    credentials = load("huaweicloudsdkcore.auth.credentials").BasicCredentials(key.access, key.secret)
    credentials.with_iam_endpoint(emulator.url)
    client = models.KpsClient.new_builder().with_credentials(credentials).with_region(region).build()
    assert client.list_keypairs(models.ListKeypairsRequest()).page_info.current_count == 2
    assert [(entry.operation, entry.identity) for entry in emulator.requests] == [
        ("KeystoneListProjects", "AKLOOKUP"),
        ("ListKeypairs", "AKLOOKUP"),
    ]


def test_temporary_key_by_token(emulator: Emulator, huawei: HuaweiSdk) -> None:
    iam, client = huawei.models["iam"], huawei.client("iam")
    text = token(emulator, project={"name": "cn-north-4"})
    identity = iam.TokenAuthIdentity(methods=["token"], token=iam.IdentityToken(id=text, duration_seconds=3600))
    body = iam.CreateTemporaryAccessKeyByTokenRequestBody(iam.TokenAuth(identity))
    response = client.create_temporary_access_key_by_token(iam.CreateTemporaryAccessKeyByTokenRequest(body))
    assert response.status_code == 201
    use(emulator, huawei, response.credential, emulator.project.id)


def use(emulator: Emulator, huawei: HuaweiSdk, credential: t.Any, project_id: str) -> None:
    """Read something with a temporary key."""
    credentials = huawei.credentials(credential.access, credential.secret, project_id)
    credentials.with_security_token(credential.securitytoken)
    huawei.client("kps", credentials).list_keypairs(huawei.models["kps"].ListKeypairsRequest())
    assert emulator.requests[-1].identity == credential.access


@pytest.fixture
def delegated(emulator: Emulator) -> Project:
    """Return a project of another account that trusts ours through the agency ``operators``."""
    directory = emulator.huawei.directory
    directory.add_domain(Domain("owner", "owner-account"))
    directory.add_user(User("owner-user", "owner", "secret", "owner"))
    directory.agencies.append(Agency("operators", "owner", emulator.domain.id))
    return directory.add_project(Project("delegated-project", "cn-north-4", "owner"))


def test_temporary_key_by_agency(emulator: Emulator, huawei: HuaweiSdk, delegated: Project) -> None:
    iam, client = huawei.models["iam"], huawei.client("iam")
    role = iam.IdentityAssumerole(agency_name="operators", domain_name="owner-account", duration_seconds=1800)
    identity = iam.AgencyAuthIdentity(methods=["assume_role"], assume_role=role)
    body = iam.CreateTemporaryAccessKeyByAgencyRequestBody(iam.AgencyAuth(identity))
    response = client.create_temporary_access_key_by_agency(iam.CreateTemporaryAccessKeyByAgencyRequest(body))
    assert emulator.requests[-1].operation == "CreateTemporaryAccessKeyByAgency"
    use(emulator, huawei, response.credential, delegated.id)


def test_token_by_agency(emulator: Emulator, delegated: Project) -> None:
    role = {"agency_name": "operators", "domain_id": "owner"}
    auth = {
        "identity": {"methods": ["assume_role"], "assume_role": role},
        "scope": {"project": {"name": "cn-north-4"}},
    }
    mine = token(emulator, domain={"name": emulator.domain.name})
    status, headers, _document = post(emulator, "/v3/auth/tokens", {"auth": auth}, X_Auth_Token=mine)
    assert status == 201
    assert emulator.requests[-1].operation == "KeystoneCreateAgencyTokenByAgency"
    assert get(emulator, f"/v3/{delegated.id}/keypairs", headers["x-subject-token"])[0] == 200
    role["agency_name"] = "strangers"
    assert post(emulator, "/v3/auth/tokens", {"auth": auth}, X_Auth_Token=mine)[0] == 404


def test_agency_v5(emulator: Emulator, huawei: HuaweiSdk, delegated: Project) -> None:
    urn = "iam::owner:agency:operators"
    mine = token(emulator, domain={"name": emulator.domain.name})
    wanted = {"agency_urn": urn, "agency_session_name": "test"}
    status, _headers, document = post(emulator, "/v5/agencies/assume", wanted, X_Auth_Token=mine)
    assert status == 200
    found = document["credentials"]
    credentials = huawei.credentials(found["access_key_id"], found["secret_access_key"], delegated.id)
    credentials.with_security_token(found["security_token"])
    huawei.client("kps", credentials).list_keypairs(huawei.models["kps"].ListKeypairsRequest())
    assert get(emulator, "/v5/caller-identity", mine)[1]["account_id"] == emulator.domain.id


@pytest.fixture
def provider(emulator: Emulator) -> IdentityProvider:
    """Return an identity provider of the account, whose users may take on the agency ``workload``."""
    emulator.huawei.directory.providers.append(IdentityProvider("idp", emulator.domain.id, ("workload",)))
    return emulator.huawei.directory.providers[0]


def reads(emulator: Emulator, huawei: HuaweiSdk, credentials: t.Any) -> str:
    """Read something with credentials of the SDK; returns who did, as the emulator knows it."""
    credentials.with_project_id(emulator.project.id).with_iam_endpoint(emulator.url)
    huawei.client("kps", credentials).list_keypairs(huawei.models["kps"].ListKeypairsRequest())
    assert emulator.requests[-1].operation == "ListKeypairs"
    return str(emulator.requests[-1].identity)


def test_sdk_logs_in_with_a_token_of_an_identity_provider(
    emulator: Emulator, huawei: HuaweiSdk, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text(emulator.huawei.directory.issue_id_token(provider, emulator.user.id))
    monkeypatch.setenv("HUAWEICLOUD_OIDC_PROVIDER_URN", provider.urn)
    monkeypatch.setenv("HUAWEICLOUD_OIDC_AGENCY_URN", f"iam::{emulator.domain.id}:agency:workload")
    monkeypatch.setenv("HUAWEICLOUD_OIDC_TOKEN_FILE", str(path))
    monkeypatch.setenv("HUAWEICLOUD_SDK_STS_ENDPOINT", emulator.url)
    found = load("huaweicloudsdkcore.auth.provider").OidcStsCredentialProvider.get_basic().get_credentials()
    assert reads(emulator, huawei, found).startswith("TEMP")
    entry = emulator.requests[0]
    assert (entry.operation, entry.status) == ("AssumeAgencyWithOIDC", 200)


def test_sdk_logs_in_as_a_user_of_an_identity_provider(
    emulator: Emulator, huawei: HuaweiSdk, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text(emulator.huawei.directory.issue_id_token(provider, emulator.user.id))
    monkeypatch.setenv("HUAWEICLOUD_SDK_IDP_ID", provider.id)
    monkeypatch.setenv("HUAWEICLOUD_SDK_ID_TOKEN_FILE", str(path))
    found = load("huaweicloudsdkcore.auth.provider").EnvCredentialProvider.get_basic().get_credentials()
    assert reads(emulator, huawei, found).startswith("TEMP")
    assert [entry.operation for entry in emulator.requests][:2] == [
        "CreateTokenWithIdToken",
        "CreateTemporaryAccessKeyByToken",
    ]


def test_sdk_logs_in_as_a_pod(
    emulator: Emulator, huawei: HuaweiSdk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("pod-token\n")
    emulator.huawei.metadata.pods["pod-token"] = (emulator.user.id, emulator.domain.id)
    monkeypatch.setenv("HC_CONTAINER_CREDENTIALS_FULL_URI", f"{emulator.url}{POD}")
    monkeypatch.setenv("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(path))
    found = load("huaweicloudsdkcore.auth.provider").PodIdentityCredentialProvider.get_basic().get_credentials()
    assert reads(emulator, huawei, found).startswith("TEMP")
    assert emulator.requests[0].operation == "GetPodSecurityKey"


def oidc_body(emulator: Emulator, provider: IdentityProvider, token: str, **changed: t.Any) -> dict[str, t.Any]:
    """Return the body that asks STS for a key."""
    usual = {
        "provider_urn": provider.urn,
        "agency_urn": f"iam::{emulator.domain.id}:agency:workload",
        "agency_session_name": "test",
        "id_token": token,
    }
    return {**usual, **changed}


def test_tokens_of_identity_providers_that_are_rejected(
    emulator: Emulator, provider: IdentityProvider, clock: ManualClock
) -> None:
    text = emulator.huawei.directory.issue_id_token(provider, emulator.user.id, 60)

    def sts(**changed: t.Any) -> int:
        return post(emulator, "/v5/agencies/assume-with-oidc", oidc_body(emulator, provider, text, **changed))[0]

    def iam(token: str, idp: str = "idp") -> int:
        body = {"auth": {"id_token": {"id": token}}}
        return post(emulator, "/v3.0/OS-AUTH/id-token/tokens", body, X_Idp_Id=idp)[0]

    assert (sts(), iam(text)) == (200, 201)
    assert sts(id_token="nonsense") == 401
    assert sts(provider_urn="iam::other:oidc-provider:idp") == 401
    assert sts(agency_urn=f"iam::{emulator.domain.id}:agency:other") == 403
    assert sts(agency_urn="workload") == 400
    assert sts(duration_seconds=899) == 400
    assert (iam("nonsense"), iam(text, "other")) == (401, 401)
    clock.advance(61)
    assert (sts(), iam(text)) == (401, 401)


def test_a_project_may_be_named_with_its_account(emulator: Emulator) -> None:
    def scoped(**domain: str) -> int:
        return post(emulator, "/v3/auth/tokens", password(emulator, project={"name": "cn-north-4", "domain": domain}))[
            0
        ]

    assert scoped(name=emulator.domain.name) == 201
    assert scoped(id=emulator.domain.id) == 201
    assert scoped(name="another-account") == 401


def test_sms_rejects_a_token_for_the_project_of_another_region(emulator: Emulator) -> None:
    emulator.huawei.directory.add_project(Project("east", "cn-east-3", emulator.domain.id))
    assert get(emulator, "/v3/tasks", token(emulator, project={"name": "cn-north-4"}))[0] == 200
    assert get(emulator, "/v3/tasks", token(emulator, domain={"name": emulator.domain.name}))[0] == 200
    status, document = get(emulator, "/v3/tasks", token(emulator, project={"name": "cn-east-3"}))
    assert (status, document["error_code"]) == (401, "APIGW.0307")
