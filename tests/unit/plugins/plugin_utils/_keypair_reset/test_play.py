# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of which hosts a task is for, on plays as Ansible loads them."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.play import RolePlay, failure_digest

INVENTORY = """
[all]
a ansible_port=2201 color=red
b ansible_host=192.0.2.2 color=blue
c
"""
MARK = {"name": "Mark", "ansible.builtin.debug": {"msg": "here"}}
OTHER = {"name": "Other", "ansible.builtin.command": "true"}


class LoadedPlay:
    """A play that Ansible has loaded, and one task of it.

    Args:
        directory: For the files of the play.
        tasks: The tasks of the play; the one named ``Mark`` is the one in question.
        more: Keywords of the play.
    """

    def __init__(self, directory: Path, tasks: list[dict[str, t.Any]], **more: t.Any) -> None:
        inventory = directory / "hosts.ini"
        inventory.write_text(INVENTORY)
        playbook = directory / "play.json"
        # From a file, so that conditions and templates are trusted as those of a user are.
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks, **more}]))
        self.loader = DataLoader()
        self.inventory = InventoryManager(loader=self.loader, sources=[str(inventory)])
        self.manager = VariableManager(loader=self.loader, inventory=self.inventory)
        self.manager._hostvars = HostVars(self.inventory, self.manager, self.loader)
        (data,) = _loaded(self.loader, playbook)
        self.ansible_play = Play.load(data, variable_manager=self.manager, loader=self.loader)
        (self.task,) = [task for task in _tasks(self.ansible_play.compile()) if task.name == "Mark"]

    def fail(self, host: str, name: str, action: str, msg: str = "x") -> None:
        """Note a failure of a host, as Ansible does when a host enters a rescue."""
        self.manager.set_nonpersistent_facts(
            host,
            {"ansible_failed_task": {"name": name, "action": action}, "ansible_failed_result": {"msg": msg}},
        )

    @property
    def play(self) -> RolePlay:
        """The play of the task."""
        host = self.inventory.get_host("a")
        variables = self.manager.get_vars(play=self.ansible_play, host=host, task=self.task)
        return RolePlay(self.task, variables, self.loader)

    def participants(self, **earlier: str) -> list[str]:
        """Return the hosts that the task is for."""
        play = self.play
        found = []
        for name in play.batch:
            variables = play.variables_of(name)
            if play.takes_part(variables, play.templar_of(variables), earlier.get(name, "")):
                found.append(name)
        return found


def _loaded(loader: DataLoader, playbook: Path) -> list[t.Any]:
    try:
        data: list[t.Any] = loader.load_from_file(str(playbook), trusted_as_template=True)
    except TypeError:
        # Before ansible-core 2.19 everything is.
        data = loader.load_from_file(str(playbook))
    return data


def _tasks(blocks: t.Iterable[t.Any]) -> t.Iterator[Task]:
    for node in blocks:
        if isinstance(node, Block):
            yield from _tasks([*node.block, *node.rescue, *node.always])
        else:
            yield node


def test_without_a_condition_all_hosts_take_part(tmp_path: Path) -> None:
    stage = LoadedPlay(tmp_path, [MARK])
    assert stage.participants() == ["a", "b", "c"]
    assert (stage.play.strategy, stage.play.in_rescue) == ("linear", False)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("inventory_hostname != 'a'", ["b", "c"]),
        (["inventory_hostname != 'a'", "inventory_hostname != 'b'"], ["c"]),
        ("color is defined and color == 'blue'", ["b"]),
        (True, ["a", "b", "c"]),
        (False, []),
        ("ansible_play_hosts_all | length == 3", ["a", "b", "c"]),
        ("wanted", ["a", "b", "c"]),
    ],
)
def test_conditions_are_those_of_each_host(tmp_path: Path, condition: t.Any, expected: list[str]) -> None:
    stage = LoadedPlay(tmp_path, [{**MARK, "when": condition}], vars={"wanted": True})
    assert stage.participants() == expected


