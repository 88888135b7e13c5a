# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SSH key pairs: generating, reading, comparing, fingerprints."""

from __future__ import annotations

import base64
import dataclasses
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa


@dataclasses.dataclass(frozen=True)
class GeneratedKey:
    """A generated pair.

    Attributes:
        public: One line in OpenSSH's format, without comment.
        private: PEM text.
    """

    public: str
    private: str


def generate_rsa(bits: int = 2048) -> GeneratedKey:
    """Return a pair as the key pair service makes them: RSA, the private half in the traditional PEM format."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return GeneratedKey(_line(key.public_key()), private.decode())


def generate_ed25519() -> GeneratedKey:
    """Return a small, quickly made pair, the private half in OpenSSH's format."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return GeneratedKey(_line(key.public_key()), private.decode())


def _line(key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey) -> str:
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def public_of(private: str) -> str | None:
    """Return the public line of a PEM private key; None when the text is not such a key, or is protected by a passphrase."""
    data = private.strip().encode() + b"\n"
    for load in (serialization.load_ssh_private_key, serialization.load_pem_private_key):
        try:
            key = load(data, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        return public.decode()
    return None


def belong(private: str, public: str) -> bool:
    """Return whether a PEM private key and a public line are two halves of one pair."""
    mine = public_of(private)
    return mine is not None and identity(mine) == identity(public)


def identity(line: str) -> tuple[str, str] | None:
    """Return type and data of a public key line, without options and comment; None when it is not a key."""
    words = line.split()
    for index, word in enumerate(words[:-1]):
        if word.startswith(("ssh-", "ecdsa-", "sk-")):
            return word, words[index + 1]
    return None


def valid(line: str) -> bool:
    """Return whether this is one public key in OpenSSH's format."""
    if "\n" in line.strip():
        return False
    try:
        serialization.load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def fingerprint(line: str) -> str:
    """Return the MD5 digest of the key's data, as colon-separated pairs.

    The service's own algorithm is not documented; its examples have this form. Clients must not compare by it.
    """
    key = identity(line)
    data = base64.b64decode(key[1]) if key else line.encode()
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return ":".join(digest[index : index + 2] for index in range(0, len(digest), 2))
