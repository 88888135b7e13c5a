# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of this collection's action plugins: each names its module, and runs it in the worker where ``rule`` allows it."""

from __future__ import annotations

import json
import typing as t

from ansible import constants as C
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    CONTROLLER_MASKS,
    Context,
    Module,
    Result,
    announce_secret,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.arguments import (
    CheckedOptions,
    check_arguments,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.clients import SHARED_CLIENTS
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.process import (
    WorkerClock,
    module_process,
)
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.rule import obstacle

display = Display()


class ModuleAction(ActionBase):
    """The base of the action plugins, which run a module of this collection.

    Attributes:
        module: The module.
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    module: Module
    #: Whether this task has run before: the keyword ``until`` runs the same plugin again.
    _repeated = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Run the module: in this process where the rule allows it, else where and how Ansible runs modules."""
        result: Result = super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            work = self._prepare(variables)
        except Exception as error:
            # Ansible's private interfaces may change: whatever goes wrong before the work, a module runs as ever.
            work = f"this release of Ansible is not known ({type(error).__name__}: {error})"
        if isinstance(work, str):
            display.vvv(f"{self._task.action} runs as a module: {work}", host=variables.get("inventory_hostname"))
            result.update(self.run_as_module(variables))
        else:
            display.vvv(f"{self._task.action} runs in process", host=variables.get("inventory_hostname"))
            result.update(work.run(self, variables))
        return result

    def run_as_module(self, variables: Result) -> Result:
        """Run the module as Ansible does."""
        result: Result = self._execute_module(task_vars=variables, wrap_async=bool(self._task.async_val))
        without_internal_options(result)
        return result

    def show(self, variables: Result, line: str) -> None:
        """Print a line at once, on standard error: on standard output it would spoil callbacks that print JSON."""
        if self._task.no_log:
            return
        host = variables.get("inventory_hostname", "localhost")
        where = f"{host} -> {self._task.delegate_to}" if self._task.delegate_to else host
        name = self._task.action.rpartition(".")[2]
        display.display(f"{name} on {where}: {line}", color=C.config.get_config_value("COLOR_VERBOSE"), stderr=True)

    def _prepare(self, variables: Result) -> InProcess | str:
        """Return the work, or why the task must run as a module."""
        environment: dict[str, t.Any] = {}
        self._compute_environment_string(environment)
        reason = obstacle(self, self.module, variables, environment)
        if reason is not None:
            return reason
        # Always before ansible-core 2.21.
        with_invocation = not hasattr(C, "INJECT_INVOCATION") or C.config.get_config_value(
            "INJECT_INVOCATION", variables=variables
        )
        environ = {str(name): str(value) for name, value in environment.items()}
        with module_process(environ, self._loader.get_basedir()):
            arguments = check_arguments(self.module, self._task.action, self._task.args)
        if self._repeated:
            # A retry logs in again, as a module would: the login may work by now.
            SHARED_CLIENTS.clear()
        self._repeated = True
        return InProcess(arguments, environ, bool(with_invocation))


#: Options that only action plugins set. Their names are last in the alphabet, so that they end the documentation.
INTERNAL_OPTIONS = frozenset({"wait_slice"})


def without_internal_options(result: Result) -> None:
    """Remove the options that only action plugins set from the invocation of a result."""
    told = result.get("invocation", {}).get("module_args")
    if told:
        result["invocation"]["module_args"] = {
            name: value for name, value in told.items() if name not in INTERNAL_OPTIONS
        }


class InProcess:
    """One run of a module in this process.

    Args:
        arguments: Its options.
        environ: What the keyword ``environment`` says.
        with_invocation: Whether the result tells the options.
    """

    def __init__(self, arguments: CheckedOptions, environ: t.Mapping[str, str], with_invocation: bool) -> None:
        self._arguments = arguments
        self._environ = environ
        self._with_invocation = with_invocation

    def run(self, action: ModuleAction, variables: Result) -> Result:
        """Return what Ansible would have got from the module."""
        if self._arguments.error is not None:
            return self._finish({"msg": self._arguments.error, "failed": True})
        context = Context(
            self._arguments.params,
            check_mode=bool(action._task.check_mode),
            diff_mode=bool(action._task.diff),
            on_warning=self._arguments.warnings.append,
            on_secret=self._mask,
            clock=WorkerClock(),
            own_process=False,
            on_progress=lambda line: action.show(variables, line),
            open_client=lambda provider, run: SHARED_CLIENTS.client(provider, run, self._environ),
        )
        with module_process(self._environ, action._loader.get_basedir()):
            result = action.module.perform(context)
        return self._finish(result)

    def _mask(self, secret: str) -> None:
        self._arguments.secrets.add(secret)
        announce_secret(secret)

    def _finish(self, result: Result) -> Result:
        """Return a result as it comes out of a module: with invocation and warnings, masked, as JSON made it."""
        if self._with_invocation:
            result["invocation"] = {"module_args": self._arguments.params}
            without_internal_options(result)
        if self._arguments.warnings:
            result["warnings"] = self._arguments.warnings
        if not CONTROLLER_MASKS:
            # As AnsibleModule does: a secret "True" must not hide that something changed.
            kept = {name: value for name, value in result.items() if value is None or isinstance(value, bool)}
            result = {**remove_values(result, self._arguments.secrets), **kept}
        # Through JSON, so that no tag of Ansible's is left that would let a text of the service run as a template.
        return t.cast(Result, json.loads(json.dumps(result)))
