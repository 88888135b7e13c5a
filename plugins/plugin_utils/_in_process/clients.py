# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients that the items of a loop share, so that a loop logs in once and keeps its connections.

A worker runs one task for one host, with all items of its loop; nothing is shared beyond that.
"""

from __future__ import annotations

import json
import os
import typing as t
from collections import OrderedDict

from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Transport
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.client import Client
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context
from ansible_collections.multicloud.async_tasks.plugins.module_utils._runtime import Provider

#: Clients that are kept at most. The connections of a client that is dropped are closed.
MAX_CLIENTS = 8


class SharedClient:
    """A client with what it told its context; each run that uses it is told the same.

    Args:
        provider: The provider.
        context: The run that needs it first.
    """

    def __init__(self, provider: Provider[t.Any], context: Context) -> None:
        self._context = context
        self._secrets: list[str] = []
        self._warnings: list[str] = []
        self._transports: list[Transport] = []
        runtime = context.runtime()
        self._connect = runtime.transport
        runtime = runtime._replace(
            on_secret=self._mask,
            on_warning=self._warn,
            on_write=self._note_write,
            transport=self._keep_transport,
        )
        self._client: Client = provider.open_client(context.params, runtime)

    def use(self, context: Context) -> Client:
        """Return the client for a run: from now on this run is told of secrets and warnings, also of the earlier ones."""
        if context is not self._context:
            self._context = context
            for secret in self._secrets:
                context.mask(secret)
            for warning in self._warnings:
                context.warn(warning)
        return self._client

    def close(self) -> None:
        """Close the connections of the client, which nothing uses any more."""
        for transport in self._transports:
            transport.close()

    def _keep_transport(self, **options: t.Any) -> Transport:
        transport = self._connect(**options)
        self._transports.append(transport)
        return transport

    def _note_write(self) -> None:
        self._context.note_write()

    def _mask(self, secret: str) -> None:
        self._secrets.append(secret)
        self._context.mask(secret)

    def _warn(self, text: str) -> None:
        self._warnings.append(text)
        self._context.warn(text)


class SharedClients:
    """The clients of this process, by all that they are made of; the least recently used is dropped first."""

    def __init__(self) -> None:
        self._clients: OrderedDict[str, SharedClient] = OrderedDict()

    def client(self, provider: Provider[t.Any], context: Context, environ: t.Mapping[str, str]) -> Client:
        """Return the client of a provider, shared with earlier runs that have the same options and environment.

        Args:
            provider: The provider.
            context: The run that needs it.
            environ: What the keyword ``environment`` says.
        """
        options = {name: context.params.get(name) for name in provider.options}
        made_of = [os.getpid(), provider.name, options, dict(environ), context.check_mode]
        key = json.dumps(made_of, sort_keys=True)
        shared = self._clients.pop(key, None) or SharedClient(provider, context)
        self._clients[key] = shared
        while len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)[1].close()
        return shared.use(context)

    def clear(self) -> None:
        """Drop all clients: the next run logs in again."""
        for shared in self._clients.values():
            shared.close()
        self._clients.clear()


#: Filled in workers only: the parent process never runs a module.
SHARED_CLIENTS = SharedClients()