def test_conditions_of_blocks_count(tmp_path: Path) -> None:
    block = {"block": [{"block": [MARK], "when": "inventory_hostname != 'a'"}], "when": "inventory_hostname != 'b'"}
    assert LoadedPlay(tmp_path, [block]).participants() == ["c"]


def test_in_a_rescue_only_what_failed_in_its_block_takes_part(tmp_path: Path) -> None:
    stage = LoadedPlay(tmp_path, [{"block": [OTHER], "rescue": [MARK]}])
    assert stage.play.in_rescue
    stage.fail("b", "Other", "ansible.builtin.command")
    # Somewhere before, and rescued there.
    stage.fail("c", "Earlier", "ansible.builtin.fail")
    assert stage.participants() == ["b"]


def test_a_failure_that_the_role_has_seen_before_is_over(tmp_path: Path) -> None:
    stage = LoadedPlay(tmp_path, [{"block": [OTHER], "rescue": [MARK]}])
    stage.fail("b", "Other", "ansible.builtin.command")
    failure = failure_digest(stage.play.variables_of("b"))
    assert stage.participants(b=failure) == []
    assert stage.participants(b="of something else") == ["b"]


def test_hosts_in_a_rescue_are_not_in_the_block(tmp_path: Path) -> None:
    stage = LoadedPlay(tmp_path, [{"block": [OTHER, MARK], "rescue": [{**OTHER, "name": "Tell"}]}])
    assert not stage.play.in_rescue
    stage.fail("b", "Other", "ansible.builtin.command")
    stage.fail("c", "Earlier", "ansible.builtin.fail")
    assert stage.participants() == ["a", "c"]


def test_in_always_everybody_takes_part(tmp_path: Path) -> None:
    stage = LoadedPlay(tmp_path, [{"block": [OTHER], "always": [MARK]}])
    stage.fail("b", "Other", "ansible.builtin.command")
    assert stage.participants() == ["a", "b", "c"]


def test_each_use_has_its_own_identity(tmp_path: Path) -> None:
    first = LoadedPlay(tmp_path, [MARK, OTHER]).play.run_id
    assert first
    stage = LoadedPlay(tmp_path, [MARK, OTHER])
    assert stage.play.run_id == stage.play.run_id != first


def test_variables_are_those_that_the_task_would_have(tmp_path: Path) -> None:
    variables = {"name": "{{ color | default('none') }}-{{ inventory_hostname }}"}
    stage = LoadedPlay(tmp_path, [{**MARK, "vars": {"own": "{{ name }}!"}}], vars=variables)
    play = stage.play
    found = {host: play.variables_of(host) for host in play.batch}
    assert {host: play.templar_of(each).template(each["own"]) for host, each in found.items()} == {
        "a": "red-a!",
        "b": "blue-b!",
        "c": "none-c!",
    }


def test_keywords_stand_where_no_variable_does(tmp_path: Path) -> None:
    play = LoadedPlay(tmp_path, [MARK], remote_user="admin", port=2222).play
    assert [play.variables_of(host)["ansible_port"] for host in play.batch] == [2201, 2222, 2222]
    assert [play.variables_of(host)["ansible_user"] for host in play.batch] == ["admin"] * 3
    assert "ansible_host" not in play.variables_of("c")


def test_hosts_that_were_lost_are_known(tmp_path: Path) -> None:
    stage = LoadedPlay(tmp_path, [MARK])
    stage.ansible_play._removed_hosts.append("b")
    assert (stage.play.batch, stage.play.lost, stage.play.all_hosts) == (["a", "c"], ["b"], ["a", "b", "c"])


def test_failures_are_told_apart() -> None:
    def failed(name: str, msg: str) -> str:
        return failure_digest(
            {"ansible_failed_task": {"name": name, "action": "x"}, "ansible_failed_result": {"msg": msg}}
        )

    assert failure_digest({}) == ""
    assert failed("a", "1") == failed("a", "1")
    assert len({failed("a", "1"), failed("a", "2"), failed("b", "1")}) == 3
