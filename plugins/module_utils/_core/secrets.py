# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secrets of a run, and the one place that takes them out of text from outside.

A service may echo what it was sent, and seldom as it was sent: escaped for JSON, for a URL or for HTML, one line at a time, as
Base64 or hexadecimal digits, and these nested. So a text is searched after its escapes are undone, three times: for the secret as
it is; by its letters and digits alone, for other characters between those of a long secret come from an encoding; and in what its
runs of Base64 and hexadecimal digits stand for.
"""

from __future__ import annotations

import base64
import html
import itertools
import json
import re
import typing as t

#: The mask, the same as Ansible's.
MASK = "********"
#: Characters of the shortest text that is taken for a secret. No vendor issues or accepts a shorter one, and to hide every ``a``
#: would hide nothing but the text.
LEAST = 4
#: A secret with fewer characters is hidden only where it stands alone: it may be a part of ordinary words.
ALONE = 8
#: Letters and digits from which on a secret is found by any part of it that has ``PART`` of them. Nothing that a person made up,
#: such as a password of words, has so many in most cases; keys and tokens have more.
LONG = 30
PART = 16
#: Characters of the shortest run of Base64 or hexadecimal digits that is decoded, and runs that ``in_text`` decodes.
RUN = 12
RUNS = 1000
#: Runs without a secret that are remembered: the ids of tasks are in one response after the other.
KNOWN = 20_000
#: Places of one text where something was cut that are searched for the beginning of a secret.
CUTS = 100
#: Characters that are searched of one text; what is behind them is dropped.
SEARCHED = 65536
#: How often escapes are undone, one within the other.
ROUNDS = 5
#: How many times a run is decoded, one within the other.
NESTED = 3

# Characters that cannot be seen, such as every second one of a text in UTF-16 that was read as UTF-8.
_UNSEEN = "\\0\u00ad\u200b-\u200f\u2060\ufeff"
_SIGN = re.compile(rf"[\\%&{_UNSEEN}]")
_ESCAPE = re.compile(
    r"(?P<url>(?:%[0-9A-Fa-f]{2})+)|(?P<bytes>(?:\\x[0-9A-Fa-f]{2})+)"
    r"|[\\%]u(?P<high>[dD][89abAB][0-9A-Fa-f]{2})[\\%]u(?P<low>[dD][c-fC-F][0-9A-Fa-f]{2})"
    r"|[\\%]u(?P<unicode>[0-9A-Fa-f]{4})|\\U000(?P<long>[01][0-9A-Fa-f]{4})|\\(?P<json>[nrtbf\"'/\\])"
    r"|(?P<html>&(?:#[0-9]{1,7};?|#[xX][0-9A-Fa-f]{1,6};?|[A-Za-z]{2,8};))|(?P<br><[Bb][Rr] ?/?>)"
    rf"|(?P<unseen>[{_UNSEEN}]+)"
)
# What is left of an escape, or of a character in UTF-8, where a text is cut.
_HALF = re.compile(r"(?:%[0-9A-Fa-f]?|\\(?:u[0-9A-Fa-f]{0,3}|x[0-9A-Fa-f]?)?|&[#A-Za-z0-9]{0,8}|\ufffd)\Z")
# Not of a UUID or a number, of which a page has thousands.
_RUN = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?![0-9a-f]{8}-[0-9a-f]{4}-|[0-9]{1,20}(?![A-Za-z0-9+/_-]))"
    rf"[A-Za-z0-9+/_-]{{{RUN},}}(?:\r?\n[A-Za-z0-9+/_-]+)*"
)
# What is written where a text is cut.
_DOTS = re.compile(r"\.{3,}|\u2026")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+\Z")
_JSON = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
#: From the alphabet for URLs to the usual one (RFC 4648, 4 and 5), without line breaks.
_ONE_ALPHABET = str.maketrans("-_", "+/", "\r\n")
_NOT_PLAIN = bytes(byte for byte in range(256) if byte not in _PLAIN)

#: A character after its escapes were undone, and where it was: the first and the last position.
_Place = tuple[int, int]


class Secrets:
    """The secrets of a run, which it masks in texts and JSON values.

    Args:
        secrets: The first of them.
    """

    def __init__(self, secrets: t.Iterable[str] = ()) -> None:
        #: The secrets as they are, to be found as they are.
        self._plain: dict[str, None] = {}
        #: Letters and digits of encoded forms of short secrets, to be found whole.
        self._encoded: dict[str, None] = {}
        #: Every part of a long secret or of an encoded form of it: where it begins, and in what.
        self._parts: dict[str, tuple[str, int]] = {}
        #: Runs of Base64 or hexadecimal digits that stand for none of the secrets so far.
        self._harmless: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide a secret from now on; what is too short to be one is passed over (``LEAST``)."""
        self._learn(secret)
        # Last, and a new set: another thread may be adding runs that it searched without this secret.
        self._harmless = set()

    def _learn(self, secret: str) -> None:
        """Keep the forms of a secret."""
        raw = secret.strip()
        text = list(_stages(raw, None))[-1][0]
        if len(text) < LEAST or text in self._plain:
            return
        self._plain.update(dict.fromkeys((text, raw, *_misread(text))))
        lines = [line.strip() for line in text.splitlines() if _secret_line(line)]
        letters = _letters("\n".join(lines))
        if len(letters) < LONG:
            if len(raw) >= ALONE:
                self._encoded.update(dict.fromkeys((*_encodings(text), *_encodings(raw))))
            return
        for form in (letters, *(form for line in lines for form in _encodings(line))):
            for start in range(len(form) - PART + 1):
                self._parts.setdefault(form[start : start + PART], (form, start))

    def in_text(self, text: str) -> bool:
        """Return whether a text may hold a secret; much quicker than ``mask``, and blind for parts of secrets only."""
        for decoded, _places in _stages(text, None) if _SIGN.search(text) else [(text, [])]:
            if any(secret in decoded for secret in self._plain):
                return True
        if self._plain and self._in_runs(decoded):
            return True
        if not self._parts and not self._encoded:
            return False
        letters = _letters(decoded)
        if any(form in letters for form in self._encoded):
            return True
        # In LONG letters of a secret one of its parts begins at such a position.
        starts = range(0, len(letters) - PART + 1, LONG - PART)
        return any(letters[start : start + PART] in self._parts for start in starts)

    def _in_runs(self, text: str) -> bool:
        """Return whether a run of Base64 or hexadecimal digits stands for a text that has a secret."""
        if len(self._harmless) >= KNOWN:
            self._harmless = set()
        harmless = self._harmless
        runs = dict.fromkeys(run[0] for run in _RUN.finditer(text) if run[0] not in harmless)
        for run in itertools.islice(runs, RUNS):
            if self._hides(run):
                return True
            harmless.add(run)
        return False

    def mask(self, text: str, *, cut: bool = False) -> str:
        """Return the text with ``********`` in the place of each secret, whatever encoding it is in.

        Args:
            text: The text.
            cut: Whether the text goes on, so that it may end with the beginning of a secret.
        """
        if len(text) > SEARCHED:
            return f"{self.mask(text[:SEARCHED], cut=True)}..."
        if cut:
            text = _HALF.sub("", text)
        if not self._plain:
            return text
        shown, at = [], 0
        for first, last in _joined(self._found(text, cut=cut)):
            shown += [text[at:first], MASK]
            at = last + 1
        return "".join((*shown, text[at:]))

    def mask_all(self, value: t.Any) -> t.Any:
        """Return a JSON value with each of its texts masked, the names of fields included."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, list):
            return [self.mask_all(item) for item in value]
        if isinstance(value, dict):
            return {self.mask_all(name): self.mask_all(item) for name, item in value.items()}
        return value

    def _whole(self, decoded: str, places: list[_Place], cut: bool) -> t.Iterator[_Place]:
        """Return the places of secrets as they are, and of their beginnings where something was cut."""
        ends = [dots.start() for dots in itertools.islice(_DOTS.finditer(decoded), CUTS)] + [len(decoded)] * cut
        for secret in self._plain:
            for start in _finds(secret, decoded):
                if len(secret) >= ALONE or _alone(decoded, start, start + len(secret)):
                    yield places[start][0], places[start + len(secret) - 1][1]
            for end in ends:
                begun = _begun(secret, decoded[:end])
                if begun:
                    yield places[end - begun][0], places[end - 1][1]

    def _hides(self, run: str, nested: int = NESTED) -> bool:
        """Return whether a run of Base64 or hexadecimal digits stands for a text that has a secret."""
        return any(next(self._found(text, nested=nested - 1), None) is not None for text in _unpacked(run))

    def _found(self, text: str, *, cut: bool = False, nested: int = NESTED) -> t.Iterator[_Place]:
        """Return the places of secrets, as first and last position."""
        stages = list(_stages(text, [(index, index) for index in range(len(text))]))
        # At each stage: what follows the end of a secret may make an escape of it.
        for stage in stages:
            yield from self._whole(*stage, cut)
        decoded, places = stages[-1]
        for run in _RUN.finditer(decoded) if nested else ():
            if self._hides(run[0], nested):
                yield places[run.start()][0], places[run.end() - 1][1]
        plain = [index for index, char in enumerate(decoded) if char.isascii() and char.isalnum()]
        letters = "".join([decoded[index] for index in plain])
        for form in self._encoded:
            for start in _finds(form, letters):
                yield places[plain[start]][0], places[plain[start + len(form) - 1]][1]
        start = 0
        while self._parts and start <= len(letters) - PART:
            part = self._parts.get(letters[start : start + PART])
            if part is None:
                start += 1
                continue
            form, begin = part
            length = PART
            while form[begin + length : begin + length + 1] == letters[start + length : start + length + 1] != "":
                length += 1
            yield places[plain[start]][0], places[plain[start + length - 1]][1]
            start += length


def _letters(text: str) -> str:
    """Return the letters and digits of ASCII in a text."""
    return text.encode("ascii", "replace").translate(None, _NOT_PLAIN).decode("ascii")


def _secret_line(line: str) -> bool:
    """Return whether a line of a secret is one: those of a PEM file that say what it is are not."""
    line = line.strip()
    return bool(line) and not line.startswith("-----") and not re.match(r"[A-Za-z-]+: ", line)


def _encodings(text: str) -> list[str]:
    """Return the letters and digits of a text in Base64, at each of its three offsets, and in hexadecimal digits."""
    found = []
    for data in dict.fromkeys((text.encode("utf-8", "surrogatepass"), json.dumps(text)[1:-1].encode("ascii"))):
        found += [data.hex(), data.hex().upper()]
        for before in range(3):
            encoded = base64.b64encode(b"\0" * before + data).decode("ascii").rstrip("=")
            # Without the characters that depend on what stands before and behind.
            core = encoded[(0, 2, 3)[before] : len(encoded) - 1 if (before + len(data)) % 3 else len(encoded)]
            found.append(_letters(core))
    return [form for form in found if len(form) >= ALONE]


def _misread(text: str) -> t.Iterator[str]:
    """Return what becomes of a text in a form, and of one with letters of other languages when it is read in another encoding."""
    if " " in text:
        yield text.replace(" ", "+")
    if not text.isascii():
        data = [
            text.encode("utf-8", "surrogatepass"),
            text.encode("gb18030", "ignore"),
            text.encode("latin-1", "ignore"),
        ]
        forms = (one.decode(encoding, "replace") for one in data for encoding in ("latin-1", "cp1252", "utf-8"))
        # Without what every text becomes that is read in another encoding.
        yield from (form for form in forms if len(form.replace("\ufffd", "")) >= LEAST)


def _unpacked(run: str) -> t.Iterator[str]:
    """Return the texts that a run of Base64 or hexadecimal digits may stand for."""
    digits = run[:SEARCHED].translate(_ONE_ALPHABET)
    # One digit more than a multiple of four stands for no byte.
    found = [base64.b64decode(f"{digits[:-1] if len(digits) % 4 == 1 else digits}==")]
    if _HEX.match(digits):
        found.append(bytes.fromhex(digits))
    for data in found:
        yield data.decode("utf-8", "replace")
        yield data.decode("utf-16-le", "replace")


def _begun(secret: str, text: str) -> int:
    """Return how many characters at the end of a text may be the beginning of a secret; 0 when they are too few to tell anything.

    A part of a character in UTF-8 may follow: up to three bytes.
    """
    for more in range(min(4, len(text))):
        whole = text[: len(text) - more]
        for length in range(min(len(secret), len(whole)), LEAST - 1, -1):
            if whole.endswith(secret[:length]):
                return length + more
    return 0


def _finds(wanted: str, text: str) -> t.Iterator[int]:
    start = text.find(wanted)
    while start >= 0:
        yield start
        start = text.find(wanted, start + len(wanted))


def _alone(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isalnum() if start else False) and not text[end : end + 1].isalnum()


def _joined(places: t.Iterable[_Place]) -> list[_Place]:
    """Return the places in order, with those that touch made one."""
    joined: list[_Place] = []
    for first, last in sorted(places):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _stages(text: str, places: list[_Place] | None) -> t.Iterator[tuple[str, list[_Place]]]:
    """Yield a text, then without its escapes, until there are none; each time with where each character was.

    Args:
        text: The text.
        places: Where each of its characters is; None when it does not matter.
    """
    kept = places or []
    yield text, kept
    for _round in range(ROUNDS):
        pieces, new, at = [], [], 0
        for match in _ESCAPE.finditer(text):
            char = _meant(match)
            pieces += [text[at : match.start()], char]
            if places is not None:
                new += kept[at : match.start()]
                new += [(kept[match.start()][0], kept[match.end() - 1][1])] * len(char)
            at = match.end()
        if not at:
            return
        if places is not None:
            kept = new + kept[at:]
        text = "".join((*pieces, text[at:]))
        yield text, kept


def _meant(match: re.Match[str]) -> str:
    """Return the character that an escape stands for."""
    kind, found = match.lastgroup, match[0]
    if kind in ("url", "bytes"):
        data = bytes.fromhex(found.replace("%" if kind == "url" else "\\x", ""))
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode("latin-1")
    if kind in ("unicode", "long"):
        return chr(int(match[kind], 16))
    if kind == "low":
        return chr(0x10000 + (int(match["high"], 16) - 0xD800 << 10) + int(match["low"], 16) - 0xDC00)
    if kind == "unseen":
        return ""
    if kind == "json":
        return _JSON.get(match["json"], match["json"])
    return "\n" if kind == "br" else html.unescape(found)
