# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base URLs that users give: checked once, in one way, for both clouds."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import UsageError

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?\Z")


class Endpoint(t.NamedTuple):
    """Where a service is.

    Attributes:
        url: Scheme and host, without a trailing slash.
        guessed: True when no table lists the region for this service and the rule was applied all the same.
    """

    url: str
    guessed: bool = False


def base_url(name: str, value: str) -> str:
    """Scheme and host of an endpoint; a bare ``host[:port]`` means https.

    Args:
        name: The option or environment variable it comes from, for the message.
        value: What the user gave.

    Raises:
        UsageError: It is no base URL, or http:// to a host that is not this machine: a signed request in clear text
            can be replayed, and a token in clear text is lost.
    """
    try:
        parts = urlsplit(value if "://" in value else f"https://{value}")
    except ValueError:  # half an IPv6 address
        parts = urlsplit("")
    if (
        parts.scheme not in ("http", "https")
        or not _HOST.match(parts.netloc)
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
    ):
        raise UsageError(
            f"{name}: {value!r} is no base URL. Give scheme and host only, such as https://kms.cn-north-4.myhuaweicloud.com."
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise UsageError(
            f"{name}: {value!r} would send credentials in clear text. http:// is for loopback addresses only."
        )
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(host: str) -> bool:
    """Whether a host, without brackets, is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
