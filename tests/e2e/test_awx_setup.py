# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx_setup with the real awx.awx, against a stub of AWX's REST API that has AWX's rules."""

from __future__ import annotations

import json
import os
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset import inputs
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import COLLECTIONS

from .awx import TYPES, CredentialType, offered_playbooks
from .awx_api import PASSWORD, USER, Awx, AwxError, Body
from .running import Program

ROOT = TYPES.parents[2]
#: The directory in which the session has put awx.awx.
AWX_COLLECTIONS = os.environ["AWX_COLLECTIONS"]
TEMPLATES = ("job_templates", "workflow_job_templates")
MADE = {
    "credential_types": {"Huawei Cloud", "Alibaba Cloud", "SSH key pair"},
    "execution_environments": {"execution environment"},
    "projects": {"project"},
    "inventories": {"servers"},
    "job_templates": {
        *("key pair plan", "key pair reset", "key pair replacement", "key pair rotation", "key pair removal"),
    },
    "workflow_job_templates": {"key pair reset with approval"},
    "workflow_approval_templates": {"approval of the plan"},
    "schedules": {"schedule of the plan"},
}
#: A setup that makes one object at least of each kind.
WHOLE: dict[str, t.Any] = {
    "awx_setup_image": "registry.example.org/async-tasks-ee:1",
    "awx_setup_keypair_name": "fleet-2027",
    "awx_setup_schedule": "DTSTART:20270101T020000Z RRULE:FREQ=WEEKLY;INTERVAL=1",
    "awx_setup_servers": {"web-1": "id-1"},
}

#: Python, with the code of all modules loaded: a module is an archive of sources, which Python would compile each time.
PYTHON = f"""#!{sys.executable}
import sys
sys.path.append({AWX_COLLECTIONS!r})
import ansible_collections.awx.awx.plugins.module_utils.controller_api
sys.argv = ["-"]
exec(compile(sys.stdin.read(), "module", "exec"), {{"__name__": "__main__"}})
"""


class Setup:
    """AWX, and runs of the playbook for it.

    Args:
        awx: The stub.
        directory: Where the playbook runs.
    """

    def __init__(self, awx: Awx, directory: Path) -> None:
        self.awx, self._directory = awx, directory
        self._python = directory / "python"
        self._python.write_text(PYTHON)
        self._python.chmod(0o755)

    def run(
        self,
        variables: t.Mapping[str, t.Any],
        *options: str,
        collections: t.Sequence[str] = (AWX_COLLECTIONS, str(COLLECTIONS)),
        **environment: str,
    ) -> Program:
        """Run the playbook with extra variables to its end; what it sent before is forgotten."""
        self.awx.requests.clear()
        file = self._directory / "variables.json"
        file.write_text(json.dumps(variables))
        # No inventory, as on a developer's machine.
        playbook = (
            "multicloud.async_tasks.awx_setup",
            "-e",
            f"@{file}",
            "-e",
            f"ansible_python_interpreter={self._python}",
        )
        command = [str(Path(sys.executable).with_name("ansible-playbook")), *playbook, *options]
        base = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self._directory),
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(collections),
            "ANSIBLE_NOCOWS": "1",
            "ANSIBLE_PIPELINING": "1",
            # A thousand looks a second at a module that runs for one are half of the work.
            "ANSIBLE_INTERNAL_POLL_INTERVAL": "0.02",
            **self.awx.environment,
        }
        return Program(command, {**base, **environment}, self._directory).wait()

    def changed(self, program: Program) -> int:
        """Return how many tasks of a run that succeeded have changed something."""
        assert program.process.returncode == 0, f"{program.output}\n{program.errors}"
        return program.recap["localhost"]["changed"]


@pytest.fixture
def setup(checkout: Path, tmp_path: Path) -> t.Iterator[Setup]:
    """Start an AWX with nothing in it but an organization."""
    with Awx(offered_playbooks(checkout)) as awx:
        yield Setup(awx, tmp_path)


def names(awx: Awx, endpoint: str) -> set[str]:
    """Return the names of all objects of an endpoint, without the prefix."""
    return {name.removeprefix("multicloud ") for name in awx.named(endpoint)}


def nodes(awx: Awx) -> dict[str, tuple[str, dict[str, list[str]]]]:
    """Return what each node of the workflow runs, and which nodes follow on success and on failure."""
    found = awx.named("workflow_job_template_nodes")
    by_id = {node["id"]: name for name, node in found.items()}
    templates = {
        number: item["name"].removeprefix("multicloud ")
        for endpoint in ("job_templates", "workflow_approval_templates")
        for number, item in awx.objects[endpoint].items()
    }
    return {
        name: (
            templates[node["unified_job_template"]],
            {way: [by_id[one] for one in node[f"{way}_nodes"]] for way in ("success", "failure", "always")},
        )
        for name, node in found.items()
    }


def test_a_setup_is_made_once_and_removed(setup: Setup) -> None:
    awx = setup.awx
    assert setup.changed(setup.run(WHOLE)) > 0
    assert {endpoint: names(awx, endpoint) for endpoint in MADE} == MADE
    assert awx.unknown == set()
    hosts = {name: json.loads(host["variables"]) for name, host in awx.named("hosts").items()}
    assert hosts == {"web-1": {"keypair_reset_server_id": "id-1"}}
    nothing: dict[str, list[str]] = {"success": [], "failure": [], "always": []}
    assert nodes(awx) == {
        "plan": ("key pair plan", {**nothing, "success": ["approval"]}),
        "approval": ("approval of the plan", {**nothing, "success": ["reset"]}),
        "reset": ("key pair reset", {**nothing, "failure": ["resume"]}),
        "resume": ("key pair reset", nothing),
    }
    plan = awx.named("job_templates")["multicloud key pair plan"]
    assert (plan["job_type"], plan["playbook"]) == ("check", "playbooks/keypair_reset.yml")
    assert awx.named("job_templates")["multicloud key pair reset"]["job_type"] == "run"
    (schedule,) = awx.objects["schedules"].values()
    assert schedule["unified_job_template"] == plan["id"]

    # The same again, with numbers as text and empty text for what is not given, as surveys give them.
    as_survey = {**WHOLE, "awx_setup_slices": "1", "awx_setup_job_timeout": " 14400", "awx_setup_organization": ""}
    assert setup.changed(setup.run(as_survey)) == 0
    assert awx.writes == []

    assert setup.changed(setup.run({"awx_setup_state": "absent"})) > 0
    assert {endpoint: names(awx, endpoint) for endpoint in (*MADE, "hosts") if awx.objects[endpoint]} == {}
    assert awx.surveys == {}
    assert set(awx.named("organizations")) == {"Default"}


@pytest.mark.slow
def test_a_credential_must_exist_and_keeps_its_type(setup: Setup) -> None:
    awx = setup.awx
    early = setup.run({"awx_setup_credentials": "mine\n"})
    assert early.process.returncode != 0
    assert "There is no credential mine in AWX" in " ".join(early.output.split())
    assert {endpoint for endpoint in MADE if awx.objects[endpoint]} == {"credential_types"}
    kind = awx.named("credential_types")["multicloud Huawei Cloud"]
    awx.add("credentials", name="mine", credential_type=kind["id"], organization=1)
    removed = setup.run({"awx_setup_state": "absent"})
    assert setup.changed(removed) == 1
    assert names(awx, "credential_types") == {"Huawei Cloud"}
    assert "which are kept: multicloud Huawei Cloud" in " ".join(removed.output.split())


def test_a_check_writes_nothing_and_names_what_it_cannot_look_up(setup: Setup) -> None:
    token = {"CONTROLLER_OAUTH_TOKEN": "", "CONTROLLER_USERNAME": USER, "CONTROLLER_PASSWORD": PASSWORD}
    program = setup.run({"awx_setup_credential_types": "no"}, "--check", **token)
    # The project and the inventory.
    assert setup.changed(program) == 2
    assert setup.awx.writes == []
    output = " ".join(program.output.split())
    assert "A run would also create multicloud key pair reset, multicloud key pair plan," in output
    assert PASSWORD not in program.output + program.errors


