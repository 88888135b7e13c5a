# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cloud as a whole: its gateway, which finds the operation and checks who asks, and its services."""

from __future__ import annotations

import collections
import uuid

from ..messages import ApiError, Request, Response
from ..service import Call, Machines, Service, World, match_path
from . import errors
from .csms import Csms
from .directory import IdentityDirectory, Project, Token, User
from .ecs import Ecs, Job
from .iam import Iam
from .keypairs import KeyPair, KeyPairs
from .kps import Kps, Task
from .metadata import Metadata
from .servers import Server
from .sms import Sms
from .sts import Sts


class HuaweiCloud:
    """All services of Huawei Cloud behind one endpoint.

    Args:
        world: Time, faults, the lock.
        machines: The hardware of the servers.
        task_seconds: How long key pair and rotation tasks take.
        job_seconds: How long power jobs take.
        boot_seconds: How long after a start's success it takes until one can log in.
    """

    name = "huawei"

    def __init__(
        self, world: World, machines: Machines, task_seconds: float, job_seconds: float, boot_seconds: float
    ) -> None:
        self.world = world
        self.directory = IdentityDirectory(world)
        self.iam = Iam(self.directory)
        self.sts = Sts(self.directory)
        self.ecs = Ecs(world, machines, job_seconds, boot_seconds)
        self.pairs = KeyPairs(world)
        self.kps = Kps(world, self.pairs, self.ecs, machines, task_seconds)
        self.csms = Csms(world, task_seconds)
        self.sms = Sms(world)
        self.metadata = Metadata(self.directory)
        #: Requests per second one access key (or user) may send; None: no limit.
        self.rate_limit: int | None = None
        self._recent: dict[str, collections.deque[float]] = collections.defaultdict(collections.deque)
        # an exact path wins over one with a placeholder
        self._routes = sorted(
            ((service, operation) for service in self.services() for operation in service.operations()),
            key=lambda route: [part.startswith("{") for part in route[1].path.split("/")],
        )

    def services(self) -> list[Service]:
        """Return the services, in no particular order."""
        return [self.iam, self.sts, self.ecs, self.pairs, self.kps, self.csms, self.sms, self.metadata]

    @property
    def servers(self) -> dict[str, Server]:
        """Servers by id."""
        return self.ecs.servers

    @property
    def jobs(self) -> dict[str, Job]:
        """Power jobs by id."""
        return self.ecs.jobs

    @property
    def keypairs(self) -> dict[tuple[str, str], KeyPair]:
        """Key pairs by project id and name."""
        return self.pairs.keypairs

    @property
    def tasks(self) -> dict[str, Task]:
        """Key pair tasks by id."""
        return self.kps.tasks

    @property
    def users(self) -> dict[str, User]:
        """IAM users by id."""
        return self.directory.users

    @property
    def tokens(self) -> dict[str, Token]:
        """Tokens by their text."""
        return self.directory.tokens

    @property
    def projects(self) -> dict[str, Project]:
        """Projects by id."""
        return self.directory.projects

    def route(self, request: Request) -> tuple[Service, Call] | None:
        """Return the operation a request is for; None when there is none.

        A trailing slash is ignored: the canonical path, which is what the gateway knows, always has one. So a
        deletion of the failed task with an empty id is a deletion of all failed tasks, here as there.
        """
        for service, operation in self._routes:
            params = match_path(operation.path, request.path) if operation.method == request.method else None
            if params is not None:
                refined = service.refine(operation, request.body)
                return service, Call(request, refined, params, dict(request.pairs()))
        return None

    def admit(self, call: Call) -> None:
        """Establish who asks, and check that they may.

        Raises:
            ApiError: They may not, or ask too often.
        """
        if not call.operation.signed:
            return
        call.identity = self.directory.authenticate(call.request)
        self._throttle(call.identity.label)
        if "project_id" in call.params:
            self.directory.admit(call.request, call.identity, call.project_id)
        else:
            self.directory.admit_headers(call.request, call.identity)
        if call.operation in self.sms.operations():
            self._admit_to_sms(call)

    def _admit_to_sms(self, call: Call) -> None:
        """Check that a token is not bound to the project of another region than the one that SMS lives in."""
        project = self.directory.projects.get(call.identity.project_id or "")
        if project is not None and project.name.partition("_")[0] != self.sms.region:
            raise errors.stale_token()

    def _throttle(self, label: str) -> None:
        if self.rate_limit is None:
            return
        now, recent = self.world.now(), self._recent[label]
        while recent and recent[0] <= now - 1:
            recent.popleft()
        recent.append(now)
        if len(recent) > self.rate_limit:
            raise errors.throttled()

    def error_response(self, service: Service | None, error: ApiError) -> Response:
        """Write an error: the gateway's own in its shape, with the request id in the body too; others in the service's."""
        if isinstance(error, errors.TokenError) and service is self.iam:
            return errors.keystone(ApiError(401, "401", "The request you have made requires authentication."))
        if service is not None and not isinstance(error, errors.GatewayError):
            return service.error_response(error)
        request_id = uuid.uuid4().hex
        error.extra["request_id"] = request_id
        return errors.flat(error).with_headers(("X-Request-Id", request_id))

    def unknown(self) -> ApiError:
        """Return the error for an unknown method and path."""
        return errors.no_such_api()

    def throttled(self) -> ApiError:
        """Return the error for too many requests."""
        return errors.throttled()

    def trace(self, service: Service | None, response: Response) -> Response:
        """Add the request id, under the name it has there."""
        name = "X-IAM-Trace-Id" if service is self.iam else "X-Request-Id"
        return response.with_headers(("Server", "api-gateway"), (name, uuid.uuid4().hex))
