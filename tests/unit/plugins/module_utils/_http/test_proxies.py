# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the proxy that the environment names for a URL, and of its secrets."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import TransportError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.proxies import (
    Proxy,
    find_proxy,
    secrets_of,
)

URL = "https://kms.cn-north-4.myhuaweicloud.com/v3/p/tasks/t?a=b"
PROXY = "http://proxy.example.com:3128"


def found(url: str = URL, **environ: str) -> tuple[str, str] | None:
    proxy = find_proxy(url, environ)
    return (proxy.url, proxy.variable) if proxy else None


def test_without_a_variable_no_proxy_is_used() -> None:
    assert found() is None
    assert found(HTTP_PROXY=PROXY, FTP_PROXY=PROXY) is None, "for other schemes"


def test_the_variable_of_the_scheme_wins_over_the_general_one_and_lower_case_over_capitals() -> None:
    other = "http://other.example.com"
    assert found(HTTPS_PROXY=PROXY, ALL_PROXY=other) == (PROXY, "HTTPS_PROXY")
    assert found(ALL_PROXY=PROXY) == (PROXY, "ALL_PROXY")
    assert found(all_proxy=PROXY, ALL_PROXY=other) == (PROXY, "all_proxy")
    assert found(https_proxy=PROXY, HTTPS_PROXY=other) == (PROXY, "https_proxy")
    assert found("http://kms.example.com/", http_proxy=PROXY, https_proxy=other) == (PROXY, "http_proxy")


def test_an_empty_variable_means_no_proxy() -> None:
    assert found(https_proxy="", HTTPS_PROXY=PROXY, ALL_PROXY=PROXY) is None
    assert found(HTTPS_PROXY=" ", ALL_PROXY=PROXY) is None


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "Localhost.", "127.0.0.1:80", "127.8.8.8", "[::1]:8080"]
)
def test_plain_http_to_this_machine_uses_none(host: str) -> None:
    assert found(f"http://{host}/", HTTP_PROXY=PROXY, ALL_PROXY=PROXY) is None
    assert found(f"https://{host}/", HTTPS_PROXY=PROXY) is not None


@pytest.mark.parametrize(
    ("url", "no_proxy", "exempt"),
    [
        ("https://kms.example.com/", "*", True),
        ("https://kms.example.com/", "*:443", True),
        ("https://kms.example.com/", "*:8443", False),
        ("https://kms.example.com/", "example.com", True),
        ("https://kms.example.com/", ".example.com", True),
        ("https://kms.example.com/", "*.example.com", True),
        ("https://kms.example.com/", "other.com, EXAMPLE.com ,", True),
        ("https://kms.example.com/", "other.com example.com", True),
        ("https://kms.example.com./", "example.com", True),
        ("https://kms.example.com/", "kms.example.com", True),
        ("https://kms.example.com/", "ample.com", False),
        ("https://kms.example.com/", "ms.example.com", False),
        ("https://kms.example.com/", "", False),
        ("https://kms.example.com/", "kms.example.com:443", True),
        ("https://kms.example.com:443/", "kms.example.com:443", True),
        ("https://kms.example.com/", "example.com:443", True),
        ("https://kms.example.com/", "kms.example.com:8443", False),
        ("https://kms.example.com:8443/", "kms.example.com:8443", True),
        ("https://kms.example.com:8443/", "kms.example.com", True),
        ("https://127.0.0.1:8443/", "127.0.0.1:8443", True),
        ("https://127.0.0.1:8444/", "127.0.0.1:8443", False),
        ("https://127.0.0.1:8443/", "127.0.0.1", True),
        ("https://10.1.2.3/", "10.0.0.0/8", True),
        ("https://[::ffff:10.1.2.3]/", "10.0.0.0/8", True),
        ("https://11.1.2.3/", "10.0.0.0/8", False),
        ("https://10.1.2.3/", "1.2.3", False),
        ("https://[fd00::1]/", "fd00::/8", True),
        ("https://[fd00::1]/", "fd00::1", True),
        ("https://[fd00::1]:8443/", "[fd00::1]:8443", True),
        ("https://[fd00::1]:8443/", "[fd00::1]", True),
        ("https://[fd00::1]:8444/", "[fd00::1]:8443", False),
        ("https://kms.example.com/", "10.0.0.0/8,::1,[::1]:x,a:b,/,:", False),
    ],
)
def test_hosts_that_no_proxy_lists_are_reached_directly(url: str, no_proxy: str, exempt: bool) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        assert (found(url, HTTPS_PROXY=PROXY, **{name: no_proxy}) is None) is exempt


