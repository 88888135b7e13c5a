# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role keypair_reset as users put it into plays: conditions, rescues, batches, repetitions, and hosts that were lost."""

from __future__ import annotations

import json
import typing as t

import pytest

from .conftest import Benches
from .running import ROLE, Bench, Play, Program

USE = {"name": "Reset", "ansible.builtin.import_role": {"name": ROLE}}
DYNAMIC = {"name": "Reset", "ansible.builtin.include_role": {"name": ROLE}}


def play(
    bench: Bench, *tasks: Play, hosts: str = "all", variables: t.Mapping[str, t.Any] | None = None, **more: t.Any
) -> Play:
    """Return a play on servers of the bench, with the variables of a reset."""
    reports = bench.directory / "reports"
    reports.mkdir(exist_ok=True)
    common = {
        "keypair_reset_keypair_name": "new",
        "keypair_reset_progress": 0,
        "keypair_reset_report_dir": str(reports),
    }
    return {
        "hosts": hosts,
        "gather_facts": False,
        "vars": {**common, **(variables or {})},
        "tasks": list(tasks),
        **more,
    }


def use(how: Play | None = None, **more: t.Any) -> Play:
    """Return a use of the role."""
    return {**(how or USE), **more}


def reset_counts(bench: Bench) -> dict[str, int]:
    """Count the key pairs that each server was given."""
    named = bench.named_in("AssociateKeypair")
    return {name: named.count(name) for name in sorted(set(named))}


def results(bench: Bench) -> dict[str, str]:
    """Return the results of the last report, by server."""
    return {host: row["result"] for host, row in bench.rows.items()}


def shown(program: Program, title: str) -> list[str]:
    """Return the output of each task with a title, in order."""
    return [part.partition("\nTASK [")[0] for part in program.output.split(f"{title}]")[1:]]


