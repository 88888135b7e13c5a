# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the filter keypair_reset_report: every kind of report."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.multicloud.async_tasks.plugins.filter.keypair_reset_report import FilterModule
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.plugin_utils._keypair_reset.samples import record

report = FilterModule().filters()["keypair_reset_report"]
RECORDS = [record("web", operation="reset", stop=True, power="ACTIVE", state="planned")]


@pytest.mark.parametrize(
    ("kind", "begins"),
    [
        ("plan", "['web  stop, reset, start, verify']"),
        ("table", "['SERVER  METHOD"),
        ("json", '[\n    {\n        "method": "reset",\n'),
        ("markdown", "# Key pair reset\n"),
        ("verdicts", "{'web': {'as_wanted': True, "),
        ("stats", "{'keypair_reset_check_mode': True, 'keypair_reset_total': 1, "),
        ("logins", "[]"),
        ("journal", "[{'host': 'web', "),
    ],
)
def test_every_kind_of_report_is_made(kind: str, begins: str) -> None:
    found: t.Any = report(RECORDS, kind, check_mode=True)
    assert str(found).startswith(begins)


def test_check_mode_is_in_the_report() -> None:
    assert report(RECORDS, "table", check_mode=True)[-1] == "Nothing was changed (check mode)."
    assert json.loads(report(RECORDS, "json"))[0]["result"] == "planned"


def test_an_unknown_kind_is_an_error_that_names_it() -> None:
    with pytest.raises(AnsibleFilterError, match="keypair_reset_report: there is no kind 'weather' of report"):
        report(RECORDS, "weather")
