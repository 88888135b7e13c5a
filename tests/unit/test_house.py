# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agreement of files that nothing else compares: modules, action groups, tests, guides, environment."""

from __future__ import annotations

import ast
import os
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "multicloud.async_tasks"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
#: What git does not know: made by tools, and full of this machine's paths.
MADE = {"__pycache__", "build", "output"}

each_module = pytest.mark.parametrize("module", MODULES)


def _yaml(path: str) -> t.Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def _project_files() -> t.Iterator[Path]:
    for directory, names, files in os.walk(ROOT):
        names[:] = [name for name in names if name not in MADE and (not name.startswith(".") or name == ".ci")]
        yield from (Path(directory, name) for name in files)


def _documentation(module: str) -> dict[str, t.Any]:
    """Return what ``ansible-doc`` shows of a module, fragments included."""
    path = ROOT / "plugins" / "modules" / f"{module}.py"
    found: dict[str, t.Any] = get_docstring(
        str(path), fragment_loader, collection_name=COLLECTION, plugin_type="module"
    )[0]
    return found


def _returns(module: str) -> dict[str, t.Any]:
    """Return the return values that a module documents."""
    path = ROOT / "plugins" / "modules" / f"{module}.py"
    found: dict[str, t.Any] = get_docstring(
        str(path), fragment_loader, collection_name=COLLECTION, plugin_type="module"
    )[2]
    return found


def _groups(module: str) -> list[str]:
    """Return the action groups a module belongs to: those of the clouds whose connection options it takes."""
    options = _documentation(module)["options"]
    return [group for group in ("ali", "hwc") if any(option.startswith(f"{group}_") for option in options)]


def test_action_groups_hold_the_modules_that_take_the_options_of_a_cloud() -> None:
    # A list that has the modules in alphabetical order is easy to check and to merge.
    groups = {group: [module for module in MODULES if group in _groups(module)] for group in ("ali", "hwc")}
    assert _yaml("meta/runtime.yml")["action_groups"] == {
        group: modules for group, modules in groups.items() if modules
    }


@each_module
def test_a_module_documents_its_action_groups(module: str) -> None:
    attribute = _documentation(module)["attributes"].get("action_group", {"membership": []})
    assert sorted(attribute["membership"]) == [f"{COLLECTION}.{group}" for group in _groups(module)]


@each_module
def test_a_module_documents_what_a_failure_tells(module: str) -> None:
    # Documentation of return values has no fragments, so the same words stand in each module of a cloud.
    keys = ("http_status", "error_code", "error_msg", "request_id", "credentials_source")
    told = {key: value for key, value in _returns(module).items() if key in keys}
    assert told == ({key: _returns("hwc_kps_task_info")[key] for key in keys} if _groups(module) else {})
    assert ("error_details" in _returns(module)) == bool(_groups(module))
    facts = CloudError("no", http_status=400, code="X", text="no", request_id="r", details={"a": 1}).as_result()
    assert set(facts) == {*keys, "error_details"} - {"credentials_source"}


@each_module
def test_a_module_has_unit_tests(module: str) -> None:
    assert list((ROOT / "tests" / "unit" / "plugins").rglob(f"test_{module}.py")) != []


@each_module
def test_a_module_has_an_integration_target(module: str) -> None:
    targets = ROOT / "tests" / "integration" / "targets"
    assert (targets / module / "tasks" / "main.yml").is_file()


def test_the_documentation_lists_every_guide() -> None:
    sections = _yaml("docs/docsite/extra-docs.yml")["sections"]
    listed = [guide for section in sections for guide in section["toctree"]]
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "docs" / "docsite" / "rst").glob("*.rst"))


def test_markup_of_the_documentation_holds_no_parentheses() -> None:
    # C(sqrt(x)) ends at the first closing parenthesis, and the page shows half of it.
    files = [*(ROOT / "plugins").rglob("*.py"), ROOT / "roles" / "keypair_reset" / "meta" / "argument_specs.yml"]
    found = [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in files
        for match in re.finditer(r"\b[BCEIUV]\([^()\n]*\([^)]*", file.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_files_and_names_where_to_look_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text[text.index("\n## Where to look\n") : text.index("\n## Terms\n")]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) > 20
    missing = []
    for _question, paths, names in rows:
        texts = [(ROOT / "plugins" / path).read_text(encoding="utf-8") for path in re.findall(r"`([^`]+)`", paths)]
        for name in re.findall(r"`([^`]+)`", names):
            defined = re.compile(rf"^ *(?:def |class ){name}\b|^{name}\b.* = ", re.MULTILINE)
            found = [bool(defined.search(source)) for source in texts]
            # Two files: the same name for each provider. Two names: one of them in each file.
            if not (all(found) if "," not in names else any(found)):
                missing.append(f"{paths}: {name}")
    assert missing == []


def test_the_documentation_installs_from_the_repository_of_the_collection() -> None:
    files = [ROOT / "README.md", *(ROOT / "docs").rglob("*.rst"), ROOT / "docs" / "sphinx" / "antsibull-docs.cfg"]
    found = {
        file.name: set(re.findall(r"collection install git\+(\S+)", file.read_text(encoding="utf-8"))) for file in files
    }
    named = {name: addresses for name, addresses in found.items() if addresses}
    assert {"README.md", "landing.rst", "antsibull-docs.cfg"} <= set(named)
    assert {address for addresses in named.values() for address in addresses} == {_yaml("galaxy.yml")["repository"]}


def test_lines_of_the_guides_have_at_most_120_columns() -> None:
    pages = [*(ROOT / "docs" / "docsite" / "rst").glob("*.rst"), *(ROOT / "docs" / "sphinx").glob("*.rst")]
    found = [
        f"{page.relative_to(ROOT)}:{number}"
        for page in pages
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 120
    ]
    assert found == []


def test_an_execution_environment_gets_what_the_modules_import() -> None:
    lines = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == ["requests"]


def test_no_environment_variable_of_the_collection_begins_with_ansible() -> None:
    # AWX refuses to inject those, so a credential in such a variable could never reach a job.
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {name}"
        for file in (ROOT / "plugins").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for name in re.findall(r"(?:^|E\()(ANSIBLE_[A-Z0-9_]+)(?:$|\))", node.value)
    ]
    assert found == []


def test_no_file_names_a_path_of_this_machine() -> None:
    places = "|".join(re.escape(str(place)) for place in (ROOT, Path.home()) if len(place.parts) > 1)
    # Where a path begins, and not within a longer one.
    pattern = re.compile(rf"""(?<![^\s"'`(\[<=:,])(?:{places})(?![\w-])""")
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in _project_files()
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []
