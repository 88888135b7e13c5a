# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One row a server: what became of it, in the order in which servers were named."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.tasks import ERROR, PENDING, SUCCESS, Reason
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import WORD, printable

#: Servers that a message spells out.
SPELT_OUT = 5


@dataclasses.dataclass
class Row:
    """One server.

    Attributes:
        server_id: Its id.
        name: Its name; None when it does not exist.
        changed: Whether something was changed on it, or may have been.
        state: One of the states of a task.
        status: The raw word that the state rests on.
        reason: Why it failed, in the service's words.
        msg: What went wrong or would be done, for people.
        more: Further fields of the result.
    """

    server_id: str
    name: str | None = None
    changed: bool = False
    state: str = PENDING
    status: str | None = None
    reason: Reason | None = None
    msg: str | None = None
    more: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def refuse(self, why: str) -> None:
        """Nothing can be done to it."""
        self.state, self.msg = ERROR, why

    def ended(self, state: str, status: str | None, reason: t.Mapping[str, t.Any] | None) -> None:
        """The service said what became of it; an earlier word or reason is not overwritten by silence."""
        self.state = state
        self.status = status or self.status
        if reason:
            self.reason = Reason(reason.get("code"), reason.get("message"))

    def result(self) -> dict[str, t.Any]:
        """The row as plain JSON values."""
        return {
            "server_id": self.server_id,
            "name": self.name,
            "changed": self.changed,
            "state": self.state,
            "status": self.status,
            "reason": self.reason._asdict() if self.reason else None,
            "msg": self.msg and printable(self.msg),
            **self.more,
        }

    def describe(self) -> str:
        """The server and what is wrong with it, for the middle of a sentence."""
        who = f"{printable(self.name, WORD)} ({self.server_id})" if self.name else self.server_id
        status = printable(self.status, WORD) if self.status else None
        why = ", ".join(str(part) for part in (status, self.reason) if part) if self.reason else None
        return f"{who}: {printable(self.msg or why or status or self.state)}".rstrip(".")


def report(
    rows: t.Sequence[Row], *, waited: bool, done: str, be: tuple[str, str] = ("was", "were"), prefix: str = ""
) -> tuple[bool, str]:
    """Whether the run failed, and the sentence that says how it went.

    Args:
        rows: All servers.
        waited: Whether servers that are still pending count as failed.
        done: What happened to those that succeeded, such as ``stopped``.
        be: The verb before it, for one server and for several.
        prefix: Begins the sentence about failures.
    """
    good = (SUCCESS,) if waited else (SUCCESS, PENDING)
    bad = [row for row in rows if row.state not in good]
    total = f"{len(rows)} server{'' if len(rows) == 1 else 's'}"
    if not bad:
        changed = sum(1 for row in rows if row.changed)
        verb = be[0] if changed == 1 else be[1]
        return False, f"{changed} of {total} {verb} {done}." if changed else f"Nothing to do for {total}."
    spelt = "; ".join(row.describe() for row in bad[:SPELT_OUT])
    more = f"; and {len(bad) - SPELT_OUT} more" if len(bad) > SPELT_OUT else ""
    rest = f" {len(rows) - len(bad)} without a problem." if len(rows) > len(bad) else ""
    lead = f"{prefix} " if prefix else ""
    return True, f"{lead}{len(bad)} of {total} failed: {spelt}{more}.{rest}"
