# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of README.md, of the role's README and of the guides: every plugin has one, and they are right.

Playbooks pass Ansible's syntax check, options and variables exist, commands name what there is, and commands, playbooks
and tasks run against the emulator as they are printed.
"""

from __future__ import annotations

import dataclasses
import getpass
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import typing as t
import urllib.request
from pathlib import Path

import pytest
import yaml
from ansible.parsing.splitter import parse_kv
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.multicloud.async_tasks.plugins.module_utils._services.registry import SERVICES
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.rule import SWITCH
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.reporting import stats
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import COLLECTIONS
from emulator import Emulator
from emulator.state import write_state

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "multicloud.async_tasks."
README = ROOT / "README.md"
GUIDES = ROOT / "docs" / "docsite" / "rst"
#: What only the role calls.
PARTS_OF_THE_ROLE = {"keypair_reset_inputs", "keypair_reset_journal", "keypair_reset_report"}
LANDING = ROOT / "docs" / "sphinx" / "landing.rst"
DOCUMENTS = (README, *sorted(ROOT.glob("roles/*/README.md")), LANDING, *sorted(GUIDES.glob("*.rst")))
#: Programs of others that the documentation calls; what they are given is not looked at.
FOREIGN = {
    *("ansible-builder", "ansible-galaxy", "ansible-navigator", "ansible-rulebook"),
    *("export", "pip", "python", "source", "ssh-keygen"),
}
#: The collection that talks to AWX, which the end-to-end tests of its guide have, and what it reads of the environment.
AWX = "awx.awx."
READ_BY_AWX = {"CONTROLLER_HOST", "CONTROLLER_OAUTH_TOKEN"}
#: Words of Ansible about a task; everything else in one is its action.
KEYWORDS = {
    *("name", "when", "loop", "loop_control", "register", "vars", "no_log", "become", "delegate_to", "run_once"),
    *("changed_when", "failed_when", "check_mode", "ignore_errors", "environment", "until", "retries", "delay"),
    *("async", "poll", "tags", "notify", "args", "module_defaults"),
}
BLOCKS = ("block", "rescue", "always")

Json = t.Any


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of code in a document.

    Attributes:
        document: The document.
        line: Where it begins.
        language: What it is said to be.
        text: What it holds.
    """

    document: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"

    @property
    def file(self) -> str | None:
        """The name of the file that a block of YAML says it is: ``# fleet.yml`` in a line of its own."""
        match = re.search(r"^# (\S+\.yml)$", self.text, re.MULTILINE)
        return match.group(1) if match else None


def _blocks(document: Path) -> t.Iterator[Block]:
    text = document.read_text(encoding="utf-8")
    if document.suffix == ".md":
        pattern = re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    else:
        pattern = re.compile(r"^\.\. code-block:: (\S+)\n\n((?: .*\n|\n)+)", re.MULTILINE)
    for match in pattern.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(document, line, match.group(1), textwrap.dedent(match.group(2)).rstrip() + "\n")


ALL = [block for document in DOCUMENTS for block in _blocks(document)]
YAML = [block for block in ALL if block.language in ("yaml", "yaml+jinja")]
CONSOLE = [block for block in ALL if block.language == "console"]


def _load(block: Block) -> Json:
    return yaml.safe_load(block.text)


def _is_rulebook(content: Json) -> bool:
    # tests/e2e/test_event_driven_guide.py checks and runs those.
    return isinstance(content, list) and any("sources" in ruleset for ruleset in content)


def _is_playbook(content: Json) -> bool:
    return isinstance(content, list) and any("hosts" in play or _import(play) for play in content)


def _import(play: dict[str, Json]) -> str | None:
    return play.get("ansible.builtin.import_playbook")


def _tasks(content: Json) -> t.Iterator[dict[str, Json]]:
    """Return the tasks of a playbook or of a list of tasks, those in blocks included."""
    for entry in content if isinstance(content, list) else []:
        if "hosts" in entry:
            for section in ("pre_tasks", "tasks", "post_tasks", "handlers"):
                yield from _tasks(entry.get(section, []))
        elif not _import(entry):
            if not any(part in entry for part in BLOCKS):
                yield entry
            for part in BLOCKS:
                yield from _tasks(entry.get(part, []))


