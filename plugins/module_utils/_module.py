# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interface to Ansible: options in, a result out. The only importer of AnsibleModule, the only place that fails.

Each module is a ``Module``: a function from a ``Context`` to a result, with its argument spec. ``Module.run`` runs it as
Ansible runs modules; an action plugin runs the same ``Module.perform`` in the worker of the controller.
"""

from __future__ import annotations

import math
import os
import random
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:
    # Before ansible-core 2.22 a module masks its output itself, by its no_log_values; since then the controller does.
    register_secret = None

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _http
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError, UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.interrupts import (
    Interrupted,
    signals_interrupt,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.secrets import ALONE, Secrets
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.client import Client
from ansible_collections.multicloud.async_tasks.plugins.module_utils._runtime import Provider, Runtime

#: Whether the controller masks secrets in all output (ansible-core 2.22 and newer); before, a module masks its own result.
CONTROLLER_MASKS = register_secret is not None

Result = dict[str, t.Any]
ArgumentSpec = t.Mapping[str, t.Any]
C = t.TypeVar("C", bound=Client)


def announce_secret(secret: str) -> None:
    """Tell Ansible a secret that came from no option, where the controller masks output."""
    if register_secret is not None:
        register_secret(secret)


def at_least(option: str, value: t.Any, least: float) -> t.Any:
    """Return the number of an option after a check that it is at least ``least``; None stays None."""
    if value is not None and not least <= value < math.inf:
        raise UsageError(f"{option} must be a number of at least {least:g}, not {value}. Nothing was sent.")
    return value


def within(option: str, value: t.Any, least: int, most: int) -> t.Any:
    """Return the number of an option after a check that it is within the bounds; None stays None."""
    if value is not None and not least <= value <= most:
        raise UsageError(f"{option} must be between {least} and {most}, not {value}. Nothing was sent.")
    return value


class Context:
    """The options and the runtime of one run of a module.

    Attributes:
        params: The options.
        check_mode: Whether nothing may be changed.
        diff_mode: Whether a diff is wanted.
        result: Returned on every exit, failures included; put what happened here as soon as it has.
        clock: Time.
        rng: Returns a number from 0 to 1.
        threads: Whether requests may be under way at the same time.
        own_process: Whether the process is this run's alone, with its signals and its standard output.
        on_progress: Shows a line while the run goes on; None where Ansible shows nothing before the end.
        secrets: What must not be shown.

    Args:
        params: The options, validated.
        check_mode: Whether nothing may be changed.
        diff_mode: Whether a diff is wanted.
        on_warning: Shows a warning.
        on_secret: Takes a secret that must be masked.
        environ: The environment; by default that of the process.
        clock: Time.
        rng: Returns a number from 0 to 1.
        connect: Makes the transport that requests go through; takes the arguments of ``RequestsTransport``.
        threads: Whether requests may be under way at the same time.
        own_process: Whether the process is this run's alone.
        on_progress: Shows a line while the run goes on.
        open_client: Makes the client of a cloud; by default one of this run's own.
    """

    def __init__(
        self,
        params: dict[str, t.Any],
        *,
        check_mode: bool = False,
        diff_mode: bool = False,
        on_warning: t.Callable[[str], None],
        on_secret: t.Callable[[str], None],
        environ: t.Mapping[str, str] | None = None,
        clock: Clock | None = None,
        rng: t.Callable[[], float] = random.random,
        connect: t.Callable[..., _http.Transport] = _http.RequestsTransport,
        threads: bool = True,
        own_process: bool = True,
        on_progress: t.Callable[[str], None] | None = None,
        open_client: t.Callable[[Provider[t.Any], Context], t.Any] | None = None,
    ) -> None:
        self.params = params
        self.check_mode = check_mode
        self.diff_mode = diff_mode
        self.result: Result = {"changed": False}
        self.clock: Clock = clock or SystemClock()
        self.rng = rng
        self.threads = threads
        self.own_process = own_process
        self.on_progress = on_progress
        self.secrets = Secrets()
        self._on_warning = on_warning
        self._on_secret = on_secret
        self._secrets: list[str] = []
        self._environ = os.environ if environ is None else environ
        self._connect = connect
        self._open_client = open_client or open_own_client
        self._clients: dict[str, t.Any] = {}

    def warn(self, text: str) -> None:
        """Show a warning beside the result."""
        self._on_warning(printable(text))

    def mask(self, secret: str) -> None:
        """Keep a secret out of everything that is printed, and of what a service echoes of it in whatever encoding.

        Ansible is not told of one so short that it may be a part of ordinary words, for it would hide that part everywhere.
        """
        self.hide(secret)
        if len(secret) >= ALONE:
            self._on_secret(secret)

    def hide(self, secret: str) -> None:
        """Keep a secret that Ansible knows already out of what a service echoes."""
        self.secrets.add(secret)
        self._secrets.append(secret)
        for client in self._clients.values():
            client.hide(secret)

    def client(self, provider: Provider[C]) -> C:
        """Return the client of a cloud, made once from its options, the environment and the user's files."""
        if provider.name not in self._clients:
            self._clients[provider.name] = client = self._open_client(provider, self)
            for secret in self._secrets:
                client.hide(secret)
            self.result["credentials_source"] = client.credentials_source
        return t.cast(C, self._clients[provider.name])

    def runtime(self) -> Runtime:
        """Return what a client needs beside its options."""
        return Runtime(
            self._environ,
            self.clock,
            self.rng,
            self.check_mode,
            self.mask,
            self.warn,
            self._connect,
            self.note_write,
        )

    def note_write(self) -> None:
        """Note that a service accepted a write: from now on every exit says ``changed``, unless the write turns out to have done nothing."""
        self.result["changed"] = True


