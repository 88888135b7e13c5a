# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inputs of users for the role keypair_reset and its playbooks, and the messages about them."""

from __future__ import annotations

import json
import os
import re
import typing as t
from pathlib import Path

import pytest

from .conftest import Benches
from .running import Bench, Program

PLAYBOOKS = ("keypair_reset", "keypair_replace", "keypair_rotate", "keypair_unbind")
NEW = {"keypair_reset_keypair_name": "new"}


def results(bench: Bench, *columns: str) -> dict[str, t.Any]:
    """Return columns of the last report, by server."""
    wanted = columns or ("result",)
    found = {host: tuple(row[column] for column in wanted) for host, row in bench.rows.items()}
    return {host: values[0] if len(wanted) == 1 else values for host, values in found.items()}


def last_lines(program: Program) -> list[str]:
    """Return the lines under the table of the report that was shown last."""
    shown = program.output.rpartition("Show the report]")[2].partition("\nTASK [")[0]
    lines = [json.loads(line.rstrip(",")) for line in re.findall(r'^ {8}(".*",?)$', shown, re.MULTILINE)]
    return [line for line in lines if not line.startswith(("SERVER ", "server-"))]


def journal_of(bench: Bench) -> Path:
    """Return a directory for journals."""
    directory = bench.directory / "journal"
    directory.mkdir(exist_ok=True)
    return directory


def test_a_survey_sends_its_values(benches: Benches) -> None:
    bench = benches(2, fleet=False)
    reports = bench.directory / "reports"
    reports.mkdir()
    # Every answer is text, not a template, and a question without an answer is empty text.
    answers = {
        **dict.fromkeys(
            (
                *(
                    "target",
                    "keypair_reset_serial",
                    "keypair_reset_canary",
                    "keypair_reset_method",
                    "keypair_reset_state",
                ),
                *("keypair_reset_public_key", "keypair_reset_private_key_file", "keypair_reset_old_private_key_file"),
                *(
                    "keypair_reset_generate",
                    "keypair_reset_root_password",
                    "keypair_reset_stop_type",
                    "keypair_reset_region",
                ),
                *("keypair_reset_project_id", "keypair_reset_journal_dir", "keypair_reset_max_failures"),
                *("keypair_reset_ssh_user", "keypair_reset_ssh_port", "keypair_reset_power_after"),
            ),
            "",
        ),
        "keypair_reset_keypair_name": "new",
        "keypair_reset_force": "no",
        "keypair_reset_timeout": "600",
        "keypair_reset_progress": "0",
        "keypair_reset_clean_failed_tasks": "yes",
        "keypair_reset_report_dir": str(reports),
    }
    lines = [f"{name}: !unsafe {json.dumps(value)}" for name, value in answers.items()]
    file = bench.write("survey.yml", "---\n" + "\n".join(lines) + "\n")
    program = bench.run("multicloud.async_tasks.keypair_reset", "-e", f"@{file}")
    assert program.process.returncode == 0, program.output + program.errors
    assert results(bench) == {"server-01": "reset", "server-02": "reset"}


