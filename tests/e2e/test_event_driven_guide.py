# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide "Event-Driven Ansible", block by block: every rulebook is valid, and every command that can run does."""

from __future__ import annotations

import json
import re
import shlex
import signal
import textwrap
import typing as t
from importlib import resources

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.options import ARGUMENT_SPEC
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.poller import SOURCE as PLUGIN
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.arguments import check_arguments

from .conftest import Benches
from .rulebooks import COLLECTION, SOURCE, events_of, needs_java
from .running import Program
from .test_event_driven import assign, begin

GUIDE = (COLLECTION / "docs" / "docsite" / "rst" / "guide_event_driven.rst").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^\.\. code-block:: (\S+)\n\n((?: .*\n|\n)+)", re.MULTILINE)
BLOCKS = [(match.group(1), textwrap.dedent(match.group(2)).strip()) for match in _BLOCK.finditer(GUIDE)]
#: The files of the guide by the names that they have there.
FILES = {
    match.group(1): text
    for language, text in BLOCKS
    if language == "yaml" and (match := re.search(r"^# (\S+\.yml)$", text, re.MULTILINE))
}
RULEBOOKS = {name: yaml.safe_load(text) for name, text in FILES.items() if isinstance(yaml.safe_load(text), list)}
COMMANDS = [line[2:] for language, text in BLOCKS if language == "console" for line in text.splitlines()]
EXAMPLE = "extensions/eda/rulebooks/cloud_tasks.yml"


def test_every_block_is_known() -> None:
    assert len(FILES) == len([language for language, _text in BLOCKS if language == "yaml"])
    assert set(FILES) == {*RULEBOOKS, "variables.yml"}
    named = {match.group(1) for command in COMMANDS if (match := re.search(r"--rulebook (\S+)", command))}
    # A job template needs a controller.
    assert named == {*RULEBOOKS, EXAMPLE} - {"job.yml"}


@pytest.mark.parametrize("name", [*RULEBOOKS, EXAMPLE])
def test_rulebooks_are_what_ansible_rulebook_takes(name: str) -> None:
    rulebook = RULEBOOKS.get(name) or yaml.safe_load((COLLECTION / name).read_text(encoding="utf-8"))
    schema = json.loads((resources.files("ansible_rulebook") / "schema" / "ruleset_schema.json").read_text())
    jsonschema.validate(rulebook, schema)
    for ruleset in rulebook:
        for source in ruleset["sources"]:
            options = dict(source[SOURCE])
            error = check_arguments(PLUGIN, "cloud_task", options).error
            assert error is None, error


def test_the_guide_names_every_option_with_its_default() -> None:
    section = GUIDE[GUIDE.index("\nOptions\n") :]
    assert [name for name in ARGUMENT_SPEC if f"``{name}``" not in section] == []
    rows = dict(re.findall(r"   \* - ``(\w+)``\n     - ?(.*)\n", section))
    for name, told in rows.items():
        default = ARGUMENT_SPEC[name].get("default")
        assert told.strip("`") == (
            "" if default is None else f"{default:g}" if isinstance(default, float) else yaml_of(default)
        )


def yaml_of(value: t.Any) -> str:
    """Return a value as a rulebook has it."""
    return str(yaml.safe_dump(value)).splitlines()[0]


def test_files_that_the_guide_names_are_there() -> None:
    for name in ("rulebooks/cloud_tasks.yml", "playbooks/open_incident.yml", "playbooks/verify_login.yml"):
        assert f"``{name}``" in GUIDE
        assert (COLLECTION / "extensions" / "eda" / name).is_file()
    variables = yaml.safe_load(FILES["variables.yml"])
    comments = (COLLECTION / EXAMPLE).read_text(encoding="utf-8")
    assert [name for name in variables if f"#   {name} " not in comments] == []


def test_awx_offers_none_of_the_files_as_a_playbook() -> None:
    # AWX takes a file for a playbook if a line of it begins with one of these words.
    playbook = re.compile(r"^\s*?-?\s*?(?:hosts|(?:ansible\.builtin\.)?(?:include|import_playbook)):\s*?.*?$")
    files = sorted((COLLECTION / "extensions" / "eda").rglob("*.yml"))
    assert len(files) == 3
    for file in files:
        assert not [line for line in file.read_text(encoding="utf-8").splitlines() if playbook.match(line)], file


@needs_java
@pytest.mark.slow
def test_the_rulebooks_of_the_guide_run_as_they_are_printed(benches: Benches) -> None:
    bench = benches(4, fleet=False, task_seconds=25.0)
    for name, text in FILES.items():
        bench.write(name, f"{text}\n")
    (named,) = begin(bench, "server-01")
    directory = next(iter(bench.emulator.alibaba.directories.values()))
    bench.write("inventory.yml", json.dumps({"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}}))
    bench.write(
        "variables.yml",
        json.dumps({"directory_id": directory.id, "since": "2020-01-01T00:00:00Z", "task_ids": [named]}),
    )
    programs: dict[str, Program] = {}
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        if program == "ansible-rulebook" and arguments[1] in RULEBOOKS:
            programs[arguments[1]] = bench.program([bench.path(program), *arguments])
    assert set(programs) == {"print.yml", "directory.yml", "restart.yml", "named.yml"}
    for name in ("print.yml", "restart.yml"):
        programs[name].until(lambda: bench.requests().get("ListFailedTask", 0) >= 2)
    bench.emulator.fail("task_fails", server="server-02", code="KPS.0003", message="no luck")
    found = begin(bench, "server-02", "server-03")
    assigned = assign(bench)
    assert assigned
    programs["named.yml"].wait()
    assert programs["named.yml"].process.returncode == 0
    assert f"{named} ended as success" in programs["named.yml"].output
    programs["directory.yml"].until(lambda: "CreateAccessAssignment for " in programs["directory.yml"].output)
    programs["print.yml"].until(lambda: all(task_id in programs["print.yml"].output for task_id in (named, *found)))
    programs["restart.yml"].until(lambda: f"{found[1]} ended as success" in programs["restart.yml"].output)
    assert f"{found[0]} failed: {{'code': 'KPS.0003', 'message': 'no luck'}}" in programs["print.yml"].output
    assert f"{found[1]} of server " in programs["print.yml"].output
    assert (bench.directory / "key_pair_tasks.state").is_file()
    for name in ("print.yml", "directory.yml", "restart.yml"):
        programs[name].signal(signal.SIGINT)
        programs[name].wait()


def test_the_source_runs_by_itself_as_the_guide_says(benches: Benches) -> None:
    bench = benches(1, fleet=False, task_seconds=3.0)
    (command,) = (command for command in COMMANDS if command.startswith("python "))
    program, file, options = shlex.split(command)
    begun = begin(bench, "server-01")
    running = bench.program([bench.path(program), str(COLLECTION / file), options])
    running.until(lambda: events_of(running))
    assert [event["task"]["id"] for event in events_of(running)] == begun
    running.signal(signal.SIGINT)
    running.wait()
