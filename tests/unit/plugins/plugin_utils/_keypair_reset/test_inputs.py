# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the role's variables: every way to write a value, and the sentence about each that cannot be used."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.inputs import (
    OPTIONS,
    Host,
    Inputs,
    check_controller,
    nearest,
    parse_inputs,
    unknown,
)

ROLE = Path(__file__).resolve().parents[5] / "roles" / "keypair_reset"
GOOD = {"server_id": "id-web", "keypair_name": "new"}


def given(**more: t.Any) -> dict[str, t.Any]:
    """Return the variables of a host that nothing is wrong with, and more, without their prefix."""
    return {f"keypair_reset_{name}": value for name, value in {**GOOD, **more}.items()}


def host(name: str = "web", **more: t.Any) -> Host:
    """Return a host with variables."""
    return Host(name, given(**more), {})


def desired(**more: t.Any) -> dict[str, t.Any]:
    """Return the desired state of one host."""
    return parse_inputs([host(**more)]).desired_states[0]


def problems(**more: t.Any) -> str:
    """Return the problems of one host."""
    return " ".join(desired(**more)["problems"])


# The documentation


def documented() -> dict[str, dict[str, t.Any]]:
    """Return the options of the role as ``ansible-doc`` shows them."""
    text = (ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    options: dict[str, dict[str, t.Any]] = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return options


def test_every_variable_is_documented_with_its_default() -> None:
    defaults = {name: option.get("default") for name, option in documented().items()}
    # Where nothing stands for "not set", the documentation has no default.
    assert defaults == {name: None if option.default == "" else option.default for name, option in OPTIONS.items()}
    own = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    assert own == {name: value for name, value in defaults.items() if value is not None}


def test_the_validation_of_ansible_accepts_every_value() -> None:
    # It would fail the host before the role can tell what is wrong, with the whole specification in the message.
    for name, option in documented().items():
        assert option["type"] in ("str", "path", "raw"), name
        assert not {"required", "choices"} & set(option), name


# What may be given


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("empty", ["", "  ", None])
def test_empty_text_means_that_nothing_was_given(name: str, empty: str | None) -> None:
    without = {key: value for key, value in given().items() if key != name}
    inputs = parse_inputs([Host("web", {**without, name: empty}, {})])
    assert inputs == parse_inputs([Host("web", without, {})])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("keypair_name", 2027, "2027"),
        ("keypair_name", datetime.date(2027, 1, 2), "2027-01-02"),
        ("server_id", 12345678, "12345678"),
        ("server_id", " id-web ", "id-web"),
        ("force", "yes", True),
        ("force", " True ", True),
        ("force", 1, True),
        ("force", "no", False),
        ("force", "0", False),
        ("generate", "off", False),
        ("clean_failed_tasks", "true", True),
        ("method", " auto ", "auto"),
        ("region", "cn-north-4", "cn-north-4"),
        ("public_key", "ssh-rsa AAAA comment\n", "ssh-rsa AAAA comment"),
    ],
)
def test_what_a_server_may_be_told(name: str, value: t.Any, expected: t.Any) -> None:
    found = desired(**{name: value})
    assert (found[name], found["problems"]) == (expected, [])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("timeout", "600", 600.0),
        ("timeout", " 1.5 ", 1.5),
        ("progress", 0, 0.0),
        ("canary", "2", 2),
        ("canary", 2.0, 2),
        ("max_failures", 3, "3"),
        ("max_failures", "10%", "10%"),
        ("max_failures", "2.5%", "2.5%"),
        ("max_failures", "0", "0"),
        ("journal_dir", "/var/lib/journal", "/var/lib/journal"),
    ],
)
def test_values_of_the_settings_are_converted(name: str, value: t.Any, expected: t.Any) -> None:
    inputs = parse_inputs([host(**{name: value})])
    assert (inputs.settings[name], inputs.desired_states[0]["problems"]) == (expected, [])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("server_id", "..", "keypair_reset_server_id: '..' is not a valid id."),
        ("server_id", "a/b", "keypair_reset_server_id: 'a/b' is not a valid id."),
        ("server_id", ["a"], "keypair_reset_server_id must be text, not a list. Put the value in quotes."),
        ("keypair_name", "a.b", "keypair_reset_keypair_name: 'a.b' is not a valid name of a key pair."),
        ("keypair_name", True, "keypair_reset_keypair_name must be text, not a boolean. Put the value in quotes."),
        (
            "method",
            "restet",
            "keypair_reset_method must be one of auto, reset, replace, bind, not 'restet'. Did you mean reset?",
        ),
        ("method", "x", "keypair_reset_method must be one of auto, reset, replace, bind, not 'x'."),
        ("state", "gone", "keypair_reset_state must be one of present, absent, not 'gone'."),
        ("stop_type", "Hard", "keypair_reset_stop_type must be one of soft, hard, not 'Hard'. Did you mean hard?"),
        ("power_after", "on", "keypair_reset_power_after must be one of running, restore, not 'on'."),
        ("force", "perhaps", "keypair_reset_force must be true or false, not 'perhaps'."),
        ("force", [True], "keypair_reset_force must be true or false, not '[True]'."),
        ("timeout", "long", "keypair_reset_timeout must be a number of at least 0, not 'long'."),
        ("timeout", -1, "keypair_reset_timeout must be a number of at least 0, not -1."),
        ("power_timeout", "nan", "keypair_reset_power_timeout must be a number of at least 0, not 'nan'."),
        ("boot_timeout", "inf", "keypair_reset_boot_timeout must be a number of at least 0, not 'inf'."),
        ("progress", True, "keypair_reset_progress must be a number of at least 0, not True."),
        ("parallel_jobs", "0", "keypair_reset_parallel_jobs must be at least 1 (the job itself), not '0'."),
        ("parallel_jobs", 2.5, "keypair_reset_parallel_jobs must be a whole number, not 2.5."),
        ("canary", "two", "keypair_reset_canary must be a number of at least 0, not 'two'."),
        ("canary", 1.5, "keypair_reset_canary must be a whole number, not 1.5."),
        (
            "max_failures",
            "many",
            "keypair_reset_max_failures must be a number of servers, or a share of them such as 10%, not 'many'.",
        ),
        (
            "max_failures",
            "101%",
            "keypair_reset_max_failures must be a number of servers, or a share of them such as 10%, not '101%'.",
        ),
        (
            "max_failures",
            "1.5",
            "keypair_reset_max_failures must be a number of servers, or a share of them such as 10%, not '1.5'.",
        ),
        ("ssh_port", 0, "keypair_reset_ssh_port must be a port from 1 to 65535, not 0."),
        ("ssh_port", "ssh", "keypair_reset_ssh_port must be a number of at least 0, not 'ssh'."),
        ("region", "a b", "keypair_reset_region: 'a b' is not a valid id."),
        (
            "report_dir",
            "reports",
            "keypair_reset_report_dir must be absolute (/...) or below a home directory (~/...), not 'reports'.",
        ),
        (
            "old_private_key_file",
            "./keys/old",
            "keypair_reset_old_private_key_file must be absolute (/...) or below a home directory (~/...), not './keys/old'.",
        ),
        (
            "private_key_file",
            "$HOME/key",
            "keypair_reset_private_key_file must be absolute (/...) or below a home directory (~/...), not '$HOME/key'.",
        ),
        ("method", "a\x1b[31m", "keypair_reset_method must be one of auto, reset, replace, bind, not 'a\\x1b[31m'."),
    ],
)
def test_an_invalid_value_is_reported_for_its_host(name: str, value: t.Any, words: str) -> None:
    found = problems(**{name: value})
    assert found.startswith(words)
    assert "Nothing was sent" not in found
    # It is told once, and not as missing, too.
    assert len(desired(**{name: value})["problems"]) == 1


