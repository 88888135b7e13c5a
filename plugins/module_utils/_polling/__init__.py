# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The polling engine: polls any number of asynchronous tasks until each has ended.

The whole of it for a module::

    outcome = wait(backend, ids, Options.from_params(params), clock=clock, rng=random.random)
    if outcome.failed:
        fail(outcome.msg, outcome.result, outcome.warnings)
    exit(outcome.msg, outcome.result, outcome.warnings)

``wait`` never raises for anything that happens during the wait: every exit, failures and our own bugs included, is an
:class:`Outcome` that holds the state, the reason and the history of every task and, while a task is pending, a token to
resume with. Only wrong arguments raise (``UsageError``, before anything is sent).

Further arguments of ``wait``, all by name:

- ``scope``: what makes an id unique beside the service (region, project, directory). It travels in the token, and a token
  of another scope is rejected.
- ``resume``: ``result["resume"]`` of an earlier wait; it replaces ``ids``. The timeout starts again.
- ``time_slice``: a :class:`Slice`, when an action plugin runs a long wait in bounded module runs. While there is more to do,
  ``outcome.more`` is ``{"state", "sleep", "line"}``: pass ``state`` back in the next ``Slice`` together with the seconds
  since the first one began; ``line`` is the line of progress, ``sleep`` how many seconds the pause still lasts. The last
  slice's outcome is that of the whole wait. ``state`` is plain JSON without secrets. When there is no outcome, for instance
  because the next module run was killed, ``recover`` makes a result of the state.
- ``run_calls`` and ``connections``: how calls are run at the same time; by default one after the other. ``run_in_threads``
  with ``CONNECTIONS`` runs several, for backends that may be used by several threads.
- ``progress``: a :class:`Progress`, when lines can be shown while the wait goes on; slices are not needed then.

A signal handler or a clock ends a wait early by raising :class:`Interrupted` from within ``clock.sleep`` or a call of the
backend; the outcome then says ``interrupted`` and holds everything known so far.

Nothing here reads a clock, sleeps, opens a connection or draws a random number by itself. Files, from the bottom up:

- ``options``: the options of a wait, with their defaults
- ``pacing``: how long calls take, how fast they may follow each other, when rounds start
- ``task_state``, ``state``: one task; all of them, with a part of the state for each class below, slices and tokens
- ``workers``: calls in threads
- ``requests``: one request: its time, its errors, its repetition after re-authentication
- ``lists``: lists of tasks and of reasons
- ``messages``, ``result``: texts for people; rows, figures and what is left out of a large result
- ``poller``: the rounds
- ``watch``: a wait without an end, for tasks that come and go
"""

from __future__ import annotations

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.interrupts import Interrupted
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.messages import Progress
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options, argument_spec
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.poller import wait
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.result import (
    MAX_SIZE,
    Outcome,
    every_task,
    recover,
    result_of_token,
    shorten,
    size_of,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import Slice
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.watch import Failure, Watch, WatchStep
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.workers import (
    CONNECTIONS,
    RunCalls,
    run_in_order,
    run_in_threads,
)

__all__ = [
    "CONNECTIONS",
    "MAX_SIZE",
    "Failure",
    "Interrupted",
    "Options",
    "Outcome",
    "Progress",
    "RunCalls",
    "Slice",
    "Watch",
    "WatchStep",
    "argument_spec",
    "every_task",
    "recover",
    "result_of_token",
    "run_in_order",
    "run_in_threads",
    "shorten",
    "size_of",
    "wait",
]
