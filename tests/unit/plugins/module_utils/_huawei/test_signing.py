# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signature of Huawei Cloud, against known answers of the vendor's own signer."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import signing

FIXTURES = Path(__file__).resolve().parents[5] / "tests" / "fixtures"
# Made with the official Python SDK 3.1.219.
VECTORS: list[dict[str, t.Any]] = json.loads(FIXTURES.joinpath("huawei-sign-vectors.json").read_text(encoding="utf-8"))
ACCESS_KEY = "AKEXAMPLE0000000001"
SECRET_KEY = "SKexample/secret+0000000000000000000001"


def test_all_vectors_are_there() -> None:
    assert [vector["name"].split()[0] for vector in VECTORS] == [f"H{number:02}" for number in range(1, 17)]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_a_request_is_signed_as_the_sdk_signs_it(vector: dict[str, t.Any]) -> None:
    request = (
        vector["method"],
        vector["path"],
        [tuple(pair) for pair in vector["query"]],
        vector["headers"],
        vector["body"].encode("utf-8"),
    )
    canonical, names = signing.canonical_request(*request)
    assert canonical == vector["canonical"]
    assert f"SignedHeaders={names}," in vector["authorization"]
    assert signing.authorization(*request, ACCESS_KEY, SECRET_KEY) == vector["authorization"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_the_query_is_sent_as_it_is_signed(vector: dict[str, t.Any]) -> None:
    query = signing.canonical_query([tuple(pair) for pair in vector["query"]])
    assert (f"{vector['path']}?{query}" if query else vector["path"]) == vector["url"]


def test_numbers_are_sorted_as_they_are_sent() -> None:
    assert signing.canonical_query([("limit", [10, 9]), ("all", True)]) == "all=true&limit=10&limit=9"


def test_the_date_is_utc_to_the_second() -> None:
    assert signing.sdk_date(1767323045.9) == "20260102T030405Z"


def test_a_header_is_found_whatever_its_case() -> None:
    values = [
        signing.authorization("GET", "/", (), {date: "20260102T030405Z", "HOST": "a"}, b"", "ak", "sk")
        for date in ("X-Sdk-Date", "x-sdk-date")
    ]
    assert values[0] == values[1]
    assert "SignedHeaders=host;x-sdk-date" in values[0]
