# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules that AWX has for custom credential types and for playbooks of a project, and what it injects into a job.

The rules are those of AWX 24.6 (``awx/main/fields.py``, ``awx/main/models/credential.py`` and ``awx/main/utils/ansible.py``); the injection
is its own code, from the package awx_plugins.interfaces.
"""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t
from pathlib import Path

import jinja2
import jinja2.sandbox
import yaml
from awx_plugins.interfaces._temporary_private_inject_api import ENV_BLOCKLIST, inject_credential

from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import COLLECTIONS

TYPES = COLLECTIONS / "ansible_collections" / "multicloud" / "async_tasks" / "extensions" / "awx" / "credential_types"
#: What a field may say; AWX rejects everything else.
FIELD_KEYS = {
    *("id", "label", "type", "format", "choices", "help_text", "multiline", "secret", "ask_at_runtime", "default"),
}
#: What only a field with text may say.
TEXT_ONLY = {"secret", "multiline", "format", "choices"}
FORMATS = {"ssh_private_key", "url"}
#: A line that makes AWX take a file for a playbook.
PLAYBOOK_LINE = re.compile(r"\s*-?\s*(hosts|(ansible\.builtin\.)?(include|import_playbook)):")
#: Directories in which AWX looks for no playbooks, wherever they are; nor does it in those that begin with a dot.
NO_PLAYBOOKS = {"roles", "tasks", "group_vars", "host_vars"}
InputFields = dict[str, t.Any]


@dataclasses.dataclass
class CredentialType:
    """A custom credential type: what a user fills in, and what a job gets of it.

    Attributes:
        name: The name of its folder.
        inputs: The input configuration.
        injectors: The injector configuration.
    """

    name: str
    inputs: InputFields
    injectors: InputFields
    managed: bool = False
    custom_injectors: None = None

    @classmethod
    def read(cls, folder: Path) -> CredentialType:
        """Return the type that lies in a folder."""
        inputs, injectors = (
            yaml.safe_load((folder / f"{part}.yml").read_text(encoding="utf-8")) for part in ("inputs", "injectors")
        )
        return cls(folder.name, inputs, injectors)

    @property
    def ids(self) -> list[str]:
        """The ids of all fields."""
        return [field["id"] for field in self.inputs.get("fields", []) if "id" in field]

    def problems(self) -> list[str]:
        """Return what AWX would reject, and what it accepts although it cannot work."""
        return [*_field_problems(self.inputs), *_injector_problems(self)]

    def inject(self, filled: t.Mapping[str, t.Any], directory: Path) -> tuple[dict[str, str], list[str]]:
        """Return the environment and the arguments that a job gets.

        Args:
            filled: What the user filled in.
            directory: The private data directory of the job, with ``env`` in it.
        """
        environment: dict[str, str] = {}
        shown: dict[str, str] = {}
        arguments: list[str] = []
        parts: t.Any = (self, _Filled(filled), environment, shown, arguments, str(directory))
        inject_credential(*parts, container_root=str(directory))
        secrets = [
            str(filled[field["id"]])
            for field in self.inputs["fields"]
            if field.get("secret") and filled.get(field["id"])
        ]
        assert not [secret for secret in secrets for value in shown.values() if secret in value]
        return environment, arguments


class _Filled:
    """A credential, as far as AWX's injection looks at one."""

    def __init__(self, filled: t.Mapping[str, t.Any]) -> None:
        self._filled = filled

    def get_input_keys(self) -> list[str]:
        """Return the fields that were filled in."""
        return list(self._filled)

    def get_input(self, name: str) -> t.Any:
        """Return the value of a field."""
        return self._filled[name]


def offered_playbooks(project: Path) -> list[str]:
    """Return the files that AWX offers as playbooks of a project."""
    found = []
    for directory, names, files in os.walk(project):
        names[:] = [name for name in names if not name.startswith(".") and name not in NO_PLAYBOOKS]
        paths = [Path(directory, name) for name in files if name.endswith((".yml", ".yaml"))]
        found += [str(path.relative_to(project)) for path in paths if _may_be_playbook(path)]
    return sorted(found)


def _may_be_playbook(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8", errors="ignore").splitlines()
    return lines[:1] != [] and (
        lines[0].startswith("$ANSIBLE_VAULT;") or any(PLAYBOOK_LINE.match(line) for line in lines)
    )


def _field_problems(inputs: InputFields) -> t.Iterator[str]:
    fields = inputs.get("fields", [])
    ids = [field.get("id") for field in fields]
    for unknown in sorted(set(inputs) - {"fields", "required"}):
        yield f"inputs: {unknown} is not a key"
    for name in sorted({str(name) for name in ids if ids.count(name) > 1}):
        yield f"{name}: is there more than once"
    for field in fields:
        name = field.get("id", "a field without an id")
        kind = field.get("type", "string")
        for missing in sorted({"id", "label"} - set(field)):
            yield f"{name}: {missing} is missing"
        for unknown in sorted(set(field) - FIELD_KEYS):
            yield f"{name}: {unknown} is not a key of a field"
        if name == "tower":
            yield "tower: is reserved"
        if kind not in ("string", "boolean"):
            yield f"{name}: {kind} is not a type"
        if kind != "string" and TEXT_ONLY & set(field):
            yield f"{name}: {', '.join(sorted(TEXT_ONLY & set(field)))} is for text only"
        if field.get("format", "url") not in FORMATS:
            yield f"{name}: {field['format']} is not a format"
        if "default" in field and not isinstance(field["default"], bool if kind == "boolean" else str):
            yield f"{name}: the default is not of its type"
    # AWX accepts such a name, and then no credential of the type can ever be saved.
    for name in inputs.get("required", []):
        if name not in ids:
            yield f"required: {name} is not a field"


def _injector_problems(kind: CredentialType) -> t.Iterator[str]:
    injectors = kind.injectors
    for unknown in sorted(set(injectors) - {"env", "extra_vars", "file"}):
        yield f"injectors: {unknown} is not a kind of injector"
    files = injectors.get("file", {})
    if "template" in files and len(files) > 1:
        yield "file: template and template.NAME exclude each other"
    for name in files:
        if name != "template" and not name.startswith("template."):
            yield f"file: {name} is not template or template.NAME"
    names = {name.partition(".")[2] for name in files}
    tower = {"filename": dict.fromkeys(names, "/file") if "template" not in files else "/file"}
    example = {**dict.fromkeys(kind.ids, "EXAMPLE"), "tower": tower}
    sandbox = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    for name, template in _templates(injectors):
        if name.startswith("env.") and (name[4:].startswith("ANSIBLE_") or name[4:] in ENV_BLOCKLIST):
            yield f"{name}: AWX does not inject this variable"
        try:
            sandbox.from_string(template).render(**example)
        except jinja2.TemplateError as error:
            yield f"{name}: {error}"


def _templates(node: t.Any, path: str = "") -> t.Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from _templates(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from _templates(inner, f"{path}.{number}")
    else:
        yield path, str(node)