def _action(task: dict[str, Json]) -> tuple[str, Json]:
    """Return the module of a task and its options."""
    (action,) = (word for word in task if word not in KEYWORDS)
    return action, task[action]


def _commands() -> t.Iterator[tuple[Block, str]]:
    """Return each command in a console block."""
    for block in CONSOLE:
        for line in block.text.replace("\\\n", " ").splitlines():
            assert line.startswith("$ "), f"{block}: this is not a command: {line}"
            yield block, line[2:]


def _stems(directory: str, suffix: str = "py") -> set[str]:
    return {path.stem for path in (ROOT / directory).glob(f"*.{suffix}")}


def _options(module: str) -> dict[str, Json]:
    """Return the options of a module of the collection, with their names and aliases."""
    path = str(ROOT / "plugins" / "modules" / f"{module}.py")
    collection = PREFIX.rstrip(".")
    documentation, *_rest = get_docstring(path, fragment_loader, collection_name=collection, plugin_type="module")
    options: dict[str, Json] = documentation["options"]
    return {alias: option for name, option in options.items() for alias in (name, *option.get("aliases", []))}


def _role_variables(role: str = "keypair_reset") -> set[str]:
    specification = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return set(specification["argument_specs"]["main"]["options"])


def _check_options(where: object, module: str, given: t.Mapping[str, Json]) -> None:
    known = _options(module)
    assert set(given) <= set(known), f"{where}: {module} has no option {sorted(set(given) - set(known))}"
    for name, option in known.items():
        names = {other for other, same in known.items() if same is option}
        assert not option.get("required") or names & set(given), f"{where}: {module} needs {name}"
    for name, value in given.items():
        inner = known[name].get("suboptions")
        for entry in value if inner and isinstance(value, list) else []:
            assert set(entry) <= set(inner), f"{where}: {name} has no {sorted(set(entry) - set(inner))}"


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a user with an empty home directory, the collection, and Ansible without configuration."""
    home.mkdir(parents=True, mode=0o700)
    # The path of a socket has 107 characters at most, which a directory below the home directory of a parallel test exceeds.
    sockets = f"[ssh_connection]\ncontrol_path_dir = {home.parent}\n"
    (home / "ansible.cfg").write_text(f"[defaults]\nnocows = true\n{sockets}")
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "LC_ALL": "C.UTF-8",
        "HOME": str(home),
        "USER": getpass.getuser(),
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
    }


def play(environ: dict[str, str], directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook."""
    return subprocess.run(
        ["ansible-playbook", *arguments],
        env=environ,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )


# That there are examples


def test_every_plugin_has_an_example() -> None:
    blocks = ALL
    examples = "\n".join(block.text for block in blocks)
    used = {
        "module": {_action(task)[0] for block in blocks if block in YAML for task in _tasks(_load(block))},
        "lookup": set(re.findall(r"lookup\('([\w.]+)'", examples)),
        "role": set(re.findall(r"role: ([\w.]+)", examples)),
        "playbook": set(re.findall(r"^\$ ansible-playbook ([\w.]+)", examples, re.MULTILINE)),
    }
    there = {
        "module": _stems("plugins/modules") - PARTS_OF_THE_ROLE,
        "lookup": _stems("plugins/lookup"),
        "role": {path.name for path in (ROOT / "roles").iterdir()},
        "playbook": _stems("playbooks", "yml"),
    }
    missing = {kind: sorted(name for name in names if PREFIX + name not in used[kind]) for kind, names in there.items()}
    assert missing == {"module": [], "lookup": [], "role": [], "playbook": []}


def test_the_readme_names_every_plugin_in_its_table() -> None:
    text = README.read_text(encoding="utf-8")
    names = {name for kind in ("modules", "lookup", "filter") for name in _stems(f"plugins/{kind}")}
    assert [name for name in sorted(names | _stems("playbooks", "yml")) if f"`{name}`" not in text] == []