def test_all_problems_are_reported_at_once() -> None:
    found = parse_inputs(
        [Host("web", {"keypair_reset_method": "x"}, {"keypair_reset_force": "'y' is undefined"})]
    ).desired_states[0]
    assert [sentence.partition(" ")[0] for sentence in found["problems"]] == [
        "keypair_reset_method",
        "keypair_reset_force",
        "keypair_reset_server_id",
        "keypair_reset_keypair_name",
    ]
    assert found["problems"][1] == "keypair_reset_force has no value: 'y' is undefined"


def test_a_condition_that_cannot_be_evaluated_refuses_the_host() -> None:
    assert parse_inputs([Host("web", given(), {"when": "'x' is undefined"})]).desired_states[0]["problems"] == [
        "The condition of the role cannot be evaluated: 'x' is undefined"
    ]


@pytest.mark.parametrize(
    ("ssh", "broken", "expected"),
    [
        (
            {"host": "192.0.2.1", "port": "2222", "user": 1000, "args": ""},
            {},
            {"host": "192.0.2.1", "port": 2222, "user": "1000", "args": ""},
        ),
        (
            {"host": "web", "port": "", "user": None, "args": "-v"},
            {},
            {"host": "web", "port": "", "user": "", "args": "-v"},
        ),
        (
            {"host": "web", "port": "ssh"},
            {},
            {"problem": "ansible_port must be a number of at least 0, not 'ssh'."},
        ),
        ({}, {"ssh": "'bastion' is undefined"}, {"problem": "'bastion' is undefined"}),
    ],
)
def test_connection_settings_are_text_or_a_problem(
    ssh: dict[str, t.Any], broken: dict[str, str], expected: dict[str, t.Any]
) -> None:
    found = parse_inputs([Host("web", given(), broken, ssh=ssh)]).desired_states[0]
    # The keys decide whether it matters: a host without logins needs no connection settings.
    assert (found["ssh"], found["problems"]) == (expected, [])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("server_id", "keypair_reset_server_id is missing: the id of the ECS server that this host is."),
        ("keypair_name", "keypair_reset_keypair_name is missing: the name of the key pair that the server must have."),
    ],
)
def test_a_missing_variable_is_reported(name: str, words: str) -> None:
    assert problems(**{name: ""}) == words


