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
      - Seconds for everything, throttling and new logins included. There is a last look at the end, so that a task which is done in time is
        never reported as timed out.
      - V(0) looks once and does not wait.
    type: float
    default: 1800.0
  delay:
    description:
      - Seconds before the first look, part of O(timeout). Worth setting when tasks are known to take longer than ten seconds.
    type: float
    default: 0.0
  interval:
    description:
      - Shortest pause between two looks, in seconds.
    type: float
    default: 2.0
  max_interval:
    description:
      - Longest pause between two looks, in seconds. When the service tells how long its tasks still take, a pause may be up to four times as
        long.
    type: float
    default: 15.0
  backoff:
    description:
      - Factor of the law by which pauses grow, C(backoff * sqrt(age * calls / pending)). It gives short tasks an early answer and long tasks few
        looks, without knowing which they are.
      - V(0) always pauses for O(interval), which is best when the usual duration is known; set O(delay) to about half of it then.
    type: float
    default: 0.8
  jitter:
    description:
      - Share by which each pause varies up and down, V(0) to V(0.9), so that waits that began together do not stay together.
    type: float
    default: 0.1
  mode:
    description:
      - V(all) waits for every task. V(fail_fast) stops at the first that did not succeed. V(any) stops at the first that succeeded, and fails
        when none did.
    type: str
    choices:
      - all
      - fail_fast
      - any
    default: all
  on_timeout:
    description:
      - V(fail) fails when the time is up. V(return) does not, sets RV(timed_out), and returns RV(resume); tasks that failed still fail.
    type: str
    choices:
      - fail
      - return
    default: fail
  on_failure:
    description:
      - V(fail) fails when a task did not succeed. V(return) returns what became of each without failing, for playbooks that decide themselves.
    type: str
    choices:
      - fail
      - return
    default: fail
  success_statuses:
    description:
      - Raw statuses that mean success here, beside or against the service's own, such as V(SYNCING) of a migration that is to go on.
      - For O(service=kps), whose list does not show statuses, each task is then asked about by itself.
    type: list
    elements: str
    default: []
  failure_statuses:
    description:
      - Raw statuses that mean failure here.
    type: list
    elements: str
    default: []
  pending_statuses:
    description:
      - Raw statuses that mean that the task goes on.
    type: list
    elements: str
    default: []
  unknown_status:
    description:
      - What to do about a status that is in no list. V(wait) waits on and warns. V(fail) fails when it was read twice in a row.
      - An unknown status is never taken for success.
    type: str
    choices:
      - wait
      - fail
    default: wait
  confirm:
    description:
      - How many looks in a row must say that a task ended. More than V(1) is for services whose statuses flap.
    type: int
    default: 1
  not_found_grace:
    description:
      - Seconds for which the service may not know a task, because it is new or because the answer comes from a replica. Then it is
        V(missing).
    type: float
    default: 30.0
  error_grace:
    description:
      - Seconds for which there may be no usable answer at all (no connection, server errors, broken JSON). Any usable answer about any task
        starts it again, and throttling never fails a wait. A request that fails among others costs only that request, which is repeated.
    type: float
    default: 120.0
  request_timeout:
    description:
      - Seconds that one request may take. It is cut to what is left of O(timeout). A request that takes far longer than the others usually
        do is given up earlier, and repeated with more time.
    type: float
    default: 30.0
  rate:
    description:
      - Requests per second at most. It is halved when the service throttles, and recovers with time and with each answer.
      - The default is V(10), and V(18) for O(service=cloudsso), whose account may send 20.
    type: float
  parallel_jobs:
    description:
      - How many jobs share O(rate), this one included. Each sends its part of it, so that together they send no more than the account may.
      - Set it to the number of slices when a job template of AWX is sliced. Without it the jobs find their share by being throttled.
    type: int
    default: 1
  batch:
    description:
      - V(auto) reads the service's list of tasks where that takes fewer requests than one for each task. V(never) always asks for each task.
    type: str
    choices:
      - auto
      - never
    default: auto
  progress:
    description:
      - Seconds between two lines that show how the wait stands, on standard error. V(0) shows none and runs the module once.
      - Otherwise the module is run anew after so many seconds, which also lets the wait survive a lost connection to the host, and ends it soon
        after the play is gone.
      - No lines are shown, and the module is run once, in check mode and with C(async). With C(no_log) no lines are shown.
    type: float
    default: 30.0
  resume:
    description:
      - RV(resume) of an earlier wait, to go on with it, here or on another machine. It replaces O(task_ids); the O(timeout) starts afresh.
    type: dict
  max_result_size:
    description:
      - Bytes that result and O(task_ids) may have together. AWX shows nothing of a result of more than 700,000 bytes. A result that would be
        larger is shortened, and RV(shortened) tells what was left out; RV(summary), RV(failed_ids) and RV(pending_ids) are always whole.
      - A wait for 1,000 tasks stays below the default with all its details. One for 5,000 can always be shortened enough, and one for 10,000 as
        long as no more than 2,500 of them go on when the time is up.
      - V(0) leaves nothing out.
    type: int
    default: 600000
"""