def test_text_of_a_survey_is_never_a_template(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    file = bench.write(
        "survey.yml", "---\nkeypair_reset_keypair_name: !unsafe \"{{ lookup('pipe', 'touch owned') }}\"\n"
    )
    program = bench.role({}, "-e", f"@{file}").wait()
    assert program.process.returncode == 2
    assert "is not a valid name of a key pair" in bench.rows["server-01"]["reason"]
    assert list(bench.directory.rglob("owned")) == []


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_an_unknown_variable_stops_every_playbook_before_anything_is_touched(benches: Benches, playbook: str) -> None:
    bench = benches(2, fleet=False)
    variables = {**NEW, "keypair_rotate_old_keypair_name": "old", "keypair_reset_metod": "replace"}
    program = bench.role(variables, playbook=playbook).wait()
    assert program.process.returncode == 2, program.output
    assert results(bench) == {"server-01": "refused", "server-02": "refused"}
    words = "There is no variable keypair_reset_metod. Did you mean keypair_reset_method?"
    assert words in bench.rows["server-01"]["reason"]
    assert f"server-02  refused: {words}" in program.output
    assert bench.emulator.writes() == []


def test_an_unknown_variable_of_one_host_refuses_that_host(benches: Benches) -> None:
    bench = benches(2, fleet=False)
    hosts = {**bench.hosts, "server-02": {**bench.hosts["server-02"], "keypair_rotate_generat": False}}
    program = bench.role(NEW, hosts=hosts).wait()
    assert program.process.returncode == 2, program.output
    assert results(bench) == {"server-01": "reset", "server-02": "refused"}
    assert "Did you mean keypair_rotate_generate?" in bench.rows["server-02"]["reason"]


def test_hosts_that_cannot_be_worked_on_are_in_plan_and_report(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    local = {"ansible_connection": "local"}
    hosts = {
        **bench.hosts,
        "no-id": local,
        "bad-choice": {**local, "keypair_reset_server_id": "id-1", "keypair_reset_method": "restet"},
        "undefined": {**local, "keypair_reset_server_id": "{{ nobody_knows }}"},
        "number": {**local, "keypair_reset_server_id": 20270102},
    }
    program = bench.role(NEW, hosts=hosts).wait()
    assert program.process.returncode == 2, program.output
    assert results(bench) == {"server-01": "reset", **dict.fromkeys(list(hosts)[1:], "refused")}
    words = {
        "no-id": "keypair_reset_server_id is missing",
        "bad-choice": "keypair_reset_method must be one of auto, reset, replace, bind, not 'restet'. Did you mean reset?",
        "undefined": "keypair_reset_server_id has no value: 'nobody_knows' is undefined",
        "number": "There is no such server",
    }
    for host, word in words.items():
        assert word in bench.rows[host]["reason"]
        assert re.search(rf"^ +\"{host} +refused: {re.escape(word)}", program.output, re.MULTILINE)
    # What is wrong with a host is a sentence, and not the specification of all variables.
    fatal = [line for line in program.output.splitlines() if line.startswith("fatal: [")]
    assert len(fatal) == 4
    assert max(map(len, fatal)) < 700


def test_the_controller_in_the_inventory_is_not_a_server(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    hosts = {**bench.hosts, "localhost": {"ansible_connection": "local", "ansible_port": 1, "ansible_user": "nobody"}}
    program = bench.role(NEW, hosts=hosts).wait()
    assert program.process.returncode == 0, program.output
    assert results(bench) == {"server-01": "reset"}
    # Who names it gets what was asked for.
    program = bench.role({**NEW, "target": "all"}, hosts=hosts).wait()
    assert program.process.returncode == 2, program.output
    assert results(bench) == {"server-01": "unchanged", "localhost": "refused"}


@pytest.mark.parametrize("name", ["keypair_reset_report_dir", "keypair_reset_journal_dir"])
def test_a_directory_that_is_missing_is_refused_in_the_plan(benches: Benches, name: str) -> None:
    bench = benches(1, fleet=False)
    program = bench.role({**NEW, name: str(bench.directory / "gone")}).wait()
    assert program.process.returncode == 2, program.output
    assert f"refused: {name}: no file can be written to {bench.directory}/gone: it does not exist." in program.output
    assert bench.emulator.writes() == []


def test_a_report_that_cannot_be_written_is_reported(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    reports = bench.directory / "elsewhere"
    # In the place of the file there is a directory that is not empty.
    (reports / "keypair_reset.json" / "x").mkdir(parents=True)
    program = bench.role({**NEW, "keypair_reset_report_dir": str(reports)}).wait()
    assert program.process.returncode == 0, program.output
    assert last_lines(program)[-1].startswith(f"THE REPORT COULD NOT BE WRITTEN: {reports}/")
    assert (reports / "keypair_reset.md").is_file()


def test_texts_of_the_service_are_not_markup(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    message = "{{ 7 * 6 }} | <b>bold</b>\n# {% raw %}\x1b[31m{{ lookup('pipe', 'touch owned') }}"
    bench.emulator.fail("task_fails", server="server-01", code="KPS.3025", message=message)
    program = bench.role(NEW).wait()
    assert program.process.returncode == 2, program.output
    assert bench.rows["server-01"]["reason"] == f"KPS.3025: {message}"
    markdown = (bench.directory / "reports" / "keypair_reset.md").read_text()
    assert "7 \\* 6" in markdown
    assert len([line for line in markdown.splitlines() if line.startswith("| ")]) == 3
    assert "\x1b" not in program.output + markdown
    assert "42" not in re.sub(r"[0-9a-f-]{30,}", "", markdown)
    assert list(bench.directory.rglob("owned")) == []


def test_a_refused_server_that_an_earlier_run_has_switched_off_is_named(benches: Benches) -> None:
    bench = benches(3, fleet=False)
    journal = journal_of(bench)
    entries = [
        {"host": name, "server_id": bench.server(name).id, "was_running": True, "task_id": None, "keypair_name": "new"}
        for name in ("server-01", "server-02")
    ]
    (journal / "keypair_reset-1.json").write_text(json.dumps(entries))
    (journal / "keypair_reset-2.json").write_text('[{"server_id": "of-another-run", "was_running": true}]')
    other = (journal / "keypair_reset-2.json").stat()
    with bench.emulator.world.lock:
        for name in ("server-01", "server-02"):
            bench.server(name).status = "SHUTOFF"
        bench.server("server-01").locked = True
        bench.server("server-03").task_state = "powering-off"
    program = bench.role({**NEW, "keypair_reset_journal_dir": str(journal)}).wait()
    assert program.process.returncode == 2, program.output
    assert results(bench, "result", "power") == {
        "server-01": ("refused", "SHUTOFF"),
        "server-02": ("reset", "ACTIVE"),
        "server-03": ("refused", "ACTIVE"),
    }
    start = "ansible localhost -m multicloud.async_tasks.hwc_ecs_server_power -a 'server_id={} state=running'"
    assert last_lines(program) == [
        "2 refused, 1 reset.",
        f"OFF: server-01. Start it with: {start.format(bench.server('server-01').id)}",
        "STOPPING: server-03. It was being stopped when the role began. Check it later, and start it with: "
        f"{start.format(bench.server('server-03').id)}",
        "To try again, correct the reasons and repeat this run with --limit server-01,server-03.",
    ]
    # What was not taken over is still there for the next run, and what does not belong to this run was not touched.
    left = json.loads((journal / "keypair_reset-1.json").read_text())
    assert [entry["host"] for entry in left] == ["server-01"]
    after = (journal / "keypair_reset-2.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (other.st_ino, other.st_mtime_ns)


def test_a_server_that_was_off_and_stays_off_is_not_called_off(benches: Benches) -> None:
    bench = benches(2, fleet=False)
    with bench.emulator.world.lock:
        bench.server("server-02").status = "SHUTOFF"
    variables = {**NEW, "keypair_reset_power_after": "restore", "keypair_reset_journal_dir": str(journal_of(bench))}
    program = bench.role(variables).wait()
    assert program.process.returncode == 0, program.output
    assert results(bench, "result", "power") == {"server-01": ("reset", "ACTIVE"), "server-02": ("reset", "SHUTOFF")}
    assert last_lines(program) == [
        "2 reset.",
        "All servers that were touched are on, but for those that were off before: server-02.",
    ]


def test_runs_at_the_same_time_share_a_directory(benches: Benches) -> None:
    bench = benches(4, fleet=False, task_seconds=3)
    journal = journal_of(bench)
    halves = (["server-01", "server-02"], ["server-03", "server-04"])
    entries = [
        {"host": name, "server_id": server.id, "was_running": True, "task_id": None, "keypair_name": "new"}
        for name in sum(halves, [])
        for server in [bench.server(name)]
    ]
    (journal / "keypair_reset-0.json").write_text(
        json.dumps([*entries, {"server_id": "elsewhere", "was_running": True}])
    )
    reports = bench.directory / "shared"
    reports.mkdir()
    programs = []
    for number, half in enumerate(halves, 71):
        # As AWX runs the slices of a job.
        variables = {
            **NEW,
            "keypair_reset_journal_dir": str(journal),
            "keypair_reset_report_dir": str(reports),
            "awx_job_id": number,
            "awx_job_template_name": "Reset",
            "awx_workflow_job_name": "Reset",
        }
        programs.append(bench.role(variables, "--limit", ",".join(half), ANSIBLE_SHOW_CUSTOM_STATS="true"))
    merged: dict[str, t.Any] = {}
    for program in programs:
        program.wait()
        assert program.process.returncode == 0, program.output
        merged.update(json.loads(program.output.partition("\tRUN: ")[2].partition("\n")[0]))
    assert {name: (figures["total"], figures["succeeded"]) for name, figures in merged.items()} == {
        "keypair_reset_job_71": (2, 2),
        "keypair_reset_job_72": (2, 2),
    }
    for number, half in enumerate(halves, 71):
        rows = json.loads((reports / f"keypair_reset_job_{number}.json").read_text())
        assert [row["server"] for row in rows] == half
        assert (reports / f"keypair_reset_job_{number}.md").is_file()
    assert {path.name: json.loads(path.read_text()) for path in journal.iterdir()} == {
        "keypair_reset-0.json": [{"server_id": "elsewhere", "was_running": True}]
    }


def test_a_missing_program_is_reported_before_anything_is_touched(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    programs = bench.directory / "without-ssh"
    programs.mkdir()
    # Everything that Ansible needs, and no ssh.
    for directory in os.environ["PATH"].split(os.pathsep):
        for path in Path(directory).glob("*") if os.path.isdir(directory) else []:
            if not path.name.startswith("ssh") and not (programs / path.name).exists():
                (programs / path.name).symlink_to(path)
    variables = {**NEW, "keypair_reset_private_key_file": str(bench.emulator.key_path("new"))}
    program = bench.role(variables, PATH=str(programs)).wait()
    assert program.process.returncode == 2, program.output
    assert "ssh and ssh-keygen were not found on the controller" in bench.rows["server-01"]["reason"]
    assert bench.emulator.writes() == []


def test_unbinding_ignores_options_about_a_new_key(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    variables = {
        "keypair_reset_keypair_name": "not a name!",
        "keypair_reset_private_key_file": str(bench.directory / "generated"),
        "keypair_reset_generate": True,
        "keypair_reset_public_key": "garbage",
        "keypair_reset_store_tasks": "/no/such/tasks.yml",
    }
    program = bench.role(variables, playbook="keypair_unbind").wait()
    assert program.process.returncode == 0, program.output
    assert results(bench, "method", "result") == {"server-01": ("unbind", "unbound")}
    assert not (bench.directory / "generated").exists()


def test_a_rotation_in_awx_with_a_key_that_exists_needs_no_store(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    key = bench.emulator.key_path("new")
    variables = {
        "keypair_reset_keypair_name": 2027,
        "keypair_reset_private_key_file": str(key),
        "keypair_rotate_old_keypair_name": "old",
        "awx_job_id": 5,
    }
    program = bench.role(variables, "--check", playbook="keypair_rotate").wait()
    assert "needs keypair_reset_store_tasks" not in program.output
    assert program.process.returncode == 0, program.output
    missing = {**variables, "keypair_reset_private_key_file": str(bench.directory / "missing")}
    program = bench.role(missing, "--check", playbook="keypair_rotate").wait()
    assert program.process.returncode == 2
    assert "keypair_reset_generate needs keypair_reset_store_tasks in AWX" in program.output


def test_names_that_yaml_makes_numbers_and_dates_of(benches: Benches) -> None:
    bench = benches(2, fleet=False)
    public = bench.emulator.key_path("new").with_suffix(".pub").read_text()
    file = bench.write(
        "names.yml",
        "---\nkeypair_reset_keypair_name: 2027-01-02\nkeypair_reset_public_key: " + json.dumps(public) + "\n",
    )
    program = bench.role({}, "-e", f"@{file}").wait()
    assert program.process.returncode == 0, program.output
    assert {server.key_name for server in bench.emulator.huawei.servers.values()} == {"2027-01-02"}
    # The pair that a server still has is kept, although its name is a date in the playbook, too.
    file.write_text(
        "---\nkeypair_reset_keypair_name: new\nkeypair_rotate_old_keypair_name: 2027-01-02\n"
        "keypair_rotate_generate: false\nkeypair_reset_stop_type: soft\n"
    )
    program = bench.role({}, "-e", f"@{file}", "--limit", "server-01,localhost", playbook="keypair_rotate").wait()
    assert program.process.returncode == 0, program.output
    assert "The key pair 2027-01-02 is kept, because these servers have it: server-02" in " ".join(
        program.output.split()
    )
    assert "2027-01-02" in {pair.name for pair in bench.emulator.huawei.keypairs.values()}


def test_a_rotation_without_the_old_name_is_refused_before_anything_is_touched(benches: Benches) -> None:
    bench = benches(1, fleet=False)
    for variables in (NEW, {**NEW, "keypair_rotate_old_keypair_name": ""}):
        program = bench.role(variables, playbook="keypair_rotate").wait()
        assert program.process.returncode == 2
        assert "keypair_rotate_old_keypair_name is missing" in program.output + program.errors
    assert bench.emulator.writes() == []