def test_no_plugin_has_two_rows_in_the_table_of_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    table = text[text.index("\n## What is in it\n") : text.index("\n## Comparison ")]
    first = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| `")]
    assert len(first) > 10
    assert [cell for cell in first if first.count(cell) > 1] == []


def test_the_readme_of_the_role_names_every_variable() -> None:
    text = (ROOT / "roles" / "keypair_reset" / "README.md").read_text(encoding="utf-8")
    assert [name for name in sorted(_role_variables()) if f"`{name}`" not in text] == []


def test_the_guide_on_waiting_has_every_service_and_its_statuses() -> None:
    text = (GUIDES / "guide_waiting.rst").read_text(encoding="utf-8")
    table = text[text.index("Statuses of the services\n-") : text.index("\nTime limit\n")]
    rows = {row.split("``")[1]: row for row in table.split("   * - ")[2:]}
    assert set(rows) == set(SERVICES)
    for service, entry in SERVICES.items():
        backend = entry.open(_NoClient(), dict.fromkeys(entry.within, "id"))
        statuses = {status for group in backend.statuses.values() for status in group}
        # The first word of a status of KPS decides.
        shown = {f"{status.partition('_')[0]}_..." if service == "kps" else status for status in statuses}
        assert [status for status in sorted(shown) if f"``{status}``" not in rows[service]] == [], service
        assert f"`{service}`" in README.read_text(encoding="utf-8")


def test_the_guide_on_troubleshooting_quotes_the_report() -> None:
    text = (GUIDES / "guide_troubleshooting.rst").read_text(encoding="utf-8")
    table = text[text.index("\nResults\n-") : text.index("\n``NEW KEY``")]
    results = [row.splitlines()[0] for row in table.split("   * - ")[2:]]
    quoted = [phrase for row in results for phrase in re.findall(r"``([^`]+)``", row) if " " in phrase]
    assert len(quoted) > 5
    sources = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("plugins/plugin_utils/**/*.py"))
    # ``would be reset`` is put together.
    assert [phrase for phrase in quoted if phrase.removesuffix(" reset") not in sources] == []


class _NoClient:
    """A client with as much as a backend needs to list its statuses."""

    def origin(self, service: str) -> str:
        """Return an empty address."""
        return service


# That they are right


@pytest.mark.parametrize("block", YAML, ids=str)
def test_yaml_blocks_are_valid_tasks_and_plays(block: Block) -> None:
    content = _load(block)
    assert content
    for task in _tasks(content):
        action, options = _action(task)
        assert task.get("name"), f"{block}: a task has no name"
        module = action.removeprefix(PREFIX)
        if module == action:
            foreign = action.startswith(("ansible.builtin.", AWX))
            assert foreign, f"{block}: {action} is not a module of ours, of ansible-core or of awx.awx"
        elif module in _stems("plugins/modules"):
            _check_options(block, module, options)
        else:
            raise AssertionError(f"{block}: there is no module {module}")
    for group, options in _module_defaults(content):
        modules = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"][group]
        assert set(options) <= set(_options(modules[0])), f"{block}: {group} has no {sorted(options)}"


def _module_defaults(content: Json) -> t.Iterator[tuple[str, dict[str, Json]]]:
    for play in content if isinstance(content, list) else []:
        for group, options in play.get("module_defaults", {}).items():
            yield group.removeprefix(f"group/{PREFIX}"), options


