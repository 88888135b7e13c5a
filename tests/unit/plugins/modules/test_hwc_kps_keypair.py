# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module hwc_kps_keypair."""

from __future__ import annotations

import base64
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    CheckModeWriteError,
    CloudError,
    RejectedError,
    TransportError,
    UsageError,
    WriteUncertainError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.interrupts import Interrupted
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Request, Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import kps_keypairs
from ansible_collections.multicloud.async_tasks.plugins.modules import hwc_kps_keypair
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    KPS,
    PROJECT,
    FakeClock,
    FakeTransport,
    InterruptedTransport,
    answer,
    error_response,
    html,
    lost,
    unreachable,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import (
    ModuleRun,
    defaults,
    run_module,
)

KEYPAIRS = f"{KPS}/v3/{PROJECT}/keypairs"
SHOW, CREATE = f"GET {KEYPAIRS}/kp", f"POST {KEYPAIRS}"
UPDATE, DELETE = f"PUT {KEYPAIRS}/kp", f"DELETE {KEYPAIRS}/kp"
NONE = error_response(400, "KPS.4016", "does not exist")
PRIVATE = "-----BEGIN RSA PRIVATE KEY-----\nonce\n-----END RSA PRIVATE KEY-----"
DEFAULTS: dict[str, t.Any] = {**defaults(hwc_kps_keypair.ARGUMENT_SPEC), "name": "kp"}


def public_key(text: str = "key", comment: str = "") -> str:
    blob = b"\0\0\0\x0bssh-ed25519" + text.encode()
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} {comment}".strip()


def there(**fields: t.Any) -> dict[str, t.Any]:
    return {"keypair": {"name": "kp", "type": "ssh", "scope": "user", "public_key": public_key(), **fields}}


def start(cloud: FakeTransport, check_mode: bool = False, diff_mode: bool = False, **options: t.Any) -> ModuleRun:
    return ModuleRun(cloud, {**DEFAULTS, **options}, check_mode=check_mode, diff_mode=diff_mode)


def result_of(cloud: FakeTransport, **options: t.Any) -> dict[str, t.Any]:
    return start(cloud, **options).execute(hwc_kps_keypair.execute)


# --- Creating and importing


def test_a_pair_is_generated_and_its_private_key_returned_once(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, NONE)
    cloud.expect(CREATE, there(private_key=PRIVATE), body={"keypair": {"name": "kp"}})
    result = result_of(cloud)
    assert result["changed"] is True
    assert result["private_key"] == PRIVATE
    assert result["keypair"]["name"] == "kp"
    assert "private_key" not in result["keypair"]


@pytest.mark.parametrize("key", [None, "", 17, [PRIVATE], {"pem": PRIVATE}], ids=repr)
def test_a_generated_pair_without_its_private_key_is_reported(cloud: FakeTransport, key: t.Any) -> None:
    cloud.expect(SHOW, NONE)
    cloud.expect(CREATE, there(private_key=key), body={"keypair": {"name": "kp"}})
    cloud.expect(SHOW, there())
    run = start(cloud)
    with pytest.raises(WriteUncertainError, match="was created; its private key was in the response, and is lost"):
        run.execute(hwc_kps_keypair.execute)
    assert run.context.result["changed"] is True
    assert "private_key" not in run.context.result


class Breaking(FakeTransport):
    """A cloud on which something of ours breaks after a pair was created."""

    def send(self, request: Request, timeout: float) -> Response:
        """Implement ``Transport``."""
        if request.method == "PUT":
            raise ZeroDivisionError
        return super().send(request, timeout)


def test_the_private_key_is_in_the_result_after_any_error_that_follows_its_creation(clock: FakeClock) -> None:
    cloud = Breaking(clock)
    cloud.expect(SHOW, NONE)
    cloud.expect(CREATE, there(private_key=PRIVATE), body={"keypair": {"name": "kp"}})
    result = hwc_kps_keypair.MODULE.perform(start(cloud, description="new").context)
    assert (result["failed"], result["changed"], result["private_key"]) == (True, True, PRIVATE)
    assert result["keypair"]["name"] == "kp"
    assert "ZeroDivisionError" in result["msg"]


def test_a_pair_is_imported(cloud: FakeTransport) -> None:
    fields = {"name": "kp", "type": "ssh", "public_key": public_key(), "scope": "domain"}
    cloud.expect(SHOW, NONE)
    cloud.expect(CREATE, there(), body={"keypair": fields})
    result = result_of(cloud, public_key=public_key(), scope="domain", type="ssh")
    assert result["changed"] is True
    assert "private_key" not in result


