# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role keypair_reset on fleets of SSH servers: on good days, on bad days, and when it is cut off."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import typing as t

import pytest

from .conftest import Benches
from .running import Bench, Program

#: What a server has to show when all went well.
GOOD = {"power": "ACTIVE", "new_key": "accepted", "old_key": "refused"}
#: The modules whose runs cost something.
MODULES = re.compile(
    r"(?:Using module file \S+/|multicloud\.async_tasks\.)(hwc_\w+|wait_for_task|ssh_login_info)(?:\.py| runs in process)"
)


def role_variables(bench: Bench, **more: t.Any) -> dict[str, t.Any]:
    """Return the variables of a reset from the key pair ``old`` to ``new``, with both keys verified."""
    return {
        "keypair_reset_keypair_name": "new",
        "keypair_reset_private_key_file": str(bench.emulator.key_path("new")),
        "keypair_reset_old_private_key_file": str(bench.emulator.key_path("old")),
        **more,
    }


def plan(program: Program) -> list[str]:
    """Return the lines of the plan that was shown, each with its blanks taken together."""
    shown = program.output.partition("Show the plan]")[2].partition("TASK [")[0]
    lines = re.findall(r'^ {8}"(.*)",?$', shown, re.MULTILINE)
    return [" ".join(line.split()) for line in lines]


def part(rows: dict[str, dict[str, t.Any]], *columns: str) -> dict[str, tuple[t.Any, ...]]:
    """Return some columns of a report."""
    return {host: tuple(row[column] for column in columns) for host, row in rows.items()}


def test_a_fleet_is_reset_as_planned_and_then_left_alone(benches: Benches) -> None:
    bench = benches(3)
    planned = bench.role(role_variables(bench), "--check").wait()
    assert planned.process.returncode == 0, planned.output
    assert bench.emulator.writes() == []
    assert plan(planned) == [f"server-0{n} stop, reset, start, verify (the method is reset)" for n in (1, 2, 3)]
    assert part(bench.rows, "method", "result", "new_key", "old_key") == {
        f"server-0{n}": ("reset", "would be reset", "would verify", "would verify") for n in (1, 2, 3)
    }

    done = bench.role(role_variables(bench)).wait()
    assert done.process.returncode == 0, done.output
    assert plan(done) == plan(planned)
    assert {
        host: row for host, row in bench.rows.items() if row.items() >= {"result": "reset", **GOOD}.items()
    } == bench.rows
    assert "3 reset." in done.output
    assert "All servers that were touched are on." in done.output
    assert {host: (counts["changed"], counts["failed"]) for host, counts in done.recap.items()} == {
        f"server-0{n}": (1, 0) for n in (1, 2, 3)
    }
    assert bench.requests()["BatchStopServers"] == bench.requests()["BatchStartServers"] == 1
    assert {server.key_name for server in bench.emulator.huawei.servers.values()} == {"new"}

    before = len(bench.emulator.writes())
    again = bench.role(role_variables(bench)).wait()
    assert again.process.returncode == 0, again.output
    assert {counts["changed"] for counts in again.recap.values()} == {0}
    assert len(bench.emulator.writes()) == before
    assert plan(again) == [f"server-0{n} has the key pair, verify" for n in (1, 2, 3)]
    assert {
        host: row for host, row in bench.rows.items() if row.items() >= {"result": "unchanged", **GOOD}.items()
    } == bench.rows


