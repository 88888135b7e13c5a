# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between Ansible and the rest: options in, a result out. The only importer of AnsibleModule, the only place that fails.

A module passes ``run`` a function that gets a ``Context`` and returns its result; every error that it lets through
becomes a failure with the server's facts, and whatever it noted in ``context.result`` is returned on every exit.
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
from ansible_collections.multicloud.async_tasks.plugins.module_utils._client import Client
from ansible_collections.multicloud.async_tasks.plugins.module_utils._clock import Clock, SystemClock
from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CloudError, UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._surroundings import Cloud, Surroundings

Result = dict[str, t.Any]
C = t.TypeVar("C", bound=Client)


def at_least(option: str, value: t.Any, least: float) -> t.Any:
    """Return a number of an option, or refuse one below ``least``; None stays None."""
    if value is not None and not least <= value < math.inf:
        raise UsageError(f"{option}: {value} is no number of at least {least:g}. Nothing was sent.")
    return value


def within(option: str, value: t.Any, least: int, most: int) -> t.Any:
    """Return a number of an option, or refuse one outside the bounds; None stays None."""
    if value is not None and not least <= value <= most:
        raise UsageError(f"{option}: {value} is not between {least} and {most}. Nothing was sent.")
    return value


class Context:
    """What a module works with.

    Attributes:
        params: The options.
        check_mode: Whether nothing may be changed.
        diff_mode: Whether a diff is wanted.
        result: Returned on every exit, failures included; put what happened here as soon as it has.
        clock: Time.
        random: Numbers from 0 to 1.
        threads: Whether requests may be under way at the same time.

    Args:
        module: The module that runs.
        environ: The environment; by default that of the process.
        clock: Time.
        draw: Numbers from 0 to 1.
        connect: Makes the transport that requests go through; takes the arguments of ``RequestsTransport``.
        threads: Whether requests may be under way at the same time.
    """

    def __init__(
        self,
        module: AnsibleModule,
        *,
        environ: t.Mapping[str, str] | None = None,
        clock: Clock | None = None,
        draw: t.Callable[[], float] = random.random,
        connect: t.Callable[..., _http.Transport] = _http.RequestsTransport,
        threads: bool = True,
    ) -> None:
        self._module = module
        self._environ = os.environ if environ is None else environ
        self._connect = connect
        self.params: dict[str, t.Any] = module.params
        self.check_mode: bool = module.check_mode
        self.diff_mode: bool = module._diff
        self.result: Result = {"changed": False}
        self.clock: Clock = clock or SystemClock()
        self.random = draw
        self.threads = threads
        self._clients: dict[str, t.Any] = {}

    def warn(self, text: str) -> None:
        """Show a warning beside the result."""
        self._module.warn(text)

    def mask(self, secret: str) -> None:
        """Keep a value that came from no option out of everything Ansible prints."""
        self._module.no_log_values.add(secret)
        if register_secret is not None:
            register_secret(secret)

    def client(self, cloud: Cloud[C]) -> C:
        """The client of a cloud, made once from its options, the environment and the user's files."""
        if cloud.name not in self._clients:
            self._clients[cloud.name] = client = cloud.open_client(self.params, self._surroundings())
            self.result["credentials_source"] = client.credentials_source
        return t.cast(C, self._clients[cloud.name])

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            self._environ, self.clock, self.random, self.check_mode, self.mask, self.warn, self._connect
        )


def run(
    execute: t.Callable[[Context], Result | None],
    argument_spec: t.Mapping[str, t.Any],
    *,
    clouds: t.Sequence[Cloud[t.Any]],
    **keywords: t.Any,
) -> t.NoReturn:
    """Run a module and exit.

    Args:
        execute: Does the work; what it returns is merged into ``context.result``. A result with ``failed`` true fails.
        argument_spec: The module's own options.
        clouds: Those whose connection options it takes; none for a module that talks to no cloud.
        keywords: More arguments for AnsibleModule, such as ``required_if``.
    """
    connection = {name: spec for cloud in clouds for name, spec in cloud.options.items()}
    module = AnsibleModule(argument_spec={**connection, **argument_spec}, supports_check_mode=True, **keywords)
    if clouds and _http.REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=_http.REQUESTS_IMPORT_ERROR)
    context = Context(module)
    try:
        context.result.update(execute(context) or {})
    except CloudError as error:
        module.fail_json(**{**context.result, **error.facts(), "msg": str(error)})
    except Exception as error:
        # A bug of ours; what was changed before it must still be told.
        text = f"Unexpected {type(error).__name__}: {error}. This is a bug of the collection: please report it."
        module.fail_json(**{**context.result, "msg": text, "exception": traceback.format_exc()})
    if context.result.pop("failed", False):
        module.fail_json(**context.result)
    module.exit_json(**context.result)
