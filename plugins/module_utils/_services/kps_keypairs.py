# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Huawei Cloud KPS (Key Pair Service): its key pairs, and what starts the tasks that bind, replace, reset and unbind them.

Source: "Key Pair Service API reference" (support.huaweicloud.com), KPS v3, and the models of the official SDK 3.1.219.
The tasks themselves are in ``kps``.
"""

from __future__ import annotations

import base64
import dataclasses
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import (
    InvalidResponseError,
    NotFoundError,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.fields import (
    Row,
    display_text,
    given_rows,
    identifier,
    mapping,
    mapping_or_empty,
    rows,
    same_id,
    text,
    text_or_none,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import Reason
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Budget
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.client import HuaweiClient, HuaweiOperation
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.kps import is_kps_not_found
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.pagination import (
    Listing,
    RowPage,
    read_pages,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.timestamps import from_milliseconds

if t.TYPE_CHECKING:
    from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.errors import HuaweiErrorResponse

#: Servers in one batch of bindings (documented limit).
BATCH_SIZE = 10


def _no_such_keypair(response: HuaweiErrorResponse) -> bool:
    return response.code in ("KPS.4016", "KPS.6004") or is_kps_not_found(response)


CREATE_KEYPAIR = HuaweiOperation(
    service="kps",
    name="CreateKeypair",
    method="POST",
    path="/v3/{project_id}/keypairs",
    read_only=False,
    response_key="keypair",
    iam_action="kps:SSHKeyPair:create",
    secret=True,
)
LIST_KEYPAIRS = HuaweiOperation(
    service="kps",
    name="ListKeypairs",
    method="GET",
    path="/v3/{project_id}/keypairs",
    read_only=True,
    response_key="keypairs",
    iam_action="kps:SSHKeyPair:list",
    lists=True,
)
SHOW_KEYPAIR = HuaweiOperation(
    service="kps",
    name="ListKeypairDetail",
    method="GET",
    path="/v3/{project_id}/keypairs/{keypair_name}",
    read_only=True,
    response_key="keypair",
    iam_action="kps:SSHKeyPair:get",
    is_not_found=_no_such_keypair,
)
UPDATE_KEYPAIR = HuaweiOperation(
    service="kps",
    name="UpdateKeypairDescription",
    method="PUT",
    path="/v3/{project_id}/keypairs/{keypair_name}",
    read_only=False,
    response_key=None,
    iam_action="kps:SSHKeyPair:update",
    is_not_found=_no_such_keypair,
)
DELETE_KEYPAIR = HuaweiOperation(
    service="kps",
    name="DeleteKeypair",
    method="DELETE",
    path="/v3/{project_id}/keypairs/{keypair_name}",
    read_only=False,
    response_key=None,
    iam_action="kps:SSHKeyPair:delete",
    is_not_found=_no_such_keypair,
)
ASSOCIATE = HuaweiOperation(
    service="kps",
    name="AssociateKeypair",
    method="POST",
    path="/v3/{project_id}/keypairs/associate",
    read_only=False,
    response_key=None,
    iam_action="kps:SSHKeyPair:bind",
    own_errors=True,
)
BATCH_ASSOCIATE = HuaweiOperation(
    service="kps",
    name="BatchAssociateKeypair",
    method="POST",
    path="/v3/{project_id}/keypairs/batch-associate",
    read_only=False,
    response_key="tasks",
    iam_action="kps:SSHKeyPair:bind",
)
DISASSOCIATE = HuaweiOperation(
    service="kps",
    name="DisassociateKeypair",
    method="POST",
    path="/v3/{project_id}/keypairs/disassociate",
    read_only=False,
    response_key=None,
    iam_action="kps:SSHKeyPair:unbind",
    own_errors=True,
)


def show_keypair(client: HuaweiClient, name: str) -> Row | None:
    """Return one key pair with its public key, or None when there is none."""
    try:
        document = client.call(SHOW_KEYPAIR, path={"keypair_name": name})
    except NotFoundError:
        return None
    found = mapping(document, "keypair", SHOW_KEYPAIR)
    same_id(found, "name", SHOW_KEYPAIR, name)
    for field in ("public_key", "description"):
        text_or_none(found, field, SHOW_KEYPAIR)
    return {**found, "created": from_milliseconds(found.get("create_time"))}


def key_material(public_key: str) -> tuple[str, str] | None:
    """Return type and key of a public key in OpenSSH's format, without its comment; None when it is not such a key."""
    parts = public_key.split()
    if len(parts) < 2:
        return None
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except ValueError:
        return None
    # The blob begins with the type once more, length first (RFC 4253, 6.6).
    name = parts[0].encode("utf-8")
    return (parts[0], parts[1]) if blob.startswith(len(name).to_bytes(4, "big") + name) else None