def test_playbooks_pass_the_syntax_check(tmp_path: Path) -> None:
    # All in one run: most of the time goes into starting Ansible.
    names: dict[str, Block] = {}
    for number, block in enumerate(YAML):
        content = _load(block)
        if not isinstance(content, list) or _is_rulebook(content) or AWX in block.text:
            continue
        name = f"{number}.yml"
        names[name] = block
        if not _is_playbook(content):
            content = [{"hosts": "localhost", "gather_facts": False, "tasks": content}]
            (tmp_path / name).write_text(json.dumps(content))
        else:
            (tmp_path / name).write_text(block.text)
    done = play(environment(tmp_path / "home"), tmp_path, "-i", "localhost,", "--syntax-check", *names)
    told = [f"{name} is {block}" for name, block in names.items() if name in done.stdout]
    assert done.returncode == 0, f"{done.stdout}\n{told}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_variables_of_the_role_and_the_playbooks_exist(document: Path) -> None:
    named = set(re.findall(r"\bkeypair_(?:reset|rotate)_\w+", document.read_text(encoding="utf-8")))
    sources = [*ROOT.glob("plugins/**/*.py"), *ROOT.glob("roles/**/*.yml"), *ROOT.glob("playbooks/*.yml")]
    known = {
        word for source in sources for word in re.findall(r"keypair_\w+", source.read_text(encoding="utf-8"))
    } | _stems("plugins/filter")
    # What the role hands to workflows, and the misspelt name of an example.
    known |= {*stats([], check_mode=False), "keypair_reset_metod"}
    assert named - known == set()


@pytest.mark.parametrize(
    ("block", "name"),
    [
        *((block, name) for block in YAML if isinstance(_load(block), dict) for name in _load(block).get("env", {})),
        *((block, name) for block, line in _commands() for name in re.findall(r"\b([A-Z_]{6,})=", line)),
    ],
    ids=str,
)
def test_variables_of_the_environment_are_read(block: Block, name: str) -> None:
    assert not name.startswith("ANSIBLE_"), f"{block}: AWX refuses to inject this"
    sources = [source.read_text(encoding="utf-8") for source in ROOT.glob("plugins/module_utils/**/*.py")]
    assert name in READ_BY_AWX or any(f'"{name}"' in source for source in sources), block


@pytest.mark.parametrize(
    ("block", "line"), [(block, line) for block, line in _commands() if not line.startswith("curl ")], ids=str
)
def test_commands_name_what_there_is(block: Block, line: str) -> None:
    words = [word for word in shlex.split(line) if not re.match(r"[A-Za-z_]+=", word)]
    if not words:
        return  # sets variables of the shell
    program, *arguments = words
    if program == "./run":
        assert arguments[0] in _sessions(), block
    elif program == "ansible":
        module = arguments[arguments.index("-m") + 1]
        if module.startswith(PREFIX):
            given = arguments[arguments.index("-a") + 1 :][:1] if "-a" in arguments else []
            # What has a sign of equality was left out above.
            text = next((word for word in shlex.split(line) if word in given or "=" in word), "")
            _check_options(block, module.removeprefix(PREFIX), parse_kv(text))
        else:
            assert module.startswith("ansible.builtin."), block
    elif program == "ansible-playbook":
        _check_playbook(block, shlex.split(line)[1:])
    else:
        assert program in FOREIGN, f"{block}: what should become of {program}?"


def _sessions() -> set[str]:
    files = (ROOT / "noxfile.py", ROOT / "sessions" / "by_name.py")
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    named = set(re.findall(r'nox\.session\(name="([\w-]+)"', text))
    return named | set(re.findall(r"@nox\.session\(default=False.*\)\ndef (\w+)\(", text)) | {"docs-check"}


def _check_playbook(block: Block, arguments: list[str]) -> None:
    playbook, *rest = arguments
    if playbook.startswith(PREFIX):
        assert playbook.removeprefix(PREFIX) in _stems("playbooks", "yml"), block
    else:
        assert playbook in {other.file for other in YAML if other.document == block.document}, block
    known = _role_variables() | {"target", "ansible_ssh_private_key_file", SWITCH}
    known |= {"keypair_reset_serial", "keypair_rotate_generate", "keypair_rotate_old_keypair_name"}
    if playbook == f"{PREFIX}awx_setup":
        # Its first comment describes them.
        known = set(
            re.findall(r"^#   (awx_setup_\w+)", (ROOT / "playbooks" / "awx_setup.yml").read_text(), re.MULTILINE)
        )
    for word in (rest[number + 1] for number, word in enumerate(rest) if word == "-e"):
        if word.startswith("@"):
            files = {other.file: other for other in YAML if other.document == block.document}
            if word[1:] in files:
                assert set(_load(files[word[1:]])) <= known, block
        else:
            assert word.partition("=")[0] in known, f"{block}: no playbook reads {word}"


