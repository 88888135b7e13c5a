#!/usr/bin/python
# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module keypair_reset_report: writes the report of the role keypair_reset into files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: keypair_reset_report
short_description: Write the report of the role keypair_reset
version_added: 0.1.0
description:
  - The role P(multicloud.async_tasks.keypair_reset#role) writes its report with this module.
  - Each file is replaced as a whole. A file that has the content already is not touched.
  - When a file cannot be written, the module writes the others, and then fails.
  - The module is part of the role. Its options may change between releases.
author:
  - Multicloud Authors (@multicloud)
extends_documentation_fragment:
  - multicloud.async_tasks.attributes
attributes:
  check_mode:
    support: full
    details: It does not write in check mode.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  files:
    description:
      - The files to write, as a dictionary from each path to its content. The directories must exist.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write a report
  multicloud.async_tasks.keypair_reset_report:
    files:
      /var/lib/keypair_reset/keypair_reset.md: "{{ report }}"
  delegate_to: localhost
"""

RETURN = r"""
written:
  description: The files that were written, or would be in check mode.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import (
    ArgumentSpec,
    Context,
    Module,
    Result,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._servers.files import replace


def execute(context: Context) -> Result:
    """Write every file that has another content."""
    written: list[str] = []
    problems = []
    context.result["written"] = written
    for path, content in context.params["files"].items():
        try:
            if _content(path) == content:
                continue
            if not context.check_mode:
                replace(path, content, mode=0o644)
            written.append(path)
        except OSError as error:
            problems.append(f"{path} cannot be written: {error.strerror}.")
        except ValueError:
            # A name with NUL, or half a surrogate pair in a text.
            problems.append(f"{path} cannot be written: its name or its text cannot be stored.")
    context.result["changed"] = bool(written)
    if problems:
        raise UsageError(" ".join(problems))
    return {"written": written, "changed": bool(written)}


def _content(path: str) -> str | None:
    """Return the content of a file, or None when it cannot be read as text."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, ValueError):
        return None


ARGUMENT_SPEC: ArgumentSpec = {
    "files": {"type": "dict", "required": True},
}

MODULE = Module(
    execute,
    ARGUMENT_SPEC,
    providers=[],
)


def main() -> None:
    """Run the module."""
    MODULE.run()


if __name__ == "__main__":
    main()
