# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a wait, with their defaults, which stand here only; checked before anything is sent."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import FAILED, PENDING, SUCCESS

CHOICES: dict[str, tuple[str, ...]] = {
    "mode": ("all", "fail_fast", "any"),
    "on_timeout": ("fail", "return"),
    "on_failure": ("fail", "return"),
    "unknown_status": ("wait", "fail"),
    "batch": ("auto", "never"),
}

#: The options that list raw statuses, and the state that each of them gives to its statuses.
STATUS_LISTS: dict[str, str] = {
    "success_statuses": SUCCESS,
    "failure_statuses": FAILED,
    "pending_statuses": PENDING,
}

#: Smallest and largest value of each number; None: no bound. No pause is shorter than 10 ms, so that no wait spins.
BOUNDS: dict[str, tuple[float, float | None]] = {
    "timeout": (0, None),
    "delay": (0, None),
    "interval": (0.01, None),
    "max_interval": (0.01, None),
    "backoff": (0, None),
    "jitter": (0, 0.9),
    "confirm": (1, None),
    "not_found_grace": (0, None),
    "error_grace": (0, None),
    "request_timeout": (0.1, None),
    "rate": (0.001, None),
    "parallel_jobs": (1, None),
}


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of a wait. All durations are seconds.

    Attributes:
        timeout: One budget for everything: delay, polls, throttling, re-authentication, slices. 0 polls once.
        delay: Time before the first poll, part of ``timeout``.
        interval: Shortest pause between two polls.
        max_interval: Longest pause; less than ``interval`` counts as ``interval``. An estimate by the service may stretch it
            four times.
        backoff: Factor of the square-root law; 0 pauses for ``interval`` always.
        jitter: Share, up or down, by which a pause varies.
        mode: ``all`` waits for every task, ``fail_fast`` stops at the first that ends badly, ``any`` at the first success.
        on_timeout: ``fail``, or ``return`` what is known.
        on_failure: ``fail``, or ``return`` although tasks ended badly.
        success_statuses: Raw statuses that mean success, beside or against the service's table.
        failure_statuses: Raw statuses that mean failure.
        pending_statuses: Raw statuses that mean that the task goes on.
        unknown_status: For a status outside all tables: ``wait`` on with a warning, or ``fail`` when it comes twice in a row.
        confirm: How many polls in a row must report the same before a task counts as ended.
        not_found_grace: How long the service may deny that a task exists.
        error_grace: How long the service may give no usable response at all.
        request_timeout: Longest time for one request, always cut to what is left.
        rate: Calls per second at most; None is the service's own rate.
        parallel_jobs: How many jobs share that rate, this one included.
        batch: ``auto`` reads lists where that takes fewer calls, ``never`` polls each task by itself.
    """

    timeout: float = 1800.0
    delay: float = 0.0
    interval: float = 2.0
    max_interval: float = 15.0
    backoff: float = 0.8
    jitter: float = 0.1
    mode: str = "all"
    on_timeout: str = "fail"
    on_failure: str = "fail"
    success_statuses: tuple[str, ...] = ()
    failure_statuses: tuple[str, ...] = ()
    pending_statuses: tuple[str, ...] = ()
    unknown_status: str = "wait"
    confirm: int = 1
    not_found_grace: float = 30.0
    error_grace: float = 120.0
    request_timeout: float = 30.0
    rate: float | None = None
    parallel_jobs: int = 1
    batch: str = "auto"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}.")
        for name, (low, high) in BOUNDS.items():
            value = getattr(self, name)
            if name == "rate" and value is None:
                continue
            if not math.isfinite(value) or value < low:
                raise UsageError(f"{name} must be a number of at least {low:g}, not {value:g}.")
            if high is not None and value > high:
                raise UsageError(f"{name} must be at most {high:g}, not {value:g}.")
        self.states_by_status()

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Options:
        """Return the options among a module's parameters; those that are absent or None have their defaults."""
        given: dict[str, t.Any] = {}
        for field in dataclasses.fields(cls):
            value = params.get(field.name)
            if value is not None:
                given[field.name] = tuple(value) if field.name in STATUS_LISTS else value
        return cls(**given)

    def for_check_mode(self) -> Options:
        """Return the options of a single poll that does not fail for pending tasks."""
        return dataclasses.replace(self, timeout=0, delay=0, on_timeout="return")

    def states_by_status(self) -> dict[str, str]:
        """Return the state of each raw status that the user listed.

        Raises:
            UsageError: A status is not a text, or is in two lists.
        """
        states: dict[str, str] = {}
        listed: dict[str, str] = {}
        for option, state in STATUS_LISTS.items():
            for status in getattr(self, option):
                if not isinstance(status, str) or not status:
                    raise UsageError(f"{option} must list raw statuses of the service, not {status!r}.")
                if listed.setdefault(status, option) != option:
                    raise UsageError(f"{status!r} is in {listed[status]} and in {option}. A status means one thing.")
                states[status] = state
        return states


def argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the argument spec of a module with these options."""
    spec: dict[str, dict[str, t.Any]] = {}
    for field in dataclasses.fields(Options):
        if field.name in STATUS_LISTS:
            spec[field.name] = {"type": "list", "elements": "str", "default": []}
            continue
        spec[field.name] = {"type": _TYPES.get(field.name, "float")}
        if field.name in CHOICES:
            spec[field.name].update(type="str", choices=list(CHOICES[field.name]))
        if field.default is not None:
            spec[field.name]["default"] = field.default
    return spec


#: The options that are whole numbers.
_TYPES = {"confirm": "int", "parallel_jobs": "int"}