def list_keypairs(client: HuaweiClient) -> Listing:
    """Return all key pairs, without the fields that only the detail has."""

    def read(marker: str | None, limit: int, left: Budget) -> RowPage:
        query: list[tuple[str, str | int]] = [("limit", limit), *([("marker", marker)] if marker else [])]
        document = client.call(LIST_KEYPAIRS, query=query, timeout=left)
        found = [mapping(row, "keypair", LIST_KEYPAIRS) for row in rows(document, "keypairs", LIST_KEYPAIRS)]
        info = mapping_or_empty(document, "page_info", LIST_KEYPAIRS)
        return RowPage(found, text_or_none(info, "next_marker", LIST_KEYPAIRS))

    return read_pages(read, "name", LIST_KEYPAIRS, client.countdown(), limit=50)


def create_keypair(client: HuaweiClient, fields: t.Mapping[str, t.Any]) -> Row:
    """Create a key pair, or import it when ``fields`` has ``public_key``. Only a generated one returns ``private_key``.

    Raises:
        InvalidResponseError: The request was accepted, and the response is not a key pair, or lacks the private key.
    """
    created = mapping(client.call(CREATE_KEYPAIR, body={"keypair": dict(fields)}), "keypair", CREATE_KEYPAIR)
    if "public_key" not in fields:
        text(created, "private_key", CREATE_KEYPAIR)
    return created


def set_description(client: HuaweiClient, name: str, description: str) -> None:
    """Change a key pair's description."""
    client.call(UPDATE_KEYPAIR, path={"keypair_name": name}, body={"keypair": {"description": description}})


def delete_keypair(client: HuaweiClient, name: str) -> bool:
    """Delete a key pair; False when there was none."""
    try:
        client.call(DELETE_KEYPAIR, path={"keypair_name": name})
    except NotFoundError:
        return False
    return True


@dataclasses.dataclass(frozen=True)
class KpsLogin:
    """The login of KPS on a running server: ``password`` (root's) or ``keypair`` (the current private key, PEM)."""

    kind: str
    secret: str = dataclasses.field(repr=False)

    def body(self) -> Row:
        """Return the ``auth`` object of a request."""
        return {"type": self.kind, "key": self.secret}


class Binding(t.NamedTuple):
    """An association that is requested for a server.

    Attributes:
        keypair_name: The key pair.
        login: The login of KPS on the server; None for a server that is off.
        disable_password: Switch logins with a password off; None leaves them as they are.
        port: SSH port; None for 22.
    """

    keypair_name: str
    login: KpsLogin | None = None
    disable_password: bool | None = None
    port: int | None = None

    def body(self, server_id: str) -> Row:
        """Return the body of a request about one server."""
        server: Row = {"id": server_id}
        if self.login is not None:
            server["auth"] = self.login.body()
        if self.disable_password is not None:
            server["disable_password"] = self.disable_password
        if self.port is not None:
            server["port"] = self.port
        return {"keypair_name": self.keypair_name, "server": server}


def associate(client: HuaweiClient, server_id: str, binding: Binding) -> Row:
    """Start to bind, replace or reset: the service infers which from power state and login. Not idempotent.

    Returns:
        ``task_id``, and perhaps ``status``, ``error_code``, ``error_msg``: an accepted request may have failed already
        (see ``failed_already``), and has no task then.
    """
    return _begun(client.call(ASSOCIATE, body=binding.body(server_id)), ASSOCIATE)


def batch_bind(
    client: HuaweiClient, server_ids: t.Sequence[str], binding: Binding
) -> dict[str, Row | InvalidResponseError]:
    """Start to bind up to ten servers that run and have no key pair.

    Returns:
        For each a response as that of ``associate``, or the error of one that the response leaves out: its task may have been
        started all the same.
    """
    body = {"batch_keypairs": [binding.body(server_id) for server_id in server_ids]}
    rows = given_rows(client.call(BATCH_ASSOCIATE, body=body), "tasks", BATCH_ASSOCIATE)
    responses = {display_text(row, "server_id"): row for row in rows}
    found: dict[str, Row | InvalidResponseError] = {}
    for server_id in server_ids:
        try:
            found[server_id] = _begun(responses.get(server_id) or {}, BATCH_ASSOCIATE)
        except InvalidResponseError as error:
            found[server_id] = error
    return found


def disassociate(client: HuaweiClient, server_id: str, *, login: KpsLogin | None = None) -> Row:
    """Start to unbind a server's key pair; the same response as ``associate``."""
    server: Row = {"id": server_id}
    if login is not None:
        server["auth"] = login.body()
    return _begun(client.call(DISASSOCIATE, body={"server": server}), DISASSOCIATE)


def failed_already(row: t.Mapping[str, t.Any]) -> bool:
    """Return True when the response to an association says that it failed; the documentation writes FAILED, and Failed in its example."""
    return (display_text(row, "status") or "").lower().startswith("failed")


def _begun(row: Row, operation: HuaweiOperation) -> Row:
    """Return the response to an association, which must have a task or a failure; code and message are texts or None."""
    failure = {"error_code": display_text(row, "error_code"), "error_msg": display_text(row, "error_msg")}
    if row.get("task_id") in (None, "") and not failed_already(row):
        reason = str(Reason(failure["error_code"], failure["error_msg"])) or "no reason"
        raise InvalidResponseError(f"{operation} was accepted, and answered without a task: {reason}.")
    if row.get("task_id") not in (None, ""):
        identifier(row, "task_id", operation)
    return {**row, **{name: value for name, value in failure.items() if name in row}}
