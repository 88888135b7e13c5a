# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings with which Sphinx builds the HTML documentation (./run docs), without fetching anything."""

from __future__ import annotations

import pkgutil
import zlib
from pathlib import Path

import ansible.modules

project = "multicloud.async_tasks"
copyright = "Multicloud Authors"
_GALAXY = (Path(__file__).resolve().parents[2] / "galaxy.yml").read_text(encoding="utf-8")
version = release = _GALAXY.partition("\nversion: ")[2].split()[0]
html_title = html_short_title = "multicloud.async_tasks"
extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_theme_options = {
    "documentation_home_url": "index.html",
    "navigation_depth": 2,
    "topbar_links": {},
    "show_extranav": False,
}
html_static_path = ["_static"]
html_css_files = ["site.css"]
# MyST: links to the anchors of headings.
myst_heading_anchors = 3
html_copy_source = False
html_show_sphinx = False
html_use_index = False
html_use_modindex = False
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
default_role = "any"
nitpicky = True

# What our pages refer to in Ansible's own documentation. Naming it here, in an inventory of our own, gives the right
# links without fetching Ansible's inventory.
LABELS = {
    "action_plugins": "plugins/action.html Action plugins",
    "ansible_configuration_settings": "reference_appendices/config.html Ansible Configuration Settings",
    "common_return_values": "reference_appendices/common_return_values.html Common Return Values",
    **{
        f"ansible_collections.ansible.builtin.{name}_module": f"collections/ansible/builtin/{name}_module.html {name}"
        for _finder, name, _is_package in pkgutil.iter_modules(ansible.modules.__path__)
    },
}


def _inventory() -> Path:
    """Write the inventory in Sphinx's format, and say where it is."""
    header = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: \n# The rest is compressed with zlib.\n"
    lines = "".join(f"{label} std:label -1 {page_and_title}\n" for label, page_and_title in LABELS.items())
    path = Path(__file__).resolve().parents[2] / "build" / "ansible.inv"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(header.encode() + zlib.compress(lines.encode()))
    return path


intersphinx_mapping = {"ansible": ("https://docs.ansible.com/projects/ansible/devel/", str(_inventory()))}