def test_without_the_collection_awx_awx_a_run_says_how_to_get_it(setup: Setup) -> None:
    program = setup.run({}, collections=[str(COLLECTIONS)])
    assert program.process.returncode != 0
    output = " ".join(program.output.split())
    assert (
        "The collection awx.awx is not installed. Install it with ansible-galaxy collection install awx.awx" in output
    )
    assert setup.awx.requests == []


def test_an_awx_that_does_not_answer_is_told_from_a_missing_organization(setup: Setup) -> None:
    refused = setup.run({}, CONTROLLER_OAUTH_TOKEN="wrong")
    output = " ".join(refused.output.split())
    assert "The request to AWX failed: " in output
    assert "Set CONTROLLER_HOST to its address and CONTROLLER_OAUTH_TOKEN to a token" in output
    unknown = setup.run({"awx_setup_organization": "Nobody"})
    assert "There is no organization Nobody in AWX" in " ".join(unknown.output.split())
    assert refused.process.returncode != 0
    assert unknown.process.returncode != 0
    assert setup.awx.writes == []


#: Values that are out of bounds, and a part of what is said about each.
BAD: dict[str, tuple[t.Any, str]] = {
    "awx_setup_stat": ("absent", "There is no variable awx_setup_stat."),
    "awx_setup_state": ("gone", "awx_setup_state must be present or absent, and is gone."),
    "awx_setup_organization": (
        "17",
        "awx_setup_organization must be the name of an organization, not an id, and is 17.",
    ),
    "awx_setup_prefix": ("1st", "and is 1st."),
    "awx_setup_credential_types": ("maybe", "awx_setup_credential_types must be true or false, and is maybe."),
    "awx_setup_credentials": (["a++b"], "awx_setup_credentials must be at most 10 names"),
    "awx_setup_image": ("an image", "and is an image."),
    "awx_setup_project_url": ("file:///etc", "and is file:///etc."),
    "awx_setup_project_branch": ("a b", "and is a b."),
    "awx_setup_inventory": ("5", "awx_setup_inventory must be the name of an inventory, not an id, and is 5."),
    "awx_setup_servers": ({"web-1": ""}, "keypair_reset_server_id, and has none for web-1."),
    "awx_setup_keypair_name": ("a/b", "and is a/b."),
    "awx_setup_slices": ("0", "awx_setup_slices must be a whole number from 1 to 1000, and is 0."),
    "awx_setup_job_timeout": ("1e9", "must be a whole number of seconds from 600 to 604800, and is 1e9."),
    "awx_setup_approval_timeout": (59, "must be a whole number of seconds from 60 to 2592000, and is 59."),
    "awx_setup_schedule": ("RRULE:FREQ=DAILY", "is RRULE:FREQ=DAILY."),
    "awx_setup_schedule_runs": ("reset", "awx_setup_schedule_runs must be plan or workflow, and is reset."),
    "awx_setup_extra_vars": ({"ansible_user": "root"}, "that begin with keypair_reset_ or keypair_rotate_."),
}
NEEDS = "awx_setup_schedule needs awx_setup_keypair_name"


def test_every_value_out_of_bounds_is_named_and_nothing_is_sent(setup: Setup) -> None:
    program = setup.run({name: value for name, (value, _said) in BAD.items()})
    assert program.process.returncode != 0
    output = " ".join(program.output.split())
    assert [name for name, (_value, said) in BAD.items() if said not in output] == []
    assert "Nothing was changed." in output
    assert setup.awx.requests == []
    program = setup.run({"awx_setup_schedule": WHOLE["awx_setup_schedule"], "awx_setup_slices": None})
    output = " ".join(program.output.split())
    assert NEEDS in output
    assert "awx_setup_slices must be a whole number from 1 to 1000, and is " in output
    assert "awx_setup_state" not in output


def test_the_playbook_describes_exactly_the_variables_that_it_knows() -> None:
    head = (ROOT / "playbooks" / "awx_setup.yml").read_text().partition("\n- name")[0]
    described = {line.split()[1] for line in head.splitlines() if line.startswith("#   awx_setup_")}
    (check, *_others) = yaml.safe_load((ROOT / "playbooks" / "tasks" / "awx_setup_check.yml").read_text())
    # The folder of the files is for infra.aap_configuration, whose playbook lies elsewhere.
    assert described == set(check["vars"]["__awx_setup_known"]) - {"awx_setup_files"}
    # A name that only AWX can check has no bounds.
    assert set(BAD) - {"awx_setup_stat"} == described - {"awx_setup_project_credential"}


