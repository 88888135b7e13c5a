# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exceptions of urllib3, of http.client and of sockets, translated into those of the collection.

No exception of these libraries says whether the request was sent; the ``Exchange`` knows.
The exception gives the message, and whether another try can help.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import CloudError, TransportError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.secrets import Secrets
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, printable
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.connections import Exchange
from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.proxies import Proxy

#: The errors of the name service for a name that does not exist, or that has no address.
_UNKNOWN_HOST = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
#: The first word of another protocol, or of another version.
_BANNER = re.compile(r"(SSH-|HTTP/|RTSP/|SIP/|ICY\b)[\w.-]{0,20}(?=\s|$)")
#: Temporary errors of a proxy: too slow, too early, too many; and what it says about the other side (5xx).
_PASSING = (408, 425, 429)
#: How PySocks words the reply of a SOCKS proxy whose rules forbid a connection (RFC 1928, 6).
_NOT_ALLOWED = "0x02"


def translate(error: Exception, exchange: Exchange, proxy: Proxy | None) -> CloudError:
    """Return the collection's error for an exception that ended an exchange.

    Args:
        error: The exception.
        exchange: The state of the request.
        proxy: The proxy on its way.
    """
    causes = list(_causes(error))
    reason = _words(causes, proxy)
    if exchange.sent:
        return _after_sending(causes, reason, exchange, proxy)
    if any(isinstance(cause, ssl.CertificateError) or type(cause).__name__ == "CertificateError" for cause in causes):
        return TransportError(
            f"The TLS connection to {exchange.origin}{_through(proxy)} failed: {reason}.",
            possibly_sent=False,
            permanent=True,
            hint="If the server's certificate is signed by a CA of your own, name that CA's file in the option for CA "
            "certificates (hwc_ca_path, ali_ca_path).",
        )
    malformed = any(_is_malformed(cause) for cause in causes)
    if proxy is not None and (exchange.tunnel != 200 or malformed):
        return _at_proxy(causes, reason, exchange, proxy)
    if _is_timeout(causes):
        return TransportError(
            f"{exchange.origin} accepted no connection within {exchange.connect_timeout:.1f} s.", possibly_sent=False
        )
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return TransportError(
            f"The TLS connection to {exchange.origin}{_through(proxy)} failed: {reason}.", possibly_sent=False
        )
    if any(isinstance(cause, OSError) for cause in causes):
        lookup = next((cause for cause in causes if isinstance(cause, socket.gaierror)), None)
        unknown = lookup is not None and lookup.errno in _UNKNOWN_HOST
        what = "its name could not be resolved: " if lookup is not None else ""
        return TransportError(
            f"No connection to {exchange.origin}: {what}{reason}.", possibly_sent=False, unknown_host=unknown
        )
    return TransportError(
        f"{exchange.origin} is not an address that a request can be sent to: {reason}.",
        possibly_sent=False,
        permanent=True,
    )


def refused_by(proxy: Proxy, origin: str, status: int) -> TransportError:
    """Return the error of a proxy that does not let a request through."""
    return TransportError(
        f"The proxy {proxy.url} refused the way to {origin} with HTTP {status}.",
        possibly_sent=False,
        permanent=400 <= status < 500 and status not in _PASSING,
        hint=_login_hint(proxy) if status == 407 else _hint(proxy),
    )


def _at_proxy(causes: t.Sequence[BaseException], reason: str, exchange: Exchange, proxy: Proxy) -> TransportError:
    """Return the error of a proxy that is not there, that opens no tunnel, or whose response cannot be read."""
    if exchange.tunnel not in (None, 200):
        return refused_by(proxy, exchange.origin, exchange.tunnel)
    if _is_timeout(causes):
        reason = f"no connection within {exchange.connect_timeout:.1f} s"
    kinds = {type(cause).__name__ for cause in causes}
    login = "SOCKS5AuthError" in kinds
    forbidden = "SOCKS5Error" in kinds and reason.startswith(_NOT_ALLOWED)
    return TransportError(
        f"The proxy {proxy.url} on the way to {exchange.origin} failed: {reason}.",
        possibly_sent=False,
        # A login that was rejected is not sent again and again.
        permanent=login or forbidden,
        hint=_login_hint(proxy) if login else _hint(proxy),
    )


