# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""KPS: how key pairs are read and written, and what goes over the wire when tasks are started."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import InvalidResponseError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services import kps_keypairs
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.pagination import Listing
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import (
    KPS,
    PROJECT,
    FakeTransport,
    answer,
    client,
    error_response,
)

KEYPAIRS = f"{KPS}/v3/{PROJECT}/keypairs"


def test_a_key_pair_is_shown_with_a_readable_date(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {KEYPAIRS}/kp", {"keypair": {"name": "kp", "create_time": 1767323045000}})
    assert kps_keypairs.show_keypair(client(cloud), "kp") == {
        "name": "kp",
        "create_time": 1767323045000,
        "created": "2026-01-02T03:04:05Z",
    }


@pytest.mark.parametrize("code", ["KPS.4016", "KPS.6004"])
def test_an_unknown_key_pair_returns_none(cloud: FakeTransport, code: str) -> None:
    cloud.expect(f"GET {KEYPAIRS}/kp", error_response(400, code, "does not exist"))
    assert kps_keypairs.show_keypair(client(cloud), "kp") is None


def test_a_response_that_is_not_a_key_pair_is_an_error(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {KEYPAIRS}/kp", {"keypair": None})
    with pytest.raises(InvalidResponseError, match="null, not an object"):
        kps_keypairs.show_keypair(client(cloud), "kp")
    cloud.expect(f"POST {KEYPAIRS}", {"keypair": []}, body={"keypair": {"name": "kp"}})
    with pytest.raises(InvalidResponseError, match="a list, not an object"):
        kps_keypairs.create_keypair(client(cloud), {"name": "kp"})


@pytest.mark.parametrize(
    "fields", [{"name": "other"}, {"name": 7}, {"public_key": ["ssh-rsa"]}, {"description": 7}], ids=repr
)
def test_a_key_pair_that_cannot_be_compared_is_an_error(cloud: FakeTransport, fields: dict[str, t.Any]) -> None:
    cloud.expect(f"GET {KEYPAIRS}/kp", {"keypair": {"name": "kp", **fields}})
    with pytest.raises(InvalidResponseError):
        kps_keypairs.show_keypair(client(cloud), "kp")


@pytest.mark.parametrize("private_key", [None, "", 7, ["-----BEGIN"]], ids=repr)
def test_a_generated_key_pair_without_its_private_key_is_an_error(cloud: FakeTransport, private_key: t.Any) -> None:
    created = {"keypair": {"name": "kp", "private_key": private_key}}
    cloud.expect(f"POST {KEYPAIRS}", created, body={"keypair": {"name": "kp"}})
    with pytest.raises(InvalidResponseError, match="'private_key'") as caught:
        kps_keypairs.create_keypair(client(cloud), {"name": "kp"})
    assert caught.value.outcome_unknown
    imported = {"name": "kp", "public_key": "ssh-rsa AAAA"}
    cloud.expect(f"POST {KEYPAIRS}", created, body={"keypair": imported})
    assert kps_keypairs.create_keypair(client(cloud), imported)["name"] == "kp"


def test_the_private_key_of_a_generated_pair_is_returned_whatever_else_is_wrong(cloud: FakeTransport) -> None:
    created = {"keypair": {"name": 7, "fingerprint": [], "public_key": None, "private_key": "PEM"}}
    cloud.expect(f"POST {KEYPAIRS}", created, body={"keypair": {"name": "kp"}})
    assert kps_keypairs.create_keypair(client(cloud), {"name": "kp"})["private_key"] == "PEM"


def keypairs(*names: str, marker: str | None = None) -> dict[str, t.Any]:
    listed = [{"keypair": {"name": name}} for name in names]
    return {"keypairs": listed, "page_info": {"next_marker": marker, "current_count": len(names)}}


def names(found: Listing) -> list[str]:
    return [str(keypair["name"]) for keypair in found.rows]


def test_key_pairs_are_listed_by_marker_until_there_is_none(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {KEYPAIRS}?limit=50", keypairs("a", "b", marker="b/1"))
    cloud.expect(f"GET {KEYPAIRS}?limit=50&marker=b%2F1", keypairs("c"))
    assert names(kps_keypairs.list_keypairs(client(cloud))) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "second",
    [keypairs("b", marker="b"), keypairs(marker="b"), {"keypairs": []}, {"keypairs": None, "page_info": None}, {}],
    ids=["same marker", "empty page", "no page_info", "null", "nothing"],
)
def test_a_list_of_key_pairs_with_repeated_markers_ends(cloud: FakeTransport, second: dict[str, t.Any]) -> None:
    cloud.expect(f"GET {KEYPAIRS}?limit=50", keypairs("a", "b", marker="b"))
    cloud.expect(f"GET {KEYPAIRS}?limit=50&marker=b", second)
    assert names(kps_keypairs.list_keypairs(client(cloud))) == ["a", "b"]


@pytest.mark.parametrize("second", [keypairs(marker="c"), keypairs("a", "b", marker="c")], ids=["empty", "same"])
def test_a_page_without_new_key_pairs_that_names_another_is_not_the_end(
    cloud: FakeTransport, second: dict[str, t.Any]
) -> None:
    cloud.expect(f"GET {KEYPAIRS}?limit=50", keypairs("a", "b", marker="b"))
    cloud.expect(f"GET {KEYPAIRS}?limit=50&marker=b", second)
    cloud.expect(f"GET {KEYPAIRS}?limit=50&marker=c", keypairs("d"))
    assert names(kps_keypairs.list_keypairs(client(cloud))) == ["a", "b", "d"]


@pytest.mark.parametrize(
    "document",
    [
        {"keypairs": [{"keypair": None}]},
        {"keypairs": [{}]},
        {"keypairs": [{"keypair": {"name": None}}]},
        {"keypairs": [], "page_info": []},
        {"keypairs": [], "page_info": {"next_marker": 7}},
    ],
    ids=repr,
)
def test_a_key_pair_is_not_left_out_because_it_is_not_understood(
    cloud: FakeTransport, document: dict[str, t.Any]
) -> None:
    cloud.expect(f"GET {KEYPAIRS}?limit=50", document)
    with pytest.raises(InvalidResponseError):
        kps_keypairs.list_keypairs(client(cloud))


def test_no_key_pairs_are_an_empty_list(cloud: FakeTransport) -> None:
    cloud.expect(f"GET {KEYPAIRS}?limit=50", keypairs())
    assert kps_keypairs.list_keypairs(client(cloud)).rows == []


def test_a_description_is_changed(cloud: FakeTransport) -> None:
    cloud.expect(f"PUT {KEYPAIRS}/kp", answer(None), body={"keypair": {"description": "new"}})
    kps_keypairs.set_description(client(cloud), "kp", "new")


def test_a_key_pair_is_deleted_or_was_not_there(cloud: FakeTransport) -> None:
    cloud.expect(f"DELETE {KEYPAIRS}/kp", answer(None, 204))
    assert kps_keypairs.delete_keypair(client(cloud), "kp") is True
    cloud.expect(f"DELETE {KEYPAIRS}/kp", error_response(400, "KPS.4016", "does not exist"))
    assert kps_keypairs.delete_keypair(client(cloud), "kp") is False


def test_an_association_sends_only_the_fields_that_are_given(cloud: FakeTransport) -> None:
    body: dict[str, t.Any] = {"keypair_name": "kp", "server": {"id": "s-1"}}
    cloud.expect(f"POST {KEYPAIRS}/associate", {"task_id": "t-1"}, body=body)
    assert kps_keypairs.associate(client(cloud), "s-1", kps_keypairs.Binding("kp")) == {"task_id": "t-1"}
    binding = kps_keypairs.Binding("kp", kps_keypairs.KpsLogin("keypair", "PEM"), disable_password=False, port=2222)
    server = {"id": "s-1", "auth": {"type": "keypair", "key": "PEM"}, "disable_password": False, "port": 2222}
    assert json.dumps(binding.body("s-1")) == json.dumps({"keypair_name": "kp", "server": server}), "the SDK's order"
    cloud.expect(f"POST {KEYPAIRS}/associate", answer({"task_id": "t-2"}, 202), body=binding.body("s-1"))
    kps_keypairs.associate(client(cloud), "s-1", binding)


@pytest.mark.parametrize("accepted", [{}, {"server_id": "s-1"}, {"task_id": None}, {"task_id": "", "status": "READY"}])
def test_an_association_that_is_accepted_without_a_task_is_an_error(
    cloud: FakeTransport, accepted: dict[str, t.Any]
) -> None:
    body = {"keypair_name": "kp", "server": {"id": "s-1"}}
    cloud.expect(f"POST {KEYPAIRS}/associate", accepted, body=body)
    with pytest.raises(InvalidResponseError, match="without a task"):
        kps_keypairs.associate(client(cloud), "s-1", kps_keypairs.Binding("kp"))
    cloud.expect(f"POST {KEYPAIRS}/disassociate", accepted, body={"server": {"id": "s-1"}})
    with pytest.raises(InvalidResponseError, match="without a task"):
        kps_keypairs.disassociate(client(cloud), "s-1")


@pytest.mark.parametrize("status", ["FAILED", "Failed", "failed"])
def test_an_association_may_have_failed_already(cloud: FakeTransport, status: str) -> None:
    row = {"status": status, "error_code": "KPS.3001"}
    cloud.expect(f"POST {KEYPAIRS}/associate", row, body={"keypair_name": "kp", "server": {"id": "s-1"}})
    assert kps_keypairs.failed_already(kps_keypairs.associate(client(cloud), "s-1", kps_keypairs.Binding("kp")))
    assert not kps_keypairs.failed_already({"status": "READY_RESET"})
    assert not kps_keypairs.failed_already({"status": None})


def batch(*ids: str) -> dict[str, t.Any]:
    return {"batch_keypairs": [{"keypair_name": "kp", "server": {"id": server_id}} for server_id in ids]}


def test_several_bindings_are_answered_server_by_server(cloud: FakeTransport) -> None:
    rows = [{"server_id": "s-2", "status": "Failed"}, {"server_id": "s-1", "task_id": "t-1"}]
    cloud.expect(f"POST {KEYPAIRS}/batch-associate", answer({"tasks": rows}, 202), body=batch("s-1", "s-2"))
    bound = kps_keypairs.batch_bind(client(cloud), ["s-1", "s-2"], kps_keypairs.Binding("kp"))
    assert list(bound.items()) == [("s-1", rows[1]), ("s-2", rows[0])]


@pytest.mark.parametrize("rest", [[], [{"server_id": "s-2"}], [{"server_id": "s-2", "task_id": ["t-2"]}]], ids=repr)
def test_a_binding_without_a_response_does_not_affect_the_others(cloud: FakeTransport, rest: t.Any) -> None:
    rows = [{"server_id": "s-1", "task_id": "t-1"}, *rest]
    cloud.expect(f"POST {KEYPAIRS}/batch-associate", {"tasks": rows}, body=batch("s-1", "s-2"))
    bound = kps_keypairs.batch_bind(client(cloud), ["s-1", "s-2"], kps_keypairs.Binding("kp"))
    assert bound["s-1"] == rows[0]
    assert isinstance(bound["s-2"], InvalidResponseError)


@pytest.mark.parametrize("task_id", [7, True, ["t-1"], {}, "..", "a/b", "x" * 65], ids=repr)
def test_an_invalid_task_id_is_an_error(cloud: FakeTransport, task_id: t.Any) -> None:
    body = {"keypair_name": "kp", "server": {"id": "s-1"}}
    cloud.expect(f"POST {KEYPAIRS}/associate", {"task_id": task_id}, body=body)
    with pytest.raises(InvalidResponseError, match="'task_id'"):
        kps_keypairs.associate(client(cloud), "s-1", kps_keypairs.Binding("kp"))


def test_code_and_message_of_a_failure_are_texts(cloud: FakeTransport) -> None:
    row = {"status": "FAILED", "error_code": 3001, "error_msg": ["a", 1]}
    cloud.expect(f"POST {KEYPAIRS}/disassociate", row, body={"server": {"id": "s-1"}})
    answered = kps_keypairs.disassociate(client(cloud), "s-1")
    assert (answered["error_code"], answered["error_msg"]) == ("3001", '["a", 1]')


def test_a_disassociation_sends_only_the_fields_that_are_given(cloud: FakeTransport) -> None:
    cloud.expect(f"POST {KEYPAIRS}/disassociate", {"task_id": "t-1"}, body={"server": {"id": "s-1"}})
    kps_keypairs.disassociate(client(cloud), "s-1")
    server = {"id": "s-1", "auth": {"type": "password", "key": "secret"}}
    cloud.expect(f"POST {KEYPAIRS}/disassociate", {"task_id": "t-1"}, body={"server": server})
    kps_keypairs.disassociate(client(cloud), "s-1", login=kps_keypairs.KpsLogin("password", "secret"))


def test_a_login_does_not_show_its_secret() -> None:
    assert "hunter2" not in repr(kps_keypairs.KpsLogin("password", "hunter2"))


def public_key(kind: str = "ssh-ed25519", blob_kind: str | None = None, comment: str = "") -> str:
    name = (blob_kind or kind).encode()
    blob = len(name).to_bytes(4, "big") + name + b"\0\0\0\x04key!"
    return f"{kind} {base64.b64encode(blob).decode()} {comment}".strip()


def test_two_public_keys_are_the_same_whatever_their_comments() -> None:
    assert kps_keypairs.key_material(public_key()) == kps_keypairs.key_material(
        public_key(comment="me@host two words") + "\n"
    )
    assert kps_keypairs.key_material(public_key("ssh-rsa")) != kps_keypairs.key_material(public_key())


@pytest.mark.parametrize(
    "text",
    [
        *("", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 not-base64!", "-----BEGIN OPENSSH PRIVATE KEY-----"),
        *(public_key("ssh-rsa", "ssh-ed25519"), "None", "ssh-é AAAA"),
    ],
)
def test_a_value_that_is_not_a_public_key_has_no_key_material(text: str) -> None:
    assert kps_keypairs.key_material(text) is None
