# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys: their public keys, fingerprints and signature algorithms."""

from __future__ import annotations

import base64
import hashlib
import typing as t

#: The signature algorithms of RSA keys, the best one first. For all other types, the type is the algorithm.
_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")


class Key(t.NamedTuple):
    """A private key and its copy in a private directory.

    Attributes:
        path: The file of the user.
        copy: The copy for ssh; empty if there is none.
        public_key: The public key in OpenSSH's format, or None.
        problem: Why the key cannot be used, or None.
        world_readable: Whether every user of this machine can read the file.
    """

    path: str
    copy: str = ""
    public_key: str | None = None
    problem: str | None = None
    world_readable: bool = False

    @property
    def kind(self) -> str:
        """The type of the key, such as ``ssh-rsa``."""
        return self.public_key.split()[0] if self.public_key else ""

    @property
    def fingerprint(self) -> str:
        """The fingerprint as ssh prints it, such as ``SHA256:mVPwvezndPv/ARoIadVY98vAC0g+P/5633yTC4d/wXE``."""
        return fingerprint(self.public_key) if self.public_key else ""

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The signature algorithms of the key."""
        return _RSA if self.kind == "ssh-rsa" else (self.kind,)


def fingerprint(public_key: str) -> str:
    """Return the fingerprint of a public key in OpenSSH's format.

    Raises:
        ValueError: The text is not a public key.
    """
    parts = public_key.split()
    if len(parts) < 2:
        raise ValueError("a public key is a type and base64 text")
    digest = hashlib.sha256(base64.b64decode(parts[1], validate=True)).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")