def test_each_server_gets_as_far_as_its_faults_allow(benches: Benches) -> None:
    bench = benches(0)
    faults = {
        "reset-fails": {"what": "task_fails", "code": "KPS.3025", "message": "The key cannot be written"},
        "stop-fails": {"what": "job_fails", "code": "Ecs.0705", "message": "The guest does not answer"},
        "start-fails": {"what": "start_fails", "code": "Ecs.0319", "message": "There are no resources left"},
        "stuck": {"what": "task_stuck"},
        "dark": {"what": "ssh_never_up"},
        "old-key-stays": {"what": "old_key_stays"},
        "new-key-lost": {"what": "new_key_refused"},
    }
    for name in ("good", *faults, "busy"):
        bench.add(name)
    bench.add("locked", locked=True)
    bench.add("windows", os_type="Windows")
    for name, fault in faults.items():
        bench.emulator.fail(server=name, **fault)
    old = next(pair for pair in bench.emulator.huawei.keypairs.values() if pair.name == "old")
    bench.emulator.fail("task_stuck", server="busy")
    with bench.emulator.world.lock:
        bench.emulator.huawei.kps.bind(bench.server("busy"), old)
    local = {"ansible_host": "127.0.0.1"}
    hosts = {
        **bench.hosts,
        "unknown": {**local, "keypair_reset_server_id": "no-such-server"},
        "twin": {**local, "keypair_reset_server_id": bench.server("good").id},
        "dots": {**local, "keypair_reset_server_id": ".."},
    }
    journal = bench.directory / "journal"
    journal.mkdir()
    variables = role_variables(
        bench, keypair_reset_timeout=6, keypair_reset_boot_timeout=4, keypair_reset_journal_dir=str(journal)
    )

    program = bench.role(variables, hosts=hosts).wait()
    assert program.process.returncode == 2, program.output
    rows = bench.rows
    assert list(rows) == list(hosts)
    assert part(rows, "result", "power", "new_key", "old_key") == {
        "good": ("reset", "ACTIVE", "accepted", "refused"),
        "reset-fails": ("failed", "ACTIVE", "refused", "accepted"),
        "stop-fails": ("failed", "ACTIVE", "refused", "accepted"),
        "start-fails": ("failed", "SHUTOFF", "not verified", "not verified"),
        "stuck": ("busy", "SHUTOFF", "not verified", "not verified"),
        "dark": ("failed", "ACTIVE", "not verified", "not verified"),
        "old-key-stays": ("failed", "ACTIVE", "accepted", "accepted"),
        "new-key-lost": ("failed", "ACTIVE", "refused", "refused"),
        "busy": ("refused", "ACTIVE", "not verified", "not verified"),
        "locked": ("refused", "ACTIVE", "not verified", "not verified"),
        "windows": ("refused", "ACTIVE", "not verified", "not verified"),
        "unknown": ("refused", None, "not verified", "not verified"),
        "twin": ("refused", None, "not verified", "not verified"),
        "dots": ("refused", None, "not verified", "not verified"),
    }
    words = {
        "reset-fails": "KPS.3025: The key cannot be written",
        "stop-fails": "The server did not stop: Ecs.0705: The guest does not answer",
        "start-fails": "The server was not started: Ecs.0319: There are no resources left",
        "stuck": "It had not ended when the time was up. Run this again: it adopts the task",
        "dark": "It could not be verified that the new key is accepted: ssh: connect to host 127.0.0.1",
        "old-key-stays": "The old key is still accepted",
        "new-key-lost": "The new key was not accepted: The server said:",
        "busy": "works on its key pair",
        "locked": "It is locked",
        "windows": "KPS works on Linux only",
        "unknown": "There is no such server",
        "twin": "The host good has the same keypair_reset_server_id",
        "dots": "'..' is not a valid id",
    }
    assert {host: word for host, word in words.items() if word not in rows[host]["reason"]} == {}
    # Each host fails with its own sentence, and only those that something was done to have changed.
    assert [host for host, counts in program.recap.items() if counts["failed"] == 0] == ["good"]
    for host in ("busy", "locked", "windows", "unknown", "twin", "dots"):
        assert re.search(rf"{host} \(.*\): .* Nothing was done to it\.", program.output)
    touched = ["good", "reset-fails", "stop-fails", "start-fails", "stuck", "dark", "old-key-stays", "new-key-lost"]
    assert bench.named_in("BatchStopServers") == touched
    assert bench.named_in("AssociateKeypair") == [name for name in touched if name != "stop-fails"]
    assert bench.named_in("BatchStartServers") == [name for name in touched if name not in ("stuck", "stop-fails")]
    start = "ansible localhost -m multicloud.async_tasks.hwc_ecs_server_power -a 'server_id={} state=running'"
    off = [line for line in program.output.splitlines() if "OFF: " in line]
    assert len(off) == 2
    assert f"OFF: start-fails. Start it with: {start.format(bench.server('start-fails').id)}" in off[0]
    assert "OFF: stuck. KPS may still work on it (task " in off[1]
    assert start.format(bench.server("stuck").id) in off[1]
    assert {server.name for server in bench.emulator.huawei.servers.values() if server.status != "ACTIVE"} == {
        "start-fails",
        "stuck",
    }
    assert noted(bench) == {"stop-fails", "start-fails", "stuck"}

    # The next day everything works again, except the task that never ends, and the old key that no server has any more.
    bench.emulator.heal()
    program = bench.role(
        {**variables, "keypair_reset_force": True}, "--limit", ",".join(faults) + ",!stuck,!old-key-stays"
    ).wait()
    assert program.process.returncode == 0, program.output
    assert set(part(bench.rows, "result", "power", "new_key", "old_key").values()) == {
        ("reset", "ACTIVE", "accepted", "refused")
    }
    assert noted(bench) == {"stuck"}


