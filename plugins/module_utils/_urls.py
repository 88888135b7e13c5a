# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base URLs that users give: checked once, in one way, for both clouds."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import UsageError

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?\Z")


def base_url(name: str, value: str) -> str:
    """Scheme and host of an endpoint; a bare ``host[:port]`` means https.

    Args:
        name: The option or environment variable it comes from, for the message.
        value: What the user gave.

    Raises:
        UsageError: It is no base URL, or http:// to a host that is not this machine: a signed request in clear text
            can be replayed, and a token in clear text is lost.
    """
    text = value if "://" in value else f"https://{value}"
    parts = urlsplit(text)
    if (
        parts.scheme not in ("http", "https")
        or not _HOST.match(parts.netloc)
        or parts.path not in ("", "/")
        or parts.query
    ):
        raise UsageError(
            f"{name}: {value!r} is no base URL. Give scheme and host only, such as https://kms.cn-north-4.myhuaweicloud.com."
        )
    if parts.scheme == "http" and not _loopback(parts.hostname or ""):
        raise UsageError(
            f"{name}: {value!r} would send credentials in clear text. http:// is for loopback addresses only."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
