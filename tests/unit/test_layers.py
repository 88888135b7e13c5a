# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layers of plugins/: what may import what, and who alone may touch the world. Read from the sources, not run."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
PREFIX = "ansible_collections.multicloud.async_tasks.plugins."

#: From the bottom up. A part imports parts of lower layers and itself; never its neighbors in its own layer.
LAYERS = (
    ("_core",),
    ("_http", "_ssh"),
    ("_auth",),
    ("_runtime",),
    ("_alibaba", "_huawei"),
    ("_services", "_polling"),
    ("_module",),
    ("_waiting", "_writes"),
    ("_servers",),
    ("plugin_utils",),
    ("filter", "lookup", "modules"),
    ("action",),
)
#: Parts that may import less than their layer allows.
ONLY = {
    "_polling": {"_core"},
    "plugin_utils": {
        "_core",
        "_http",
        "_services",
        "_ssh",
        "_runtime",
        "_module",
        "_servers",
        "_polling",
        "_alibaba",
        "_huawei",
    },
    "filter": {"_core", "plugin_utils"},
    "lookup": {"_core", "_http", "_services", "_huawei", "_runtime"},
    "modules": {
        *("_core", "_alibaba", "_huawei", "_services", "_ssh", "_polling", "_module", "_waiting", "_writes"),
        "_servers",
    },
}
#: What only these files may import: the edges of the collection.
EDGES = {
    "requests": {"module_utils/_http/transport.py"},
    "urllib3": {"module_utils/_http/connections.py", "module_utils/_http/transport.py"},
    "ansible.module_utils.basic": {"module_utils/_module.py"},
    "random": {"module_utils/_module.py", "lookup/hwc_sms_passphrase.py"},
    "subprocess": {"module_utils/_ssh/program.py"},
}
#: The functions that read a clock or sleep, by module; the rest of these modules computes with times it is given.
CLOCKS = {
    "time": {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep", "time", "time_ns"},
    "datetime": {"now", "today", "utcnow"},
}
#: What reaches out of a process; the engine of a wait imports none of it.
WORLD = {
    *("asyncio", "datetime", "http", "io", "os", "pathlib", "random", "requests", "secrets", "select", "shutil"),
    *("signal", "socket", "ssl", "subprocess", "sys", "tempfile", "time", "urllib", "uuid"),
}


class Imports(t.NamedTuple):
    """The imports of one file: dotted names, with the line where each is."""

    file: Path
    names: list[tuple[str, int]]

    @property
    def part(self) -> str:
        """The part of the collection the file belongs to, as LAYERS names it."""
        kind, name = self.file.relative_to(PLUGINS).with_suffix("").parts[:2]
        return name if kind == "module_utils" else kind

    def parts(self) -> set[str]:
        """Return the parts of the collection that the file imports, its own left out."""
        own = [name.removeprefix(PREFIX).split(".") for name, _line in self.names if name.startswith(PREFIX)]
        return {path[1] if path[0] == "module_utils" else path[0] for path in own} - {self.part}

    def where(self, *names: str) -> list[str]:
        """Return the places where one of the names, or anything below it, is imported."""
        return [
            f"{self.file.relative_to(PLUGINS)}:{line} imports {found}"
            for found, line in self.names
            if any(f"{found}.".startswith(f"{name}.") for name in names)
        ]


def _imports(file: Path) -> Imports:
    names = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import; Ansible and this test want absolute ones"
            names += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return Imports(file, names)


FILES = [_imports(file) for file in sorted(PLUGINS.rglob("*.py")) if "doc_fragments" not in file.parts]
RANKS = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}

each_file = pytest.mark.parametrize("imports", FILES, ids=lambda imports: str(imports.file.relative_to(PLUGINS)))


@each_file
def test_a_part_imports_lower_layers_only(imports: Imports) -> None:
    assert imports.part in RANKS, "a new part: give it a place in LAYERS, and in CONTRIBUTING.md"
    rank = RANKS[imports.part]
    allowed = ONLY.get(imports.part, {part for part in RANKS if RANKS[part] < rank})
    assert imports.parts() <= allowed


@each_file
def test_only_the_edges_import_io(imports: Imports) -> None:
    name = imports.file.relative_to(PLUGINS).as_posix()
    assert [place for edge, owners in EDGES.items() if name not in owners for place in imports.where(edge)] == []


@pytest.mark.parametrize("edge", EDGES)
def test_only_the_listed_files_import_an_edge(edge: str) -> None:
    importers = {imports.file.relative_to(PLUGINS).as_posix() for imports in FILES if imports.where(edge)}
    assert importers == EDGES[edge]


@pytest.mark.parametrize(
    "imports", [imports for imports in FILES if imports.part == "_polling"], ids=lambda i: i.file.name
)
def test_the_polling_engine_imports_no_io(imports: Imports) -> None:
    assert imports.where(*WORLD) == []


@pytest.mark.parametrize(
    "imports",
    [imports for imports in FILES if imports.file.name != "clock.py"],
    ids=lambda imports: str(imports.file.relative_to(PLUGINS)),
)
def test_clocks_are_read_in_one_file(imports: Imports) -> None:
    assert imports.where(*(f"{module}.{function}" for module in CLOCKS for function in CLOCKS[module])) == []
    calls = [
        f"{imports.file.relative_to(PLUGINS)}:{node.lineno} calls {ast.unparse(node.func)}"
        for node in ast.walk(ast.parse(imports.file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS.get(ast.unparse(node.func.value).partition(".")[0], ())
    ]
    assert calls == []


def _carried(file: Path) -> set[Path]:
    """Return the files that travel to a host with a module: what it imports, what that imports, and so on."""
    by_name = {".".join(each.file.relative_to(PLUGINS).with_suffix("").parts): each for each in FILES}
    found: set[Path] = set()
    todo = [next(each for each in FILES if each.file == file)]
    while todo:
        imports = todo.pop()
        found.add(imports.file)
        for name, _line in imports.names:
            own = name.removeprefix(PREFIX) if name.startswith(PREFIX) else ""
            for target in (by_name.get(own), by_name.get(own.rpartition(".")[0])):
                if target is not None and target.file not in found:
                    todo.append(target)
    return found


@pytest.mark.parametrize(("prefix", "own", "other"), [("hwc_", "_huawei", "_alibaba"), ("ali_", "_alibaba", "_huawei")])
def test_the_code_of_another_cloud_does_not_travel(prefix: str, own: str, other: str) -> None:
    modules = sorted((PLUGINS / "modules").glob(f"{prefix}*.py"))
    assert modules
    for module in modules:
        parts = {file.parent.name for file in _carried(module)}
        assert own in parts
        assert other not in parts, module.name


def test_every_package_of_module_utils_has_an_init_file() -> None:
    packages = {file.parent for file in (PLUGINS / "module_utils").rglob("*.py")} - {PLUGINS / "module_utils"}
    assert [package for package in sorted(packages) if not (package / "__init__.py").exists()] == []