def _after_sending(
    causes: t.Sequence[BaseException], reason: str, exchange: Exchange, proxy: Proxy | None
) -> CloudError:
    """Return the error for a request that was sent: it may have been carried out, whatever its response is."""
    if _is_timeout(causes):
        return exchange.late()
    if any(isinstance(cause, OSError) for cause in causes):
        return TransportError(
            f"The connection to {exchange.origin}{_through(proxy)} broke: {reason}.",
            possibly_sent=True,
            stale=not exchange.fresh and not exchange.received,
        )
    return exchange.cut_short(reason)


def _through(proxy: Proxy | None) -> str:
    return f" through the proxy {proxy.url}" if proxy else ""


def _hint(proxy: Proxy) -> str:
    return f"The proxy comes from {proxy.variable}; NO_PROXY lists hosts to reach directly."


def _is_malformed(cause: BaseException) -> bool:
    """Return whether an exception is about a response that is not HTTP; a closed connection is an OSError, too."""
    return isinstance(cause, http.client.HTTPException) and not isinstance(cause, OSError)


def _login_hint(proxy: Proxy) -> str:
    given = "does not accept the user name and password" if proxy.username else "asks for a user name and password"
    return (
        f"The proxy {given}. They belong in {proxy.variable}, percent-encoded: "
        f"{proxy.url.replace('://', '://user:password@')}."
    )


def _is_timeout(causes: t.Iterable[BaseException]) -> bool:
    return any(isinstance(cause, socket.timeout) or type(cause).__name__.endswith("TimeoutError") for cause in causes)


def _causes(error: BaseException) -> t.Iterator[BaseException]:
    """Yield an exception and all that it wraps, the outermost first."""
    waiting: list[BaseException] = [error]
    passed: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if id(current) in passed:
            continue
        passed.add(id(current))
        yield current
        inner = (getattr(current, "reason", None), *current.args, current.__cause__, current.__context__)
        waiting.extend(cause for cause in inner if isinstance(cause, BaseException))


def _words_without_quote(cause: BaseException) -> str | None:
    """Return the message for an exception that quotes the response, which may hold a secret; None for another exception."""
    if isinstance(cause, (http.client.BadStatusLine, http.client.UnknownProtocol)) and _is_malformed(cause):
        line = str(cause)
        if line.startswith("HTTP/1."):
            return "its first line has no valid status"
        begins = _BANNER.match(line)
        return f"its first line is not one of HTTP{f', but of {begins.group()}' if begins else ''}"
    if type(cause).__name__ == "InvalidChunkLength":
        return "the length of a chunk is not a number"
    return None


def _words(causes: t.Sequence[BaseException], proxy: Proxy | None) -> str:
    """Return the message of the innermost exception, for the outer ones only repeat the URL; with its name for those of http.client."""
    for cause in causes:
        if (text := _words_without_quote(cause)) is not None:
            return text
    spoken = [cause for cause in causes if isinstance(cause, (OSError, http.client.HTTPException)) and str(cause)]
    # Others are the outer ones, and what urllib3 1.26 catches on its way (a TypeError about an argument).
    inner = spoken[-1] if spoken else next((cause for cause in causes if str(cause)), causes[0])
    if isinstance(inner, http.client.HTTPException) and not isinstance(inner, OSError):
        text = f"{type(inner).__name__}: {inner}"
    else:
        text = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    if proxy is not None and proxy.password:
        text = Secrets([proxy.password]).mask(text)
    return printable(text, SENTENCE).rstrip(".")
