# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The events that rules receive: plain JSON values without secrets, and without text that Ansible takes for a template."""

from __future__ import annotations

import re
import typing as t
import uuid

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import printable

Event = dict[str, t.Any]

#: Where Jinja begins an expression, a statement or a comment.
_TEMPLATE = re.compile(r"\{(?=[{%#])")
#: A function that takes secrets out of a JSON value.
Mask = t.Callable[[t.Any], t.Any]


def task_event(service: str, scope: t.Mapping[str, str], task: t.Mapping[str, t.Any], mask: Mask) -> Event:
    """Return the event for a task that has ended.

    Args:
        service: The service.
        scope: What makes the id of the task unique there.
        task: The task, as a wait returns it.
        mask: Takes secrets out of a JSON value.
    """
    event = inert(mask({"service": service, "scope": dict(scope), "task": dict(task)}))
    # The id is what the state and the rules find the task by. It was checked, and no service can put anything into it.
    event["task"]["id"] = task["id"]
    return {**event, "meta": {"uuid": event_id(service, scope, str(task["id"]))}}


def error_event(service: str, scope: t.Mapping[str, str], error: t.Mapping[str, t.Any], mask: Mask) -> Event:
    """Return the event that says why the source ends.

    Args:
        service: The service.
        scope: What was asked, as far as it is known.
        error: ``msg`` and what the service said.
        mask: Takes secrets out of a JSON value.
    """
    event: Event = inert(mask({"service": service, "scope": dict(scope), "error": dict(error)}))
    return event


def event_id(service: str, scope: t.Mapping[str, str], task_id: str) -> str:
    """Return the id of the event for the end of a task: always the same, so that an event that comes twice can be recognized."""
    parts = (service, *(f"{name}={value}" for name, value in sorted(scope.items())), task_id)
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"multicloud.async_tasks.cloud_task:{':'.join(parts)}"))


def inert(value: t.Any) -> t.Any:
    """Return a JSON value whose texts do nothing: not to a terminal, and not to Ansible.

    ansible-rulebook hands events to playbooks as extra variables, which Ansible takes for templates. So a blank is put
    behind a brace that would begin one, and characters that cannot be seen are shown as escapes.
    """
    if isinstance(value, str):
        return _TEMPLATE.sub("{ ", printable(value))
    if isinstance(value, (list, tuple)):
        return [inert(item) for item in value]
    if isinstance(value, dict):
        return {inert(str(name)): inert(item) for name, item in value.items()}
    return value
