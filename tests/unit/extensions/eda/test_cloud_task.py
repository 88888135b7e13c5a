# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that ansible-rulebook runs: its documentation and schema say what its options are, and it finds its collection."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.yaml.loader import AnsibleLoader

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.options import RULES
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._event_source.poller import SOURCE
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.arguments import check_arguments

ROOT = Path(__file__).resolve().parents[4]
FOLDER = ROOT / "extensions" / "eda" / "plugins" / "event_source"
FILE = FOLDER / "cloud_task.py"
NAME = "multicloud.async_tasks.cloud_task"
#: What JSON schemas call the types of options.
TYPES = {
    "str": "string",
    "path": "string",
    "json": "string",
    "float": "number",
    "int": "integer",
    "bool": "boolean",
    "list": "array",
}
#: What of an option is compared; the rest is text.
TOLD = ("type", "elements", "default", "choices", "required", "aliases")


@pytest.fixture(scope="module")
def plugin() -> dict[str, t.Any]:
    """Return the names of the file, run as ansible-rulebook runs it."""
    return runpy.run_path(str(FILE))


def test_the_documentation_tells_every_option_as_it_is(plugin: dict[str, t.Any]) -> None:
    options = yaml.safe_load(plugin["DOCUMENTATION"])["options"]
    assert {name: {key: option[key] for key in TOLD if key in option} for name, option in options.items()} == {
        name: {key: spec[key] for key in TOLD if key in spec} for name, spec in SOURCE.argument_spec.items()
    }
    assert [name for name, option in options.items() if not option["description"]] == []


def test_the_documentation_has_the_keys_of_other_event_sources(plugin: dict[str, t.Any]) -> None:
    documentation = yaml.safe_load(plugin["DOCUMENTATION"])
    assert {"short_description", "description", "options", "author", "version_added"} <= set(documentation)
    assert not documentation["short_description"].endswith(".")


def test_the_schema_says_the_same_as_the_documentation(plugin: dict[str, t.Any]) -> None:
    schema = json.loads((FOLDER / "schemas" / "cloud_task.json").read_text(encoding="utf-8"))
    options = yaml.safe_load(plugin["DOCUMENTATION"])["options"]
    assert list(schema["properties"]) == list(options)
    assert schema["required"] == [name for name, option in options.items() if option.get("required")]
    for name, option in options.items():
        told = schema["properties"][name]
        text = option["description"] if isinstance(option["description"], str) else " ".join(option["description"])
        expected: dict[str, t.Any] = {
            "description": re.sub(r"\b[OC]\(([^)]*)\)", r"\1", text),
            "type": TYPES[option["type"]],
        }
        if option["type"] == "list":
            expected["items"] = {"type": TYPES[option["elements"]]}
        if "choices" in option:
            expected["enum"] = option["choices"]
        if "default" in option:
            expected["default"] = option["default"]
        if SOURCE.argument_spec[name].get("no_log"):
            expected["format"] = "password"
        assert {key: value for key, value in told.items() if key != "title"} == expected, name
        assert told["title"]


def test_every_example_is_accepted(plugin: dict[str, t.Any]) -> None:
    examples = yaml.safe_load(plugin["EXAMPLES"])
    assert len(examples) >= 3
    for example in examples:
        assert set(example) == {"name", NAME}
        assert check_arguments(SOURCE, "cloud_task", example[NAME]).error is None


def test_what_depends_on_other_options_is_documented(plugin: dict[str, t.Any]) -> None:
    options = yaml.safe_load(plugin["DOCUMENTATION"])["options"]
    for option, value, needed in RULES["required_if"]:
        for name in needed:
            text = " ".join(options[name]["description"])
            assert f"Required when O({option}) is C({value})" in text


def test_the_collection_names_the_folder() -> None:
    extensions = yaml.safe_load((ROOT / "meta" / "extensions.yml").read_text(encoding="utf-8"))["extensions"]
    assert [ROOT / "extensions" / extension["args"]["ext_dir"] for extension in extensions] == [FOLDER]