def test_a_description_is_set_after_the_creation(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, NONE)
    cloud.expect(CREATE, there(), body={"keypair": {"name": "kp", "public_key": public_key()}})
    cloud.expect(UPDATE, answer(None), body={"keypair": {"description": "new"}})
    assert result_of(cloud, public_key=public_key(), description="new")["keypair"]["description"] == "new"


def test_a_description_that_fails_does_not_lose_the_private_key(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, NONE)
    cloud.expect(CREATE, there(private_key=PRIVATE), body={"keypair": {"name": "kp"}})
    cloud.expect(UPDATE, error_response(400, "KPS.0002", "too long"), body={"keypair": {"description": "new"}})
    run = start(cloud, description="new")
    with pytest.raises(RejectedError):
        run.execute(hwc_kps_keypair.execute)
    noted = run.context.result
    assert (noted["changed"], noted["private_key"]) == (True, PRIVATE)
    assert "description" not in noted["keypair"]


@pytest.mark.parametrize("key", ["", "ssh-ed25519", "not a key", PRIVATE], ids=["empty", "half", "words", "private"])
def test_an_invalid_public_key_is_rejected(cloud: FakeTransport, key: str) -> None:
    cloud.expect(SHOW, NONE)
    with pytest.raises(UsageError, match="public_key must be a public key") as caught:
        result_of(cloud, public_key=key)
    assert "once" not in str(caught.value)


@pytest.mark.parametrize("name", ["", ".", "a/b", "a b"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_bad_name_is_refused_before_anything_is_sent(cloud: FakeTransport, name: str, state: str) -> None:
    with pytest.raises(UsageError, match="^name: "):
        result_of(cloud, name=name, state=state)
    assert cloud.requests == []


# --- Nothing to do, and describing


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"public_key": public_key()},
        {"public_key": public_key(comment="me@here")},
        {"description": "old"},
        {"scope": "domain", "type": "x509"},
    ],
    ids=["as it is", "same key", "same key with a comment", "same description", "only used when it is created"],
)
def test_a_pair_that_is_as_it_should_be_is_left_alone(cloud: FakeTransport, options: dict[str, t.Any]) -> None:
    cloud.expect(SHOW, there(description="old"))
    result = result_of(cloud, **options)
    assert result["changed"] is False
    assert result["keypair"]["public_key"] == public_key()


def test_no_description_is_as_good_as_an_empty_one(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, there(description=None))
    assert result_of(cloud, description="")["changed"] is False


@pytest.mark.parametrize("wanted", ["new", ""])
def test_a_description_is_changed(cloud: FakeTransport, wanted: str) -> None:
    cloud.expect(SHOW, there(description="old"))
    cloud.expect(UPDATE, answer(None), body={"keypair": {"description": wanted}})
    result = result_of(cloud, description=wanted, diff_mode=True)
    assert (result["changed"], result["keypair"]["description"]) == (True, wanted)
    assert result["diff"]["before"]["description"] == "old"
    assert result["diff"]["after"].get("description", "") == wanted


@pytest.mark.parametrize("present", [public_key("another"), "rubbish"])
def test_a_pair_with_another_key_is_an_error(cloud: FakeTransport, present: str | None) -> None:
    cloud.expect(SHOW, there(public_key=present))
    with pytest.raises(UsageError, match=r"holds another key than public_key.*cannot be changed"):
        result_of(cloud, public_key=public_key(), description="new")


# --- Deleting


def test_a_pair_is_deleted(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, there())
    cloud.expect(DELETE, answer(None, 204))
    result = result_of(cloud, state="absent", diff_mode=True)
    assert result["changed"] is True
    assert "keypair" not in result
    assert (result["diff"]["before"]["name"], result["diff"]["after"]) == ("kp", {})


def test_a_pair_that_another_client_deletes_meanwhile_is_not_a_change(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, there())
    cloud.expect(DELETE, NONE)
    assert result_of(cloud, state="absent")["changed"] is False


def test_a_pair_that_is_not_there_need_not_be_deleted(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, NONE)
    assert result_of(cloud, state="absent") == {"changed": False, "credentials_source": "options"}


# --- Check mode

#: What is there, what is wanted, and whether it would be changed.
CHECKED: dict[str, tuple[t.Any, dict[str, t.Any], bool]] = {
    "create": (NONE, {}, True),
    "import": (NONE, {"public_key": public_key(), "description": "new"}, True),
    "describe": (there(description="old"), {"description": "new"}, True),
    "delete": (there(), {"state": "absent"}, True),
    "nothing": (there(), {}, False),
    "nothing to delete": (NONE, {"state": "absent"}, False),
}


