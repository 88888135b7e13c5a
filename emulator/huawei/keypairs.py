# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key Pair Service, first half: key pairs."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from .. import keys
from ..messages import ApiError, Json, Response
from ..service import Call, Operation, Service, World
from . import errors

#: Most key pairs in one import.
MAX_IMPORT = 10

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


@dataclasses.dataclass
class KeyPair:
    """One key pair of the service.

    Attributes:
        private_key: What the service keeps of the private half; None when it keeps none.
        created, updated: Milliseconds since the epoch, whatever the documentation says about seconds.
    """

    number: int
    name: str
    project_id: str
    type: str
    scope: str
    user_id: str
    public_key: str
    created: int
    updated: int
    private_key: str | None = None
    description: str = ""

    def as_row(self) -> dict[str, Json]:
        """Return the form in the list."""
        return {
            "name": self.name,
            "type": self.type,
            "scope": self.scope,
            "public_key": self.public_key,
            "fingerprint": keys.fingerprint(self.public_key),
            "is_key_protection": self.private_key is not None,
            "frozen_state": "0",
        }

    def as_detail(self) -> dict[str, Json]:
        """Return the form in the detail; frozen_state is an integer here, as documented."""
        return {
            **self.as_row(),
            "id": self.number,
            "deleted": False,
            "description": self.description,
            "user_id": self.user_id,
            "create_time": self.created,
            "delete_time": 0,
            "update_time": self.updated,
            "frozen_state": 0,
        }


class KpsService(Service):
    """The base of the two halves of the service."""

    name = "kps"

    def error_response(self, error: ApiError) -> Response:
        """Return an error in the flat form of KPS."""
        return errors.flat(error)

    def invalid(self, message: str) -> ApiError:
        """Return the error for a malformed request."""
        return ApiError(400, "KPS.0002", message)