def test_a_key_that_is_to_be_generated_needs_a_place() -> None:
    assert problems(generate="yes") == (
        "keypair_reset_private_key_file is missing: keypair_reset_generate needs the path of the key."
    )


def test_without_a_pair_everything_about_a_new_key_is_ignored() -> None:
    taken_away = {
        "state": "absent",
        "keypair_name": "not a name!",
        "public_key": "x",
        "private_key_file": "relative",
        "generate": "perhaps",
        "store_tasks": "relative",
        "old_private_key_file": "/old",
    }
    inputs = parse_inputs([host(**taken_away)])
    found = inputs.desired_states[0]
    assert found["problems"] == []
    assert (found["keypair_name"], found["public_key"], found["private_key_file"], found["generate"]) == (
        None,
        "",
        "",
        False,
    )
    assert (found["old_private_key_file"], inputs.settings["store_tasks"]) == ("/old", "")
    assert parse_inputs([host(state="absent", keypair_name="")]).desired_states[0]["problems"] == []


def test_a_restored_power_needs_a_journal() -> None:
    assert problems(power_after="restore").startswith(
        "keypair_reset_power_after=restore needs keypair_reset_journal_dir"
    )
    assert problems(power_after="restore", journal_dir="/j") == ""


def test_the_password_of_root_is_apart_from_everything_else() -> None:
    inputs = parse_inputs([host(root_password=" 123 "), host("b", root_password=456), host("c")])
    # Blanks may be part of it.
    assert inputs.passwords == {"web": " 123 ", "b": "456"}
    assert [found["has_root_password"] for found in inputs.desired_states] == [True, True, False]
    assert "123" not in str(inputs.desired_states) + str(inputs.settings)


def test_a_lost_host_has_one_problem_only() -> None:
    found = parse_inputs([Host("web", given(method="x"), {"keypair_reset_force": "?"}, lost=True)]).desired_states[0]
    assert found["problems"] == [
        "It failed or was unreachable before the role began. See the reason above, then run this again."
    ]
    assert (found["host"], found["server_id"], found["lost"]) == ("web", "id-web", True)


# Settings of the run


def test_settings_are_those_of_any_host_and_must_agree() -> None:
    inputs = parse_inputs(
        [host("a"), host("b", journal_dir="/j"), host("c", journal_dir="/k"), host("d", journal_dir="/j")]
    )
    assert inputs.settings["journal_dir"] == "/j"
    assert [found["problems"] for found in inputs.desired_states] == [
        [],
        [],
        ["keypair_reset_journal_dir is '/k' here and '/j' for b; it must be the same for all hosts."],
        [],
    ]


def test_of_times_the_greatest_counts() -> None:
    inputs = parse_inputs(
        [host("a", boot_timeout=100), host("b", boot_timeout="900"), host("c"), host("d", boot_timeout=1)]
    )
    assert inputs.settings["boot_timeout"] == 900
    assert all(found["problems"] == [] for found in inputs.desired_states)
    assert parse_inputs([host()]).settings["boot_timeout"] == 300


def test_settings_of_hosts_that_were_lost_do_not_count() -> None:
    inputs = parse_inputs([Host("a", given(canary=5), {}, lost=True), host("b", canary=1)])
    assert inputs.settings["canary"] == 1


# Unknown variables


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("keypair_reset_metod", "keypair_reset_method"),
        ("keypair_reset_keypair_nam", "keypair_reset_keypair_name"),
        ("keypair_reset_key_pair_name", "keypair_reset_keypair_name"),
        ("keypair_reset_old_key_file", "keypair_reset_old_private_key_file"),
        ("keypair_reset_serials", "keypair_reset_serial"),
        ("keypair_reset_target", "target"),
        ("keypair_rotate_generat", "keypair_rotate_generate"),
        ("keypair_rotate_old_keypair", "keypair_rotate_old_keypair_name"),
        ("keypair_rotate_method", "keypair_reset_method"),
        ("keypair_reset_old_keypair_name", "keypair_rotate_old_keypair_name"),
        ("Keypair_Reset_Method", "keypair_reset_method"),
        ("keypair-reset-method", "keypair_reset_method"),
        ("KEYPAIR_RESET_FORCE", "keypair_reset_force"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_name(name: str, near: str) -> None:
    assert unknown(["ansible_host", name]) == [f"There is no variable {name}. Did you mean {near}?"]
    found = parse_inputs([Host("web", given(), {}, names=[*given(), name])]).desired_states[0]
    assert found["problems"] == unknown([name])


def test_a_name_without_a_near_match_leads_to_the_documentation() -> None:
    assert nearest("keypair_reset_zzz") is None
    assert unknown(["keypair_reset_zzz"]) == [
        "There is no variable keypair_reset_zzz. ansible-doc -t role multicloud.async_tasks.keypair_reset lists them."
    ]


@pytest.mark.parametrize(
    "name",
    [
        *OPTIONS,
        *("keypair_reset_serial", "keypair_rotate_generate", "keypair_rotate_old_keypair_name"),
        # What the jobs before this one have handed to the workflow.
        *("keypair_reset_total", "keypair_reset_failed_hosts", "keypair_reset_check_mode", "keypair_reset_job_71"),
        # The role's own, and those of others.
        *("__keypair_reset_records", "target", "keypair", "my_keypair_reset_method"),
    ],
)
def test_known_variables_are_accepted(name: str) -> None:
    assert unknown([name]) == []


# The controller


class FakeController:
    """A controller of a test.

    Args:
        files: What exists.
        closed: Directories that nothing can be written to, and why.
        programs: What is installed.
    """

    def __init__(
        self,
        files: t.Collection[str] = (),
        closed: t.Mapping[str, str] | None = None,
        programs: t.Collection[str] = ("ssh", "ssh-keygen"),
    ) -> None:
        self._files = files
        self._closed = closed or {}
        self._programs = programs

    def expand(self, path: str) -> str:
        return path.replace("~", "/home/me", 1) if path.startswith("~") else path

    def exists(self, path: str) -> bool:
        return path in self._files

    def obstacle(self, directory: str) -> str | None:
        return self._closed.get(directory)

    def has_program(self, name: str) -> bool:
        return name in self._programs


def checked(controller: FakeController, *hosts: Host, in_awx: bool = False) -> Inputs:
    """Return the inputs of hosts, checked against the controller."""
    inputs = parse_inputs(hosts)
    check_controller(inputs, controller, in_awx=in_awx)
    return inputs


def lacks(controller: FakeController, **more: t.Any) -> list[str]:
    """Return the problems of one host that the controller causes."""
    found: list[str] = checked(controller, host(**more)).desired_states[0]["problems"]
    return found


def lacks_in_awx(controller: FakeController, **more: t.Any) -> list[str]:
    """Return the problems of one host in a job of AWX."""
    found: list[str] = checked(controller, host(**more), in_awx=True).desired_states[0]["problems"]
    return found


@pytest.mark.parametrize("name", ["report_dir", "journal_dir"])
def test_a_directory_that_cannot_be_written_to_refuses_all_hosts(name: str) -> None:
    controller = FakeController(closed={"/home/me/r": "it does not exist"})
    inputs = checked(controller, host("a", **{name: "~/r"}), host("b"), Host("gone", {}, {}, lost=True))
    words = f"keypair_reset_{name}: no file can be written to /home/me/r: it does not exist."
    assert [found["problems"] for found in inputs.desired_states[:2]] == [[words], [words]]
    assert words not in inputs.desired_states[2]["problems"]
    assert lacks(FakeController(), **{name: "~/r"}) == []


def test_paths_are_expanded() -> None:
    controller = FakeController(files=["/home/me/store.yml"])
    given_paths = {"private_key_file": "~/new", "old_private_key_file": "~/old", "store_tasks": "~/store.yml"}
    inputs = checked(controller, host(**given_paths, journal_dir="~"))
    found = inputs.desired_states[0]
    assert (found["private_key_file"], found["old_private_key_file"]) == ("/home/me/new", "/home/me/old")
    assert (inputs.settings["store_tasks"], inputs.settings["journal_dir"]) == ("/home/me/store.yml", "/home/me")
    assert found["problems"] == []


def test_tasks_that_store_keys_must_be_there() -> None:
    assert lacks(FakeController(), store_tasks="/s.yml") == ["keypair_reset_store_tasks: there is no file /s.yml."]


@pytest.mark.parametrize(
    ("programs", "words"),
    [
        (["ssh"], "ssh-keygen was not found on the controller. The verification of the keys needs it."),
        (["ssh-keygen"], "ssh was not found on the controller. The verification of the keys needs it."),
        ([], "ssh and ssh-keygen were not found on the controller. The verification of the keys needs them."),
    ],
)
def test_a_missing_program_is_reported(programs: list[str], words: str) -> None:
    controller = FakeController(programs=programs)
    for key in ("private_key_file", "old_private_key_file"):
        (found,) = lacks(controller, **{key: "/k"})
        assert found.startswith(words)
        assert "openssh-client" in found
    # Without keys nothing is verified, and no program is missing.
    assert lacks(controller) == []


def test_a_key_is_generated_in_awx_only_where_it_is_stored() -> None:
    wanted = {"generate": True, "private_key_file": "/k/new"}
    assert lacks_in_awx(FakeController(), **wanted) == [
        "keypair_reset_generate needs keypair_reset_store_tasks in AWX, which deletes the files of a job, "
        "including /k/new, when it ends."
    ]
    assert lacks(FakeController(), **wanted) == []
    # One that exists is used as it is.
    assert lacks_in_awx(FakeController(files=["/k/new"]), **wanted) == []
    assert lacks_in_awx(FakeController(files=["/s.yml"]), store_tasks="/s.yml", **wanted) == []


def test_a_key_is_not_generated_beside_the_public_half_of_another() -> None:
    wanted = {"generate": True, "private_key_file": "/k/new"}
    (problem,) = lacks(FakeController(files=["/k/new.pub"]), **wanted)
    assert problem.startswith("keypair_reset_generate: /k/new.pub exists without /k/new.")
    assert lacks(FakeController(files=["/k/new", "/k/new.pub"]), **wanted) == []
    assert lacks(FakeController(files=["/k/new.pub"]), private_key_file="/k/new") == [], "it is not generated"


def test_a_key_is_generated_where_files_can_be_made() -> None:
    controller = FakeController(closed={"/k": "Permission denied"})
    wanted = {"generate": True, "private_key_file": "/k/new"}
    assert lacks(controller, **wanted) == ["keypair_reset_generate: no file can be written to /k: Permission denied."]
    assert lacks(FakeController(closed={"/": "Read-only file system"}), generate=True, private_key_file="/new") == [
        "keypair_reset_generate: no file can be written to /: Read-only file system."
    ]