def open_own_client(provider: Provider[C], context: Context) -> C:
    """Return a client that no other run shares."""
    return provider.open_client(context.params, context.runtime())


class Module:
    """A module as a value.

    Attributes:
        execute: Does the work; what it returns is merged into ``context.result``. A result with ``failed`` true fails.
        argument_spec: All options: the module's own and those of the connections to its clouds.
        clouds: The clouds whose connection options it takes; none for a module that talks to no cloud.
        rules: How options depend on each other, by the names that AnsibleModule gives these arguments.
    """

    def __init__(
        self,
        execute: t.Callable[[Context], Result | None],
        argument_spec: ArgumentSpec,
        *,
        providers: t.Sequence[Provider[t.Any]],
        **rules: t.Any,
    ) -> None:
        connection = {name: spec for provider in providers for name, spec in provider.options.items()}
        self.execute = execute
        self.argument_spec: ArgumentSpec = {**connection, **argument_spec}
        self.providers = providers
        self.rules = rules

    def perform(self, context: Context) -> Result:
        """Do the work and return the result, also of a failure: it has ``failed`` true then.

        Every error becomes a failure with the facts of the service; what was noted before it is in the result.
        """
        for option, spec in self.argument_spec.items():
            if spec.get("no_log") and context.params.get(option):
                # Ansible knows it; what a service makes of it Ansible does not.
                context.hide(str(context.params[option]))
        try:
            returned = self.execute(context) or {}
        except CloudError as error:
            return {**context.result, **error.as_result(), "msg": str(error), "failed": True}
        except Interrupted as interrupted:
            changed = " Something may have been changed: check that before you run this again."
            text = f"Interrupted by {interrupted.by}.{changed if context.result['changed'] else ''}"
            return {**context.result, "msg": text, "failed": True}
        except Exception as error:
            words = printable(context.secrets.mask(str(error)), SENTENCE)
            text = f"Unexpected {type(error).__name__}: {words}. This is a bug of the collection: please report it."
            exception = context.secrets.mask(traceback.format_exc())
            return {**context.result, "msg": text, "exception": exception, "failed": True}
        result = {**context.result, **returned}
        if not result.get("failed"):
            result.pop("failed", None)
        if "exception" in result:
            # A wait that ran into a bug tells what it knows, and the words of the exception may be those of a service.
            result.update({name: context.secrets.mask(str(result[name])) for name in ("msg", "exception")})
        return result

    def run(self) -> t.NoReturn:
        """Run as Ansible runs modules, and exit."""
        module = AnsibleModule(argument_spec=dict(self.argument_spec), supports_check_mode=True, **self.rules)
        if self.providers and _http.REQUESTS_IMPORT_ERROR is not None:
            module.fail_json(msg=missing_required_lib("requests"), exception=_http.REQUESTS_IMPORT_ERROR)

        def mask(secret: str) -> None:
            module.no_log_values.add(secret)
            announce_secret(secret)

        context = Context(
            module.params,
            check_mode=module.check_mode,
            diff_mode=module._diff,
            on_warning=module.warn,
            on_secret=mask,
        )
        with signals_interrupt(context.clock):
            result = self.perform(context)
            if result.pop("failed", False):
                module.fail_json(**result)
            module.exit_json(**result)
