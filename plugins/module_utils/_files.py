# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files in which users keep credentials: where they are, and what is in them. Python's standard library reads them."""

from __future__ import annotations

import configparser
import json
import os
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import CredentialsError


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
        """The file that a variable of the environment names, or the one below the home directory."""
        given = environ.get(variable) if variable else None
        home = environ.get("HOME") or os.path.expanduser("~")
        if given:
            path = os.path.join(home, given[2:]) if given.startswith("~/") else given
            return cls(path, given, True)
        return cls(os.path.join(home, *parts), "/".join(("~", *parts)), False)

    def ini(self) -> dict[str, dict[str, str]]:
        """The sections of an INI file; none when there is no file."""
        text = self._text()
        # A secret may hold a percent sign; nothing is to be put in its place.
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(text or "")
        except configparser.Error as error:
            # Its words quote the line, which may hold a secret.
            raise self._broken(f"line {getattr(error, 'lineno', '?')} is no line of an INI file") from None
        return {section: dict(parser.items(section)) for section in parser.sections()}

    def json(self) -> dict[str, t.Any]:
        """The object of a JSON file; an empty one when there is no file."""
        text = self._text()
        if text is None:
            return {}
        try:
            document = json.loads(text)
        except ValueError as error:
            raise self._broken(f"line {getattr(error, 'lineno', '?')} is no JSON") from None
        if not isinstance(document, dict):
            raise self._broken("it is no JSON object")
        return document

    def _text(self) -> str | None:
        try:
            with open(self.path, encoding="utf-8-sig") as file:
                return file.read()
        except FileNotFoundError:
            if self.named:
                raise CredentialsError(f"There is no file {self.name}, which the environment names.") from None
            return None
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
            raise CredentialsError(f"{self.name} cannot be read: {reason}.") from None

    def _broken(self, why: str) -> CredentialsError:
        return CredentialsError(f"{self.name} cannot be understood: {why}.")
