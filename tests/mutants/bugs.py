# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bugs that ``run`` puts into copies of the collection: those that other waiting engines have, and our own near misses."""

from __future__ import annotations

import dataclasses

WAIT = "plugins/module_utils/_wait/"
HTTP = "plugins/module_utils/_http/"
FLEET = "plugins/module_utils/_fleet/"
TESTS = "tests/unit/plugins/module_utils/_wait"

#: Test selections for a bug of the waiting engine: what holds for every wait, and the examples.
PROPERTIES = (f"{TESTS}/test_properties.py",)
#: The program that runs modules against faults, which tests of the transport and of writes name with the cells to run.
MATRIX = "tests/matrix/run.py"
EXAMPLES = (TESTS, f"--ignore={TESTS}/test_properties.py")


@dataclasses.dataclass(frozen=True)
class Bug:
    """One bug.

    Attributes:
        name: For the command line and the table.
        what: What goes wrong, and for whom it does.
        file: The file to patch.
        old: Text that is in it exactly once.
        new: What to put there.
        tests: What pytest runs.
    """

    name: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = PROPERTIES


BUGS = (
    # Time
    Bug(
        "sleep-not-clipped",
        "a pause reaches beyond the deadline (openstacksdk, tenacity)",
        WAIT + "engine.py",
        "        return min(max(due, memory.limiter.ready_at(now)), caller.deadline)\n",
        "        return max(now + rest, memory.limiter.ready_at(now))\n",
    ),
    Bug(
        "request-timeout-not-clipped",
        "a request outlives the wait (terraform-plugin-sdk, kubernetes.core)",
        WAIT + "caller.py",
        "        return min(self._options.request_timeout, until - sent)\n",
        "        return self._options.request_timeout\n",
    ),
    Bug(
        "hang-costs-the-last-look",
        "a request that hangs reaches over the last look",
        WAIT + "caller.py",
        "        until = until - LEAST if until - sent >= SHORT else self.deadline + GRACE\n",
        "        until = self.deadline + GRACE\n",
    ),
    Bug(
        "first-round-cut-off",
        "a budget of nothing hears about the first task only",
        WAIT + "caller.py",
        "        return max(self.deadline, self._begun, first)\n",
        "        return max(self.deadline, self._begun, 0.0 * first)\n",
    ),
    Bug(
        "early-stop",
        "gives up as soon as the next pause would cross the deadline (google.api_core, Terraform, k8s wait.Poll)",
        WAIT + "engine.py",
        "        due = schedule.start(\n",
        "        if now + rest > caller.deadline:\n            return None\n        due = schedule.start(\n",
    ),
    Bug(
        "no-lead",
        "the last round starts at the deadline, so that only its first task is asked",
        WAIT + "schedule.py",
        "    return max(0, calls - 1) * spacing\n",
        "    return 0.0 * calls * spacing\n",
    ),
    Bug(
        "round-runs-into-the-last-one",
        "a round is still busy when the last one should start, and the tail of the list is not asked",
        WAIT + "schedule.py",
        "    return last if after + calls * spacing > last else after\n",
        "    return after\n",
    ),
    Bug(
        "head-of-the-list-first",
        "each round starts with the same tasks; when rounds are cut short the others are never asked",
        WAIT + "engine.py",
        "        todo = [record.id for record in sorted(self._pending.values(), key=_asked)]\n",
        "        todo = list(self._pending)\n",
        EXAMPLES,
    ),
    Bug(
        "attempts-instead-of-time",
        "counts looks, not time (botocore, until/retries, async_status)",
        WAIT + "engine.py",
        "        if now >= caller.deadline - EPSILON:\n",
        "        if memory.rounds >= self._options.timeout / self._options.interval:\n",
    ),
    Bug(
        "wall-clock",
        "reads the wall clock, which jumps (openstacksdk, wait_for)",
        WAIT + "caller.py",
        "        return self._clock.monotonic() - self._origin\n",
        "        return self._clock.time() - self._origin\n",
    ),
    Bug(
        "delay-outside-the-budget",
        "the delay comes on top of the timeout",
        WAIT + "engine.py",
        "        return memory.base + min(options.delay, max(0.0, options.timeout - self._lead()))\n",
        "        return memory.base + options.delay\n",
        EXAMPLES,
    ),
    Bug(
        "shortest-pause-ignored",
        "polls as fast as the rate allows (hcloud's 500 ms)",
        WAIT + "schedule.py",
        "    result = min(max(law, options.interval), longest)\n",
        "    result = min(law, longest)\n",
    ),
    Bug(
        "longest-pause-ignored",
        "the pause grows without bound (aws-sdk-js-v3)",
        WAIT + "schedule.py",
        "    result = min(max(law, options.interval), longest)\n",
        "    result = max(law, options.interval)\n",
    ),
    Bug(
        "linear-pause",
        "the pause grows with the age, not with its square root",
        WAIT + "schedule.py",
        "    law = options.backoff * math.sqrt(max(0.0, age) * calls / pending)\n",
        "    law = options.backoff * age * calls / pending\n",
    ),
    Bug(
        "estimate-ignored",
        "asks on while the service says how long it still takes",
        WAIT + "schedule.py",
        "    if eta is not None:\n",
        "    if eta == 0:\n",
        EXAMPLES,
    ),
    # Verdicts
    Bug(
        "unknown-is-success",
        "a word outside the table counts as success (hcloud-python, hcloud-go)",
        WAIT + "engine.py",
        '        meaning = self._words.get(sighting.status or "", sighting.state)\n',
        '        meaning = self._words.get(sighting.status or "", sighting.state).replace(UNKNOWN, SUCCESS)\n',
    ),
    Bug(
        "failed-is-success",
        "a task that ended has succeeded (community.general's job Failed counts as met)",
        WAIT + "engine.py",
        '        meaning = self._words.get(sighting.status or "", sighting.state)\n',
        '        meaning = self._words.get(sighting.status or "", sighting.state).replace("failed", SUCCESS)\n',
    ),
    Bug(
        "failure-not-terminal",
        "a failed task is polled until the timeout (Terraform on CloudSSO, botocore, openstacksdk)",
        WAIT + "record.py",
        "        if meaning == UNKNOWN or (meaning in ENDED and self.repeats >= confirm):\n",
        "        if meaning == UNKNOWN or (meaning == SUCCESS and self.repeats >= confirm):\n",
    ),
    Bug(
        "absent-is-success",
        "a task that a list of running tasks no longer shows has succeeded",
        WAIT + "lists.py",
        "                memory.round.swept = True\n",
        "                memory.round.swept = True\n"
        "                for task_id in unseen:\n"
        '                    self._see(memory.records[task_id], Sighting(task_id, "success", "SUCCESS_X"))\n',
    ),
    Bug(
        "not-found-at-once",
        "a task that is not there yet is missing at once (hcloud-go, kubectl)",
        WAIT + "record.py",
        "        if now - self.absent_since >= grace:\n",
        "        if now - self.absent_since >= min(grace, 0.0):\n",
    ),
    Bug(
        "not-found-in-total",
        "a task that came back is missing when it goes again for a moment",
        WAIT + "record.py",
        "        self.absent_since = self.note = None\n",
        "        self.note = None\n",
        EXAMPLES,
    ),
    Bug(
        "confirm-ignored",
        "the first word counts, however often it must come",
        WAIT + "record.py",
        "        if meaning == UNKNOWN or (meaning in ENDED and self.repeats >= confirm):\n",
        "        if meaning == UNKNOWN or meaning in ENDED:\n",
    ),
    Bug(
        "confirm-in-total",
        "a flapping word is confirmed by what it said before the flap",
        WAIT + "record.py",
        "        if (status, meaning) != (self.status, self.meaning):\n            self.repeats = 1\n",
        "        if (status, meaning) != (self.status, self.meaning):\n            self.repeats += 1\n",
    ),
    Bug(
        "confirm-in-one-look",
        "a row that two pages show confirms itself",
        WAIT + "record.py",
        "        elif look != self.look:\n",
        "        else:\n",
        EXAMPLES,
    ),
    Bug(
        "unknown-fails-at-once",
        "unknown_status: fail ends the wait for a word seen once",
        WAIT + "engine.py",
        "            if record.repeats > 1:\n",
        "            if record.repeats > 0:\n",
    ),
    Bug(
        "words-without-case",
        "words are compared without case",
        WAIT + "engine.py",
        '        meaning = self._words.get(sighting.status or "", sighting.state)\n',
        '        meaning = self._words.get((sighting.status or "").upper(), sighting.state)\n',
    ),
    Bug(
        "lists-of-the-user-ignored",
        "success_statuses and its kin have no effect (amazon.aws's wait_timeout)",
        WAIT + "engine.py",
        '        meaning = self._words.get(sighting.status or "", sighting.state)\n',
        "        meaning = sighting.state\n",
        EXAMPLES,
    ),
    Bug(
        "answer-of-another-task",
        "whatever comes back is taken for the answer",
        WAIT + "engine.py",
        "        if sighting.task_id != task_id:\n",
        "        if not sighting.task_id:\n",
        EXAMPLES,
    ),
    Bug(
        "history-merged",
        "the history counts answers and forgets what they said",
        WAIT + "record.py",
        "        if self.history and self.history[-1].status == status:\n",
        "        if self.history:\n",
    ),
    # Many tasks
    Bug(
        "fail-fast-ignored",
        "waits for all although one has failed",
        WAIT + "engine.py",
        '            or (mode == "fail_fast" and self._bad)\n',
        "",
    ),
    Bug(
        "any-ignored",
        "waits for all although one has succeeded",
        WAIT + "engine.py",
        '            or (mode == "any" and self._good)\n',
        "",
    ),
    Bug(
        "missing-is-no-failure",
        "fail_fast waits on although a task does not exist",
        WAIT + "record.py",
        "BAD = (FAILED, MISSING, ERROR)\n",
        "BAD = (FAILED, ERROR)\n",
    ),
    Bug(
        "list-never-read",
        "asks about a thousand tasks one by one, though a list would tell of all",
        WAIT + "engine.py",
        "        return todo > 1 and self._lists.pay(todo)\n",
        "        return False\n",
        EXAMPLES,
    ),
    Bug(
        "crowded-list-never-given-up",
        "reads a list to its end, however many rows of others it has",
        WAIT + "lists.py",
        "            if unseen and (pages >= len(todo) or barren >= len(unseen)):\n",
        "            if unseen and pages < 0:\n",
        EXAMPLES,
    ),
    Bug(
        "alien-list-believed",
        "goes on reading a list that speaks of other ids",
        WAIT + "lists.py",
        "        if record.unlisted >= OMISSIONS and not memory.listed:\n",
        "        if record.unlisted < 0:\n",
        EXAMPLES,
    ),
    Bug(
        "list-failure-fatal",
        "a list that may not be read ends the wait",
        WAIT + "lists.py",
        "            except (ForbiddenError, NotFoundError, RejectedError) as error:\n",
        "            except NotFoundError as error:\n",
        EXAMPLES,
    ),
    Bug(
        "reasons-not-read",
        "a failure without its reason (Terraform on CloudSSO, hashicorp/terraform#5460)",
        WAIT + "lists.py",
        "        while source.explains and mute and",
        "        while not source.explains and mute and",
        EXAMPLES,
    ),
    # Trouble
    Bug(
        "limiter-off",
        "calls follow each other as fast as the answers come",
        WAIT + "limiter.py",
        "        spaced = now if self.last is None else self.last + 1 / self.current(now)\n",
        "        spaced = now\n",
    ),
    Bug(
        "retry-after-ignored",
        "asks again before the service's time is over",
        WAIT + "limiter.py",
        "            pause = retry_after\n",
        "            pause = 0.0\n",
    ),
    Bug(
        "no-back-off",
        "asks a throttled service again at the usual pace when it gives no hint (boto waiters)",
        WAIT + "limiter.py",
        "            pause = min(LONGEST_GATE, 2.0 ** min(self.in_row, 10)) * (0.5 + draw / 2)\n",
        "            pause = 0.0 * draw\n",
    ),
    Bug(
        "rate-not-halved",
        "the rate stays as it was",
        WAIT + "limiter.py",
        "            self.rate = max(min(FLOOR, self.ceiling), self.current(now) / 2)\n",
        "            self.rate = self.current(now)\n",
        EXAMPLES,
    ),
    Bug(
        "rate-never-recovers",
        "one throttled answer slows the rest of the wait down",
        WAIT + "limiter.py",
        "GROWTH = 0.01\n",
        "GROWTH = 0.0\n",
        EXAMPLES,
    ),
    Bug(
        "too-many-connections",
        "a slow service is asked by any number of threads",
        WAIT + "caller.py",
        "        return max(1, min(self._connections, math.ceil(",
        "        return max(1, min(99, math.ceil(",
        EXAMPLES,
    ),
    Bug(
        "throttling-fatal",
        "a throttled answer ends the wait (botocore, openstacksdk, aliyun-cli)",
        WAIT + "caller.py",
        "            memory.throttled += 1\n",
        "            memory.throttled += 1\n            raise Fatal(str(error), error)\n",
    ),
    Bug(
        "transient-error-fatal",
        "one 503 ends the wait (Terraform, theforeman, openstacksdk)",
        WAIT + "caller.py",
        "        if silent >= self._options.error_grace:\n",
        "        if silent >= 0:\n",
    ),
    Bug(
        "errors-in-total",
        '"consecutive" errors are never reset (NetApp, gtema/openstack#1923)',
        WAIT + "caller.py",
        "        memory.failing_since, memory.failures, memory.trouble = None, 0, None\n",
        "        memory.trouble = None\n",
    ),
    Bug(
        "errors-by-number",
        "the fifth error in a row ends the wait, however fast they came",
        WAIT + "caller.py",
        "        if silent >= self._options.error_grace:\n",
        "        if memory.failures >= 5:\n",
    ),
    Bug(
        "one-sick-task-stops-the-round",
        "a task whose question always fails keeps the others from being asked",
        WAIT + "engine.py",
        "            memory.round.cut = memory.round.cut or not over.alone or memory.round.misses >= MISSES\n",
        "            memory.round.cut = True\n",
        EXAMPLES,
    ),
    Bug(
        "login-in-a-loop",
        "logs in until it works, and locks the account",
        WAIT + "caller.py",
        "            answer = self._again(answer)\n",
        "            while isinstance(answer.error, AuthenticationError):\n                answer = self._again(answer)\n",
    ),
    Bug(
        "no-new-login",
        "credentials that expire in the middle end the wait",
        WAIT + "caller.py",
        "        again = isinstance(answer.error, AuthenticationError) and self._source.renewable()\n",
        "        again = False\n",
        EXAMPLES,
    ),
    Bug(
        "refused-task-fatal",
        "one malformed id ends the wait for all",
        WAIT + "engine.py",
        "            if error.http_status == 404:",
        "            if error.http_status:",
        EXAMPLES,
    ),
    # Slices, signals, tokens
    Bug(
        "slice-forgets-the-queue",
        "each slice starts its round anew",
        WAIT + "memory.py",
        '            "round": dict(vars(self.round)),\n',
        '            "round": {**vars(self.round), "queue": None},\n',
    ),
    Bug(
        "slice-forgets-the-gate",
        "each slice starts at full speed",
        WAIT + "memory.py",
        '            "limiter": dict(vars(self.limiter)),\n',
        '            "limiter": {"ceiling": self.limiter.ceiling, "rate": self.limiter.ceiling},\n',
        EXAMPLES,
    ),
    Bug(
        "slice-cuts-the-pause",
        "the end of a slice cuts the pause short",
        WAIT + "engine.py",
        "            if not self._worked:\n                self._caller.sleep_until(slice_end)\n            return False\n",
        "            self._caller.sleep_until(slice_end)\n            return True\n",
    ),
    Bug(
        "token-forgets-verdicts",
        "a resumed wait asks about everything again, or loses what had ended",
        WAIT + "memory.py",
        '            "tasks": [record.dump(with_data=False) for record in self.records.values()],\n',
        '            "tasks": [record.dump(with_data=False) for record in self.records.values() if not record.finished],\n',
    ),
    Bug(
        "token-holds-answers",
        "the token carries the answers of the service",
        WAIT + "memory.py",
        '            "tasks": [record.dump(with_data=False) for record in self.records.values()],\n',
        '            "tasks": [record.dump(with_data=True) for record in self.records.values()],\n',
    ),
    Bug(
        "token-forgets-the-gate",
        "a resumed wait asks before the service's time is over",
        WAIT + "memory.py",
        '            "gate": max(0.0, self.limiter.gate - age),\n',
        '            "gate": 0.0,\n',
        EXAMPLES,
    ),
    Bug(
        "token-of-another-place-accepted",
        "a token of another region asks about ids of strangers",
        WAIT + "memory.py",
        "                if told != ours:\n",
        "                if told is ...:\n",
        EXAMPLES,
    ),
    Bug(
        "signal-takes-everything",
        "a signal ends the module without a result",
        WAIT + "engine.py",
        "    except Interrupted as interrupted:\n",
        "    except Interrupted as interrupted:\n        raise\n",
    ),
    # The end
    Bug(
        "time-out-is-success",
        "a timeout ends the task ok",
        WAIT + "messages.py",
        '            failed = options.on_timeout == "fail" or (',
        '            failed = options.on_timeout == "never" or (',
    ),
    Bug(
        "one-success-is-all",
        "a wait of which one task succeeded ends well",
        WAIT + "outcome.py",
        "all_good = report.count(SUCCESS) == len(memory.records) > 0",
        "all_good = report.count(SUCCESS) > 0",
    ),
    Bug(
        "partial-results-lost",
        "what is known is not returned (kubernetes.core#697, hcloud-go#765)",
        WAIT + "outcome.py",
        "    if report.unfinished:\n",
        '    if ending.kind != DECIDED:\n        result["tasks"] = []\n    if report.unfinished:\n',
    ),
    Bug(
        "resume-missing",
        "nothing tells how to go on after a timeout",
        WAIT + "outcome.py",
        "    if report.unfinished:\n",
        "    if report.unfinished and ending.kind == INTERRUPTED:\n",
    ),
    # The transport
    Bug(
        "lost-write-repeated",
        "a write whose answer was lost is sent again (urllib3's Retry with allowed_methods=None)",
        HTTP + "retry.py",
        "        return pause if not error.lasting and (reads or not error.maybe_received) else None\n",
        "        return pause if not error.lasting else None\n",
        (MATRIX, "-k", "associate, reset without an answer"),
    ),
    Bug(
        "proxy-loses-what-was-sent",
        "what goes wrong behind a proxy counts as never sent (requests' ProxyError)",
        HTTP + "connections.py",
        "        exchange.sent = exchange.sent or not exchange.connecting\n",
        "        exchange.sent = exchange.sent or not (exchange.connecting or self.proxy)\n",
        (MATRIX, "-k", "stop, closed without an answer, proxy"),
    ),
    Bug(
        "tunnel-counts-as-sent",
        "a tunnel that was refused is reported as a write that may have been done",
        HTTP + "connections.py",
        "        exchange.connecting, exchange.fresh = True, True\n",
        "        exchange.connecting, exchange.fresh = False, True\n",
        (MATRIX, "-k", "delete, the proxy closes"),
    ),
    Bug(
        "broken-answer-repeated",
        "a write is sent again because its answer could not be read",
        HTTP + "retry.py",
        "    if reads and (isinstance(error, UnavailableError)",
        "    if True and (isinstance(error, UnavailableError)",
        (MATRIX, "-k", "start, closed in the body"),
    ),
    Bug(
        "throttled-write-given-up",
        "a write that was throttled is not sent again",
        HTTP + "retry.py",
        "    if isinstance(error, ThrottledError):\n        return ",
        "    if isinstance(error, ThrottledError):\n        return None if not reads else ",
        (MATRIX, "-k", "import, throttled"),
    ),
    Bug(
        "redirect-followed",
        "signed headers are sent elsewhere",
        HTTP + "transport.py",
        "        redirect=False,\n",
        "        redirect=True,\n",
        (MATRIX, "-k", "csms info, 302"),
    ),
    Bug(
        "certificate-tried-again",
        "a certificate that is refused is tried until the time is up",
        HTTP + "failures.py",
        "            lasting=True,\n            hint=\"If the server's certificate",
        "            hint=\"If the server's certificate",
        (MATRIX, "-k", "wait kps, a certificate: "),
    ),
    Bug(
        "interim-answer-taken",
        "103 (Early Hints) is taken for the answer (http.client)",
        HTTP + "connections.py",
        "            if not 100 <= self.status < 200 or ",
        "            if self.status != 100 or ",
        (MATRIX, "-k", "forget, 103 before"),
    ),
    Bug(
        "late-request-sent",
        "a request leaves when its caller has given up, because a name server was slow (socket.create_connection)",
        HTTP + "connections.py",
        "        found = search.wait(max(0.0, self._deadline - self._clock.monotonic()))\n",
        "        found = search.wait(60.0)\n        self._deadline += 60.0\n",
        (MATRIX, "-k", "describe, a name server that hangs"),
    ),
    # Writes
    Bug(
        "lost-association-is-no-change",
        "an association whose answer was lost is no change",
        FLEET + "association.py",
        "        self.mark_changed(row)\n        try:\n",
        "        try:\n",
        (MATRIX, "-k", "disassociate, 503"),
    ),
    Bug(
        "lost-power-action-is-none",
        "servers that may be on their way are reported as left alone",
        FLEET + "power.py",
        "        if error.maybe_done:\n",
        "        if not error.maybe_done:\n",
        (MATRIX, "-k", "stop, closed without an answer"),
    ),
    Bug(
        "lost-write-is-no-change",
        "a write of which nothing could be found out is no change",
        "plugins/module_utils/_writes.py",
        '    context.result["changed"] = True\n',
        "",
        (MATRIX, "-k", "import, and then nothing answers"),
    ),
)
