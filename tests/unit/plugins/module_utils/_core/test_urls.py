# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base URLs: a scheme, a host, and nothing in clear text but to this machine."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.urls import (
    base_url,
    check_region,
    encode_parameter,
    local_url,
)


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
        ("http://localhost.:8080", "http://localhost.:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        (f"https://{'a' * 63}.com:65535", f"https://{'a' * 63}.com:65535"),
        ("https://my_proxy.internal", "https://my_proxy.internal"),
        ("https://kms.example.com.", "https://kms.example.com."),
        ("https://3com.com", "https://3com.com"),
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
        # Names that cannot exist: a label that is empty, longer than 63 characters or begins with a hyphen.
        *("https://kms..x.com", "https://.x.com", "https://..", "https://x.com..", "https://.", "https://-a.com"),
        *(f"https://{'a' * 64}.com", f"https://{'a.' * 127}com", "https://a-.com"),
        # Numbers that are not an address, invalid ports, brackets around or behind something else.
        *("https://999.1.1.1", "https://1.2.3", "https://kms.1", "https://kms.example.com:99999", "https://a.com:0"),
        *("https://a.com:", "https://[10.0.0.1]", "https://[::1]x", "https://[::1]x:80", "https://[12345::]"),
        # Line breaks and the like, which Python's own parser drops.
        *("https://a.com\n", "https://a.c\nom", "\thttps://a.com", " https://a.com", "https://a.com\x00", "a\\b.com"),
    ],
)
def test_anything_else_is_rejected_by_name(given: str) -> None:
    with pytest.raises(UsageError, match=r"^hwc_endpoint: .* is not a base URL"):
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


@pytest.mark.parametrize("given", ["https://user:hunter2@kms.example.com", "http://hunter2@[::1", "hunter2@a b"])
@pytest.mark.parametrize("check", [base_url, local_url])
def test_a_url_with_user_information_is_never_quoted(check: t.Callable[[str, str], str], given: str) -> None:
    with pytest.raises(UsageError, match="not shown") as caught:
        check("hwc_endpoint", given)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "given", ["http://keys.example.com/get?token=hunter2", "keys.example.com?hunter2", "http://a..b?hunter2"]
)
def test_the_query_of_an_address_is_not_shown(given: str) -> None:
    with pytest.raises(UsageError, match=r"\?\.\.\.'") as caught:
        local_url("THE_URI", given)
    assert "hunter2" not in str(caught.value)


def test_a_value_is_quoted_as_plain_text() -> None:
    with pytest.raises(UsageError) as caught:
        base_url("hwc_endpoint", "https://a\x1b[31m\n.com")
    assert str(caught.value).startswith("hwc_endpoint: 'https://a\\x1b[31m\\n.com' is not a base URL.")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:8080/keys?role=a", "http://127.0.0.1:8080/keys?role=a"),
        ("http://localhost", "http://localhost/"),
        ("http://LocalHost./keys", "http://LocalHost./keys"),
        ("http://[::ffff:127.0.0.1]/keys", "http://[::ffff:127.0.0.1]/keys"),
        ("http://169.254.170.23/v1/credentials", "http://169.254.170.23/v1/credentials"),
        ("http://[fd00::23]/v1", "http://[fd00::23]/v1"),
        ("http://100.100.100.200/latest", "http://100.100.100.200/latest"),
        ("http://10.0.0.7:80/", "http://10.0.0.7:80/"),
        ("https://keys.example.com/a%20b", "https://keys.example.com/a%20b"),
    ],
)
def test_the_address_of_what_hands_out_keys(given: str, url: str) -> None:
    assert local_url("THE_URI", given) == url


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("http://keys.example.com/", "in clear text"),
        ("http://8.8.8.8/keys", "in clear text"),
        ("http://[::ffff:8.8.8.8]/keys", "in clear text"),
        ("http://localhost.example.com/", "in clear text"),
        ("keys.example.com", "not a URL"),
        ("file:///etc/keys", "not a URL"),
        ("http://127.0.0.1/keys#part", "not a URL"),
        ("http://127.0.0.1/a b", "not a URL"),
        ("http://127.0.0.1/keys\n", "not a URL"),
        ("https://a..com/keys", "not a URL"),
    ],
)
def test_an_address_that_would_leak_keys_is_rejected(given: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"^THE_URI: .*{words}"):
        local_url("THE_URI", given)


@pytest.mark.parametrize("region", ["cn-north-4", "eu-west-101", "RegionOne", "a", "a" * 63])
def test_a_region_is_one_label_of_a_host(region: str) -> None:
    assert check_region("hwc_region", region, "cn-north-4") == region


@pytest.mark.parametrize(
    "region",
    [
        *(
            "",
            "-a",
            "a-",
            "a" * 64,
            "a.b",
            "a..b",
            "..",
            "a/b",
            "a?b",
            "a#b",
            "a@b",
            "a:1",
            "a b",
            "a\n",
            "\na",
            "a\r\nb",
        ),
        *("x.evil.example/?a=", "cn-north-4_dev", "\u00e9", "{{ region }}", "a%2e", "a\\b", "\uff41"),
    ],
    ids=repr,
)
def test_an_invalid_region_is_rejected(region: str) -> None:
    with pytest.raises(UsageError, match="^hwc_region: .*is not a region id, such as cn-north-4") as caught:
        check_region("hwc_region", region, "cn-north-4")
    assert "\n" not in str(caught.value)
    assert ("hwc_project_name" in str(caught.value)) == ("_" in region)


def test_a_parameter_that_is_not_text_is_told_and_not_shown() -> None:
    assert encode_parameter("name", "a b/\u00e4~") == "a%20b%2F%C3%A4~"
    # What Python makes of the byte E4 in the environment.
    with pytest.raises(UsageError, match="The parameter RoleSessionName of the request is not text in UTF-8") as caught:
        encode_parameter("RoleSessionName", "hunter2\udce4")
    assert caught.value.unsent
    assert "hunter2" not in str(caught.value)
