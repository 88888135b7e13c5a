# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The waiting engine: looks at any number of asynchronous tasks until each has ended, and says what became of them.

The whole of it for a module::

    outcome = wait(source, ids, Options.from_params(params), clock=clock, rng=random.random)
    if outcome.failed:
        fail(outcome.msg, outcome.result, outcome.warnings)
    exit(outcome.msg, outcome.result, outcome.warnings)

``wait`` never raises for anything that happens during the wait: every exit, the bad ones and our own bugs included, is an
:class:`Outcome` that holds the state, the reason and the history of every task and, while something is pending, a token to
resume with. Only wrong arguments raise (``UsageError``, before anything is sent).

Further arguments of ``wait``, all by name:

- ``scope``: what makes an id unique beside the service (region, project, directory). It travels in the token, and a token
  of another scope is refused.
- ``resume``: ``result["resume"]`` of an earlier wait; it replaces ``ids``. The timeout starts afresh.
- ``time_slice``: a :class:`Slice`, when an action plugin runs a long wait in bounded module runs. While there is more to do,
  ``outcome.more`` is ``{"state", "sleep", "line"}``: pass ``state`` back in the next ``Slice`` together with the seconds
  since the first one began; ``line`` says for people how things stand, ``sleep`` how many seconds the pause still lasts.
  The last slice's outcome is that of the whole wait. ``state`` is plain JSON without secrets. When there is no outcome, for
  instance because the next module run was killed, ``recover`` makes a result of the state.
- ``run_calls`` and ``connections``: how calls are run at the same time; by default one after the other. ``run_in_threads`` with
  ``CONNECTIONS`` is the real one, for sources that may be used by several threads.
- ``progress``: a :class:`Progress`, when lines can be shown while the wait goes on; slices are not needed then.

A signal handler or a clock ends a wait early by raising :class:`Interrupted` from within ``clock.sleep`` or a call of the
source; the outcome then says ``interrupted`` and holds everything known so far.

Nothing here reads a clock, sleeps, opens a connection or draws a random number by itself. Files, from the bottom up:
``options`` (what the user may say), ``limiter`` (how fast calls may follow each other), ``latency`` (how long they take),
``schedule`` (when to look next), ``record`` (what is known about one task), ``memory`` (what is known about all of them; slices and tokens), ``caller``
(one call: its place in time, its errors, its repetition after a new login), ``parallel`` (calls in threads), ``lists``
(what is learnt from lists), ``report`` (figures and names), ``messages`` (sentences for people), ``outcome`` (the result),
``progress`` (when lines are due), ``engine`` (the rounds), ``size`` (what is left out of a large result), ``watch``
(a wait without an end, for tasks that come and go).
"""

from __future__ import annotations

from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.options import Options
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.poller import wait
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.progress import Progress
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.requests import RunCalls, run_in_order
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.result import (
    Outcome,
    recover,
    result_of_token,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.size import (
    MAX_SIZE,
    every_task,
    shorten,
    size_of,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.state import Interrupted, Slice
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.watch import Failure, Step, Watch
from ansible_collections.multicloud.async_tasks.plugins.module_utils._polling.workers import CONNECTIONS, run_in_threads

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
    "Step",
    "Watch",
    "every_task",
    "recover",
    "result_of_token",
    "run_in_order",
    "run_in_threads",
    "shorten",
    "size_of",
    "wait",
]