@pytest.mark.parametrize(("present", "options", "changed"), list(CHECKED.values()), ids=list(CHECKED))
def test_check_mode_tells_the_change_and_sends_none(
    cloud: FakeTransport, present: t.Any, options: dict[str, t.Any], changed: bool
) -> None:
    cloud.expect(SHOW, present)
    assert result_of(cloud, check_mode=True, **options)["changed"] is changed
    assert cloud.writes() == []


def test_check_mode_shows_the_pair_as_it_would_be(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, NONE)
    result = result_of(cloud, check_mode=True, diff_mode=True, public_key=public_key(), description="new")
    assert result["keypair"] == {"name": "kp", "public_key": public_key(), "description": "new"}
    assert result["diff"] == {"before": {}, "after": result["keypair"]}


def test_the_transport_stops_a_write_in_check_mode(cloud: FakeTransport) -> None:
    run = start(cloud, check_mode=True)
    with pytest.raises(CheckModeWriteError):
        kps_keypairs.delete_keypair(run.context.client(HWC), "kp")


# --- Lost responses

LOST = [lost(), answer({}, 504), html()]
LOST_IDS = ["lost", "504", "html"]


@pytest.mark.parametrize("outcome", LOST, ids=LOST_IDS)
def test_an_import_that_took_effect_without_a_response_is_a_change(cloud: FakeTransport, outcome: t.Any) -> None:
    cloud.expect(SHOW, NONE)
    cloud.expect(CREATE, outcome, body={"keypair": {"name": "kp", "public_key": public_key()}})
    cloud.expect(SHOW, there())
    result = result_of(cloud, public_key=public_key())
    assert (result["changed"], result["keypair"]["name"]) == (True, "kp")


@pytest.mark.parametrize("outcome", LOST, ids=LOST_IDS)
def test_a_pair_with_another_key_is_not_that_of_a_lost_import(cloud: FakeTransport, outcome: t.Any) -> None:
    cloud.expect(SHOW, NONE)
    cloud.expect(CREATE, outcome, body={"keypair": {"name": "kp", "public_key": public_key()}})
    cloud.expect(SHOW, there(public_key=public_key("another")))
    run = start(cloud, public_key=public_key())
    with pytest.raises(UsageError, match="holds another key than public_key"):
        run.execute(hwc_kps_keypair.execute)


@pytest.mark.parametrize("outcome", LOST, ids=LOST_IDS)
def test_a_pair_whose_private_key_was_lost_is_reported(cloud: FakeTransport, outcome: t.Any) -> None:
    cloud.expect(SHOW, NONE)
    cloud.expect(CREATE, outcome, body={"keypair": {"name": "kp"}})
    cloud.expect(SHOW, there())
    run = start(cloud)
    with pytest.raises(WriteUncertainError, match=r"private key.*state: absent"):
        run.execute(hwc_kps_keypair.execute)
    assert run.context.result["changed"] is True
    assert run.context.result["keypair"]["name"] == "kp"


@pytest.mark.parametrize("outcome", LOST, ids=LOST_IDS)
@pytest.mark.parametrize(
    ("request_", "body", "before", "after", "options", "took_effect"),
    [
        (CREATE, {"keypair": {"name": "kp"}}, NONE, NONE, {}, False),
        (DELETE, None, there(), NONE, {"state": "absent"}, True),
        (DELETE, None, there(), there(), {"state": "absent"}, False),
        (
            UPDATE,
            {"keypair": {"description": "new"}},
            there(),
            there(description="new"),
            {"description": "new"},
            True,
        ),
        (UPDATE, {"keypair": {"description": "new"}}, there(), there(), {"description": "new"}, False),
        (UPDATE, {"keypair": {"description": "new"}}, there(), NONE, {"description": "new"}, False),
    ],
    ids=["create: no", "delete: yes", "delete: no", "describe: yes", "describe: no", "describe: gone"],
)
def test_whether_a_lost_request_took_effect_is_looked_up(
    cloud: FakeTransport,
    outcome: t.Any,
    request_: str,
    body: t.Any,
    before: t.Any,
    after: t.Any,
    options: dict[str, t.Any],
    took_effect: bool,
) -> None:
    cloud.expect(SHOW, before)
    cloud.expect(request_, outcome, body=body)
    cloud.always(SHOW, after)
    run = start(cloud, **options)
    if took_effect:
        assert run.execute(hwc_kps_keypair.execute)["changed"] is True
        assert cloud.clock.sleeps == []
    else:
        with pytest.raises(WriteUncertainError, match=r"is as it was, also after 60 s\. Run this again"):
            run.execute(hwc_kps_keypair.execute)
        assert run.context.result["changed"] is False
        assert 50 < sum(cloud.clock.sleeps) <= 60


