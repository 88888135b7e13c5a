# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors that the collection raises: one root class, one subclass for each reaction that a caller may need.

A message is written for the person who must act on it: what was requested from which service, what came back, what to do.
It never contains a credential, and control characters in what it quotes of a service are escaped here. The classes say what
happened, not what to do: ``_http`` has the rule of retries, ``_polling`` that of a wait, and only ``_module`` turns an error
into a failed module.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, WORD, printable

Self = t.TypeVar("Self", bound="CloudError")


class CloudError(Exception):
    """The root of all errors of the collection.

    Args:
        message: What was requested from which service, and what came back.
        hint: What the user can do next.
        http_status: Status of the response; None when there was none.
        code: The service's own error code, such as ``KPS.0001``.
        text: The service's own message.
        request_id: The id that the vendor's support asks for.
        details: Further fields of the response that a person may need, such as SMS's ``encoded_authorization_message``.
    """

    #: True when the error came up while the request was prepared (login, project, address), so that it was not sent. Unless
    #: the error is a temporary one, every other request of the same client ends with it, too.
    unsent = False
    #: True when the response has none of the forms in which the service reports errors, so that something in between may
    #: have given it, such as a proxy or a gateway.
    foreign = False

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        http_status: int | None = None,
        code: str | None = None,
        text: str | None = None,
        request_id: str | None = None,
        details: t.Mapping[str, t.Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = printable(message)
        self.hint = hint and printable(hint)
        self.http_status = http_status
        self.code = code and printable(code, WORD)
        self.text = text and printable(text, SENTENCE)
        self.request_id = request_id and printable(request_id, WORD)
        self.details = dict(details or {})
        #: The rows that were read before the error, where an operation takes several requests.
        self.partial: t.Any = None

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    @property
    def outcome_unknown(self) -> bool:
        """Whether a write that ended with this error may have taken effect."""
        return self._may_have_arrived() and not self.unsent

    def _may_have_arrived(self) -> bool:
        """Return whether the service may have received the request."""
        return False

    def copy(self: Self) -> Self:
        """Return an equal error, for another caller: messages are extended on their way up."""
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin

    def as_result(self) -> dict[str, t.Any]:
        """Return the fields of a failed module's result that a playbook reads; those without a value are left out."""
        fields = {
            "http_status": self.http_status,
            "error_code": self.code,
            "error_msg": self.text,
            "request_id": self.request_id,
            "error_details": self.details or None,
        }
        return {name: value for name, value in fields.items() if value is not None}


class UsageError(CloudError):
    """A wrong option; nothing was sent."""


class CredentialsError(CloudError):
    """Credentials that are missing, or that could not be obtained."""


class CheckModeWriteError(CloudError):
    """A write that reached the transport in check mode: a bug of the collection, stopped before anything was sent."""


class WriteUncertainError(CloudError):
    """A write whose response was lost: it may or may not have taken effect."""


class TransportError(CloudError):
    """A request without a response: no connection, a reset, or time ran out.

    Args:
        possibly_sent: False when the request certainly did not reach the service, so that even a write may be sent again.
        permanent: True when another try cannot help (a certificate that is not trusted).
        unknown_host: True when the name service says that there is no such host.
        stale: True when a connection that was kept from before turned out to be closed: the service itself may be well, and a
            read may be repeated at once.
    """

    def __init__(
        self,
        message: str,
        *,
        possibly_sent: bool,
        permanent: bool = False,
        unknown_host: bool = False,
        stale: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.possibly_sent = possibly_sent
        self.permanent = permanent
        self.unknown_host = unknown_host
        self.stale = stale

    def _may_have_arrived(self) -> bool:
        return self.possibly_sent


class InvalidResponseError(CloudError):
    """A response that is not what the API promises: HTML, a redirect, half a JSON document, a missing key.

    Args:
        truncated: True when the body was cut short or is not the JSON it claims to be; another try may get all of it.
    """

    def __init__(self, message: str, *, truncated: bool = False, **fields: t.Any) -> None:
        super().__init__(message, **fields)
        self.truncated = truncated

    def _may_have_arrived(self) -> bool:
        # The response may come from the service.
        return True


class ServiceError(CloudError):
    """An error that the service returned. The subclasses say of which kind; this class itself is never raised."""


class ThrottledError(ServiceError):
    """Too many calls: the service rejected the request before it processed it.

    Args:
        retry_after: Seconds the service asked to wait, or the length of the window for which it counts calls, if it said so.
        quota: True when ``retry_after`` is such a window: it ends after so many seconds at the latest.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, quota: bool = False, **fields: t.Any) -> None:
        super().__init__(message, **fields)
        self.retry_after = retry_after
        self.quota = quota


class UnavailableError(ServiceError):
    """A failure of the service itself (5xx): the same request may succeed later."""

    def _may_have_arrived(self) -> bool:
        # A gateway responds so when the service behind it did not respond in time.
        return True


class AuthenticationError(ServiceError):
    """Rejected credentials, or a rejected signature. Never repeated with the same credentials."""


class ForbiddenError(ServiceError):
    """A request that the service does not allow to this identity, which it knows."""


class NotFoundError(ServiceError):
    """An object that does not exist: the service returned the error code that says exactly this."""


class RejectedError(ServiceError):
    """A request that the service rejected for any other reason."""
