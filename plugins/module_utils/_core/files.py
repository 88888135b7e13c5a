# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files in which users keep credentials: where they are, and what is in them. Python's standard library reads them."""

from __future__ import annotations

import configparser
import json
import os
import re
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CredentialsError

_TOKEN = re.compile(r"[!-~]+\Z")


class UserFile(t.NamedTuple):
    """A file of credentials.

    Attributes:
        path: Where it is.
        name: What people call it: ``~/.aliyun/config.json``, or the path that a variable gives.
        named: Whether a variable or an option names it, so that it must be there.
    """

    path: str
    name: str
    named: bool

    @classmethod
    def at(cls, environ: t.Mapping[str, str], variable: str | None, *parts: str) -> UserFile:
        """Return the file that a variable of the environment names, or the one below the home directory."""
        given = environ.get(variable) if variable else None
        if given:
            return cls.named_by(environ, given)
        return cls(os.path.join(_home(environ), *parts), "/".join(("~", *parts)), False)

    @classmethod
    def named_by(cls, environ: t.Mapping[str, str], given: str) -> UserFile:
        """Return the file of this name, which may begin with ``~/``."""
        path = os.path.join(_home(environ), given[2:]) if given.startswith("~/") else given
        return cls(path, given, True)

    def ini(self) -> dict[str, dict[str, str]]:
        """Return the sections of an INI file; none when there is no file."""
        text = self._text()
        # A secret may hold a percent sign; nothing is to be put in its place.
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(text or "")
        except configparser.Error as error:
            # Its words quote the line, which may hold a secret. A ParsingError has the numbers of several.
            lines = getattr(error, "errors", None)
            number = lines[0][0] if lines else getattr(error, "lineno", "?")
            raise self._broken(f"line {number} is not a line of an INI file") from None
        return {section: dict(parser.items(section)) for section in parser.sections()}

    def json(self) -> dict[str, t.Any]:
        """Return the object of a JSON file; an empty one when there is no file."""
        text = self._text()
        if text is None:
            return {}
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            number = getattr(error, "lineno", None)
            raise self._broken(f"line {number} is not JSON" if number else "it is not JSON") from None
        if not isinstance(document, dict):
            raise self._broken("it is not a JSON object")
        return document

    def token(self) -> str:
        """Return the token that a file holds: its only line. It is read each time, for it is replaced before it expires.

        Raises:
            CredentialsError: There is no such file, or something else in it, which is not shown.
        """
        text = (self._text() or "").strip()
        if not _TOKEN.match(text):
            raise CredentialsError(
                f"{self.name} must hold a token, and nothing else. It is not one line of plain characters."
            )
        return text

    def exists(self) -> bool:
        """Return whether there is such a file."""
        return os.path.exists(self.path)

    def _text(self) -> str | None:
        try:
            with open(self.path, encoding="utf-8-sig") as file:
                return file.read()
        except FileNotFoundError:
            if self.named:
                raise CredentialsError(
                    f"There is no file {self.name}, which the environment or a profile names."
                ) from None
            return None
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from None
        except UnicodeDecodeError:
            raise self._unreadable("it is not text in UTF-8") from None
        except ValueError:
            raise self._unreadable("no file can have this name") from None

    def _unreadable(self, why: str) -> CredentialsError:
        return CredentialsError(f"{self.name} cannot be read: {why}.")

    def _broken(self, why: str) -> CredentialsError:
        return CredentialsError(f"{self.name} cannot be understood: {why}.")


def _home(environ: t.Mapping[str, str]) -> str:
    return environ.get("HOME") or os.path.expanduser("~")
