# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of how ``wait_for_task`` waits."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a wait. All durations are seconds."""

    DOCUMENTATION = r"""
options:
  timeout:
    description:
      - Time limit for the whole wait in seconds, including throttling and re-authentication. The last poll is at the
        end, so that a task that ends in time is not reported as timed out.
      - V(0) polls every task once and does not wait.
    type: float
    default: 1800.0
  delay:
    description:
      - Seconds before the first poll, as part of O(timeout). Useful if the tasks are known to take longer than ten
        seconds.
    type: float
    default: 0.0
  interval:
    description:
      - Shortest pause between two polls, in seconds.
    type: float
    default: 2.0
  max_interval:
    description:
      - Longest pause between two polls, in seconds. If the service estimates the remaining time of its tasks, a pause
        may be up to four times as long.
    type: float
    default: 15.0
  backoff:
    description:
      - Factor by which the pauses grow. A pause is O(backoff) times the square root of C(age * calls / pending), with
        the age of the wait in seconds, the requests of one round and the number of pending tasks. The module notices
        the end of short tasks soon, and needs few polls for long tasks.
      - With V(0), every pause is O(interval) long. Use it if you know the usual duration, and set O(delay) to half of
        the duration.
    type: float
    default: 0.8
  jitter:
    description:
      - Share by which each pause varies at random, V(0) to V(0.9), so that waits that begin together do not poll
        together.
    type: float
    default: 0.1
  mode:
    description:
      - V(all) waits for every task. V(fail_fast) stops at the first task that did not succeed. V(any) stops at the
        first task that succeeded, and fails if no task succeeded.
    type: str
    choices:
      - all
      - fail_fast
      - any
    default: all
  on_timeout:
    description:
      - V(fail) fails if the time is up. V(return) does not fail, but sets RV(timed_out) and returns RV(resume).
        Failed tasks still make the module fail.
    type: str
    choices:
      - fail
      - return
    default: fail
  on_failure:
    description:
      - V(fail) fails if a task did not succeed. V(return) returns the result of each task without failing.
    type: str
    choices:
      - fail
      - return
    default: fail
  success_statuses:
    description:
      - Additional raw statuses that mean success, such as V(SYNCING) for a continuous migration. They take precedence
        over the statuses of the service.
      - For O(service=kps), the module then queries each task by its id, because the task list contains no statuses.
    type: list
    elements: str
    default: []
  failure_statuses:
    description:
      - Additional raw statuses that mean failure.
    type: list
    elements: str
    default: []
  pending_statuses:
    description:
      - Additional raw statuses that mean that the task is still running.
    type: list
    elements: str
    default: []
  unknown_status:
    description:
      - What to do about an unknown status. V(wait) warns and continues. V(fail) fails when the status was read twice
        in a row.
      - An unknown status never means success.
    type: str
    choices:
      - wait
      - fail
    default: wait
  confirm:
    description:
      - Number of polls in a row that must report the end of a task. Use more than V(1) for services with unsteady
        statuses.
    type: int
    default: 1
  not_found_grace:
    description:
      - Seconds for which the service may report that a task does not exist, because the task is new or the response
        comes from a replica. After that, the task is V(missing).
    type: float
    default: 30.0
  error_grace:
    description:
      - Seconds without any usable response (no connection, server errors, invalid JSON, pages of a proxy) after which the
        wait fails.
        Every usable response about any task starts this time again. Throttling never fails a wait. A single failed
        request is repeated.
    type: float
    default: 120.0
  request_timeout:
    description:
      - Time limit for one request in seconds, but never more than is left of O(timeout). A request that takes much
        longer than usual is given up earlier and repeated with more time.
    type: float
    default: 30.0
  rate:
    description:
      - Maximum number of requests per second. The module halves it if the service throttles. It recovers with time
        and with each response.
      - The default is V(10), and V(18) for O(service=cloudsso), where an account may send 20.
    type: float
  parallel_jobs:
    description:
      - Number of jobs that share O(rate), including this one. Each job sends its share.
      - For a sliced job template of AWX, set it to the number of slices. Without it, the services
        throttle the jobs, which then slow down.
    type: int
    default: 1
  batch:
    description:
      - V(auto) reads the service's task list if that takes fewer requests than querying each task. V(never) always
        queries each task by its id.
    type: str
    choices:
      - auto
      - never
    default: auto
  progress:
    description:
      - Seconds between two lines of progress on standard error. V(0) prints none and runs the module once.
      - On other hosts than the controller, the module runs again after this time. The wait therefore survives a lost
        connection to the host, and ends soon after the play has ended.
      - In check mode and with C(async), the module runs once and prints no lines. With C(no_log) it prints no lines.
    type: float
    default: 30.0
  resume:
    description:
      - RV(resume) of an earlier wait, to continue it on this or on another machine. It replaces O(task_ids).
        O(timeout) starts again.
    type: dict
  max_result_size:
    description:
      - Maximum size of the result and O(task_ids) together, in bytes. AWX does not show results of more than 700,000
        bytes. The module shortens a larger result and names the missing parts in RV(shortened). RV(summary),
        RV(failed_ids) and RV(pending_ids) are always complete.
      - The complete result of 1,000 tasks is smaller than the default. A result of 5,000 tasks can always be
        shortened enough, and a result of 10,000 tasks if at most 2,500 of them are still running at the end.
      - V(0) never shortens the result.
    type: int
    default: 600000
"""
