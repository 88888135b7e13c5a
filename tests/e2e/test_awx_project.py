# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The repository as a project of AWX, in the layout that the update of a project makes; the execution environment."""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from sessions import execution_environment, tree

from .awx import TYPES, offered_playbooks
from .running import Program

ROOT = TYPES.parents[2]
PLAYBOOKS = [
    "playbooks/awx_setup.yml",
    "playbooks/keypair_replace.yml",
    "playbooks/keypair_reset.yml",
    "playbooks/keypair_rotate.yml",
    "playbooks/keypair_unbind.yml",
]
#: What is installed of the repository; everything else is for its developers.
INSTALLED = {
    *("CHANGELOG.md", "CHANGELOG.md.license", "CONTRIBUTING.md", "COPYING", "LICENSES", "README.md", "REUSE.toml"),
    *("SECURITY.md", "changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles"),
    *("FILES.json", "MANIFEST.json"),
}
#: Files from which AWX installs roles and collections when it updates a project.
REQUIREMENTS = ("requirements.yml", "roles/requirements.yml", "collections/requirements.yml")


class AwxProject:
    """A project after AWX has updated it.

    Args:
        path: The checkout.
        directory: For all else.

    Attributes:
        collections: Where AWX has installed the collections.
    """

    def __init__(self, path: Path, directory: Path) -> None:
        self.path, self._directory = path, directory
        self.collections = directory / "stage" / "requirements_collections"
        # Where AWX runs ansible-galaxy, and what it tells it (awx/playbooks/project_update.yml).
        installed = self.run("ansible-galaxy", "collection", "install", "-r", "collections/requirements.yml")
        assert "multicloud.async_tasks" in installed

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of Ansible in the checkout, to a good end. Return its output."""
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._directory),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_LOCAL_TEMP": str(self._directory / "tmp"),
            "ANSIBLE_NOCOWS": "1",
        }
        command = [str(Path(sys.executable).with_name(program)), *arguments]
        process = Program(command, environment, self.path).wait()
        assert process.process.returncode == 0, f"{process.output}\n{process.errors}"
        return process.output

    @property
    def installed(self) -> Path:
        """The collection that was installed."""
        return self.collections / tree.COLLECTION


@pytest.fixture(scope="module")
def project(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> AwxProject:
    """Return the repository as a project."""
    return AwxProject(checkout, tmp_path_factory.mktemp("awx"))


def test_awx_offers_the_playbooks_for_people_and_no_other_file(project: AwxProject) -> None:
    assert offered_playbooks(project.path) == PLAYBOOKS


@pytest.mark.parametrize(
    ("path", "text", "offered"),
    [
        ("site.yml", "- hosts: all\n", True),
        ("deep/inside/site.yaml", "---\n- name: x\n  hosts: all\n", True),
        ("all.yml", "- ansible.builtin.import_playbook: x.yml\n", True),
        ("secret.yml", "$ANSIBLE_VAULT;1.1;AES256\n00\n", True),
        ("site.txt", "- hosts: all\n", False),
        ("roles/x/site.yml", "- hosts: all\n", False),
        ("playbooks/tasks/site.yml", "- hosts: all\n", False),
        (".github/site.yml", "- hosts: all\n", False),
        ("rulebook.yml", '- name: x\n  "hosts": all\n', False),
        ("empty.yml", "", False),
    ],
)
def test_the_rule_by_which_awx_finds_playbooks(tmp_path: Path, path: str, text: str, *, offered: bool) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    assert offered_playbooks(tmp_path) == ([path] if offered else [])


def test_awx_installs_the_collection_and_nothing_else(project: AwxProject) -> None:
    assert [path for path in REQUIREMENTS if (project.path / path).exists()] == ["collections/requirements.yml"]
    assert [path.name for path in (project.collections / "ansible_collections").iterdir()] == ["multicloud"]


def test_the_package_contains_files_for_users_only(project: AwxProject) -> None:
    assert {path.name for path in project.installed.iterdir()} == INSTALLED
    # Whatever git knows below these folders, and nothing that tools leave there.
    folders = sorted(name for name in INSTALLED if (project.path / name).is_dir())
    for folder in folders:
        wanted = {path.relative_to(project.path) for path in (project.path / folder).rglob("*") if path.is_file()}
        wanted = {path for path in wanted if path.parts[:2] != ("changelogs", "fragments")}
        found = {
            path.relative_to(project.installed) for path in (project.installed / folder).rglob("*") if path.is_file()
        }
        assert found == wanted


def test_every_playbook_of_the_project_finds_its_role_and_files(project: AwxProject) -> None:
    project.run("ansible-playbook", "--syntax-check", "-i", "localhost,", *PLAYBOOKS)
    # Files beside the playbook are looked for when it runs.
    listed = project.run("ansible-playbook", "--list-tasks", "-i", "localhost,", *PLAYBOOKS)
    assert listed.count("multicloud.async_tasks.keypair_reset : ") > 4


# --- Execution environment


def test_builders_find_what_the_collection_needs(project: AwxProject) -> None:
    found = yaml.safe_load(project.run("ansible-builder", "introspect", str(project.collections)))
    assert [line.partition("#")[0].strip() for line in found["python"]] == ["requests"]
    assert [line.partition("#")[0].strip() for line in found["system"]] == [
        "openssh-client [platform:dpkg]",
        "openssh-clients [platform:rpm]",
    ]


@pytest.mark.parametrize("source", ["repository", "tarball"])
def test_the_definition_makes_a_build_context(project: AwxProject, tmp_path: Path, source: str) -> None:
    definition = ROOT / "extensions" / "awx" / "execution-environment.yml"
    wanted = [{"name": "https://example.org/multicloud/async_tasks", "type": "git", "version": "main"}]
    if source == "tarball":
        tarball = tmp_path / "multicloud-async_tasks-0.1.0.tar.gz"
        tarball.write_bytes(b"not looked into")
        definition = execution_environment.write_definition(definition, tarball, tmp_path)
        wanted = [{"name": f"configs/{tarball.name}", "type": "file"}]
    context = tmp_path / "context"
    # Otherwise it is named after the engine that is installed.
    name = ("--output-filename", "Containerfile")
    project.run("ansible-builder", "create", "--file", str(definition), "--context", str(context), *name)
    assert yaml.safe_load((context / "_build" / "requirements.yml").read_text())["collections"] == wanted
    assert (context / "_build" / "configs").exists() == (source == "tarball")
    assert "FROM $EE_BASE_IMAGE" in (context / "Containerfile").read_text()


#: A stand-in for podman that notes how it is called.
PODMAN = """#!/bin/sh
echo "$@" >>"$(dirname "$0")/calls"
case $1 in info) exit {info} ;; esac
"""


def test_without_a_working_container_engine_no_image_is_built(tmp_path: Path) -> None:
    assert execution_environment.find_engine(str(tmp_path)) == (
        "",
        "podman is not on PATH. Install it (apt-get install podman) to build and run the image",
    )
    program = tmp_path / "podman"
    program.write_text(PODMAN.format(info=1))
    program.chmod(0o755)
    engine, problem = execution_environment.find_engine(str(tmp_path))
    assert (engine, problem.splitlines()[0]) == ("", "podman is installed and does not work: podman info exits with 1.")
    program.write_text(PODMAN.format(info=0))
    assert execution_environment.find_engine(str(tmp_path)) == (str(program), "")


def test_an_image_is_tried_with_everything_that_a_job_needs(tmp_path: Path) -> None:
    program = tmp_path / "podman"
    program.write_text(PODMAN.format(info=0))
    commands: list[t.Sequence[str]] = list(execution_environment.trials(str(program), "image"))
    assert {tuple(command[:5]) for command in commands} == {(str(program), "run", "--rm", "--network", "none")}
    tried = " ".join(" ".join(command[6:]) for command in commands)
    assert [part for part in ("ssh -V", "import requests", "awx_setup", "wait_for_task") if part not in tried] == []