# --- What is made, as data


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Body:
    """Return what infra.aap_configuration is given, every template filled in."""
    directory = tmp_path_factory.mktemp("data")
    kinds = ["credential_types", "execution_environments", "projects", "inventories", "hosts", "templates"]
    shown = ", ".join(f"'{kind}': controller_{kind}" for kind in [*kinds, "workflows", "schedules"])
    files = ROOT / "extensions" / "awx"
    servers = {**WHOLE["awx_setup_servers"], "web-2": {"keypair_reset_server_id": "id-2", "ansible_host": "192.0.2.2"}}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(files / "aap_configuration.yml")],
        "vars": {
            "awx_setup_files": str(files),
            "ansible_python_interpreter": sys.executable,
            **WHOLE,
            "awx_setup_servers": servers,
        },
        "tasks": [
            {"ansible.builtin.copy": {"content": f"{{{{ {{ {shown} }} | to_json }}}}", "dest": str(directory / "made")}}
        ],
    }
    playbook = directory / "playbook.json"
    playbook.write_text(json.dumps([play]))
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), "LC_ALL": "C.UTF-8"}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(playbook)]
    program = Program(command, environment, directory).wait()
    assert program.process.returncode == 0, f"{program.output}\n{program.errors}"
    found: Body = json.loads((directory / "made").read_text())
    return found


def test_credential_types_reach_awx_as_they_are_in_the_files(made: Body) -> None:
    found = {kind["name"]: (kind["kind"], kind["inputs"], kind["injectors"]) for kind in made["credential_types"]}
    read = {
        name: CredentialType.read(TYPES / folder)
        for name, folder in (
            ("multicloud Huawei Cloud", "huawei_cloud"),
            ("multicloud Alibaba Cloud", "alibaba_cloud"),
            ("multicloud SSH key pair", "ssh_key_pair"),
        )
    }
    assert found == {name: ("cloud", kind.inputs, kind.injectors) for name, kind in read.items()}
    assert {path.name for path in TYPES.iterdir()} == {kind.name for kind in read.values()}


def test_job_templates_cover_every_playbook_of_the_role(made: Body, checkout: Path) -> None:
    playbooks = {template["playbook"] for template in made["templates"]}
    assert playbooks | {"playbooks/awx_setup.yml"} == set(offered_playbooks(checkout))


def test_the_default_project_is_the_repository_of_the_collection(made: Body) -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert made["projects"][0]["scm_url"] == galaxy["repository"]


def test_servers_are_given_by_id_or_by_variables(made: Body) -> None:
    assert {host["name"]: host["variables"] for host in made["hosts"]} == {
        "web-1": {"keypair_reset_server_id": "id-1"},
        "web-2": {"keypair_reset_server_id": "id-2", "ansible_host": "192.0.2.2"},
    }


def questions(made: Body) -> dict[str, Body]:
    """Return all questions of all surveys, by variable."""
    specs = [item["survey_spec"]["spec"] for item in (*made["templates"], *made["workflows"])]
    return {question["variable"]: question for spec in specs for question in spec}


def test_surveys_ask_all_questions_that_there_are(made: Body) -> None:
    asked = yaml.safe_load((ROOT / "extensions" / "awx" / "questions.yml").read_text())
    assert set(questions(made)) == set(asked)
    assert [name for name, question in asked.items() if question["variable"] != name] == []


