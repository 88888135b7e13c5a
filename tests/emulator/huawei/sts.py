# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security Token Service (v5): temporary keys of an agency, and who is calling."""

from __future__ import annotations

import re
import typing as t

from ..clock import iso
from ..messages import ApiError, Response
from ..service import Call, Operation, Service
from . import errors
from .directory import Directory
from .iam import LONGEST, SHORTEST

_URN = re.compile(r"iam::(?P<domain>[^:]+):agency:(?P<name>.+)")


class Sts(Service):
    """The service."""

    name = "sts"

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def operations(self) -> t.Sequence[Operation]:
        """The table of operations."""
        return [
            Operation("AssumeAgency", "POST", "/v5/agencies/assume", self._assume),
            Operation("GetCallerIdentity", "GET", "/v5/caller-identity", self._caller),
        ]

    def refuse(self, error: ApiError) -> Response:
        """Errors are flat."""
        return errors.flat(error)

    def invalid(self, message: str) -> ApiError:
        """A malformed request."""
        return ApiError(400, "STS5.0001", message)

    def _assume(self, call: Call) -> Response:
        document = self.document(call)
        urn = _URN.fullmatch(str(document.get("agency_urn")))
        if urn is None or not document.get("agency_session_name"):
            raise self.invalid("agency_urn (iam::DOMAIN_ID:agency:NAME) and agency_session_name are mandatory.")
        seconds = document.get("duration_seconds", 3600)
        if not isinstance(seconds, int) or not SHORTEST <= seconds <= LONGEST:
            raise self.invalid(f"duration_seconds must be between {SHORTEST} and {LONGEST}.")
        agency = self.directory.agency(call.identity, urn["name"], urn["domain"])
        if agency is None:
            raise ApiError(403, "STS5.1001", f"Not allowed to assume {document['agency_urn']}.")
        key = self.directory.temporary_key(call.identity.user_id, agency.domain_id, seconds)
        session = document["agency_session_name"]
        return Response.of(
            {
                "assumed_agency": {
                    "urn": f"sts::{agency.domain_id}:assumed-agency:{agency.name}/{session}",
                    "id": f"{agency.name}:{session}",
                },
                "credentials": {
                    "access_key_id": key.access,
                    "secret_access_key": key.secret,
                    "security_token": key.security_token,
                    "expiration": iso(key.expires or 0.0),
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
