# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request's way through a cloud: find the operation, play a fault or check who asks and call, write it down."""

from __future__ import annotations

import typing as t

from . import faults
from .messages import ApiError, Request, Response
from .requestlog import LogEntry, RequestLog
from .service import Call, Service, World


class EmulatedCloud(t.Protocol):
    """A cloud, as far as clouds differ."""

    #: For the request log, where a request matches no operation.
    name: str

    def route(self, request: Request) -> tuple[Service, Call] | None:
        """Return the operation a request is for; None when there is none."""

    def admit(self, call: Call) -> None:
        """Establish who asks and check that they may; raise ``ApiError`` when they may not."""

    def error_response(self, service: Service | None, error: ApiError) -> Response:
        """Write an error; without a service the way the cloud's gateway does."""

    def unknown(self) -> ApiError:
        """Return the error for a request that matches no operation."""

    def throttled(self) -> ApiError:
        """Return the error for too many requests."""

    def trace(self, service: Service | None, response: Response) -> Response:
        """Add the headers that every response has, the request id among them."""


def answer(cloud: EmulatedCloud, world: World, log: RequestLog, request: Request) -> Response:
    """Answer one request; the caller holds the world's lock."""
    found = cloud.route(request)
    if found is None:
        response = cloud.trace(None, cloud.error_response(None, cloud.unknown()))
        log.add(_entry(len(log) + 1, world, request, response, None, None, None))
        return response
    service, call = found

    def shape(error: ApiError) -> Response:
        return cloud.error_response(service, error)

    def process() -> Response:
        try:
            cloud.admit(call)
            return call.operation.handle(call)
        except ApiError as error:
            return shape(error)

    # what a call concerns is looked up only where it can matter: that takes long with thousands of servers
    names = service.concerns(call) if len(world.faults) else set()
    fault = world.faults.answer(request, service.name, call.operation.name, names)
    if fault is None:
        response = process()
    else:
        response = faults.spoil(fault, process, shape, cloud.throttled())
    response = cloud.trace(service, response)
    log.add(_entry(len(log) + 1, world, request, response, service, call, fault))
    return response


def _entry(
    number: int,
    world: World,
    request: Request,
    response: Response,
    service: Service | None,
    call: Call | None,
    fault: faults.Fault | None,
) -> LogEntry:
    return LogEntry(
        number=number,
        time=world.now(),
        service=service.name if service is not None else "",
        operation=call.operation.name if call is not None else "",
        writes=call.operation.writes if call is not None else False,
        identity=call.identity.label if call is not None else "",
        status=response.status if response.delivery.respond else 0,
        fault=str(fault) if fault is not None else "",
        request=request,
    )