def noted(bench: Bench) -> set[str]:
    """Return the hosts that the journals name."""
    journals = (bench.directory / "journal").glob("keypair_reset-*.json")
    return {entry["host"] for path in journals for entry in json.loads(path.read_text())}


def test_keys_that_do_not_fit_are_refused_before_anything_is_stopped(benches: Benches) -> None:
    bench = benches(0)
    for name in ("imports", "wrong-key", "no-key", "locked-key", "other-pair", "no-pair"):
        bench.add(name)
    keys = bench.emulator.directory / "keys"
    shutil.copy(keys / "new", keys / "locked")
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(keys / "locked")], check=True)
    new_public, old_public = ((keys / f"{name}.pub").read_text() for name in ("new", "old"))
    own: dict[str, dict[str, t.Any]] = {
        "imports": {
            "keypair_reset_keypair_name": "fresh",
            "keypair_reset_public_key": f"{new_public.strip()} a comment",
        },
        "wrong-key": {"keypair_reset_private_key_file": str(keys / "old")},
        "no-key": {"keypair_reset_private_key_file": str(keys / "nothing")},
        "locked-key": {"keypair_reset_private_key_file": str(keys / "locked")},
        "other-pair": {"keypair_reset_keypair_name": "old", "keypair_reset_public_key": new_public},
        "no-pair": {"keypair_reset_keypair_name": "nowhere"},
    }
    common = role_variables(bench)
    hosts = {host: {**variables, **common, **own[host]} for host, variables in bench.hosts.items()}
    program = bench.role({}, hosts=hosts).wait()
    assert program.process.returncode == 2, program.output
    assert part(bench.rows, "result") == {host: ("reset" if host == "imports" else "refused",) for host in own}
    assert bench.rows["imports"].items() >= GOOD.items()
    words = {
        "wrong-key": "is not the private key of the key pair new",
        "no-key": "keys/nothing cannot be read: No such file or directory",
        "locked-key": "keys/locked has a passphrase",
        "other-pair": "The key pair old exists and holds another key",
        "no-pair": "There is no key pair nowhere. Create it, or give keypair_reset_public_key",
    }
    assert {host: word for host, word in words.items() if word not in bench.rows[host]["reason"]} == {}
    assert bench.named_in("BatchStopServers") == ["imports"]
    assert bench.server("imports").key_name == "fresh"
    managed_key = bench.emulator.huawei.servers[bench.server("imports").id].managed_key
    assert managed_key
    assert old_public.split()[1] not in managed_key


def test_module_runs_do_not_grow_with_the_fleet(benches: Benches) -> None:
    runs: dict[int, dict[str, int]] = {}
    for count in (2, 8):
        bench = benches(count, fleet=False)
        hosts = {
            name: {**variables, "keypair_reset_keypair_name": "new" if number % 2 else "other"}
            for number, (name, variables) in enumerate(bench.hosts.items())
        }
        public = bench.emulator.key_path("new").with_suffix(".pub").read_text()
        # Without lines each wait is one run of its module.
        variables = {"keypair_reset_progress": 0, "keypair_reset_public_key": public}
        program = bench.role(variables, "-vvv", hosts=hosts).wait()
        assert program.process.returncode == 0, program.output
        found = MODULES.findall(program.output)
        runs[count] = {module: found.count(module) for module in sorted(set(found))}
        requests = bench.requests()
        # One request for each of the two groups, whatever their size; KPS alone takes one a server.
        assert {name: requests[name] for name in ("BatchStopServers", "BatchStartServers")} == {
            "BatchStopServers": 2,
            "BatchStartServers": 2,
        }
        assert requests["AssociateKeypair"] == count
        assert {server.key_name for server in bench.emulator.huawei.servers.values()} == {"new", "other"}
    assert runs[2] == runs[8]
    assert runs[2]["hwc_kps_keypair_association"] == 2


