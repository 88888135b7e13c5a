# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a task as its module would get them: plain JSON values, checked by its argument spec."""

from __future__ import annotations

import datetime
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Module

#: The rules of AnsibleModule that its validator takes.
RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")


class CheckedOptions(t.NamedTuple):
    """The checked options of one run.

    Attributes:
        params: The options with their defaults; after an error what was given is kept, as AnsibleModule keeps it.
        secrets: Values of options that must be masked.
        warnings: What the user should know.
        error: What is wrong with the options, in the words of AnsibleModule, or None.
    """

    params: dict[str, t.Any]
    secrets: set[str]
    warnings: list[str]
    error: str | None


def check_arguments(module: Module, action: str, given: t.Mapping[str, t.Any]) -> CheckedOptions:
    """Check the arguments of a task as AnsibleModule does.

    Args:
        module: The module.
        action: Its name as the task has it, for messages.
        given: The templated arguments of the task.

    Raises:
        AttributeError: This release of ansible-core keeps secrets and warnings elsewhere.
    """
    arguments = plain(given)
    rules = {name: module.rules[name] for name in RULES if name in module.rules}
    checked = ArgumentSpecValidator(dict(module.argument_spec), **rules).validate(arguments)
    error = None
    if checked.error_messages:
        error = checked.errors.msg
        if isinstance(checked.errors[0], UnsupportedError):
            error = f"Unsupported parameters for ({action}) module: {error}"
    # Private in ansible-core 2.16 to 2.22, which has no public way to either.
    warnings = [f"Both option {pair['option']} and its alias {pair['alias']} are set." for pair in checked._warnings]
    secrets = {str(value) for value in checked._no_log_values}
    return CheckedOptions({**arguments, **checked.validated_parameters}, secrets, warnings, error)


def plain(value: t.Any) -> t.Any:
    """Return a value as a module would get it: Ansible sends arguments as JSON, without tags and other subclasses."""
    if isinstance(value, t.Mapping):
        return {plain(key) if isinstance(key, str) else str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    # str() of a subclass may be that subclass again; join returns an exact str.
    return "".join(str(value))
