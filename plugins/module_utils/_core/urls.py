# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses and regions that users give: checked once, in one way, for both clouds, before anything is signed."""

from __future__ import annotations

import difflib
import ipaddress
import re
import typing as t
from urllib.parse import quote, urlsplit

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import WORD, printable

# RFC 1035, 2.3.4: labels of 1 to 63 characters, 253 characters in all. Underscores are forbidden in host names only, not in DNS,
# which private networks do not keep.
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")
_REGION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_PLAIN = re.compile(r"[!-~]+\Z")
_NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?\Z")
_MOST = 253


class Endpoint(t.NamedTuple):
    """The address of a service.

    Attributes:
        url: Scheme and host, without a trailing slash.
        region_from: What names the region that the host was made of, such as ``hwc_region``; None when a user gave the address.
        guessed: True when no table lists the region for this service and the rule was applied all the same.
        similar: The known region that is spelt most like it, if there is one.
    """

    url: str
    region_from: str | None = None
    guessed: bool = False
    similar: str | None = None


def base_url(name: str, value: str) -> str:
    """Return scheme and host of an endpoint; a bare ``host[:port]`` means https.

    Args:
        name: The option or environment variable it comes from, for the message.
        value: What the user gave.

    Raises:
        UsageError: It is not a base URL, no such host can exist, or it is http:// to a host that is not this machine: a
            signed request in clear text can be replayed, and a token in clear text is lost.
    """
    parts = _split(value if "://" in value else f"https://{value}")
    if parts is None or parts[1] not in ("", "/"):
        raise UsageError(
            f"{name}: {_shown(value)} is not a base URL. Give scheme and host only, such as "
            "https://kms.cn-north-4.myhuaweicloud.com."
        )
    origin = parts[0]
    if origin.startswith("http://") and not is_loopback(_host_of(origin)):
        raise UsageError(
            f"{name}: {_shown(value)} would send credentials in clear text. http:// is for loopback addresses only."
        )
    return origin


def is_loopback(host: str) -> bool:
    """Return whether a host, without brackets, is this machine itself."""
    # Names are the same in capitals, and with the dot that ends a full name (RFC 1034, 3.1).
    name = host.lower().rstrip(".")
    address = address_of(name)
    return name == "localhost" if address is None else address.is_loopback


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host, without brackets, is; that of IPv4 when it is one written as IPv6. None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    # Before Python 3.13, ::ffff:8.8.8.8 is a private address, and ::ffff:127.0.0.1 is not this machine.
    return getattr(address, "ipv4_mapped", None) or address


def local_url(name: str, value: str) -> str:
    """Return the address of something that hands out keys on this machine or close to it, path and query included.

    Args:
        name: The environment variable or the file it comes from, for the message.
        value: What the user gave.

    Raises:
        UsageError: It is not a URL, or it is http:// to an address that others could listen to or play.
    """
    parts = _split(value)
    if parts is None:
        raise UsageError(f"{name}: {_shown(value)} is not a URL with scheme, host and path.")
    origin, rest = parts
    if origin.startswith("http://") and not is_local(origin):
        raise UsageError(
            f"{name}: {_shown(value)} would get a key in clear text. http:// is for addresses (not names) that are "
            "loopback, link-local or private; others need https://."
        )
    return f"{origin}{rest or '/'}"


def is_local(url: str) -> bool:
    """Return whether the host of a URL is an address that is not of the public internet."""
    address = address_of(_host_of(url))
    return is_loopback(_host_of(url)) if address is None else not address.is_global


def may_exist(host: str, *, bracketed: bool) -> bool:
    """Return whether a host can have this name or address.

    Args:
        host: Without brackets.
        bracketed: Whether it stood in brackets, as an IPv6 address does in a URL.
    """
    labels = host.rstrip(".").split(".") if host.count("..") == 0 else [""]
    if bracketed or labels[-1].isdigit():
        try:
            return (ipaddress.ip_address(host).version == 6) == bracketed
        except ValueError:
            return False
    return len(host) <= _MOST and all(_LABEL.match(label) for label in labels)


def check_region(name: str, region: str, example: str) -> str:
    """Return a region id, which becomes a part of host names.

    Args:
        name: The option or environment variable it comes from, for the message.
        region: What the user gave.
        example: A region of the cloud.

    Raises:
        UsageError: It is not one label of a host name.
    """
    if _REGION.match(region):
        return region
    project = " The name of a project, such as cn-north-4_dev, belongs in hwc_project_name." if "_" in region else ""
    raise UsageError(
        f"{name}: {_shown(region)} is not a region id, such as {example}: letters, digits and hyphens, at most 63.{project}"
    )


def encode_parameter(name: str, value: str) -> str:
    """Percent-encode everything in the value of a parameter but the unreserved characters of RFC 3986.

    Args:
        name: The parameter, for the message.
        value: Its value.

    Raises:
        UsageError: It is not text, as an environment variable is not that holds bytes which are not UTF-8.
    """
    try:
        return quote(value, safe="~")
    except UnicodeEncodeError:
        error = UsageError(
            f"The parameter {name} of the request is not text in UTF-8, and was not sent. Check the option or the environment "
            "variable that it comes from."
        )
        error.unsent = True
        raise error from None


def similar(region: str, known: t.Collection[str]) -> str | None:
    """Return the known region that a region was most likely meant to be; None when none is spelt like it."""
    found = difflib.get_close_matches(region.lower(), sorted(known), 1, 0.8)
    return found[0] if found and found[0] != region else None


def _split(url: str) -> tuple[str, str] | None:
    """Return the origin of a URL, and its path and query; None when it is not a URL, or no host can have this name."""
    # urlsplit would drop line breaks and tabs instead of refusing them.
    if not _PLAIN.match(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # half an IPv6 address, or a port above 65535
        return None
    netloc = parts.netloc
    if parts.scheme not in ("http", "https") or not _NETLOC.match(netloc) or "#" in url or port == 0:
        return None
    if not may_exist(parts.hostname or "", bracketed=netloc.startswith("[")):
        return None
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{netloc}", f"{parts.path}{query}"


def _host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def _shown(value: str) -> str:
    """Return what a message quotes of a value: never the user name, the password and the query that a URL may hold."""
    if "@" in value:
        return "the value, which is not shown because of its @,"
    address, query, _values = value.partition("?")
    return f"'{printable(address, WORD)}{query and '?...'}'"
