# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors: what a person reads, and the facts that a playbook reads."""

from __future__ import annotations

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors


def test_an_error_says_what_happened_and_then_what_to_do() -> None:
    assert str(errors.RejectedError("It was refused.", hint="Check the id.")) == "It was refused. Check the id."
    assert str(errors.RejectedError("It was refused.")) == "It was refused."


def test_the_facts_of_a_failure_leave_out_what_is_not_known() -> None:
    error = errors.ThrottledError(
        "Too many.", retry_after=3.0, http_status=429, code="APIGW.0308", text="throttled", request_id="r-1"
    )
    assert error.as_result() == {
        "http_status": 429,
        "error_code": "APIGW.0308",
        "error_msg": "throttled",
        "request_id": "r-1",
    }
    assert error.retry_after == 3.0
    assert errors.TransportError("Nothing.", possibly_sent=True).as_result() == {}
    details = {"encoded_authorization_message": "xyz"}
    assert errors.ForbiddenError("No.", details=details).as_result() == {"error_details": details}


def test_an_error_before_the_request_was_sent_has_changed_nothing() -> None:
    error = errors.UnavailableError("IAM is down.", http_status=503)
    assert error.outcome_unknown
    error.unsent = True
    assert not error.outcome_unknown


@pytest.mark.parametrize(
    "error",
    [
        errors.TransportError(
            "Gone.", possibly_sent=False, permanent=True, unknown_host=True, hint="Check the region."
        ),
        errors.InvalidResponseError("Half.", truncated=True, http_status=200),
        errors.ThrottledError("Too many.", retry_after=3.0, code="APIGW.0308"),
        errors.CredentialsError("None."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_copy_is_equal_and_changes_alone(error: errors.CloudError) -> None:
    error.unsent = True
    twin = error.copy()
    assert type(twin) is type(error)
    assert (vars(twin), twin.args, str(twin)) == (vars(error), error.args, str(error))
    twin.message = f"KPS: {twin.message}"
    assert not error.message.startswith("KPS")
