# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Providers and runtime: what a client is made from."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _http
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import is_local
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.client import Client

C = t.TypeVar("C", bound=Client)


def _nothing() -> None:
    """Do nothing."""


class Runtime(t.NamedTuple):
    """The environment of a client: everything that it needs beside its options.

    Attributes:
        environ: The process environment.
        clock: Time.
        rng: Returns a number from 0 to 1.
        check_mode: Whether every write is rejected before it is sent.
        on_secret: Called with every secret that does not come from an option, so that it can be masked.
        on_warning: Called with each warning for the user.
        transport: Makes a transport; its arguments are those of ``RequestsTransport``.
        on_write: Called as soon as a service has accepted a write, before anything reads its response.
    """

    environ: t.Mapping[str, str]
    clock: Clock
    rng: t.Callable[[], float]
    check_mode: bool
    on_secret: t.Callable[[str], None]
    on_warning: t.Callable[[str], None]
    transport: t.Callable[..., _http.Transport] = _http.RequestsTransport
    on_write: t.Callable[[], None] = _nothing

    def http(self, options: t.Mapping[str, t.Any], prefix: str) -> _http.Http:
        """Return the sender of a client, as the connection options ask for it."""
        timeout = options[f"{prefix}_timeout"]
        if not 0 < timeout < math.inf:
            raise UsageError(f"{prefix}_timeout must be a number of seconds above 0, not {timeout}. Nothing was sent.")
        for secret in _http.secrets_of(self.environ):
            self.on_secret(secret)
        return _http.Http(
            self._connect(options, prefix),
            self.clock,
            self.rng,
            check_mode=self.check_mode,
            timeout=timeout,
            on_write=self.on_write,
        )

    def beside(self, options: t.Mapping[str, t.Any], prefix: str, url: str) -> _http.Transport:
        """Return what reaches something that hands out keys: without proxies where it is on or close to this machine."""
        return self._connect(options, prefix, proxies=not is_local(url))

    def _connect(self, options: t.Mapping[str, t.Any], prefix: str, **arguments: t.Any) -> _http.Transport:
        return self.transport(
            validate_certs=options[f"{prefix}_validate_certs"],
            ca_path=options[f"{prefix}_ca_path"],
            environ=self.environ,
            **arguments,
        )


class Provider(t.Generic[C]):
    """A cloud, as modules see it. They name it themselves, so that only its code travels to the host with them.

    Args:
        name: ``hwc`` or ``ali``, which is also what its options begin with.
        options: The connection options, as an argument spec.
        open_client: Makes the client from these options.
    """

    def __init__(
        self,
        name: str,
        options: t.Mapping[str, t.Any],
        open_client: t.Callable[[t.Mapping[str, t.Any], Runtime], C],
    ) -> None:
        self.name = name
        self.options = options
        self.open_client = open_client