def test_the_same_command_finishes_what_was_cut_off(benches: Benches) -> None:
    bench = benches(2)
    # One server is off, and is to stay so; the task of another outlasts the interruption.
    bench.add("server-03", status="SHUTOFF")
    bench.emulator.fail("task_slow", server="server-01", seconds=20)
    journal = bench.directory / "journal"
    journal.mkdir()
    variables = role_variables(bench, keypair_reset_journal_dir=str(journal), keypair_reset_power_after="restore")
    program = bench.role(variables)
    program.until(lambda: program.lines("of 3600 s"))
    program.signal(signal.SIGKILL)
    program.process.wait(30)
    assert "BatchStartServers" not in bench.requests()
    assert [server.status for server in bench.emulator.huawei.servers.values()] == ["SHUTOFF"] * 3
    entries = [entry for path in journal.iterdir() for entry in json.loads(path.read_text())]
    assert {entry["host"]: (entry["was_running"], bool(entry["task_id"])) for entry in entries} == {
        "server-01": (True, True),
        "server-02": (True, True),
        "server-03": (False, True),
    }

    program = bench.role(variables).wait()
    assert program.process.returncode == 0, program.output
    assert bench.named_in("AssociateKeypair") == ["server-01", "server-02", "server-03"]
    assert part(bench.rows, "power", "new_key", "old_key") == {
        "server-01": ("ACTIVE", "accepted", "refused"),
        "server-02": ("ACTIVE", "accepted", "refused"),
        "server-03": ("SHUTOFF", "not verified", "not verified"),
    }
    assert list(journal.iterdir()) == []


def test_the_method_auto_disturbs_least(benches: Benches) -> None:
    bench = benches(0)
    bench.add("has-pair")
    bench.add("has-none", key_name=None, managed_key=None)
    bench.add("off", status="SHUTOFF")
    variables = role_variables(
        bench, keypair_reset_method="auto", keypair_reset_root_password=bench.server("has-none").password
    )
    program = bench.role(variables).wait()
    assert program.process.returncode == 0, program.output
    assert plan(program) == [
        "has-pair replace, verify (it runs and the old private key is at hand: no downtime)",
        "has-none bind, verify (it runs and the password of root is at hand: no downtime)",
        "off reset, start, verify (it is off)",
    ]
    assert part(bench.rows, "method", "result") == {
        "has-pair": ("replace", "replaced"),
        "has-none": ("bind", "bound"),
        "off": ("reset", "reset"),
    }
    assert {host: row for host, row in bench.rows.items() if not row.items() >= GOOD.items()} == {}
    assert "BatchStopServers" not in bench.requests()
    assert bench.named_in("BatchStartServers") == ["off"]


def test_a_canary_that_fails_saves_the_others(benches: Benches) -> None:
    bench = benches(4, fleet=False)
    bench.emulator.fail("task_fails", server="server-01", code="KPS.3025", message="The key cannot be written")
    # Of two, for a batch of which nothing is left ends the play by itself.
    variables = {"keypair_reset_keypair_name": "new", "keypair_reset_canary": 2}
    program = bench.role(variables).wait()
    assert program.process.returncode == 2, program.output
    assert bench.named_in("BatchStopServers") == ["server-01", "server-02"]
    assert part(bench.rows, "result") == {
        "server-01": ("failed",),
        "server-02": ("reset",),
        "server-03": ("refused",),
        "server-04": ("refused",),
    }
    assert "The canary failed (server-01)" in bench.rows["server-04"]["reason"]


def test_too_many_failures_stop_the_batches_that_follow(benches: Benches) -> None:
    bench = benches(5, fleet=False)
    bench.emulator.fail("task_fails", server="server-01", code="KPS.3025", message="The key cannot be written")
    variables = {
        "keypair_reset_keypair_name": "new",
        "keypair_reset_max_failures": "10%",
        "keypair_reset_serial": 2,
        "keypair_reset_clean_failed_tasks": True,
    }
    program = bench.role(variables).wait()
    assert program.process.returncode == 2, program.output
    assert bench.named_in("BatchStopServers") == ["server-01", "server-02"]
    assert "Too many servers have failed: server-01;" in bench.rows["server-03"]["reason"]
    # The record of the task that failed is deleted once it is in the report.
    assert "KPS.3025" in bench.rows["server-01"]["reason"]
    assert [task for task in bench.emulator.huawei.tasks.values() if task.phase == "FAILED"] == []


