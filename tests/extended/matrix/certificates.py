# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates of the fault server: one good, and one for each thing that can be wrong with one."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import ssl
import typing as t
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from wire import DOMAIN

_DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class Certificates:
    """The certificates of the server.

    Attributes:
        ca_path: The authority that the client trusts.
        contexts: Ready contexts by name: ``good``, ``expired``, ``early``, ``stranger``, ``self-signed``, ``wrong host``,
            ``old protocol``, ``client``.
    """

    ca_path: Path
    contexts: t.Mapping[str, ssl.SSLContext]


def make(directory: Path) -> Certificates:
    """Create all of them in a directory."""
    now = datetime.datetime.now(datetime.UTC)
    authority, stranger = (_authority(name, now) for name in ("Authority of the matrix", "Unknown authority"))
    good: list[x509.GeneralName] = [
        x509.DNSName(DOMAIN),
        x509.DNSName(f"*.{DOMAIN}"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    other: list[x509.GeneralName] = [x509.DNSName("elsewhere.example")]
    span = (now - _DAY, now + 30 * _DAY)
    contexts = {
        "good": _context(directory, "good", _issue(authority, good, *span)),
        "expired": _context(directory, "expired", _issue(authority, good, now - 30 * _DAY, now - _DAY)),
        "early": _context(directory, "early", _issue(authority, good, now + _DAY, now + 30 * _DAY)),
        "stranger": _context(directory, "stranger", _issue(stranger, good, *span)),
        "self-signed": _context(directory, "self-signed", _issue(None, good, *span)),
        "wrong host": _context(directory, "wrong-host", _issue(authority, other, *span)),
        "old protocol": _context(directory, "old", _issue(authority, good, *span)),
        "client": _context(directory, "client", _issue(authority, good, *span)),
    }
    contexts["old protocol"].minimum_version = ssl.TLSVersion.TLSv1_1
    contexts["old protocol"].maximum_version = ssl.TLSVersion.TLSv1_1
    contexts["old protocol"].set_ciphers("ALL:@SECLEVEL=0")
    ca_path = directory / "ca.pem"
    ca_path.write_bytes(authority[1].public_bytes(serialization.Encoding.PEM))
    contexts["client"].load_verify_locations(ca_path)
    contexts["client"].verify_mode = ssl.CERT_REQUIRED
    return Certificates(ca_path, contexts)


Issued = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]


def _authority(name: str, now: datetime.datetime) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = _builder(subject, subject, key, now - 60 * _DAY, now + 60 * _DAY)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    builder = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return key, builder.add_extension(identifier, False).sign(key, hashes.SHA256())


def _issue(
    authority: Issued | None, names: list[x509.GeneralName], begin: datetime.datetime, end: datetime.datetime
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fault server")])
    issuer, signer = (subject, key) if authority is None else (authority[1].subject, authority[0])
    builder = _builder(subject, issuer, key, begin, end).add_extension(x509.SubjectAlternativeName(names), False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(x509.BasicConstraints(False, None), True).add_extension(identifier, False)
    return key, builder.sign(signer, hashes.SHA256())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begin: datetime.datetime,
    end: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _context(directory: Path, name: str, issued: Issued) -> ssl.SSLContext:
    key, certificate = issued
    path = directory / f"{name}.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