@pytest.mark.parametrize("outcome", LOST, ids=LOST_IDS)
@pytest.mark.parametrize(
    ("request_", "before", "after", "options"),
    [(CREATE, NONE, there(), {"public_key": public_key()}), (DELETE, there(), NONE, {"state": "absent"})],
    ids=["import", "delete"],
)
def test_a_lost_request_that_takes_effect_later_is_a_change(
    cloud: FakeTransport, outcome: t.Any, request_: str, before: t.Any, after: t.Any, options: dict[str, t.Any]
) -> None:
    body = {"keypair": {"name": "kp", "public_key": public_key()}} if request_ == CREATE else None
    cloud.expect(SHOW, before)
    cloud.expect(request_, outcome, body=body)
    cloud.expect(SHOW, before, times=4)
    cloud.expect(SHOW, after)
    assert start(cloud, **options).execute(hwc_kps_keypair.execute)["changed"] is True
    assert cloud.clock.sleeps == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_page_of_a_gateway_does_not_end_the_search(cloud: FakeTransport, status: int) -> None:
    cloud.expect(SHOW, there())
    cloud.expect(DELETE, lost())
    cloud.expect(SHOW, html(status))
    cloud.expect(SHOW, there())
    cloud.expect(SHOW, html(status))
    cloud.expect(SHOW, NONE)
    assert start(cloud, state="absent").execute(hwc_kps_keypair.execute)["changed"] is True


def test_a_write_after_which_only_a_gateway_responds_counts_as_a_change(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, there())
    cloud.expect(DELETE, lost())
    cloud.always(SHOW, html(404))
    run = start(cloud, state="absent")
    with pytest.raises(WriteUncertainError, match=r"is not known.*HTTP 404.*Check that before you run this again"):
        run.execute(hwc_kps_keypair.execute)
    assert run.context.result["changed"] is True
    assert sum(cloud.clock.sleeps) > 50


def test_a_write_whose_outcome_cannot_be_read_counts_as_a_change(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, there())
    cloud.expect(DELETE, lost())
    cloud.expect(SHOW, error_response(403, "APIGW.0302", "no"))
    run = start(cloud, state="absent")
    with pytest.raises(WriteUncertainError, match=r"is not known.*Check that before you run this again"):
        run.execute(hwc_kps_keypair.execute)
    assert run.context.result["changed"] is True


def test_an_interrupted_request_may_have_changed_something(clock: FakeClock) -> None:
    cloud = InterruptedTransport(clock)
    cloud.expect(SHOW, there())
    cloud.expect(DELETE, answer())
    run = start(cloud, state="absent")
    with pytest.raises(Interrupted):
        run.execute(hwc_kps_keypair.execute)
    assert run.context.result["changed"] is True


def test_a_private_key_survives_an_interruption_of_the_request_after_it(clock: FakeClock) -> None:
    cloud = InterruptedTransport(clock, at=2)
    cloud.expect(SHOW, NONE)
    cloud.expect(CREATE, {"keypair": {"name": "kp", "private_key": "PEM"}}, body={"keypair": {"name": "kp"}})
    cloud.expect(UPDATE, answer(), body={"keypair": {"description": "new"}})
    run = start(cloud, description="new")
    with pytest.raises(Interrupted):
        run.execute(hwc_kps_keypair.execute)
    assert (run.context.result["changed"], run.context.result["private_key"]) == (True, "PEM")


def test_a_request_that_was_not_received_has_changed_nothing(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, there())
    for took in (29.0, 29.0, 0.2):
        cloud.expect(DELETE, unreachable(), took=took)
    run = start(cloud, state="absent")
    with pytest.raises(TransportError):
        run.execute(hwc_kps_keypair.execute)
    assert run.context.result["changed"] is False


def test_a_rejected_creation_is_an_error(cloud: FakeTransport) -> None:
    cloud.expect(SHOW, NONE)
    cloud.expect(CREATE, error_response(403, "KPS.9003", "no"), body={"keypair": {"name": "kp"}})
    with pytest.raises(CloudError, match="kps:SSHKeyPair:create"):
        result_of(cloud)


def test_wrong_options_are_refused_by_ansible() -> None:
    assert "name" in run_module("hwc_kps_keypair", {})["msg"]
    assert "present, absent" in run_module("hwc_kps_keypair", {"name": "kp", "state": "gone"})["msg"]
