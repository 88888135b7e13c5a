# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every error the collection raises: one root class, one subclass per way out that a caller may take.

A message is written for the person who must act on it: what was asked, of whom, what came back, what to do next.
It never contains a credential, and whatever it quotes of a service is made inert here. The classes say what happened, not
what to do: the retry rule lives in ``_http``, the rule of a wait in ``_wait``, and ``_module`` is the only place that turns
an error into a failed module.
"""

from __future__ import annotations

import typing as t

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, WORD, printable

Self = t.TypeVar("Self", bound="CloudError")


class CloudError(Exception):
    """Root of all errors of the collection.

    Args:
        message: What was asked, of whom, and what came back.
        hint: What the user can do next.
        http_status: Status of the answer; ``None`` when there was no answer.
        code: The service's own error code, such as ``KPS.0001``.
        text: The service's own words.
        request_id: What the vendor's support asks for.
        details: Further fields of the answer that a person may need, such as SMS's ``encoded_authorization_message``.
    """

    #: True when this came up while the request was prepared (login, project, address): it was never sent, and unless the
    #: error is one that passes, every other request of the same client ends the same way.
    unsent = False

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
        #: What was read before the error, where an operation takes several requests.
        self.partial: t.Any = None

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    @property
    def maybe_done(self) -> bool:
        """Whether a write that ended with this may have taken effect all the same."""
        return self._perhaps_received() and not self.unsent

    def _perhaps_received(self) -> bool:
        """Return whether the service may have received what this error is about."""
        return False

    def copy(self: Self) -> Self:
        """Return an equal error, for another caller: messages are extended on their way up."""
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin

    def facts(self) -> dict[str, t.Any]:
        """The machine-readable half of a failure, for a module's result; absent facts are left out."""
        facts = {
            "http_status": self.http_status,
            "error_code": self.code,
            "error_msg": self.text,
            "request_id": self.request_id,
            "error_details": self.details or None,
        }
        return {name: value for name, value in facts.items() if value is not None}


class UsageError(CloudError):
    """An option is wrong; nothing was sent."""


class CredentialsError(CloudError):
    """There is nothing to sign with, or it could not be obtained."""


class CheckModeWriteError(CloudError):
    """A write reached the transport in check mode: a bug of the collection, stopped before it left the machine."""


class WriteUncertainError(CloudError):
    """A write's answer was lost: it may or may not have taken effect."""


class NoAnswerError(CloudError):
    """The service did not answer: no connection, a reset, or time ran out.

    Args:
        maybe_received: False when the request certainly did not reach the service, so that even a write may be sent again.
        lasting: True when another try cannot help (a refused certificate).
        unknown_host: True when the name of the host does not exist, by the word of the name service.
        stale: True when a connection that was kept from before turned out to be closed: the service itself may be well, and a
            read may be repeated at once.
    """

    def __init__(
        self,
        message: str,
        *,
        maybe_received: bool,
        lasting: bool = False,
        unknown_host: bool = False,
        stale: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.maybe_received = maybe_received
        self.lasting = lasting
        self.unknown_host = unknown_host
        self.stale = stale

    def _perhaps_received(self) -> bool:
        return self.maybe_received


class BrokenAnswerError(CloudError):
    """Something answered, but not what the API promises: HTML, a redirect, half a JSON document, a missing key.

    Args:
        cut: True when the body was cut short or is not the JSON it claims to be, which another try may mend.
    """

    def __init__(self, message: str, *, cut: bool = False, **facts: t.Any) -> None:
        super().__init__(message, **facts)
        self.cut = cut

    def _perhaps_received(self) -> bool:
        # What answered may have been the service.
        return True


class ServiceError(CloudError):
    """The service answered and refused. The subclasses say in which way; this class itself is never raised."""


class ThrottledError(ServiceError):
    """Too many calls; the request was turned away before it was processed.

    Args:
        retry_after: Seconds the service asked to wait, or the length of the window for which it counts calls, if it said so.
        quota: True when ``retry_after`` is such a window: it may end sooner, and certainly has after so many seconds.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, quota: bool = False, **facts: t.Any) -> None:
        super().__init__(message, **facts)
        self.retry_after = retry_after
        self.quota = quota


class UnavailableError(ServiceError):
    """The service failed by itself (5xx): the same request may succeed later."""

    def _perhaps_received(self) -> bool:
        # A gateway answers so when the service behind it did not answer in time.
        return True


class AuthenticationError(ServiceError):
    """The credentials or the signature were refused. Never repeated with the same credentials."""


class ForbiddenError(ServiceError):
    """The identity is known, and may not do this."""


class NotFoundError(ServiceError):
    """The one thing that was asked for does not exist, by a code of the service that says exactly this."""


class RejectedError(ServiceError):
    """Any other refusal: the request itself is at fault."""