def test_the_built_collection_has_the_source() -> None:
    ignored = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"]
    assert not [pattern for pattern in ignored if pattern.startswith(("extensions", "meta"))]


def place(tmp_path: Path) -> Path:
    """Return the file, as it is named in a path of collections."""
    link = tmp_path / "collections" / "ansible_collections" / "multicloud" / "async_tasks"
    link.parent.mkdir(parents=True)
    link.symlink_to(ROOT, target_is_directory=True)
    return link / FILE.relative_to(ROOT)


#: Runs the source as ansible-rulebook does, without Ansible's importer, and prints its events.
PROGRAM = """
import asyncio, json, runpy, sys

class Queue:
    async def put(self, event):
        print(json.dumps(event))

module = runpy.run_path(sys.argv[1])
try:
    asyncio.run(module["main"](Queue(), json.loads(sys.argv[2])))
except Exception as error:
    print(json.dumps({"raised": f"{type(error).__name__}: {error}"}))
"""


def run_alone(file: Path, options: dict[str, t.Any], *paths: str, isolated: bool = False) -> list[dict[str, t.Any]]:
    """Run the source in a process of its own; return what it puts into the queue, and what it raises."""
    libraries = [] if isolated else [path for path in sys.path if path.endswith("site-packages")]
    command = [sys.executable, *(["-S"] if isolated else []), "-c", PROGRAM, str(file), json.dumps(options)]
    environment = {
        "PYTHONPATH": ":".join([*paths, *libraries]),
        "HWC_METADATA_DISABLED": "true",
        "HOME": "/nonexistent",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_finds_its_collection_in_a_python_that_knows_no_collections(tmp_path: Path) -> None:
    event, raised = run_alone(place(tmp_path), {"service": "kps"})
    assert event["error"]["msg"].startswith("Nothing to watch")
    assert raised["raised"].startswith("CloudTaskError: Nothing to watch")


def test_it_finds_its_collection_beside_the_package_ansible(tmp_path: Path) -> None:
    # The package makes ansible_collections an ordinary package, which Python then looks for in one place only.
    other = tmp_path / "other" / "ansible_collections"
    (other / "multicloud").mkdir(parents=True)
    (other / "__init__.py").touch()
    event, _raised = run_alone(place(tmp_path), {"service": "kps"}, str(other.parent))
    assert event["error"]["msg"].startswith("Nothing to watch")


def test_it_says_what_to_install_where_ansible_is_missing(tmp_path: Path) -> None:
    event, raised = run_alone(place(tmp_path), {"service": "kps", "hwc_secret_key": "sk-secret"}, isolated=True)
    assert "Install the collection with ansible-galaxy, and ansible-core and requests" in event["error"]["msg"]
    assert (event["service"], event["scope"]) == ("kps", {})
    assert raised["raised"].startswith("RuntimeError: The source cannot be loaded")
    assert "sk-secret" not in json.dumps([event, raised])


def test_a_file_outside_of_a_path_of_collections_changes_nothing(plugin: dict[str, t.Any], tmp_path: Path) -> None:
    before = list(sys.path)
    plugin["make_importable"](tmp_path / "event_source" / "cloud_task.py")
    plugin["make_importable"](Path("/a/b/c/d/e/f/g/h/cloud_task.py"))
    assert sys.path == before


def test_main_is_what_ansible_rulebook_asks_for(plugin: dict[str, t.Any]) -> None:
    assert asyncio.iscoroutinefunction(plugin["main"])


def test_the_documentation_is_read_by_ansibles_own_loader(plugin: dict[str, t.Any]) -> None:
    assert AnsibleLoader(plugin["DOCUMENTATION"]).get_single_data() == yaml.safe_load(plugin["DOCUMENTATION"])