@pytest.mark.parametrize("line", [line for _block, line in _commands() if line.startswith("curl ")])
def test_the_emulator_understands_what_is_sent_with_curl(line: str, emulator: Emulator) -> None:
    words = shlex.split(line)
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    data = words[words.index("-d") + 1].encode() if "-d" in words else None
    (address,) = (word for word in words if word.startswith("$control/"))
    url = address.replace("$control", f"{emulator.url}/_emulator")
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=10) as response:
        assert response.status == 200


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path.suffix == ".md"], ids=str)
def test_links_lead_to_files(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (document.parent / target).exists()] == []


# That they run

#: Documents whose examples need AWX or ansible-rulebook.
ELSEWHERE = {"guide_awx", "guide_event_driven"}
#: Commands that set up what the test has set up, or AWX.
SETUP = ("./run ", "source ", "export ", "ansible-galaxy ", "python ", f"ansible-playbook {PREFIX}awx_setup ")
#: Blocks that need what the emulator does not have: Vault, AWX, an agency, a profile.
FOREIGN_BLOCKS = re.compile(r"^# store-in-|hwc_agency_name|ali_profile", re.MULTILINE)
#: The key pair that the servers have, and the one that fleet-2026 is, in documents that begin with another than ``old``.
HAVE = {"guide_playbooks": ("fleet-2026", "old"), "guide_waiting": ("old", "new")}


