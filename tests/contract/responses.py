# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules on an emulator in this process, with one wrong field in a response each time.

Nothing of the network is between them: the transport of the modules hands each request to the emulator as it is. What the
fields are is taken from the emulator's own responses, so that a new field is tried as soon as the emulator has it.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import typing as t
from urllib.parse import urlsplit

from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Request, Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context, Module
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.arguments import check_arguments
from emulator import Emulator, ManualClock, messages

#: The place of a field: the names of objects and the numbers of rows on the way to it; nothing is the body itself.
Path = tuple[str | int, ...]

#: In the place of a value: the field is left out.
MISSING = object()
#: What stands where something else belongs. The text would turn a terminal red, forge a line and turn writing round.
WRONG: tuple[t.Any, ...] = (
    *(MISSING, None, True, 7, -1, 1e300, 10**30),
    *("", "7", "\x1b[31mred\nfatal: [web1]: FAILED! => {}\u202e", "x" * 5000),
    *([], [None], ["x"], {}, {"error_code": "KPS.0001", "error_msg": "no"}),
)


def kind_of(value: t.Any) -> str:
    """Return the type of a value, as JSON knows it."""
    if value is MISSING or value is None:
        return "missing" if value is MISSING else "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, list) else "object"


def paths_of(document: t.Any, place: Path = ()) -> t.Iterator[Path]:
    """Yield every field of a document: of lists the first and the last row."""
    yield place
    if isinstance(document, dict):
        for name, value in document.items():
            yield from paths_of(value, (*place, name))
    elif isinstance(document, list) and document:
        for number in sorted({0, len(document) - 1}):
            yield from paths_of(document[number], (*place, number))


def value_at(document: t.Any, place: Path) -> t.Any:
    """Return the value at a place; ``MISSING`` when there is none."""
    for step in place:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return document


def spoilt(document: t.Any, place: Path, value: t.Any) -> t.Any:
    """Return a copy of a document with another value at a place."""
    if not place:
        return None if value is MISSING else value
    twin = copy.deepcopy(document)
    holder = value_at(twin, place[:-1])
    if value is MISSING:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return twin


@dataclasses.dataclass(frozen=True)
class WrongField:
    """One field of the responses of one operation, and what stands there.

    Attributes:
        operation: The operation.
        place: The field.
        value: What stands there.
        fits: Whether it is of the type of the field all the same: an unknown status is a text, too.
    """

    operation: str
    place: Path
    value: t.Any
    fits: bool

    def __str__(self) -> str:
        where = ".".join(map(str, self.place)) or "the body"
        what = "missing" if self.value is MISSING else f"{json.dumps(self.value):.40}"
        return f"{self.operation}: {where} is {what}"

    @property
    def field(self) -> str:
        """The name of the field, without the numbers of rows."""
        return ".".join(step for step in self.place if isinstance(step, str))


class Direct:
    """The transport of modules, and the clock of both sides: a request takes a twentieth of a second.

    Args:
        emulator: The emulator that answers.
        clock: Its clock.
    """

    def __init__(self, emulator: Emulator, clock: ManualClock) -> None:
        self.emulator = emulator
        self.clock = clock
        self.cell: WrongField | None = None
        #: The JSON of each response, by operation.
        self.seen: dict[str, list[t.Any]] = {}
        #: Whether the field was there to be spoilt.
        self.struck = False

    def monotonic(self) -> float:
        """Implement the collection's clock."""
        return self.clock.time()

    def time(self) -> float:
        """Implement the collection's clock."""
        return self.clock.time()

    def sleep(self, seconds: float) -> None:
        """Implement the collection's clock."""
        self.clock.advance(max(0.0, seconds))

    def send(self, request: Request, timeout: float) -> Response:
        """Implement ``Transport``."""
        assert timeout > 0
        self.clock.advance(0.05)
        parts = urlsplit(request.url)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        answered = self.emulator.answer(
            messages.Request(request.method, target, tuple(request.headers.items()), request.body)
        )
        headers = {name.lower(): value for name, value in answered.headers}
        return Response(answered.status, headers, self._spoil(self.emulator.requests[-1].operation, answered))

    def close(self) -> None:
        """Implement ``Transport``; do nothing."""

    def _spoil(self, operation: str, answered: messages.Response) -> bytes:
        try:
            document = json.loads(answered.body)
        except ValueError:
            return answered.body
        self.seen.setdefault(operation, []).append(document)
        cell = self.cell
        if cell is None or cell.operation != operation or value_at(document, cell.place) is MISSING:
            return answered.body
        self.struck = True
        return json.dumps(spoilt(document, cell.place, cell.value)).encode()

    def perform(self, module: Module, options: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> dict[str, t.Any]:
        """Return the result of a module; what it warned of is in ``warnings``."""
        arguments = check_arguments(module, "module", options)
        assert arguments.error is None, arguments.error
        context = Context(
            arguments.params,
            on_warning=arguments.warnings.append,
            on_secret=arguments.secrets.add,
            environ=environ,
            clock=self,
            rng=lambda: 0.5,
            connect=lambda **_arguments: self,
            threads=False,
            own_process=False,
        )
        return {**module.perform(context), "warnings": arguments.warnings}


def cells_of(seen: t.Mapping[str, t.Sequence[t.Any]]) -> list[WrongField]:
    """Return every field of the responses that were seen, with every value of another type.

    Values of the same type are those that no such field may hold: empty, endless, full of control characters, huge.
    """
    fields: dict[tuple[str, Path], set[str]] = {}
    for operation, documents in seen.items():
        for document in documents:
            for place in paths_of(document):
                fields.setdefault((operation, place), set()).add(kind_of(value_at(document, place)))
    common = {"text": "7", "number": 7}
    return [
        WrongField(operation, place, value, kind_of(value) in kinds)
        for (operation, place), kinds in fields.items()
        for value in WRONG
        if kind_of(value) not in kinds or (kind_of(value) in common and value != common[kind_of(value)])
    ]