def test_surveys_have_the_bounds_and_defaults_of_the_role(made: Body) -> None:
    defaults = yaml.safe_load((ROOT / "roles" / "keypair_reset" / "defaults" / "main.yml").read_text())
    specs = yaml.safe_load((ROOT / "roles" / "keypair_reset" / "meta" / "argument_specs.yml").read_text())
    documented = specs["argument_specs"]["main"]["options"]
    for name, question in questions(made).items():
        assert name in (*inputs.OPTIONS, *inputs.OTHERS)
        if name not in inputs.OPTIONS:
            continue
        assert (question["type"] == "password") == documented[name].get("no_log", False)
        parse = inputs.OPTIONS[name].parse
        if question["type"] == "multiplechoice":
            # All that the role takes, which is what it says when it is given something else.
            assert_rejected(name, "something else")
            for choice in question["choices"]:
                parse(name, choice)
            assert set(question["choices"]) == choices_of(name)
        if question["type"] == "integer":
            assert parse(name, str(question["min"])) == question["min"]
            assert_rejected(name, question["min"] - 1)
            assert parse(name, question["max"]) == question["max"]
        if name in defaults:
            assert parse(name, question["default"]) == parse(name, defaults[name])


def assert_rejected(name: str, value: t.Any) -> None:
    """Check that the role does not take a value."""
    with pytest.raises(UsageError):
        inputs.OPTIONS[name].parse(name, value)


def choices_of(name: str) -> set[str]:
    """Return the words that the role takes for a variable, from what it says about another one."""
    with pytest.raises(UsageError) as caught:
        inputs.OPTIONS[name].parse(name, "?")
    said = str(caught.value).partition(" must be ")[2].partition(", not ")[0]
    return set(said.removeprefix("one of ").replace(" or ", ", ").split(", "))


@pytest.mark.parametrize("variable", ["keypair_reset_serial", "keypair_reset_max_failures", "keypair_reset_public_key"])
def test_a_question_that_may_stay_empty_has_the_empty_answer(made: Body, variable: str) -> None:
    question = questions(made)[variable]
    assert (question["required"], question["default"], question["min"]) == (False, "", 0)


def test_a_question_with_choices_or_a_number_cannot_stay_empty(made: Body) -> None:
    # AWX rejects the empty answer to these.
    closed = [one for one in questions(made).values() if one["type"] in ("multiplechoice", "integer")]
    assert len(closed) > 5
    assert [one["variable"] for one in closed if not one["required"] or one.get("default", "") == ""] == []


# --- The stub itself: what AWX rejects, so that the tests above would notice it


def test_the_stub_has_the_rules_of_awx() -> None:
    with Awx(["playbooks/x.yml"]) as awx:
        project = awx.add("projects", name="p", scm_type="git", scm_url="https://example.org/x", organization=1)
        inventory = awx.add("inventories", name="i", organization=1)
        template = {"name": "t", "project": project["id"], "inventory": inventory["id"], "playbook": "playbooks/x.yml"}
        made = ("job_templates", template)
        question = {"type": "integer", "question_name": "n", "variable": "v", "required": True, "default": "5"}
        rejected: list[tuple[str, str, Body, str]] = [
            ("POST", made[0], {**template, "project": 99}, "object does not exist"),
            ("POST", *made, "Playbook not found for project."),
            ("POST", "inventories", {"name": None, "organization": 1}, "may not be blank"),
            ("POST", "inventories", {"name": "j", "organization": None}, "may not be null"),
            ("POST", "inventories", {"name": "i", "organization": 1}, "already exists"),
            ("POST", "credential_types", {"name": "k", "kind": "ssh"}, "not a valid choice"),
            ("POST", "credential_types", {"name": "k", "kind": "cloud", "inputs": {"metadata": []}}, "not a key"),
            ("POST", "projects", {"name": "q", "scm_type": "git"}, "SCM URL is required."),
            ("POST", "hosts", {"name": "h"}, "This field is required."),
            ("POST", "schedules", {"name": "s", "unified_job_template": project["id"], "rrule": "DAILY"}, "DTSTART"),
        ]
        for method, path, body, message in rejected:
            with pytest.raises(AwxError, match=message):
                awx.answer(method, path, {}, body)
        # After a wait for the project, its playbooks are known.
        awx.answer("GET", f"project_updates/{project['current_update']}", {}, {})
        item = awx.answer("POST", *made[:1], {}, made[1])[1] or {}
        assert item["organization"] == 1
        with pytest.raises(AwxError, match="the default is not of the type integer"):
            awx.answer(
                "POST",
                f"job_templates/{item['id']}/survey_spec",
                {},
                {"name": "", "description": "", "spec": [question]},
            )