class ExampleReader:
    """A person who types a document's examples, with the emulator as the cloud.

    Args:
        document: The document.
        directory: An empty directory.
        emulator: The emulator, with its fleet.
    """

    def __init__(self, document: Path, directory: Path, emulator: Emulator) -> None:
        self.document, self.directory, self.emulator = document, directory, emulator
        self.home = directory / "home"
        self.environ = {**environment(self.home), **emulator.environment()}
        self.blocks = [block for block in ALL if block.document == document]
        first, second, *_rest = emulator.huawei.servers
        fleet, journal = directory / "fleet", directory / "journal"
        fleet.mkdir()
        journal.mkdir()
        have = HAVE.get(document.stem, ("old", "old"))
        for name, key in (("fleet-2025.pem", "old"), ("fleet-2026", have[1]), ("fleet-2027", "new")):
            for suffix in ("", ".pub"):
                shutil.copy(f"{emulator.key_path(key)}{suffix}", fleet / f"{name}{suffix}")
        #: What the reader puts in place of the printed names.
        self.own = {
            "/etc/fleet": str(fleet),
            "/var/lib/keypair_reset": str(journal),
            "$PWD/build/emulator": str(emulator.directory),
            "d76baba7-ef09-40a2-87ff-3eafec0696e7": first,
            "8e4e33c5-3f7c-4b0b-a2a5-8a0ef1b2d7c1": second,
            "d-00fc2p61abcd": "d-emulated0001",
        }
        keys = {"vault_access_key": "HUAWEICLOUD_SDK_AK", "vault_secret_key": "HUAWEICLOUD_SDK_SK"}
        keys |= {"vault_hwc_access_key": "HUAWEICLOUD_SDK_AK", "vault_hwc_secret_key": "HUAWEICLOUD_SDK_SK"}
        keys |= {"vault_ali_access_key_id": "ALIBABA_CLOUD_ACCESS_KEY_ID"}
        keys |= {"vault_ali_access_key_secret": "ALIBABA_CLOUD_ACCESS_KEY_SECRET"}
        variables = {name: self.environ[variable] for name, variable in keys.items()}
        (directory / "own.yml").write_text(json.dumps({**variables, "kps_task_ids": []}))
        (directory / "root-password.yml").write_text(json.dumps({"keypair_reset_root_password": "Emulated-Root-1"}))
        for block in self.blocks:
            if block in YAML and block.file and "/" not in block.file:
                (directory / block.file).write_text(self.as_own(block.text))

    def as_own(self, text: str) -> str:
        """Return an example with the reader's own names."""
        for printed, own in self.own.items():
            text = text.replace(printed, own)
        return text

    def begin(self) -> str:
        """Start over with the servers as the document assumes them; returns the inventory."""
        self.emulator.reset()
        write_state(self.emulator)
        have, key = HAVE.get(self.document.stem, ("old", "old"))
        if self.document.stem in HAVE:
            public = self.emulator.key_path(key).with_suffix(".pub").read_text().strip()
            pairs = self.emulator.huawei.keypairs
            project = self.emulator.project.id
            pairs[project, "fleet-2026"] = dataclasses.replace(
                pairs[project, "old"], name="fleet-2026", public_key=public
            )
            for server in self.emulator.huawei.servers.values():
                server.key_name = have
        inventory = self.emulator.directory / "inventory.yml"
        content = yaml.safe_load(inventory.read_text(encoding="utf-8"))
        content["all"]["children"]["web"] = {"hosts": dict.fromkeys(content["all"]["children"]["fleet"]["hosts"], {})}
        inventory.write_text(json.dumps(content))
        return str(inventory)

    def run(self, script: str) -> None:
        """Run a script; it must succeed."""
        self.environ["ANSIBLE_INVENTORY"] = self.begin()
        done = subprocess.run(
            ["bash", "-euxc", script],
            env=self.environ,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        self.output = done.stdout
        assert done.returncode == 0, f"{self.document}: {done.stdout}"


RUNNABLE = [document for document in DOCUMENTS if document.stem not in ELSEWHERE]
#: Documents whose examples run in ./run test; those of the others run by name.
OFTEN = {"README", "guide_waiting"}
with_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh client on this machine")


def _often(document: Path) -> tuple[pytest.MarkDecorator, ...]:
    """Return the marks of the examples of a document."""
    return () if document.stem in OFTEN else (pytest.mark.slow,)


@pytest.fixture(name="running", scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Emulator]:
    place = tmp_path_factory.mktemp("emulator")
    with Emulator(3, task_seconds=0.5, job_seconds=0.2, history=True, state_dir=place) as running:
        yield running


@with_ssh
@pytest.mark.parametrize(
    "document",
    [pytest.param(document, marks=_often(document)) for document in RUNNABLE],
    ids=[f"{document.parent.name}-{document.stem}" for document in RUNNABLE],
)
def test_commands_run_as_they_are_printed(document: Path, tmp_path: Path, running: Emulator) -> None:
    lines = [line for block, line in _commands() if block.document == document and not line.startswith(SETUP)]
    reader = ExampleReader(document, tmp_path, running)
    if lines:
        reader.run(reader.as_own("\n".join(lines)))


@with_ssh
@pytest.mark.parametrize(
    "block",
    [
        pytest.param(block, id=str(block), marks=_often(block.document))
        for block in YAML
        if block.document in RUNNABLE and isinstance(_load(block), list) and not FOREIGN_BLOCKS.search(block.text)
    ],
)
def test_playbooks_and_tasks_run_as_they_are_printed(block: Block, tmp_path: Path, running: Emulator) -> None:
    reader = ExampleReader(block.document, tmp_path, running)
    text = reader.as_own(block.text)
    if not _is_playbook(_load(block)):
        text = json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": yaml.safe_load(text)}])
    (tmp_path / "example.yml").write_text(text)
    # A playbook may use a key that a command before it generates.
    keys = [line for other, line in _commands() if other.document == block.document and line.startswith("ssh-keygen")]
    reader.run("\n".join([*keys, "ansible-playbook example.yml -e @own.yml"]))
    assert {server.status for server in running.huawei.servers.values()} == {"ACTIVE"}
    assert "skipping: [localhost]" not in reader.output or block.file == "resume.yml"
    if block.file == "step-by-step.yml":
        assert reader.output.count('"accepted",\n        "refused"') == 3
    if block.file == "passphrase.yml":
        assert (tmp_path / "passphrase").read_text() == "emulated-passphrase-1"
    if block.document == README and "keypair_reset_generate" in text:
        assert {server.key_name for server in running.huawei.servers.values()} == {"fleet-2027"}
        assert "3 reset." in reader.output
