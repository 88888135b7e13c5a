# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For which hosts of a play the role runs, and what their variables are, seen from one task for all of them.

``run_once`` hands a task the variables of one host, and its conditions are those of that host. Ansible has no public
interface for the others, so all that is private is here: it is the same in ansible-core 2.16 to 2.22.
"""

from __future__ import annotations

import hashlib
import typing as t

from ansible.template import Templar

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.arguments import plain

try:
    from ansible.template import trust_as_template
except ImportError:
    # Before ansible-core 2.19 every text that is templated is trusted.
    def trust_as_template(value: str) -> str:  # type: ignore[misc]
        """Return the text."""
        return value


Variables = dict[str, t.Any]
#: Keywords of a play about its connections, and the variables that go before them.
_KEYWORDS = {"remote_user": ("ansible_user", "ansible_ssh_user"), "port": ("ansible_port", "ansible_ssh_port")}


class Scope:
    """The place of a task in its play.

    Args:
        task: The task.
        variables: Those that it was given.
        loader: Ansible's loader of files.
    """

    def __init__(self, task: t.Any, variables: Variables, loader: t.Any) -> None:
        self._task = task
        self._loader = loader
        self._play = task.get_play()
        self._hostvars = variables["hostvars"]
        self._manager = self._hostvars._variable_manager
        self._inventory = self._hostvars._inventory
        self.batch: list[str] = list(variables["ansible_play_batch"])
        self.everyone: list[str] = list(variables["ansible_play_hosts_all"])
        gone = set(self.everyone) - set(variables["ansible_play_hosts"])
        self.lost: list[str] = [name for name in self.everyone if name in gone]
        self._ancestors = _ancestors(task)

    @property
    def strategy(self) -> str:
        """The name of the play's strategy, without that of its collection."""
        return str(self._play.strategy).rpartition(".")[2]

    @property
    def identity(self) -> str:
        """What this use of the role has in common in all batches of a play, and with no other use."""
        dynamic = [number for number, node in enumerate(self._ancestors) if _is_dynamic(node)]
        # Tasks that are included while the play runs are made anew for each batch; what includes them is not.
        return "/".join(str(node._uuid) for node in self._ancestors[dynamic[-1] if dynamic else 0 :])

    @property
    def in_rescue(self) -> bool:
        """Whether the role is used in the ``rescue`` of a block."""
        return any(section == "rescue" for _block, section in self._sections())

    def variables_of(self, name: str) -> Variables:
        """Return the variables that the task would have for a host."""
        host = self._inventory.get_host(name)
        found: Variables = self._manager.get_vars(
            play=self._play, host=host, task=self._task, _hosts=self.batch, _hosts_all=self.everyone
        )
        # Keywords of the play, and the command line, where no variable says otherwise: Ansible puts them where variables are.
        for keyword, names in _KEYWORDS.items():
            value = getattr(self._task, keyword)
            if value is not None and not any(name in found for name in names):
                found[names[0]] = value
        return found

    def templar_of(self, variables: Variables) -> Templar:
        """Return what templates with the variables of a host."""
        return Templar(loader=self._loader, variables=variables)

    def takes_part(self, variables: Variables, templar: Templar, earlier_failure: str) -> bool:
        """Return whether Ansible runs the role for a host.

        Args:
            variables: The host's variables.
            templar: Templates with them.
            earlier_failure: What the host had failed of when the role ran for it before.
        """
        if not all(_holds(condition, templar) for condition in self._conditions()):
            return False
        failed = variables.get("ansible_failed_task")
        for block, section in self._sections():
            within = _is_within(block, failed) if failed else False
            # A failure of a block before this one says nothing, and stays in the variables.
            if section == "rescue" and (within is False or failure_of(variables) == earlier_failure):
                return False
            if section == "block" and within and (block.rescue or block.always):
                return False
        return True

    def _conditions(self) -> list[t.Any]:
        # A task has the conditions of its parents, but for what includes it while the play runs.
        nodes = [self._task, *(node for node in self._ancestors if _is_dynamic(node))]
        return list({str(condition): condition for node in nodes for condition in node.when or []}.values())

    def _sections(self) -> list[tuple[t.Any, str]]:
        """Return the blocks around the role, each with the section that the role is in."""
        found: list[tuple[t.Any, str]] = []
        below: set[str] = set()
        for node in self._ancestors:
            for section in ("block", "rescue", "always"):
                # An imported role is not in a section itself: its blocks are.
                if below & {child._uuid for child in getattr(node, section, None) or []}:
                    found.append((node, section))
            below.add(node._uuid)
        return found


def _ancestors(task: t.Any) -> list[t.Any]:
    """Return a task and all that it is in, up to the play."""
    nodes = []
    while task is not None:
        nodes.append(task)
        task = task._parent
    return nodes


def _is_dynamic(node: t.Any) -> bool:
    return getattr(node, "statically_loaded", True) is False


def _is_within(block: t.Any, failed: t.Mapping[str, t.Any]) -> bool | None:
    """Return whether a task that failed is one of a block; None when tasks were included that are not known here."""
    nodes, included = list(block.block), False
    while nodes:
        node = nodes.pop()
        if hasattr(node, "rescue"):
            nodes += [*node.block, *node.rescue, *node.always]
        elif failed.get("uuid", node._uuid) == node._uuid and (node.name, node.action) == (
            failed.get("name"),
            failed.get("action"),
        ):
            return True
        included = included or _is_dynamic(node)
    return None if included else False


def failure_of(variables: t.Mapping[str, t.Any]) -> str:
    """Return what a host has failed of in a block, as one word; empty when it has not."""
    failed = variables.get("ansible_failed_task")
    if not failed:
        return ""
    words = repr((failed.get("name"), failed.get("action"), plain(variables.get("ansible_failed_result"))))
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()


def _holds(condition: t.Any, templar: Templar) -> bool:
    """Return whether a condition of ``when`` is true."""
    if condition is None or isinstance(condition, bool) or condition == "":
        return condition is not False
    expression = trust_as_template(f"{{% if {condition} %}}True{{% else %}}False{{% endif %}}")
    return str(templar.template(expression)).strip() == "True"
