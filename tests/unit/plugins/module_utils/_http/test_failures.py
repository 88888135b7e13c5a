# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of exceptions, without the password of a proxy and with nothing else taken out."""

from __future__ import annotations

import http.client
import socket

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import TransportError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.connections import Exchange
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.failures import translate
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.proxies import Proxy
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import FakeClock


@pytest.mark.parametrize(
    ("password", "said", "shown"),
    [
        ("proxy-secret-1", "cannot use http://me:proxy-secret-1@proxy", "cannot use http://me:********@proxy"),
        ("pa ss/word-1", "cannot use http://me:pa%20ss%2Fword-1@proxy", "cannot use http://me:********@proxy"),
        ("t", "HTTPSConnectionPool timed out", "HTTPSConnectionPool timed out"),
        ("time", "HTTPSConnectionPool timed out", "HTTPSConnectionPool timed out"),
        ("unused-secret", "\x1b[2Jgone\n", r"\x1b[2Jgone\n"),
    ],
)
def test_messages_mask_the_password_of_the_proxy_and_nothing_else(password: str, said: str, shown: str) -> None:
    proxy = Proxy("http://proxy:3128", "HTTPS_PROXY", "me", password)
    error = translate(OSError(said), Exchange("https://kms.example.com", 5.0, FakeClock()), proxy)
    assert shown in str(error)
    assert str(error).isprintable()


def test_a_name_that_cannot_be_resolved_is_told_as_such() -> None:
    error = translate(
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        Exchange("https://kms.example.com", 5.0, FakeClock()),
        None,
    )
    assert isinstance(error, TransportError)
    assert error.unknown_host
    assert str(error) == (
        "No connection to https://kms.example.com: its name could not be resolved: Name or service not known."
    )


def test_a_broken_response_to_connect_is_a_passing_error_of_the_proxy() -> None:
    exchange = Exchange("https://kms.example.com", 5.0, FakeClock())
    exchange.connecting, exchange.tunnel = True, 200
    proxy = Proxy("http://proxy:3128", "HTTPS_PROXY")
    error = translate(http.client.HTTPException("got more than 100 headers"), exchange, proxy)
    assert isinstance(error, TransportError)
    assert (error.possibly_sent, error.permanent) == (False, False)
    assert "The proxy http://proxy:3128 on the way to https://kms.example.com failed" in str(error)
    assert "HTTPS_PROXY" in str(error)