@pytest.mark.parametrize(
    ("value", "proxy"),
    [
        ("proxy.example.com:3128", Proxy(PROXY, "HTTPS_PROXY")),
        ("http://proxy.example.com:3128/", Proxy(PROXY, "HTTPS_PROXY")),
        ("HTTP://proxy.example.com", Proxy("http://proxy.example.com", "HTTPS_PROXY")),
        ("https://[::1]:3128", Proxy("https://[::1]:3128", "HTTPS_PROXY")),
        ("socks5h://10.0.0.1", Proxy("socks5h://10.0.0.1", "HTTPS_PROXY")),
        ("user:pass@proxy.example.com:3128", Proxy(PROXY, "HTTPS_PROXY", "user", "pass")),
        ("http://user@proxy.example.com:3128", Proxy(PROXY, "HTTPS_PROXY", "user", "")),
        ("http://u%40x:p%3A%2F%23@proxy.example.com:3128", Proxy(PROXY, "HTTPS_PROXY", "u@x", "p:/#")),
        ("http://u@x:p:q@proxy.example.com:3128", Proxy(PROXY, "HTTPS_PROXY", "u@x", "p:q")),
    ],
)
def test_a_proxy_is_read_as_curl_reads_it(value: str, proxy: Proxy) -> None:
    assert find_proxy(URL, {"HTTPS_PROXY": value}) == proxy


@pytest.mark.parametrize(
    "value",
    [
        "http://user:hunter2#@proxy.example.com:3128",
        "http://user:hunter2/@proxy.example.com:3128",
        "http://user:hunter2?@proxy.example.com:3128",
        "http://user:hunter2@proxy.example.com:0",
        "http://user:hunter2@proxy.example.com:65536",
        "http://user:hunter2@proxy.example.com:",
        "http://user:hunter2@proxy.example.com:3128/path",
        "http://user:hunter2@pröxy.example.com",
        "http://user:hun ter2@proxy.example.com",
        "http://user:hunter2\n@proxy.example.com",
        "http://user:hunter2@",
        "http://user:hunter2@[1:2:3]:3128",
        "http://user:hunter2@..:3128",
        "http://user:hunter2@proxy..example.com",
        f"http://user:hunter2@{'a' * 64}.example.com",
        "http://user:hunter2@10.0.0.256",
        "http://",
        "socks://user:hunter2@proxy.example.com",
        "quic://user:hunter2@proxy.example.com",
        "://user:hunter2@proxy.example.com",
    ],
)
def test_an_invalid_proxy_is_reported_with_its_variable(value: str) -> None:
    with pytest.raises(
        TransportError, match="The proxy in the environment variable HTTPS_PROXY cannot be used"
    ) as caught:
        find_proxy(URL, {"HTTPS_PROXY": value})
    assert (caught.value.possibly_sent, caught.value.permanent) == (False, True)
    assert "hunter2" not in str(caught.value)
    assert "hun ter2" not in str(caught.value)
    assert ("socks5h" in str(caught.value)) == (not value.startswith("http"))


@pytest.mark.parametrize(
    "login", [f"user:{'p' * 256}", f"{'u' * 256}:p", f"user:{'%C3%A4' * 128}", "user:hunt\udce4r2"]
)
def test_socks_takes_a_short_login(login: str) -> None:
    value = f"://{login}@proxy.example.com"
    with pytest.raises(TransportError, match="SOCKS takes a user name and a password of at most 255 bytes") as caught:
        find_proxy(URL, {"HTTPS_PROXY": f"socks5h{value}"})
    assert login not in str(caught.value)
    assert caught.value.permanent
    assert find_proxy(URL, {"HTTPS_PROXY": f"http{value}"}) is not None


def test_an_unused_proxy_need_not_be_valid() -> None:
    assert found(HTTPS_PROXY="http://a b", NO_PROXY="myhuaweicloud.com") is None
    assert found(ALL_PROXY="socks://x", HTTPS_PROXY=PROXY) == (PROXY, "HTTPS_PROXY")


def test_the_login_is_a_header_for_the_proxy_and_is_shown_nowhere() -> None:
    proxy = Proxy(PROXY, "HTTPS_PROXY", "us\u00e9r", "hunter2")
    encoded = base64.b64encode("us\u00e9r:hunter2".encode()).decode()
    assert proxy.headers() == {"Proxy-Authorization": f"Basic {encoded}"}
    assert Proxy(PROXY, "HTTPS_PROXY").headers() == {}
    assert "hunter2" not in repr(proxy)
    assert "us\u00e9r" not in repr(proxy)


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        (PROXY, []),
        ("http://user@proxy.example.com", []),
        ("http://user:hunter2@proxy.example.com", ["hunter2", "user:hunter2", "dXNlcjpodW50ZXIy"]),
        (
            "user:p%23q@proxy.example.com",
            ["p%23q", "p#q", "user:p%23q", base64.b64encode(b"user:p#q").decode()],
        ),
        ("http://user:p#/?@q@proxy.example.com", ["p#/?@q"]),
        ("socks://user:hunter2@proxy", ["hunter2"]),
        ("http://0123456789abcdef:@proxy", ["0123456789abcdef", base64.b64encode(b"0123456789abcdef:").decode()]),
        ("http://0123456789abcdef@proxy", ["0123456789abcdef"]),
        # Bytes that are not UTF-8, as Python reads them from the environment.
        ("http://user:hunt\udce4r2@proxy", ["hunt\udce4r2", base64.b64encode(b"user:hunt\xe4r2").decode()]),
    ],
)
def test_every_form_of_a_password_is_a_secret_whether_its_url_can_be_used_or_not(
    value: str, secrets: list[str]
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        told = list(secrets_of({name: value}))
        assert set(secrets) <= set(told)
        assert bool(secrets) == bool(told)
