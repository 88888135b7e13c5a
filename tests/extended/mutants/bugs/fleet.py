# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bugs of what is done to many servers in one run."""

from __future__ import annotations

import functools

from .bug import Bug as AnyBug

FLEET = "plugins/module_utils/_servers/"
TESTS = ("tests/unit/plugins/module_utils/_servers",)

Bug = functools.partial(AnyBug, tests=TESTS)

BUGS = (
    # What is decided
    Bug(
        "running-server-reset",
        "a server that runs is sent to KPS without a login, and the task fails",
        FLEET + "plan.py",
        '    if server["status"] == ecs.SHUTOFF:\n',
        '    if server["status"]:\n',
    ),
    Bug(
        "busy-server-taken",
        "a second task is started on a server that KPS is at work on",
        FLEET + "plan.py",
        "    if busy_with:\n",
        '    if busy_with == "":\n',
    ),
    Bug(
        "locked-server-taken",
        "a locked server is tried all the same",
        FLEET + "plan.py",
        '    if server["locked"]:\n',
        '    if server["locked"] == "yes":\n',
    ),
    Bug(
        "changing-server-taken",
        "a server that is just being rebuilt is tried",
        FLEET + "plan.py",
        '    if server["task_state"]:\n',
        '    if server["task_state"] == "deleting":\n',
    ),
    Bug(
        "windows-taken",
        "a server with Windows is tried",
        FLEET + "plan.py",
        '    if str(server["os_type"] or "Linux").lower() != "linux":\n',
        '    if str(server["os_type"] or "Linux").lower() == "other":\n',
    ),
    Bug(
        "force-unbinds-nothing",
        "with force, a server that has no key pair is unbound",
        FLEET + "plan.py",
        "    if bound == keypair_name and not (force and keypair_name):\n",
        "    if bound == keypair_name and not force:\n",
    ),
    Bug(
        "force-ignored",
        "force has no effect",
        FLEET + "plan.py",
        "    if bound == keypair_name and not (force and keypair_name):\n",
        "    if bound == keypair_name:\n",
    ),
    Bug(
        "euler-for-euler",
        "Huawei Cloud EulerOS is taken for EulerOS",
        FLEET + "plan.py",
        "(?<!cloud )euleros",
        "euleros",
    ),
    Bug(
        "image-without-case",
        "images are known in lower case only",
        FLEET + "plan.py",
        'centos stream 8", re.IGNORECASE\n',
        'centos stream 8"\n',
    ),
    # What is sent
    Bug(
        "no-pace",
        "the requests of a fleet come all at once",
        FLEET + "association.py",
        "                self.context.clock.sleep(PACE * self.parallel_jobs)\n",
        "                pass\n",
    ),
    Bug(
        "credentials-tried-at-once",
        "four requests are under way before the first says whether the credentials are good",
        FLEET + "association.py",
        "        return max(1, CONNECTIONS // self.parallel_jobs) if self._answered else 1\n",
        "        return max(1, CONNECTIONS // self.parallel_jobs)\n",
    ),
    Bug(
        "one-request-more",
        "one request more is under way than may be",
        FLEET + "association.py",
        "        return max(1, CONNECTIONS // self.parallel_jobs) if self._answered else 1\n",
        "        return max(1, CONNECTIONS // self.parallel_jobs) + 1 if self._answered else 1\n",
    ),
    Bug(
        "refused-credentials-go-on",
        "rejected credentials are shown again for each server",
        FLEET + "association.py",
        '            return "the credentials were rejected"\n',
        '            return ""\n',
    ),
    Bug(
        "silent-service-asked-on",
        "a service that is silent is asked for each server of the fleet",
        FLEET + "association.py",
        "            # The client has retried for hwc_timeout.\n            return _NO_RESPONSE\n",
        '            return ""\n',
    ),
    Bug(
        "lost-is-not-sent",
        "a request whose response was lost counts as not sent",
        FLEET + "association.py",
        "            elif response.outcome_unknown:\n",
        "            elif response.outcome_unknown and response.code:\n",
    ),
    Bug(
        "sent-again",
        "a request whose response was lost is sent once more",
        FLEET + "association.py",
        "                lost[server_id] = response\n",
        "                lost[server_id] = response\n                self._request([server_id])\n",
    ),
    Bug(
        "loss-is-no-change",
        "a lost response is told as unchanged",
        FLEET + "association.py",
        "                lost[server_id] = response\n                self.mark_changed(self.rows[server_id])\n",
        "                lost[server_id] = response\n",
    ),
    Bug(
        "failure-of-yesterday",
        "an old record of a failed task is taken for the request's own",
        FLEET + "association.py",
        "float(started) / 1000 > since:",
        "float(started) / 1000 > 0:",
    ),
    Bug(
        "task-of-another-server",
        "the task of another server is taken for the request's own",
        FLEET + "association.py",
        '            if record.get("server_id") == server_id and started',
        '            if record.get("server_id") and started',
    ),
    Bug(
        "wanted-name-suffices",
        "a server that had the wanted key pair before counts as changed by a forced request that was lost",
        FLEET + "association.py",
        '        return key_name == self._keypair_name and key_name != row.fields["previous_keypair_name"]\n',
        "        return key_name == self._keypair_name\n",
    ),
    Bug(
        "port-for-servers-that-are-off",
        "KPS is told a port for a server that is off, and refuses",
        FLEET + "association.py",
        '        port = self.context.params["port"] if login else None\n',
        '        port = self.context.params["port"]\n',
    ),
    Bug(
        "private-key-shown",
        "a private key from a file is not masked",
        FLEET + "association.py",
        "            context.mask(private_key)",
        "            str(private_key)",
    ),
    Bug(
        "failed-at-once-waited-for",
        "a task that failed in the response to its request is waited for",
        FLEET + "association.py",
        "        if kps_keypairs.failed_already(response):\n",
        "        if not response:\n",
    ),
    Bug(
        "accepted-is-unchanged",
        "an accepted request is told as unchanged",
        FLEET + "association.py",
        '            row.fields["task_id"] = task_id\n            self.mark_changed(row)\n',
        '            row.fields["task_id"] = task_id\n',
    ),
    Bug(
        "looked-for-once",
        "the task of a lost response is looked for once, although one that waits for its turn is on no list yet",
        FLEET + "association.py",
        "            if is_rejection(problem):\n",
        "            if True:\n",
    ),
    Bug(
        "looked-for-without-end",
        "the task of a lost response is looked for until the time of the whole run is up",
        FLEET + "association.py",
        "        until = min(self._deadline, clock.monotonic() + SEARCH_SECONDS)\n",
        "        until = self._deadline\n",
    ),
    Bug(
        "not-found-is-not-there",
        "a server whose task was not found counts as one without a task, and may be started under it",
        FLEET + "association.py",
        '            self.rows[server_id].state, self.rows[server_id].fields["uncertain"] = UNKNOWN, True\n',
        "            self.rows[server_id].state = UNKNOWN\n",
    ),
    Bug(
        "found-is-uncertain",
        "a server whose task was found is left off for good",
        FLEET + "association.py",
        '        row.state, row.fields["uncertain"] = state, False\n',
        "        row.state = state\n",
    ),
    Bug(
        "never-looked-for-again",
        "a task that waited for its turn while others ran is reported as not found",
        FLEET + "association.py",
        "            self._search(self.context.client(HWC), list(self._missing))\n",
        "",
    ),
    Bug(
        "losses-go-on",
        "a service that loses every response is sent all requests of a fleet",
        FLEET + "association.py",
        "        self._losses += 1\n",
        "",
    ),
    Bug(
        "quota-gives-up-the-fleet",
        "a request that is throttled for a minute is not sent again although the run has half an hour",
        FLEET + "run.py",
        "        return self.context.client(HWC).patient(self._deadline)\n",
        "        return self.context.client(HWC)\n",
    ),
    Bug(
        "one-response-costs-the-batch",
        "one server that the response to a batch leaves out costs the tasks of the others",
        "plugins/module_utils/_services/kps_keypairs.py",
        "        except InvalidResponseError as error:\n            found[server_id] = error\n",
        "        except InvalidResponseError as error:\n            found = dict.fromkeys(server_ids, error)\n            break\n",
    ),
    # The run
    Bug(
        "change-lost-in-an-error",
        "an error after a write was accepted says that nothing has changed",
        FLEET + "run.py",
        '        row.changed = self.context.result["changed"] = True\n',
        "        row.changed = True\n",
    ),
    Bug(
        "rows-lost-in-an-error",
        "an error after a write was accepted hides which servers it is about",
        FLEET + "run.py",
        '            self.context.result.update({**self._result(), "changed": True})\n',
        "            pass\n",
    ),
    Bug(
        "accepted-row-given-up",
        "an error turns servers whose write was accepted into servers that nothing was done to",
        FLEET + "run.py",
        "            if row.state == PENDING and not row.changed:\n",
        "            if row.state == PENDING:\n",
    ),
    Bug(
        "untouched-row-not-given-up",
        "servers that nothing was sent for are pending for ever",
        FLEET + "run.py",
        "            if row.state == PENDING and not row.changed:\n",
        "            if row.state == PENDING and row.changed:\n",
    ),
    Bug(
        "refused-fleet-sent",
        "on_failure: fail sends for the good servers though one is refused",
        FLEET + "run.py",
        "            if not tolerant and any(row.state == ERROR for row in self.rows.values()):\n",
        "            if not tolerant and all(row.state == ERROR for row in self.rows.values()):\n",
    ),
    Bug(
        "refused-fleet-changed",
        "a run that sent nothing says that servers would change",
        FLEET + "run.py",
        "                    row.changed = False",
        "                    row.changed = row.changed",
    ),
    Bug(
        "check-mode-writes",
        "check mode sends",
        FLEET + "run.py",
        "            if not self.context.check_mode:\n",
        "            if self.context.params:\n",
    ),
    Bug(
        "return-raises",
        "on_failure: return lets an error out, and a role loses every row",
        FLEET + "run.py",
        "            if not tolerant:\n",
        "            if self.rows:\n",
    ),
    Bug(
        "time-for-each-wait",
        "each wait of a run has all of wait_timeout",
        FLEET + "run.py",
        "        left = max(0.0, self._deadline - self.context.clock.monotonic())\n",
        '        left = self.context.params["wait_timeout"]\n',
    ),
    Bug(
        "wait-after-a-signal",
        "a signal ends one wait, and the next one begins",
        FLEET + "run.py",
        "        if not ids or self._interrupted:\n",
        "        if not ids:\n",
    ),
    Bug(
        "time-is-up-unsaid",
        "nothing says that the time was up",
        FLEET + "run.py",
        "            self._late = True\n",
        "            self._late = False\n",
    ),
    # Rows
    Bug(
        "pending-is-fine",
        "a server that is not done when the time is up is not a failure",
        FLEET + "result.py",
        "    good = (SUCCESS,) if waited else (SUCCESS, PENDING)\n",
        "    good = (SUCCESS, PENDING)\n",
    ),
    Bug(
        "accepted-is-a-failure",
        "without a wait, every request that was accepted is a failure",
        FLEET + "result.py",
        "    good = (SUCCESS,) if waited else (SUCCESS, PENDING)\n",
        "    good = (SUCCESS,)\n",
    ),
    Bug(
        "word-overwritten-by-silence",
        "the last word about a server is lost when the service says nothing more",
        FLEET + "result.py",
        "        self.status = status or self.status\n",
        "        self.status = status\n",
    ),
    Bug(
        "rest-not-counted",
        "of many failures, five are told and the others not even counted",
        FLEET + "result.py",
        ' if len(bad) > MAX_NAMED else ""\n',
        ' if len(bad) > 99 else ""\n',
    ),
    # Power
    Bug(
        "job-says-all",
        "a server that runs counts as failed because its job did",
        FLEET + "power.py",
        "        self._await_servers([server_id for server_id in pending if server_id in failures], 0)\n",
        "",
    ),
    Bug(
        "job-is-enough",
        "a job that succeeded is taken for a server that runs",
        FLEET + "power.py",
        "        self._await_servers([server_id for server_id in pending if server_id not in failures], None)\n",
        "        for server_id in pending:\n"
        "            if server_id not in failures:\n"
        "                self.rows[server_id].state = SUCCESS\n",
    ),
    Bug(
        "asked-on-its-way",
        "a server that is stopping already is asked to stop",
        FLEET + "power.py",
        '        if server["task_state"] == _TRANSITIONS[self._target]:\n',
        '        if server["task_state"] == "":\n',
    ),
    Bug(
        "lost-switch-is-unchanged",
        "a request to stop whose response was lost counts as not sent",
        FLEET + "power.py",
        "        if error.outcome_unknown:\n",
        "        if error.outcome_unknown and error.code:\n",
    ),
    Bug(
        "refused-login-for-each-part",
        "rejected credentials are shown again for each part of the fleet",
        FLEET + "power.py",
        "            except AuthenticationError:\n                raise\n",
        "",
    ),
    Bug(
        "stopped-the-hard-way",
        "servers are always stopped by force",
        FLEET + "power.py",
        '        return ecs.stop(self.client, ids, self.context.params["stop_type"].upper())\n',
        '        return ecs.stop(self.client, ids, "HARD")\n',
    ),
    Bug(
        "job-outcome-of-another-server",
        "one server's failure is told of all servers of its job",
        FLEET + "power.py",
        "                state, why = by_server.get(server_id, overall)\n",
        "                state, why = overall\n",
    ),
)
