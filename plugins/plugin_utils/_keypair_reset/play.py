# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a play for which the role runs, and their variables, read by one task that runs once.

A task with ``run_once`` gets the variables and conditions of one host. Ansible has no public interface for the other hosts,
so every private attribute of Ansible that the role needs is used here; they are the same in ansible-core 2.16 to 2.22.
"""

from __future__ import annotations

import hashlib
import typing as t

from ansible.template import Templar

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.arguments import plain

try:
    from ansible.template import trust_as_template
except ImportError:
    # Before ansible-core 2.19 every template is trusted.
    def trust_as_template(value: str) -> str:  # type: ignore[misc]
        """Return the template unchanged."""
        return value


Variables = dict[str, t.Any]
#: Keywords of a play about its connections, and the variables that override them.
_KEYWORDS = {"remote_user": ("ansible_user", "ansible_ssh_user"), "port": ("ansible_port", "ansible_ssh_port")}


class RolePlay:
    """The play that uses the role, seen from one of its tasks.

    Args:
        task: The task.
        variables: The variables of the task.
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
        self.all_hosts: list[str] = list(variables["ansible_play_hosts_all"])
        gone = set(self.all_hosts) - set(variables["ansible_play_hosts"])
        self.lost: list[str] = [name for name in self.all_hosts if name in gone]
        self._ancestors = _ancestors(task)

    @property
    def strategy(self) -> str:
        """The name of the play's strategy, without its collection."""
        return str(self._play.strategy).rpartition(".")[2]

    @property
    def run_id(self) -> str:
        """The id of this use of the role: the same in all batches of a play, and different for another use."""
        dynamic = [number for number, node in enumerate(self._ancestors) if _is_dynamic(node)]
        # Ansible creates dynamically included tasks again for each batch; the task that includes them stays the same.
        return "/".join(str(node._uuid) for node in self._ancestors[dynamic[-1] if dynamic else 0 :])

    @property
    def in_rescue(self) -> bool:
        """Whether the ``rescue`` of a block uses the role."""
        return any(section == "rescue" for _block, section in self._sections())

    def variables_of(self, name: str) -> Variables:
        """Return the variables that the task has for a host."""
        host = self._inventory.get_host(name)
        found: Variables = self._manager.get_vars(
            play=self._play, host=host, task=self._task, _hosts=self.batch, _hosts_all=self.all_hosts
        )
        # Variables override the keywords of the play and the command line, as in Ansible.
        for keyword, names in _KEYWORDS.items():
            value = getattr(self._task, keyword)
            if value is not None and not any(name in found for name in names):
                found[names[0]] = value
        return found

    def templar_of(self, variables: Variables) -> Templar:
        """Return a templar with the variables of a host."""
        return Templar(loader=self._loader, variables=variables)

    def takes_part(self, variables: Variables, templar: Templar, earlier_failure: str) -> bool:
        """Return whether Ansible runs the role for a host.

        Args:
            variables: The host's variables.
            templar: A templar with these variables.
            earlier_failure: The digest of the failure that the host had when the role ran for it before.
        """
        if not all(_holds(condition, templar) for condition in self._conditions()):
            return False
        failed = variables.get("ansible_failed_task")
        for block, section in self._sections():
            within = _is_within(block, failed) if failed else False
            # The failure of an earlier block stays in the variables and does not count.
            if section == "rescue" and (within is False or failure_digest(variables) == earlier_failure):
                return False
            if section == "block" and within and (block.rescue or block.always):
                return False
        return True

    def _conditions(self) -> list[t.Any]:
        # Ansible copies the conditions of static parents to the task, but not those of dynamic includes.
        nodes = [self._task, *(node for node in self._ancestors if _is_dynamic(node))]
        return list({str(condition): condition for node in nodes for condition in node.when or []}.values())

    def _sections(self) -> list[tuple[t.Any, str]]:
        """Return the blocks around the role, each with the section that the role is in."""
        found: list[tuple[t.Any, str]] = []
        below: set[str] = set()
        for node in self._ancestors:
            for section in ("block", "rescue", "always"):
                # The blocks of an imported role are in the section, the role itself is not.
                if below & {child._uuid for child in getattr(node, section, None) or []}:
                    found.append((node, section))
            below.add(node._uuid)
        return found


def _ancestors(task: t.Any) -> list[t.Any]:
    """Return a task and everything that contains it, up to the play."""
    nodes = []
    while task is not None:
        nodes.append(task)
        task = task._parent
    return nodes


def _is_dynamic(node: t.Any) -> bool:
    return getattr(node, "statically_loaded", True) is False


def _is_within(block: t.Any, failed: t.Mapping[str, t.Any]) -> bool | None:
    """Return whether a failed task belongs to a block; None when the block has dynamic includes."""
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


def failure_digest(variables: t.Mapping[str, t.Any]) -> str:
    """Return a digest of the failure of a host in a block; empty when it has not failed."""
    failed = variables.get("ansible_failed_task")
    if not failed:
        return ""
    text = repr((failed.get("name"), failed.get("action"), plain(variables.get("ansible_failed_result"))))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _holds(condition: t.Any, templar: Templar) -> bool:
    """Evaluate a condition of ``when``."""
    if condition is None or isinstance(condition, bool) or condition == "":
        return condition is not False
    expression = trust_as_template(f"{{% if {condition} %}}True{{% else %}}False{{% endif %}}")
    return str(templar.template(expression)).strip() == "True"
