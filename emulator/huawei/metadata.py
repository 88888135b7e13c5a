# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Temporary keys of an agency: the metadata service of an ECS, and what CCE runs beside pods. Reached by their paths alone."""

from __future__ import annotations

import typing as t
import uuid

from ..messages import ApiError, Response
from ..service import Call, Operation, Service
from . import errors
from .directory import IdentityDirectory
from .iam import credential

POD = "/v1/pod-identity/credentials"
NO_AGENCY = "Please configure Cloud Service Agency first"


class Metadata(Service):
    """The service."""

    name = "metadata"

    def __init__(self, directory: IdentityDirectory) -> None:
        self.directory = directory
        self.world = directory.world
        #: Whose keys the server gets: user and account; None means that it was given no agency.
        self.agency: tuple[str, str] | None = None
        #: False plays a server without the second version, which knows no tokens.
        self.has_tokens = True
        #: True rejects requests without a token.
        self.needs_token = False
        self._tokens: dict[str, float] = {}
        #: Tokens that CCE gave to pods, and whose keys they get: user and account.
        self.pods: dict[str, tuple[str, str]] = {}

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations."""
        return [
            Operation("CreateMetadataToken", "PUT", "/meta-data/latest/api/token", self._token, signed=False),
            Operation("GetSecurityKey", "GET", "/openstack/latest/securitykey", self._key, signed=False),
            # Its path is what CCE writes into the pod's environment; that of the real one is not known.
            Operation("GetPodSecurityKey", "POST", POD, self._key_of_pod, signed=False),
        ]

    def error_response(self, error: ApiError) -> Response:
        """Return an error in the flat form."""
        return errors.flat(error)

    def invalid(self, message: str) -> ApiError:
        """Return the error for a malformed request."""
        return ApiError(400, "400", message)

    def _token(self, call: Call) -> Response:
        if not self.has_tokens:
            raise ApiError(404, "404", "Not Found")
        seconds = call.request.header("X-Metadata-Token-Ttl-Seconds") or ""
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            raise self.invalid("X-Metadata-Token-Ttl-Seconds must be between 1 and 21600.")
        token = uuid.uuid4().hex
        self._tokens[token] = self.world.now() + int(seconds)
        return Response(200, token.encode(), (("Content-Type", "text/plain"),))

    def _key(self, call: Call) -> Response:
        token = call.request.header("X-Metadata-Token")
        if token is None and self.needs_token:
            raise ApiError(401, "401", "X-Metadata-Token is missing")
        if token is not None and self._tokens.get(token, 0.0) <= self.world.now():
            raise ApiError(401, "401", "X-Metadata-Token is invalid")
        if self.agency is None:
            raise ApiError(401, "401", NO_AGENCY)
        return Response.of({"credential": credential(self.directory.temporary_key(*self.agency, 24 * 3600))})

    def _key_of_pod(self, call: Call) -> Response:
        agency = self.pods.get(call.request.header("Authorization") or "")
        if agency is None:
            raise ApiError(401, "401", "The token is invalid.")
        self.document(call)
        return Response.of({"credential": credential(self.directory.temporary_key(*agency, 6 * 3600))})