def runs(program: Program) -> dict[str, list[str]]:
    """Return the hosts that each task of the role ran for, by task."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in program.output.splitlines():
        if line.startswith("TASK ["):
            title = line.partition(" : ")[2].partition("]")[0]
        elif line.startswith(("ok: [", "changed: [", "fatal: [", "skipping: [")):
            host = line.partition("[")[2].partition("]")[0].partition(" -> ")[0]
            if host not in found.setdefault(title, []):
                found[title].append(host)
    return found


def test_two_tasks_at_most_run_for_each_host(benches: Benches) -> None:
    bench = benches(3, fleet=False)
    program = bench.run([play(bench, use())])
    assert program.process.returncode == 0, program.output
    each = [title for title, hosts in runs(program).items() if len(hosts) > 1]
    assert len(each) == 2, each
    assert each[0].startswith("Validating arguments against arg spec")
    assert each[1] == "Check the result of each server"
    # The playbooks leave Ansible's validation out, because the role checks its variables itself.
    program = bench.role({"keypair_reset_keypair_name": "new"}).wait()
    assert [title for title, hosts in runs(program).items() if len(hosts) > 1] == ["Check the result of each server"]


@pytest.mark.parametrize("how", [USE, DYNAMIC], ids=["import", "include"])
def test_a_condition_on_the_role_leaves_the_other_servers_alone(benches: Benches, how: Play) -> None:
    bench = benches(3, fleet=False)
    again = use(how, when="inventory_hostname == 'server-01'", vars={"keypair_reset_force": True})
    program = bench.run([play(bench, use(how), again)])
    assert program.process.returncode == 0, program.output
    assert reset_counts(bench) == {"server-01": 2, "server-02": 1, "server-03": 1}
    assert results(bench) == {"server-01": "reset"}
    assert "1 reset." in shown(program, "Show the report")[-1]


def test_a_condition_that_leaves_out_the_first_host(benches: Benches) -> None:
    bench = benches(3, fleet=False)
    program = bench.run([play(bench, use(DYNAMIC, when="inventory_hostname != 'server-01'"))])
    assert program.process.returncode == 0, program.output
    assert reset_counts(bench) == {"server-02": 1, "server-03": 1}
    assert results(bench) == {"server-02": "reset", "server-03": "reset"}

    # Ansible evaluates the condition of an imported role for the first host only. Nothing is done, and the role reports it.
    bench = benches(3, fleet=False)
    program = bench.run([play(bench, use(when="inventory_hostname != 'server-01'"))])
    assert program.process.returncode == 2, program.output
    assert reset_counts(bench) == {}
    assert {host: counts["failed"] for host, counts in program.recap.items()} == {
        "server-01": 0,
        "server-02": 1,
        "server-03": 1,
    }
    assert "the role did not run for this host, and nothing was done to it" in program.output + program.errors


def test_an_earlier_result_does_not_count_for_a_use_that_did_not_run(benches: Benches) -> None:
    bench = benches(2, fleet=False)
    again = use(when="inventory_hostname == 'server-02'", vars={"keypair_reset_force": True})
    program = bench.run([play(bench, use(), again)])
    assert program.process.returncode == 2, program.output
    assert reset_counts(bench) == {"server-01": 1, "server-02": 1}
    assert "server-02: the role did not run for this host" in program.output + program.errors


@pytest.mark.parametrize("how", [USE, DYNAMIC], ids=["import", "include"])
def test_in_a_rescue_only_what_failed_is_worked_on(benches: Benches, how: Play) -> None:
    bench = benches(3, fleet=False)
    bench.emulator.fail("task_fails", server="server-02", code="KPS.3025", message="Disk full")
    rescued = use(how, vars={"keypair_reset_force": True})
    program = bench.run([play(bench, {"block": [use(how)], "rescue": [rescued]})])
    assert program.process.returncode == 0, program.output
    assert reset_counts(bench) == {"server-01": 1, "server-02": 2, "server-03": 1}
    assert results(bench) == {"server-02": "reset"}
    assert {server.status for server in bench.emulator.huawei.servers.values()} == {"ACTIVE"}


def test_a_host_that_an_earlier_rescue_saved_takes_part(benches: Benches) -> None:
    bench = benches(3, fleet=False)
    before = {
        "block": [{"name": "Fail", "ansible.builtin.fail": {"msg": "x"}, "when": "inventory_hostname == 'server-01'"}],
        "rescue": [{"name": "Repair", "ansible.builtin.debug": {"msg": "repaired"}}],
    }
    for how in (USE, DYNAMIC):
        block = {"block": [use(how)], "rescue": [use(how, vars={"keypair_reset_force": True})]}
        bench.emulator.fail("task_fails", server="server-03", code="KPS.3025", message="Disk full")
        seen = len(bench.named_in("AssociateKeypair"))
        program = bench.run([play(bench, before, block, variables={"keypair_reset_force": True})])
        assert program.process.returncode == 0, program.output
        named = bench.named_in("AssociateKeypair")[seen:]
        assert sorted(named) == ["server-01", "server-02", "server-03", "server-03"], program.output
        assert results(bench) == {"server-03": "reset"}


def test_a_host_in_a_rescue_does_not_take_part_in_the_block(benches: Benches) -> None:
    bench = benches(3, fleet=False)
    block = {
        "block": [
            {"name": "Check", "ansible.builtin.fail": {"msg": "not fit"}, "when": "inventory_hostname == 'server-02'"},
            use(),
        ],
        "rescue": [{"name": "Tell", "ansible.builtin.debug": {"msg": "left out"}}],
    }
    program = bench.run([play(bench, block)])
    assert program.process.returncode == 0, program.output
    assert reset_counts(bench) == {"server-01": 1, "server-03": 1}
    assert results(bench) == {"server-01": "reset", "server-03": "reset"}


def test_each_use_of_the_role_has_its_own_report_over_all_its_batches(benches: Benches) -> None:
    bench = benches(4, fleet=False)
    second = use(vars={"keypair_reset_force": True})
    program = bench.run([play(bench, use(), second, serial=2)])
    assert program.process.returncode == 0, program.output
    sums = [part.count("  reset  ") for part in shown(program, "Show the report")]
    # Two batches, two uses each: the reports name two servers after the first batch, and four after the second.
    assert sums == [2, 2, 4, 4], program.output
    assert set(reset_counts(bench).values()) == {2}


def test_the_role_in_a_loop(benches: Benches) -> None:
    bench = benches(2, fleet=False)
    looped = use(
        DYNAMIC,
        loop=["new", "old"],
        loop_control={"loop_var": "pair"},
        vars={"keypair_reset_keypair_name": "{{ pair }}"},
    )
    program = bench.run([play(bench, looped)])
    assert program.process.returncode == 0, program.output
    assert set(reset_counts(bench).values()) == {2}
    assert results(bench) == {"server-01": "reset", "server-02": "reset"}
    assert {server.key_name for server in bench.emulator.huawei.servers.values()} == {"old"}


@pytest.mark.parametrize("strategy", ["free", "ansible.builtin.host_pinned"])
def test_strategies_without_a_common_step_are_refused(benches: Benches, strategy: str) -> None:
    bench = benches(3, fleet=False)
    program = bench.run([play(bench, use(), strategy=strategy)])
    assert program.process.returncode == 2, program.output
    name = strategy.rpartition(".")[2]
    assert f"does not work with the strategy {name}" in program.output + program.errors
    assert "strategy: linear" in program.output + program.errors
    assert bench.emulator.writes() == []
    assert bench.requests() == {}


def test_a_host_that_another_play_has_lost_is_in_plan_and_report(benches: Benches) -> None:
    bench = benches(3, fleet=False)
    hosts = {
        **bench.hosts,
        "dark": {"keypair_reset_server_id": "id-dark", "ansible_host": "192.0.2.1", "ansible_connection": "nope"},
    }
    before = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Lose one",
                "ansible.builtin.fail": {"msg": "x"},
                "when": "inventory_hostname in ('server-02', 'dark')",
            },
        ],
    }
    program = bench.run([before, play(bench, use())], hosts=hosts)
    assert program.process.returncode == 2, program.output
    assert results(bench) == {"server-01": "reset", "server-03": "reset", "server-02": "refused", "dark": "refused"}
    assert "It failed or was unreachable before the role began" in bench.rows["server-02"]["reason"]
    assert bench.rows["server-02"]["server_id"] == bench.server("server-02").id
    assert reset_counts(bench) == {"server-01": 1, "server-03": 1}
    assert "server-02  refused: It failed or was unreachable" in shown(program, "Show the plan")[0]


def test_a_canary_that_was_lost_stops_the_rest(benches: Benches) -> None:
    bench = benches(3, fleet=False)
    before = {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"name": "Lose one", "ansible.builtin.fail": {"msg": "x"}, "when": "inventory_hostname == 'server-01'"}
        ],
    }
    variables = {"keypair_reset_canary": 1}
    program = bench.run([before, play(bench, use(), serial=[1, "100%"], variables=variables)])
    assert program.process.returncode == 2, program.output
    assert bench.emulator.writes() == []
    assert results(bench) == {"server-01": "refused", "server-02": "refused", "server-03": "refused"}
    assert "The canary was lost before the role began (server-01)" in bench.rows["server-03"]["reason"]


def test_the_variables_of_a_play_are_those_of_each_host(benches: Benches) -> None:
    bench = benches(3, fleet=False)
    ids = {server.name: server.id for server in bench.emulator.huawei.servers.values()}
    hosts = {name: {"ansible_connection": "local", "wanted": "old" if name == "server-02" else "new"} for name in ids}
    variables = {
        "ids": ids,
        "keypair_reset_server_id": "{{ ids[inventory_hostname] }}",
        "keypair_reset_keypair_name": "{{ wanted }}",
        "keypair_reset_method": "{{ 'replace' if inventory_hostname == 'server-03' else 'reset' }}",
    }
    program = bench.run([play(bench, use(), variables=variables)], hosts=hosts)
    assert program.process.returncode == 2, program.output
    assert results(bench) == {"server-01": "reset", "server-02": "unchanged", "server-03": "refused"}
    assert "give the private key of old" in bench.rows["server-03"]["reason"]


def test_check_mode_of_a_task_is_check_mode(benches: Benches) -> None:
    bench = benches(2, fleet=False)
    program = bench.run([play(bench, use(check_mode=True))])
    assert program.process.returncode == 0, program.output
    assert results(bench) == {"server-01": "would be reset", "server-02": "would be reset"}
    assert bench.emulator.writes() == []


def test_a_check_passes_its_counts_to_a_workflow(benches: Benches) -> None:
    bench = benches(2, fleet=False)
    (bench.directory / "artifacts").mkdir()
    hosts = {**bench.hosts, "nowhere": {"keypair_reset_server_id": "no-such-server", "ansible_connection": "local"}}
    play_of = [play(bench, use())]
    program = bench.run(play_of, "--check", hosts=hosts, ANSIBLE_SHOW_CUSTOM_STATS="true")
    figures = json.loads(program.output.partition("\tRUN: ")[2].partition("\n")[0])
    assert {name.removeprefix("keypair_reset_"): value for name, value in figures.items()} == {
        "check_mode": True,
        "total": 3,
        "planned": 2,
        "succeeded": 0,
        "changed": 0,
        "refused": 1,
        "failed": 1,
        "off": 0,
        "failed_hosts": "nowhere",
    }
