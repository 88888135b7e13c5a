# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The metadata service of an ECS: temporary keys of the role the server was given. Reached by its paths alone."""

from __future__ import annotations

import typing as t
import uuid

from ..clock import iso
from ..messages import ApiError, Response
from ..service import Call, Operation, Service
from .ram import Ram, Role, credentials

_ROLES = "/latest/meta-data/ram/security-credentials"
#: How long a key from here lives, in seconds.
KEY_SECONDS = 6 * 3600


class Metadata(Service):
    """The service."""

    name = "metadata"

    def __init__(self, ram: Ram) -> None:
        self.ram = ram
        self.world = ram.world
        #: The role the server was given; None for none.
        self.role: Role | None = None
        #: True rejects requests without a token, as a hardened server does.
        self.needs_token = False
        #: False plays a server that knows no tokens.
        self.has_tokens = True
        self._tokens: dict[str, float] = {}

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations."""
        return [
            Operation("CreateMetadataToken", "PUT", "/latest/api/token", self._token, signed=False),
            Operation("ListMetadataRoles", "GET", _ROLES, self._names, signed=False),
            Operation("GetMetadataCredentials", "GET", f"{_ROLES}/{{role}}", self._key, signed=False),
        ]

    def error_response(self, error: ApiError) -> Response:
        """Return an error as a page."""
        page = f"<html><body><h1>{error.status} - {error.message}</h1></body></html>"
        return Response(error.status, page.encode(), (("Content-Type", "text/html"),))

    def invalid(self, message: str) -> ApiError:
        """Return the error for a malformed request."""
        return ApiError(400, "", message)

    def _token(self, call: Call) -> Response:
        if not self.has_tokens:
            raise ApiError(404, "", "Not Found")
        seconds = call.request.header("X-aliyun-ecs-metadata-token-ttl-seconds") or ""
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            raise self.invalid("Bad Request")
        token = uuid.uuid4().hex
        self._tokens[token] = self.world.now() + int(seconds)
        return _text(token)

    def _check(self, call: Call) -> Role:
        token = call.request.header("X-aliyun-ecs-metadata-token")
        if token is None and self.needs_token:
            raise ApiError(403, "", "Forbidden")
        if token is not None and self._tokens.get(token, 0.0) <= self.world.now():
            raise ApiError(401, "", "Unauthorized")
        if self.role is None:
            raise ApiError(404, "", "Not Found")
        return self.role

    def _names(self, call: Call) -> Response:
        return _text(self._check(call).name)

    def _key(self, call: Call) -> Response:
        role = self._check(call)
        if call.params["role"] != role.name:
            raise ApiError(404, "", "Not Found")
        principal = f"acs:ram::{role.account}:assumed-role/{role.name}/vm-ram-i-emulated"
        key = self.ram.temporary_key(role.account, principal, KEY_SECONDS)
        return Response.of({**credentials(key), "LastUpdated": iso(self.world.now()), "Code": "Success"})


def _text(text: str) -> Response:
    return Response(200, text.encode(), (("Content-Type", "text/plain"),))
