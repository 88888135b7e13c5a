# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base URLs: a scheme, a host, and nothing in clear text but to this machine."""

from __future__ import annotations

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._urls import base_url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("kms.example.com", "https://kms.example.com"),
        ("kms.example.com:8443", "https://kms.example.com:8443"),
        ("https://kms.example.com/", "https://kms.example.com"),
        ("HTTPS://kms.example.com", "https://kms.example.com"),
        ("10.0.0.1", "https://10.0.0.1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
def test_a_base_url_is_scheme_and_host(given: str, url: str) -> None:
    assert base_url("hwc_endpoint", given) == url


@pytest.mark.parametrize(
    "given",
    [
        *("https://", "https:///v3", "https://kms.example.com/v3", "https://kms.example.com?x=1", "https://a.com#x"),
        *("https://user:secret@kms.example.com", "ftp://kms.example.com", "file:///etc/passwd", "https://a b.com"),
        *("https://kms.example.com:x", "https://[::1", "://", "https://{project}", "é.com"),
    ],
)
def test_anything_else_is_refused_by_name(given: str) -> None:
    with pytest.raises(UsageError, match=r"^hwc_endpoint: .* is no base URL"):
        base_url("hwc_endpoint", given)


@pytest.mark.parametrize(
    "given",
    [
        "http://kms.example.com",
        "http://10.0.0.1",
        "http://[2001:db8::1]",
        "http://localhost.example.com",
        "http://127.0.0.1.nip.io",
        "http://0.0.0.0",
    ],
)
def test_credentials_are_not_sent_in_clear_text(given: str) -> None:
    with pytest.raises(UsageError, match="clear text"):
        base_url("HWC_ENDPOINT", given)
