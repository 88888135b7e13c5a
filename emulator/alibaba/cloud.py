# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cloud as a whole: its gateway, which finds the action and checks who asks, and its services."""

from __future__ import annotations

import uuid

from ..messages import ApiError, Request, Response
from ..service import Call, Service, World, match_path
from . import responses, signature
from .cloudsso import CloudSso, Directory, Task
from .metadata import Metadata
from .ram import Ram


class AlibabaCloud:
    """All services of Alibaba Cloud behind one endpoint.

    Args:
        world: Time, faults, the lock.
        task_seconds: How long CloudSSO tasks take.
    """

    name = "alibaba"

    def __init__(self, world: World, task_seconds: float) -> None:
        self.world = world
        self.ram = Ram(world)
        self.cloudsso = CloudSso(world, task_seconds)
        self.metadata = Metadata(self.ram)

    @property
    def tasks(self) -> dict[str, Task]:
        """CloudSSO tasks by id."""
        return self.cloudsso.tasks

    @property
    def directories(self) -> dict[str, Directory]:
        """CloudSSO directories by id."""
        return self.cloudsso.directories

    def owns(self, request: Request) -> bool:
        """Return whether a request is for this cloud: one with an action, or for its metadata service."""
        return request.path in ("", "/") or request.path.startswith("/latest/") or bool(request.header("x-acs-action"))

    def route(self, request: Request) -> tuple[Service, Call] | None:
        """Return the operation a request is for; None when there is none."""
        for operation in self.metadata.operations():
            params = match_path(operation.path, request.path) if operation.method == request.method else None
            if params is not None:
                return self.metadata, Call(request, operation, params, dict(request.pairs()))
        given = signature.parameters(request)
        action = request.header("x-acs-action") or given.get("Action")
        version = request.header("x-acs-version") or given.get("Version")
        if request.method not in ("GET", "POST"):
            return None
        for service in (self.cloudsso, self.ram):
            for operation in service.operations():
                if (operation.name, operation.path) == (action, version):
                    return service, Call(request, operation, {}, given)
        return None

    def admit(self, call: Call) -> None:
        """Establish who asks; CloudSSO also counts how often.

        Raises:
            ApiError: They may not, or ask too often.
        """
        if not call.operation.signed:
            return
        call.identity = self.ram.authenticate(call.request)
        if call.operation in self.cloudsso.operations():
            self.cloudsso.throttle(call.identity.domain_id)

    def error_response(self, service: Service | None, error: ApiError) -> Response:
        """Write an error."""
        return responses.error_response(error) if service is None else service.error_response(error)

    def unknown(self) -> ApiError:
        """Return the error for an unknown action."""
        return responses.no_such_action()

    def throttled(self) -> ApiError:
        """Return the error for too many requests."""
        return responses.throttled(self.cloudsso.throttle_status)

    def trace(self, service: Service | None, response: Response) -> Response:
        """Add the request id where the response has none yet; the metadata service never has one."""
        if service is self.metadata:
            return response
        return response.with_headers(("x-acs-request-id", str(uuid.uuid4()).upper()))