class KeyPairs(KpsService):
    """The key pairs.

    Args:
        world: Time, faults, the lock.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        #: Makes a pair when one is to be generated, which takes a moment.
        self.generate: t.Callable[[], keys.GeneratedKey] = keys.generate_rsa
        #: By project and name.
        self.keypairs: dict[tuple[str, str], KeyPair] = {}

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations."""
        pairs = "/v3/{project_id}/keypairs"
        one, private = f"{pairs}/{{keypair_name}}", f"{pairs}/private-key"
        return [
            Operation("CreateKeypair", "POST", pairs, self._create, writes=True),
            Operation("ListKeypairs", "GET", pairs, self._list),
            Operation("BatchImportKeypair", "POST", f"{pairs}/batch-import", self._import_many, writes=True),
            Operation("ImportPrivateKey", "POST", f"{private}/import", self._import_private, writes=True),
            Operation("ExportPrivateKey", "POST", f"{private}/export", self._export_private),
            Operation("ClearPrivateKey", "DELETE", f"{one}/private-key", self._clear_private, writes=True),
            Operation("ListKeypairDetail", "GET", one, self._show),
            Operation("UpdateKeypairDescription", "PUT", one, self._describe, writes=True),
            Operation("DeleteKeypair", "DELETE", one, self._delete, writes=True),
        ]

    def add(self, project_id: str, user_id: str, name: str, public_key: str, **fields: t.Any) -> KeyPair:
        """Let a key pair exist."""
        now = self.world.milliseconds()
        pair = KeyPair(
            number=len(self.keypairs) + 1,
            name=name,
            project_id=project_id,
            type=fields.pop("type", "ssh"),
            scope=fields.pop("scope", "user"),
            user_id=user_id,
            public_key=public_key,
            created=now,
            updated=now,
            **fields,
        )
        self.keypairs[project_id, name] = pair
        return pair

    def _create(self, call: Call) -> Response:
        return Response.of({"keypair": self._create_one(call, self.document(call))})

    def _create_one(self, call: Call, document: Json) -> dict[str, Json]:
        wanted = document.get("keypair") if isinstance(document, dict) else None
        if not isinstance(wanted, dict):
            raise self.invalid("keypair is missing.")
        name = wanted.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise self.invalid("name must be 1 to 255 letters, digits, underscores and hyphens.")
        kind, scope = wanted.get("type") or "ssh", wanted.get("scope") or "user"
        if kind not in ("ssh", "x509") or scope not in ("user", "domain"):
            raise self.invalid("type must be ssh or x509, scope user or domain.")
        if (call.project_id, name) in self.keypairs:
            # no code for this is documented; the fact itself is ("must differ from existing names")
            raise self.invalid(f"Key pair {name} already exists.")
        public, private = wanted.get("public_key"), None
        if public is None:
            generated = self.generate()
            public, private = generated.public, generated.private
        elif not isinstance(public, str) or not keys.valid(public):
            raise self.invalid("public_key is not a public key in OpenSSH's format.")
        kept = self._protected(wanted.get("key_protection"), public, private)
        pair = self.add(call.project_id, call.identity.user_id, name, public, type=kind, scope=scope, private_key=kept)
        response = {
            "name": pair.name,
            "type": pair.type,
            "public_key": pair.public_key,
            "fingerprint": keys.fingerprint(pair.public_key),
            "user_id": pair.user_id,
        }
        return {**response, "private_key": private} if private is not None else response

    def _protected(self, protection: Json, public: str, generated: str | None) -> str | None:
        """Return the private key the service is asked to keep, if any."""
        if protection is None:
            return None
        encryption = protection.get("encryption") if isinstance(protection, dict) else None
        if not isinstance(encryption, dict) or encryption.get("type") not in ("kms", "default"):
            raise self.invalid("key_protection.encryption.type must be kms or default.")
        if encryption["type"] == "kms" and not (encryption.get("kms_key_name") or encryption.get("kms_key_id")):
            raise self.invalid("key_protection.encryption needs kms_key_name or kms_key_id.")
        private = protection.get("private_key") or generated
        if private is None:
            raise self.invalid("key_protection.private_key is missing.")
        if not keys.belong(private, public):
            raise ApiError(400, "KPS.6011", "The private key does not match the public key.")
        return str(private)

    def _visible(self, call: Call) -> list[KeyPair]:
        return [
            pair
            for pair in self.keypairs.values()
            if pair.project_id == call.project_id and (pair.scope == "domain" or pair.user_id == call.identity.user_id)
        ]

    def find(self, call: Call, name: Json) -> KeyPair:
        """Return the key pair of this name, if the caller may see it."""
        for pair in self._visible(call):
            if pair.name == name:
                return pair
        raise ApiError(400, "KPS.4016", f"Key pair {name} does not exist.")

    def _list(self, call: Call) -> Response:
        limit = self.integer(call, "limit", 50, 1, 1000)
        pairs = sorted(self._visible(call), key=lambda pair: pair.name)
        marker = call.query.get("marker", "")
        rest = [pair for pair in pairs if pair.name > marker]
        page = rest[:limit]
        more = len(rest) > limit
        return Response.of(
            {
                "keypairs": [{"keypair": pair.as_row()} for pair in page],
                "page_info": {
                    "next_marker": page[-1].name if more else None,
                    "previous_marker": page[0].name if page and marker else None,
                    "current_count": len(page),
                },
            }
        )

    def _show(self, call: Call) -> Response:
        return Response.of({"keypair": self.find(call, call.params["keypair_name"]).as_detail()})

    def _describe(self, call: Call) -> Response:
        pair = self.find(call, call.params["keypair_name"])
        wanted = self.document(call).get("keypair")
        description = wanted.get("description") if isinstance(wanted, dict) else None
        if not isinstance(description, str):
            raise self.invalid("keypair.description is missing.")
        pair.description, pair.updated = description, self.world.milliseconds()
        return Response(204)

    def _delete(self, call: Call) -> Response:
        pair = self.find(call, call.params["keypair_name"])
        del self.keypairs[pair.project_id, pair.name]
        return Response(204)

    def _import_many(self, call: Call) -> Response:
        rows = self._rows(call.request.body)
        done, failed = [], []
        for row in rows:
            try:
                done.append({"keypair": self._create_one(call, row)})
            except ApiError as error:
                name = (row.get("keypair") or {}).get("name") if isinstance(row, dict) else None
                failed.append({"keypair_name": name, "failed_reason": error.message})
        return Response.of({"succeeded_keypairs": done, "failed_keypairs": failed})

    def _rows(self, body: bytes) -> list[Json]:
        try:
            rows = json.loads(body)
        except ValueError:
            raise self.invalid("The request body is not valid JSON.") from None
        if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_IMPORT:
            raise self.invalid(f"The request body must be a list of 1 to {MAX_IMPORT} key pairs.")
        return rows

    def _import_private(self, call: Call) -> Response:
        wanted = self.document(call).get("keypair")
        if not isinstance(wanted, dict):
            raise self.invalid("keypair is missing.")
        pair = self.find(call, wanted.get("name"))
        protection = wanted.get("key_protection")
        if protection is None:
            raise self.invalid("keypair.key_protection is missing.")
        pair.private_key = self._protected(protection, pair.public_key, None)
        return Response.of({"keypair": {"name": pair.name, "user_id": pair.user_id}})

    def _export_private(self, call: Call) -> Response:
        wanted = self.document(call).get("keypair")
        pair = self.find(call, wanted.get("name") if isinstance(wanted, dict) else None)
        if pair.private_key is None:
            raise ApiError(400, "KPS.6005", "No private key is managed for this key pair.")
        return Response.of({"keypair": {"name": pair.name, "private_key": pair.private_key}})

    def _clear_private(self, call: Call) -> Response:
        pair = self.find(call, call.params["keypair_name"])
        if pair.private_key is None:
            raise ApiError(404, "KPS.6005", "No private key is managed for this key pair.")
        pair.private_key = None
        return Response(204)
