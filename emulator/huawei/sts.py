# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security Token Service (v5): temporary keys of an agency, and who is calling."""

from __future__ import annotations

import re
import typing as t

from ..clock import iso
from ..messages import ApiError, Json, Response
from ..service import Call, Operation, Sender, Service
from . import errors
from .directory import IdentityDirectory
from .iam import LONGEST, SHORTEST

_URN = re.compile(r"iam::(?P<domain>[^:]+):agency:(?P<name>.+)")


class Sts(Service):
    """The service."""

    name = "sts"

    def __init__(self, directory: IdentityDirectory) -> None:
        self.directory = directory

    def operations(self) -> t.Sequence[Operation]:
        """Return the table of operations."""
        return [
            Operation("AssumeAgency", "POST", "/v5/agencies/assume", self._assume),
            Operation(
                "AssumeAgencyWithOIDC", "POST", "/v5/agencies/assume-with-oidc", self._assume_with_oidc, signed=False
            ),
            Operation("GetCallerIdentity", "GET", "/v5/caller-identity", self._caller),
        ]

    def error_response(self, error: ApiError) -> Response:
        """Return an error in the flat form."""
        return errors.flat(error)

    def invalid(self, message: str) -> ApiError:
        """Return the error for a malformed request."""
        return ApiError(400, "STS5.0001", message)

    def _assume(self, call: Call) -> Response:
        domain, name, seconds = self._wanted(self.document(call))
        agency = self.directory.agency(call.identity, name, domain)
        if agency is None:
            raise ApiError(403, "STS5.1001", f"Not allowed to assume the agency {name} of {domain}.")
        return self._assumed(call, call.identity.user_id, domain, name, seconds)

    def _assume_with_oidc(self, call: Call) -> Response:
        document = self.document(call)
        domain, name, seconds = self._wanted(document)
        providers = {provider.urn: provider for provider in self.directory.providers}
        provider = providers.get(str(document.get("provider_urn")))
        user = self.directory.by_id_token(document.get("id_token"), provider)
        if provider is None or user is None:
            raise ApiError(401, "STS5.1002", "The token of the identity provider is invalid or has expired.")
        if provider.domain_id != domain or name not in provider.agencies:
            raise ApiError(403, "STS5.1001", f"Not allowed to assume the agency {name} of {domain}.")
        call.identity = Sender(user.name, user.id, domain)
        return self._assumed(call, user.id, domain, name, seconds)

    def _wanted(self, document: dict[str, Json]) -> tuple[str, str, int]:
        """Return the account and the name of the agency, and for how long it is to be assumed."""
        urn = _URN.fullmatch(str(document.get("agency_urn")))
        if urn is None or not document.get("agency_session_name"):
            raise self.invalid("agency_urn (iam::DOMAIN_ID:agency:NAME) and agency_session_name are mandatory.")
        seconds = document.get("duration_seconds", 3600)
        if not isinstance(seconds, int) or not SHORTEST <= seconds <= LONGEST:
            raise self.invalid(f"duration_seconds must be between {SHORTEST} and {LONGEST}.")
        return urn["domain"], urn["name"], seconds

    def _assumed(self, call: Call, user_id: str, domain: str, name: str, seconds: int) -> Response:
        key = self.directory.temporary_key(user_id, domain, seconds)
        session = self.document(call)["agency_session_name"]
        return Response.of(
            {
                "assumed_agency": {
                    "urn": f"sts::{domain}:assumed-agency:{name}/{session}",
                    "id": f"{name}:{session}",
                },
                "credentials": {
                    "access_key_id": key.access,
                    "secret_access_key": key.secret,
                    "security_token": key.security_token,
                    # With a fraction, without which the official SDK could not read it.
                    "expiration": iso(key.expires or 0.0, fraction=True),
                },
            }
        )

    def _caller(self, call: Call) -> Response:
        user = self.directory.users[call.identity.user_id]
        return Response.of(
            {
                "account_id": call.identity.domain_id,
                "principal_id": user.id,
                "principal_urn": f"iam::{call.identity.domain_id}:user:{user.name}",
            }
        )
