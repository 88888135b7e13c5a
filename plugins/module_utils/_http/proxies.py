# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy that the environment names for a URL, and its secrets. Pure: the environment is an argument.

The rules are those of curl and of Go: a variable in lower case wins over the same in capitals, an empty one means no proxy,
``NO_PROXY`` lists hosts with their subdomains, addresses, networks and ports. A proxy is never used for plain HTTP to this
machine itself: its "localhost" would be another one.
"""

from __future__ import annotations

import base64
import dataclasses
import ipaddress
import re
import typing as t
from urllib.parse import unquote

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import TransportError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import WORD, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import (
    address_of,
    is_loopback,
    may_exist,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.messages import split_url

HTTP_SCHEMES = ("http", "https")
SOCKS_SCHEMES = ("socks4", "socks4a", "socks5", "socks5h")
#: Characters from which on a user name without a password is taken for a key.
KEY = 16
#: The variables that may name a proxy, in lower case.
VARIABLES = ("https_proxy", "http_proxy", "all_proxy")

#: Neither blanks nor control characters, and none of those that end this part of a URL (RFC 3986, 3.2).
_LOGIN = re.compile(r"[^\x00-\x20\x7f/?#]*\Z")
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?\Z")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclasses.dataclass(frozen=True)
class Proxy:
    """A proxy.

    Attributes:
        url: Scheme, host and port, without user name and password: fit for messages.
        variable: The environment variable that names it.
        username: For the proxy, decoded; None without a login.
        password: For the proxy, decoded.
    """

    url: str
    variable: str
    username: str | None = dataclasses.field(default=None, repr=False)
    password: str = dataclasses.field(default="", repr=False)

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS and not HTTP."""
        return self.url.startswith("socks")

    def headers(self) -> dict[str, str]:
        """Return the header that a proxy which speaks HTTP wants to see, when there is a login."""
        if self.username is None:
            return {}
        return {"Proxy-Authorization": f"Basic {_basic(self.username, self.password)}"}


def find_proxy(url: str, environ: t.Mapping[str, str]) -> Proxy | None:
    """Return the proxy for a URL, or None when its host is reached directly.

    Args:
        url: Where a request goes.
        environ: The environment.

    Raises:
        TransportError: The variable holds nothing that could be a proxy's URL. The value is not quoted: it may hold a password.
    """
    scheme, host, port, _target = split_url(url)
    if scheme == "http" and is_loopback(host.strip("[]")):
        return None
    for name in (f"{scheme}_proxy", "all_proxy"):
        variable, value = _read(environ, name)
        if value and not _is_exempt(host, port or _DEFAULT_PORTS[scheme], _read(environ, "no_proxy")[1]):
            return _parse(variable, value)
        if variable in environ:
            # Empty: no proxy for this scheme, whatever ALL_PROXY says.
            return None
    return None


def secrets_of(environ: t.Mapping[str, str]) -> t.Iterator[str]:
    """Return every form of the passwords of the environment's proxies, those in URLs that cannot be parsed included."""
    for name in VARIABLES:
        for variable in (name, name.upper()):
            # The last "@" ends the login, whatever characters a password holds that should have been encoded.
            login, found, _rest = environ.get(variable, "").rpartition("@")
            if not found:
                continue
            login = login.partition("://")[2] or login
            username, _colon, password = login.partition(":")
            if password:
                yield from dict.fromkeys(
                    (password, unquote(password), login, _basic(unquote(username), unquote(password)))
                )
            elif len(username) >= KEY:
                yield from dict.fromkeys((username, unquote(username), _basic(unquote(username), "")))


def _read(environ: t.Mapping[str, str], name: str) -> tuple[str, str]:
    """Name and value of a variable, as it is spelt in the environment."""
    variable = name if name in environ else name.upper()
    return variable, environ.get(variable, "").strip()


def _basic(username: str, password: str) -> str:
    # An environment may hold bytes that are not UTF-8; Python keeps them as surrogates (PEP 383).
    return base64.b64encode(f"{username}:{password}".encode("utf-8", "surrogateescape")).decode("ascii")


def _parse(variable: str, value: str) -> Proxy:
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "http", value
    scheme = scheme.lower()
    if scheme not in (*HTTP_SCHEMES, *SOCKS_SCHEMES):
        raise _unusable(
            variable,
            "it has another scheme than http, https, socks4, socks4a, socks5 and socks5h",
            "Write socks5h:// for a SOCKS proxy that looks up host names itself." if scheme == "socks" else None,
        )
    authority, _slash, path = rest.partition("/")
    login, at_sign, address = authority.rpartition("@")
    match = _HOST_AND_PORT.match(address)
    if path or match is None or not 0 < int(match.group(2) or 1) < 65536 or not _LOGIN.match(login):
        raise _unusable(
            variable,
            "it is not a URL of the form http://host:port or http://user:password@host:port",
            "Characters such as # / ? % and @ in user name or password must be percent-encoded (# is %23, / is %2F).",
        )
    host = match.group(1)
    if not may_exist(host.strip("[]"), bracketed=host.startswith("[")):
        raise _unusable(variable, f"no host can have the name {printable(host, WORD)}", None)
    username, _colon, password = (unquote(part) for part in login.partition(":"))
    if scheme in SOCKS_SCHEMES and not (_fits_socks(username) and _fits_socks(password)):
        raise _unusable(variable, "SOCKS takes a user name and a password of at most 255 bytes in UTF-8", None)
    return Proxy(f"{scheme}://{address}", variable, username if at_sign else None, password)


def _fits_socks(text: str) -> bool:
    """Return whether SOCKS can carry a user name or password (RFC 1929, 2)."""
    try:
        return len(text.encode()) < 256
    except UnicodeEncodeError:
        return False


def _unusable(variable: str, why: str, hint: str | None) -> TransportError:
    return TransportError(
        f"The proxy in the environment variable {variable} cannot be used: {why}. Nothing was sent.",
        possibly_sent=False,
        permanent=True,
        hint=" ".join(part for part in (f"Correct {variable}, or list the host in NO_PROXY.", hint) if part),
    )


def _is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Return whether ``NO_PROXY`` lists a host."""
    host = host.strip("[]").rstrip(".").lower()
    address = address_of(host)
    for entry in no_proxy.lower().replace(",", " ").split():
        name, entry_port = _split_entry(entry)
        if entry_port is not None and entry_port != port:
            continue
        if name == "*":
            return True
        if address is not None:
            if _is_within(address, name):
                return True
        elif host == name or host.endswith(f".{name}"):
            return True
    return False


def _split_entry(entry: str) -> tuple[str, int | None]:
    """Return the host or network of an entry of ``NO_PROXY``, and its port."""
    bracketed = re.match(r"\[([0-9a-f:.]+)\](?::([0-9]+))?\Z", entry)
    if bracketed:
        return bracketed.group(1), int(bracketed.group(2)) if bracketed.group(2) else None
    name, colon, port = entry.rpartition(":")
    # More colons than one: an IPv6 address, which has a port only behind brackets.
    if not colon or ":" in name or not re.match(r"[0-9]{1,5}\Z", port):
        name, port = entry, ""
    return re.sub(r"^\*?\.", "", name).rstrip("."), int(port) if port else None


def _is_within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
