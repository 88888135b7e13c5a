# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an exception of ``requests`` means: which of our errors it is, and whether the request may have been received."""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._errors import BrokenAnswerError, NoAnswerError

#: What the name services of Linux, BSD and macOS say of a name that does not exist. urllib3 passes on their words only.
UNKNOWN_HOST = (
    "Name or service not known",
    "No address associated with",
    "nodename nor servname",
    "Name does not resolve",
)


def translate(error: BaseException, origin: str, timeout: float, connect_timeout: float) -> BaseException:
    """Turn an exception of ``requests`` into one of ours; anything else is a bug and stays what it is.

    Args:
        error: What was raised.
        origin: Who was asked: scheme and host.
        timeout: Seconds that the request had.
        connect_timeout: Seconds of them that the connection had.
    """
    # Here and not above: where requests is missing, this file can be imported all the same.
    from requests import exceptions

    if not isinstance(error, (exceptions.RequestException, OSError)):
        return error
    names = set(_causes(error))
    reason = _innermost(error)
    if isinstance(error, exceptions.SSLError):
        certificate = "CertificateError" in names or "certificate" in reason.lower()
        return NoAnswerError(
            f"The TLS connection to {origin} failed: {reason}.",
            # Certificates are checked before anything is sent; any other alert may come after the request.
            maybe_received=not certificate,
            lasting=certificate,
            hint="If the server's certificate is signed by a CA of your own, name that CA's file in the option for "
            "CA certificates (hwc_ca_path, ali_ca_path)."
            if certificate
            else None,
        )
    if isinstance(error, exceptions.ProxyError):
        return NoAnswerError(
            f"The proxy on the way to {origin} failed: {reason}.",
            maybe_received=False,
            hint="The proxy comes from HTTPS_PROXY, HTTP_PROXY or ALL_PROXY; NO_PROXY lists hosts to reach directly.",
        )
    if isinstance(error, exceptions.ConnectTimeout):
        return NoAnswerError(f"{origin} accepted no connection within {connect_timeout:.1f} s.", maybe_received=False)
    if isinstance(error, exceptions.ReadTimeout) or "ReadTimeoutError" in names:
        return NoAnswerError(f"{origin} did not answer within {timeout:.1f} s.", maybe_received=True)
    if isinstance(error, (exceptions.ChunkedEncodingError, exceptions.ContentDecodingError)):
        return BrokenAnswerError(f"The answer of {origin} was cut short: {reason}.", cut=True)
    if names & {"NewConnectionError", "NameResolutionError", "gaierror"}:
        unknown = any(words in reason for words in UNKNOWN_HOST)
        return NoAnswerError(f"No connection to {origin}: {reason}.", maybe_received=False, unknown_host=unknown)
    if isinstance(error, (exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.MissingSchema)):
        return NoAnswerError(
            f"{origin} is no address a request can be sent to: {reason}.", maybe_received=False, lasting=True
        )
    if isinstance(error, exceptions.InvalidHeader):
        # Its words hold the value, which may be a secret.
        return NoAnswerError(
            f"A header of the request to {origin} holds characters that cannot be sent.",
            maybe_received=False,
            lasting=True,
        )
    if isinstance(error, OSError) and not isinstance(error, exceptions.RequestException):
        # requests raises a bare OSError for exactly one thing: a CA path that does not exist.
        return NoAnswerError(f"Cannot talk to {origin}: {error}.", maybe_received=False, lasting=True)
    return NoAnswerError(f"The connection to {origin} broke: {reason}.", maybe_received=True)


def _causes(error: BaseException) -> t.Iterator[str]:
    """Class names of an exception and of all that it wraps, as ``requests`` nests urllib3's."""
    seen: list[t.Any] = [error]
    while seen:
        current = seen.pop()
        yield type(current).__name__
        seen.extend(a for a in (*current.args, getattr(current, "reason", None)) if isinstance(a, BaseException))


def _innermost(error: BaseException) -> str:
    """The words of the deepest exception: the outer ones only repeat the URL."""
    current: t.Any = error
    while True:
        inner = [a for a in (getattr(current, "reason", None), *current.args) if isinstance(a, BaseException)]
        if not inner:
            return str(current).rstrip(".") or type(current).__name__
        current = inner[0]
