# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the source: those of ``wait_for_task`` and of the connections, and a few of its own."""

from __future__ import annotations

import calendar
import math
import time
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba.options import ALI
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_id, check_ids
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei.options import HWC
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling import Options, argument_spec
from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.registry import SERVICES

#: By the name that the table of services calls them.
PROVIDERS: dict[str, t.Any] = {provider.name: provider for provider in (HWC, ALI)}
#: The services whose tasks can be discovered.
LISTED = ("cloudsso", "kps")
#: Seconds between two readings of the lists of tasks at least.
SHORTEST_DISCOVERY = 1.0
#: Seconds without any usable response after which the source gives up. A wait in a playbook has less patience.
ERROR_GRACE = 3600.0
#: Options about the end of a wait, which a source does not have, or about jobs of a playbook.
NOT_FOR_A_SOURCE = ("timeout", "delay", "mode", "on_timeout", "on_failure", "unknown_status", "parallel_jobs")
_TIME = "%Y-%m-%dT%H:%M:%SZ"

ARGUMENT_SPEC: dict[str, dict[str, t.Any]] = {
    "service": {"type": "str", "required": True, "choices": list(SERVICES)},
    "directory_id": {"type": "str"},
    "task_ids": {"type": "list", "elements": "str", "aliases": ["task_id"], "default": []},
    "discover": {"type": "bool", "default": False},
    "discover_interval": {"type": "float", "default": 15.0},
    "since": {"type": "str"},
    "state_file": {"type": "path"},
    "on_done": {"type": "str", "choices": ["wait", "end"], "default": "wait"},
    "feedback": {"type": "bool", "default": False},
    "feedback_timeout": {"type": "float", "default": 120.0},
    **{name: spec for name, spec in argument_spec().items() if name not in NOT_FOR_A_SOURCE},
    "error_grace": {"type": "float", "default": ERROR_GRACE},
}
RULES: dict[str, t.Any] = {
    "required_if": [("service", service, row.within) for service, row in SERVICES.items() if row.within],
}


class Settings(t.NamedTuple):
    """The options of a rulebook, checked.

    Attributes:
        service: The service.
        within: What the ids of tasks belong to beside region and project, by option.
        ids: The tasks that are named.
        discover: Whether tasks of the service's lists are watched, too.
        discover_interval: Seconds between two readings of the lists.
        since: Tasks that ended are discovered if they began at this time or later, in seconds since the epoch; None is when the
            source was started first.
        state_file: The file that survives a restart.
        end: Whether to end when all named tasks have.
        feedback_timeout: Seconds within which the rule engine must confirm an event, where it does.
        wait: How to poll.
    """

    service: str
    within: dict[str, str]
    ids: list[str]
    discover: bool
    discover_interval: float
    since: float | None
    state_file: str | None
    end: bool
    feedback_timeout: float
    wait: Options

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Settings:
        """Return the settings behind checked options.

        Raises:
            UsageError: An option is wrong, or two do not go together.
        """
        service = params["service"]
        row = SERVICES[service]
        discover, end = params["discover"], params["on_done"] == "end"
        ids = check_ids("task_ids", params["task_ids"], in_query=row.in_query)
        if not discover and not ids:
            raise UsageError("Nothing to watch: name tasks in task_ids, or set discover to true.")
        if discover and service not in LISTED:
            raise UsageError(
                f"discover is for the services {' and '.join(LISTED)}; {service} has no list of tasks to discover. Name its tasks "
                "in task_ids."
            )
        if discover and end:
            raise UsageError("on_done must be wait when discover is true: discovery has no end.")
        if params["since"] is not None and not discover:
            raise UsageError("since must not be given without discover.")
        return cls(
            service,
            {option: check_id(option, params[option], in_query=row.in_query) for option in row.within},
            ids,
            discover,
            _at_least("discover_interval", params["discover_interval"], SHORTEST_DISCOVERY),
            None if params["since"] is None else _seconds("since", params["since"]),
            params["state_file"],
            end,
            _at_least("feedback_timeout", params["feedback_timeout"], 1.0),
            Options.from_params(params),
        )


def utc(seconds: float) -> str:
    """Return a time in seconds since the epoch as services write it: ``2026-01-02T03:04:05Z``."""
    return time.strftime(_TIME, time.gmtime(seconds))


def _seconds(option: str, text: str) -> float:
    try:
        return float(calendar.timegm(time.strptime(text, _TIME)))
    except ValueError:
        raise UsageError(f"{option} must be a time in UTC such as 2026-01-02T03:04:05Z, not {text!r}.") from None


def _at_least(option: str, value: float, least: float) -> float:
    if not least <= value < math.inf:
        raise UsageError(f"{option} must be a number of at least {least:g}, not {value:g}.")
    return value
