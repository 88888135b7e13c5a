# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bugs of the action plugins, and of running modules in the worker of the controller."""

from __future__ import annotations

import functools

from .bug import Bug as AnyBug

WAIT = "plugins/action/wait_for_task.py"
PROCESS = "plugins/plugin_utils/_in_process/"

Sliced = functools.partial(AnyBug, tests=("tests/unit/plugins/action",))
Bug = functools.partial(AnyBug, tests=("tests/unit/plugins/plugin_utils/_in_process",))

BUGS = (
    # A wait in slices
    Sliced(
        "slices-forget",
        "each slice starts the wait from the beginning",
        WAIT,
        '"length": length, "state": state}',
        '"length": length, "state": None}',
    ),
    Sliced(
        "slices-have-no-age",
        "each slice has the whole of the time limit",
        WAIT,
        '            time_slice = {"elapsed": elapsed,',
        '            time_slice = {"elapsed": 0.0,',
    ),
    Sliced(
        "last-slice-cut",
        "a slice ends just before the time limit, and the last poll is lost to the start of a module",
        WAIT,
        "            if elapsed + length > self._timeout() - LAST_SLICE:\n",
        "            if elapsed + length > self._timeout() + LAST_SLICE:\n",
    ),
    Sliced(
        "first-slice-long",
        "nothing is shown for the first half minute",
        WAIT,
        "            length = min(FIRST_SLICE, progress) if state is None else progress\n",
        "            length = progress\n",
    ),
    Sliced(
        "drops-in-total",
        "lost connections are counted over the whole wait",
        WAIT,
        "            drops = 0\n            more = ",
        "            more = ",
    ),
    Sliced(
        "drop-is-fatal",
        "a lost connection ends the wait",
        WAIT,
        "                if drops <= MAX_DROPS and not _is_refused(error):\n",
        "                if drops <= 0:\n",
    ),
    Sliced(
        "drops-without-end",
        "a host that is gone is tried for ever",
        WAIT,
        "                if drops <= MAX_DROPS and not _is_refused(error):\n",
        "                if drops <= 30 and not _is_refused(error):\n",
    ),
    Sliced(
        "orphan-waits-on",
        "a wait goes on after its playbook was killed",
        WAIT,
        "            if os.getppid() != controller:\n",
        "            if controller is None:\n",
    ),
    Sliced(
        "slice-in-the-result",
        "the result shows an option that users do not have",
        WAIT,
        "                without_internal_options(result)\n",
        "",
    ),
    Sliced(
        "async-in-slices",
        "an asynchronous task is waited for in slices",
        WAIT,
        "        if self._task.async_val or self._task.check_mode or progress is None:\n",
        "        if self._task.check_mode or progress is None:\n",
    ),
    # Whether a module runs in the worker
    *(
        Bug(
            f"in-process-{name}",
            f"a module runs in the worker though {what}",
            PROCESS + "rule.py",
            f"    if {condition}:\n",
            f"    if not module and {condition}:\n",
        )
        for name, what, condition in (
            (
                "though-switched-off",
                "the user has switched that off",
                "not boolean(action._templar.template(host.get(SWITCH, True)), strict=False)",
            ),
            ("async", "it is asynchronous", "task.async_val"),
            ("on-macos", "macOS may crash it", 'sys.platform == "darwin"'),
            ("elsewhere", "the task is for another machine", 'connection.transport != "local"'),
            ("as-another-user", "the task is for another user", "connection.become is not None"),
            ("kept-files", "its files are to be kept", 'C.config.get_config_value("DEFAULT_KEEP_REMOTE_FILES")'),
            (
                "other-python",
                "the task names another Python",
                'not python.startswith("auto") and not _is_this_python(python)',
            ),
            (
                "no-requests",
                "this Python has no requests",
                "module.providers and _http.REQUESTS_IMPORT_ERROR is not None",
            ),
            ("early-environment", "its environment must be there when a process starts", "early"),
        )
    ),
    Bug(
        "python-by-binary",
        "the python of another virtual environment passes for this one",
        PROCESS + "rule.py",
        "        os.path.dirname(os.path.abspath(python)) == os.path.dirname(here)\n        and ",
        "        ",
    ),
    # What a module finds there
    Bug(
        "environment-kept",
        "the environment of one task is that of the next",
        PROCESS + "process.py",
        "        os.environ.clear()\n        os.environ.update(before)\n",
        "",
    ),
    Bug(
        "directory-kept",
        "the worker stays in the directory of the playbook",
        PROCESS + "process.py",
        "        os.chdir(place)\n",
        "        pass\n",
    ),
    Bug(
        "output-shown",
        "what a library writes is shown among the play's output",
        PROCESS + "process.py",
        "        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):\n",
        "        with contextlib.nullcontext():\n",
    ),
    Bug(
        "worker-outlives-its-playbook",
        "the cloud is asked on after the playbook was killed",
        PROCESS + "process.py",
        "        if os.getppid() != self._controller:\n",
        "        if self._controller is None:\n",
    ),
    Bug(
        "long-sleep-unseen",
        "a killed playbook is noticed only when a pause is over",
        PROCESS + "process.py",
        "            super().sleep(min(left, CHECK_INTERVAL))\n",
        "            super().sleep(left)\n",
    ),
    Bug(
        "login-of-another-environment",
        "a task with other credentials in its environment uses the client of the one before",
        PROCESS + "clients.py",
        "        made_of = [os.getpid(), provider.name, options, dict(environ), context.check_mode]\n",
        "        made_of = [os.getpid(), provider.name, options, context.check_mode]\n",
    ),
    Bug(
        "check-mode-client-shared",
        "a client of check mode is used in earnest, or the other way round",
        PROCESS + "clients.py",
        "        made_of = [os.getpid(), provider.name, options, dict(environ), context.check_mode]\n",
        "        made_of = [os.getpid(), provider.name, options, dict(environ)]\n",
    ),
    Bug(
        "second-item-unmasked",
        "the secrets of a shared client are not masked in the second item of a loop",
        PROCESS + "clients.py",
        "            for secret in self._secrets:\n                context.mask(secret)\n",
        "",
    ),
    Bug(
        "clients-without-bound",
        "every item of a loop keeps its connections open",
        PROCESS + "clients.py",
        "        while len(self._clients) > MAX_CLIENTS:\n",
        "        while len(self._clients) > 1000:\n",
    ),
    # What comes out of it
    Bug(
        "error-of-arguments-ignored",
        "wrong options are not an error",
        PROCESS + "action.py",
        "        if self._arguments.error is not None:\n",
        "        if self._arguments.error == 0:\n",
    ),
    Bug(
        "trusted-result",
        "text of a service is handed on as a template that Ansible trusts",
        PROCESS + "action.py",
        "        return t.cast(Result, json.loads(json.dumps(result)))\n",
        "        return result\n",
    ),
    Bug(
        "tagged-arguments",
        "a module gets Ansible's own kinds of text",
        PROCESS + "arguments.py",
        "    arguments = plain(given)\n",
        "    arguments = dict(given)\n",
    ),
    Bug(
        "private-interfaces-trusted",
        "a release of Ansible that is not known ends every task",
        PROCESS + "action.py",
        "        except Exception as error:\n",
        "        except KeyError as error:\n",
    ),
)
