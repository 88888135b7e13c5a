# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule: when a module gives the same result in the worker of the controller as in a process of its own.

It does when the module would run on the controller, as the same user, with the same Python, and with an environment that
can be set in a running process. A worker is a fork for one task and one host, so what is set in it ends with the task.
"""

from __future__ import annotations

import os
import re
import sys
import typing as t

from ansible import constants as C
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.multicloud.async_tasks.plugins.module_utils import _http
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Module

#: The variable that switches this off, for a host, a play or a task.
SWITCH = "multicloud_async_tasks_in_process"
#: Environment variables that are read when a client is made or a request is sent. All others may matter when a process
#: starts (PYTHONPATH, LD_PRELOAD, OPENSSL_CONF, TZ), and setting them here would have no effect.
READ_LATE = re.compile(
    r"(HWC|HUAWEICLOUD|HW|HC_CONTAINER|ALI|ALICLOUD|ALIYUN|ALIBABA_CLOUD|ALIBABACLOUD|OS)_\w+|(CLOUDSSO|STS)_ENDPOINT"
    r"|HOME|(REQUESTS|CURL)_CA_BUNDLE"
    r"|(https?|all|no)_proxy|(HTTPS?|ALL|NO)_PROXY"
)


def obstacle(
    action: ActionBase, module: Module, variables: t.Mapping[str, t.Any], environ: t.Mapping[str, t.Any]
) -> str | None:
    """Return why a task must run as a module, or None when it may run in this process.

    Args:
        action: The action plugin of the task.
        module: The module.
        variables: The variables of the task.
        environ: What the keyword ``environment`` says, templated.
    """
    task, connection = action._task, action._connection
    host = (variables.get("ansible_delegated_vars") or {}).get(task.delegate_to) or variables
    if not boolean(action._templar.template(host.get(SWITCH, True)), strict=False):
        return f"{SWITCH} is false"
    if task.async_val:
        return "it is asynchronous"
    if sys.platform == "darwin":
        return "macOS looks up proxies in a way that can crash a forked process"
    if connection.transport != "local":
        return f"the connection is {connection.transport}"
    if connection.become is not None:
        return "become is on"
    if C.config.get_config_value("DEFAULT_KEEP_REMOTE_FILES"):
        return "the files of modules are to be kept"
    python = str(action._templar.template(C.config.get_config_value("INTERPRETER_PYTHON", variables=dict(host))))
    if not python.startswith("auto") and not _is_this_python(python):
        return f"the interpreter is {python}"
    if module.providers and _http.REQUESTS_IMPORT_ERROR is not None:
        return "this Python has no requests"
    early = sorted(str(name) for name in environ if not READ_LATE.fullmatch(str(name)))
    if early:
        return f"its environment has {', '.join(early)}"
    return None


def _is_this_python(python: str) -> bool:
    """Return whether it is the Python of this process, with the same packages.

    A link to the same binary is not enough: the python of a virtual environment links to that of the system.
    """
    here = sys.executable
    return python == here or (
        os.path.dirname(os.path.abspath(python)) == os.path.dirname(here)
        and os.path.realpath(python) == os.path.realpath(here)
    )
