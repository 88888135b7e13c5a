# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs taken apart without being changed: what was signed must be sent."""

from __future__ import annotations

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.messages import origin_of, split_url


@pytest.mark.parametrize(
    ("url", "parts", "origin"),
    [
        ("https://a.example.com/v3/x?y=%2F", ("https", "a.example.com", None, "/v3/x?y=%2F"), "https://a.example.com"),
        ("http://127.0.0.1:8080/", ("http", "127.0.0.1", 8080, "/"), "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", ("http", "127.0.0.1", 8080, "/"), "http://127.0.0.1:8080"),
        ("https://a.example.com/a/../b/./c", ("https", "a.example.com", None, "/a/../b/./c"), "https://a.example.com"),
        ("https://[::1]:8443/x", ("https", "[::1]", 8443, "/x"), "https://[::1]:8443"),
        ("https://[::1]/x", ("https", "[::1]", None, "/x"), "https://[::1]"),
        (
            "https://a.example.com/?t=http://b:1/",
            ("https", "a.example.com", None, "/?t=http://b:1/"),
            "https://a.example.com",
        ),
    ],
)
def test_a_url_is_taken_apart_as_it_is(url: str, parts: tuple[str, str, int | None, str], origin: str) -> None:
    assert split_url(url) == parts
    assert origin_of(url) == origin
