# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of a run, one for each server, and their summary."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import ERROR, PENDING, SUCCESS, Reason
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import WORD, printable

#: The number of servers that a message names.
MAX_NAMED = 5


@dataclasses.dataclass
class ServerResult:
    """The result for one server.

    Attributes:
        server_id: The id of the server.
        name: The name; None when the server does not exist.
        changed: Whether the server was changed, or may have been.
        state: One of the states of a task.
        status: The raw status of the service.
        reason: The reason of a failure, from the service.
        msg: A message for the user.
        fields: Further fields of the result.
    """

    server_id: str
    name: str | None = None
    changed: bool = False
    state: str = PENDING
    status: str | None = None
    reason: Reason | None = None
    msg: str | None = None
    fields: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def refuse(self, why: str) -> None:
        """Note that nothing can be done to the server."""
        self.state, self.msg = ERROR, why

    def ended(self, state: str, status: str | None, reason: t.Mapping[str, t.Any] | None) -> None:
        """Note the final state from the service; keep an earlier status or reason if there is no new one."""
        self.state = state
        self.status = status or self.status
        if reason:
            self.reason = Reason(reason.get("code"), reason.get("message"))

    def result(self) -> dict[str, t.Any]:
        """Return the result as plain JSON values."""
        return {
            "server_id": self.server_id,
            "name": self.name,
            "changed": self.changed,
            "state": self.state,
            "status": self.status,
            "reason": self.reason._asdict() if self.reason else None,
            "msg": self.msg and printable(self.msg),
            **self.fields,
        }

    def describe(self) -> str:
        """Return the server and its problem, for the middle of a sentence."""
        who = f"{printable(self.name, WORD)} ({self.server_id})" if self.name else self.server_id
        status = printable(self.status, WORD) if self.status else None
        why = ", ".join(str(part) for part in (status, self.reason) if part) if self.reason else None
        return f"{who}: {printable(self.msg or why or status or self.state)}".rstrip(".")


def report(
    rows: t.Sequence[ServerResult], *, waited: bool, done: str, be: tuple[str, str] = ("was", "were"), prefix: str = ""
) -> tuple[bool, str]:
    """Return whether the run failed, and a sentence about it.

    Args:
        rows: The results of all servers.
        waited: Whether servers that are still pending count as failed.
        done: The participle for servers that succeeded, such as ``stopped``.
        be: The verb before it, for one server and for several.
        prefix: The beginning of the sentence about failures.
    """
    good = (SUCCESS,) if waited else (SUCCESS, PENDING)
    bad = [row for row in rows if row.state not in good]
    total = f"{len(rows)} server{'' if len(rows) == 1 else 's'}"
    if not bad:
        changed = sum(1 for row in rows if row.changed)
        verb = be[0] if changed == 1 else be[1]
        return False, f"{changed} of {total} {verb} {done}." if changed else f"Nothing to do for {total}."
    named = "; ".join(row.describe() for row in bad[:MAX_NAMED])
    more = f"; and {len(bad) - MAX_NAMED} more" if len(bad) > MAX_NAMED else ""
    rest = f" {len(rows) - len(bad)} without a problem." if len(rows) > len(bad) else ""
    lead = f"{prefix} " if prefix else ""
    return True, f"{lead}{len(bad)} of {total} failed: {named}{more}.{rest}"