def test_a_rotation_generates_the_key_keeps_it_and_retires_the_old_pair(benches: Benches) -> None:
    bench = benches(2)
    safe, key = bench.directory / "safe", bench.directory / "fleet.pem"
    store = bench.write(
        "store.yml",
        [{"ansible.builtin.copy": {"src": "{{ keypair_reset_generated_file }}", "dest": str(safe), "mode": "0600"}}],
    )
    variables = role_variables(
        bench,
        keypair_reset_keypair_name="fleet",
        keypair_reset_private_key_file=str(key),
        keypair_reset_store_tasks=str(store),
        keypair_rotate_old_keypair_name="old",
    )
    program = bench.role(variables, playbook="keypair_rotate").wait()
    assert program.process.returncode == 0, program.output
    assert safe.read_text() == key.read_text()
    assert key.stat().st_mode & 0o777 == 0o600
    assert part(bench.rows, "method", "new_key", "old_key") == dict.fromkeys(
        ("server-01", "server-02"), ("replace", "accepted", "refused")
    )
    assert {pair.name for pair in bench.emulator.huawei.keypairs.values()} == {"new", "fleet"}
    assert key.read_text() not in program.output


@pytest.mark.parametrize("place", ["fleet.pem", "fleet.pem.pub"])
def test_another_file_is_never_taken_for_the_generated_key(benches: Benches, place: str) -> None:
    bench = benches(1, fleet=False)
    key = bench.directory / "fleet.pem"
    # While store_tasks store the key, another program writes to the same path.
    planted = bench.emulator.key_path("old" if place == key.name else "old.pub")
    store = bench.write(
        "store.yml",
        [
            {"ansible.builtin.stat": {"path": "{{ keypair_reset_generated_file }}"}, "register": "generated"},
            {"ansible.builtin.assert": {"that": ["generated.stat.mode == '0600'"]}},
            {"ansible.builtin.copy": {"src": str(planted), "dest": str(bench.directory / place), "mode": "0600"}},
        ],
    )
    variables = role_variables(
        bench,
        keypair_reset_keypair_name="fleet",
        keypair_reset_private_key_file=str(key),
        keypair_reset_generate=True,
        keypair_reset_store_tasks=str(store),
    )
    program = bench.role(variables).wait()
    assert program.process.returncode == 2, program.output
    assert (
        f"{bench.directory / place} was created by another program" in program.output
        or "not replacing" in program.output
    )
    assert (bench.directory / place).read_bytes() == planted.read_bytes()
    assert list(bench.directory.glob("fleet.pem.*.new*")) == []
    assert "fleet" not in {pair.name for pair in bench.emulator.huawei.keypairs.values()}
    assert bench.named_in("BatchStopServers") == []


def test_a_key_whose_storing_fails_is_not_left_behind(benches: Benches) -> None:
    bench = benches(1)
    key = bench.directory / "fleet.pem"
    # What an older run, or another program, left beside it is not taken for the key.
    leftover = key.with_name("fleet.pem.new")
    leftover.write_bytes(bench.emulator.key_path("old").read_bytes())
    store = bench.write("store.yml", [{"ansible.builtin.fail": {"msg": "The safe is closed."}}])
    variables = role_variables(
        bench,
        keypair_reset_keypair_name="fleet",
        keypair_reset_private_key_file=str(key),
        keypair_reset_generate=True,
        keypair_reset_store_tasks=str(store),
    )
    program = bench.role(variables).wait()
    assert program.process.returncode == 2, program.output
    assert "The safe is closed." in program.output
    assert sorted(path.name for path in bench.directory.glob("fleet.pem*")) == ["fleet.pem.new"]
    variables["keypair_reset_store_tasks"] = ""
    program = bench.role(variables).wait()
    assert program.process.returncode == 0, program.output
    assert key.read_bytes() != leftover.read_bytes()
    assert sorted(path.name for path in bench.directory.glob("fleet.pem*")) == [
        "fleet.pem",
        "fleet.pem.new",
        "fleet.pem.pub",
    ]


def test_unbinding_leaves_no_key(benches: Benches) -> None:
    bench = benches(2)
    variables = {"keypair_reset_old_private_key_file": str(bench.emulator.key_path("old"))}
    program = bench.role(variables, playbook="keypair_unbind").wait()
    assert program.process.returncode == 0, program.output
    assert part(bench.rows, "method", "result", "power", "old_key") == dict.fromkeys(
        ("server-01", "server-02"), ("unbind", "unbound", "ACTIVE", "refused")
    )
    assert {server.key_name for server in bench.emulator.huawei.servers.values()} == {None}
