# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add to what antsibull-docs wrote: the landing page, the sidebar, pictures, and the pages that are Markdown.

``python docs/sphinx/landing.py RST`` takes the directory that antsibull-docs wrote to.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
#: A line of the plugin index of antsibull-docs: name and kind, the role to link to it, its summary.
PLUGIN = re.compile(
    r"^\* :ansplugin:`(?P<name>\w+) (?P<kind>\w+) <(?P<target>[^>]+)>` -- (?P<summary>.*)$", re.MULTILINE
)
#: Pages that are Markdown in the repository, with their titles in the sidebar.
PAGES = {"benchmark": DOCS / "benchmark.md", "security": ROOT / "SECURITY.md"}
#: Short titles of the guides in the sidebar.
SHORT = {
    "guide_emulator": "Emulator",
    "guide_authentication": "Authentication",
    "guide_queries": "Querying tasks",
    "guide_waiting": "Waiting for tasks",
    "guide_keypair_reset": "Key pairs of a fleet",
    "guide_playbooks": "Playbooks",
    "guide_awx": "AWX",
    "guide_event_driven": "Event-Driven Ansible",
    "guide_controller": "Tasks on the controller",
    "guide_troubleshooting": "Troubleshooting",
    "guide_environment": "Environment variables",
}
#: The internal parts of the role have names that begin like this.
INTERNAL = "keypair_reset_"


def toctree(caption: str, entries: list[str]) -> str:
    """Return a group of the sidebar."""
    return "\n".join(
        ["", ".. toctree::", f"   :caption: {caption}", "   :hidden:", "", *(f"   {e}" for e in entries), ""]
    )


def index(generated: str, sections: list[dict[str, list[str] | str]]) -> str:
    """Return the landing page with every group of the sidebar.

    Args:
        generated: The index that antsibull-docs wrote.
        sections: The sections of ``docs/docsite/extra-docs.yml``.
    """
    plugins = [match.groupdict() for match in PLUGIN.finditer(generated)]
    internal = [plugin for plugin in plugins if plugin["name"].startswith(INTERNAL)]
    groups = {
        "Modules": [p for p in plugins if p["kind"] == "module" and p not in internal],
        "Role": [p for p in plugins if p["kind"] == "role"],
        "Lookup": [p for p in plugins if p["kind"] == "lookup"],
        "Inside the role": internal,
    }
    lines = [(DOCS / "sphinx" / "landing.rst").read_text(encoding="utf-8"), "", "Reference", "---------"]
    for title, group in groups.items():
        lines += ["", title, "~" * len(title), ""]
        lines += [f"* :ansplugin:`{p['name']} <{p['target']}>`: {p['summary']}" for p in group]
    for section in sections:
        guides = [f"{SHORT.get(guide, guide)} <docsite/{guide}>" for guide in section["toctree"]]
        lines.append(toctree(str(section["title"]), guides))
    for title, group in groups.items():
        lines.append(toctree(title, [f"{p['name']} <{p['name']}_{p['kind']}>" for p in group]))
    lines.append(toctree("Project", ["Changelog <changelog>", "Benchmark <benchmark>", "Security <security>"]))
    return "\n".join(lines)


def main() -> int:
    """Write everything into the directory on the command line."""
    rst = Path(sys.argv[1])
    sections = yaml.safe_load((DOCS / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    (rst / "index.rst").write_text(index((rst / "index.rst").read_text(encoding="utf-8"), sections), encoding="utf-8")
    # The index of antsibull-docs knows no variables of modules. guide_environment.rst has them.
    (rst / "environment_variables.rst").unlink()
    for name, source in PAGES.items():
        shutil.copy(source, rst / f"{name}.md")
    for picture in ("benchmark.svg", "demo.svg"):
        shutil.copy(DOCS / picture, rst)
    shutil.copytree(DOCS / "docsite" / "images", rst / "docsite" / "images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
