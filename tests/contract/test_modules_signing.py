# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's signatures and the vendors' signers, on hundreds of generated requests, and on the recorded ones."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.multicloud.async_tasks.plugins.module_utils._alibaba import signing as alibaba
from ansible_collections.multicloud.async_tasks.plugins.module_utils._huawei import signing as huawei
from emulator.messages import Request

from . import oracle, wire
from .sdk import load

#: Generated requests per cloud. The same ones each time, so that a failure is one for everybody.
EXAMPLES = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)

#: Any text that UTF-8 can carry, with those characters more often that encoders disagree about.
SPECIAL = " +%~*/?#&=;:,@!'()[]$\"<>\\|^`{}-._ \t"
TEXT = st.text(st.one_of(st.sampled_from(SPECIAL), st.characters(codec="utf-8")), max_size=12)
NAME = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_.-"), min_size=1, max_size=10)
#: What a header may hold; values are trimmed by both sides.
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
SEGMENT = st.text(st.one_of(st.sampled_from(" ~+%*:@üß中"), st.characters(codec="utf-8")), min_size=1, max_size=8)
SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@pytest.fixture(scope="module", autouse=True)
def _signers() -> None:
    """Have the signers loaded before the first example."""
    load("huaweicloudsdkcore.signer.signer")
    load("alibabacloud_tea_openapi.utils")
    load("darabonba.request")


@st.composite
def huawei_requests(draw: st.DrawFn) -> dict[str, t.Any]:
    """Return a request to Huawei Cloud, before it is signed."""
    segments = draw(st.lists(SEGMENT, max_size=4))
    names = draw(st.lists(st.from_regex(r"x-[a-z]{2,8}", fullmatch=True), max_size=3, unique=True))
    values = st.one_of(TEXT, st.just(""), st.lists(TEXT, min_size=2, max_size=3), st.booleans(), st.integers(0, 9))
    return {
        "method": draw(st.sampled_from(["GET", "POST", "PUT", "DELETE"])),
        "path": "/" + "/".join(quote(segment, safe="") for segment in segments),
        "query": list(draw(st.dictionaries(NAME, values, max_size=5)).items()),
        "headers": {
            "Host": "kms.cn-north-4.myhuaweicloud.com",
            "X-Sdk-Date": "20260102T030405Z",
            "Content-Type": "application/json",
            **draw(st.one_of(st.just({}), st.fixed_dictionaries({"X-Security-Token": SECRET}))),
            **{name: draw(HEADER) for name in names},
        },
        "body": draw(st.one_of(st.just(b""), TEXT.map(str.encode))),
    }


@EXAMPLES
@given(huawei_requests(), NAME, SECRET)
def test_huawei_signatures(request: dict[str, t.Any], access: str, secret: str) -> None:
    made = huawei.authorization(**request, access_key=access, secret_key=secret)
    text = huawei.canonical_query(request["query"])
    target = f"{request['path']}?{text}" if text else request["path"]
    headers = (*request["headers"].items(), ("Authorization", made))
    received = Request(request["method"], target, headers, request["body"])
    assert made == oracle.huawei_authorization(received, access, secret)


@st.composite
def alibaba_requests(draw: st.DrawFn) -> dict[str, t.Any]:
    """Return a request to Alibaba Cloud, before it is signed. Lists have been made numbered keys by then."""
    query = draw(st.dictionaries(NAME, st.one_of(TEXT, st.just("")), max_size=6))
    repeated = draw(st.lists(TEXT, max_size=12))
    body = draw(st.one_of(st.just(b""), TEXT.map(str.encode)))
    return {
        "query": {**query, **{f"Ids.{number}": value for number, value in enumerate(repeated, 1)}},
        "headers": {
            "host": "cloudsso.cn-shanghai.aliyuncs.com",
            "x-acs-action": draw(st.sampled_from(["GetTask", "GetTaskStatus", "ListTasks"])),
            "x-acs-version": "2021-05-15",
            "x-acs-date": "2026-01-02T03:04:05Z",
            "x-acs-signature-nonce": draw(st.from_regex(r"[0-9a-f]{32}", fullmatch=True)),
            "x-acs-content-sha256": alibaba.content_hash(body),
            **draw(
                st.one_of(
                    st.just({}), st.fixed_dictionaries({"x-acs-accesskey-id": NAME, "x-acs-security-token": SECRET})
                )
            ),
        },
        "body": body,
    }


@EXAMPLES
@given(alibaba_requests(), NAME, SECRET)
def test_alibaba_signatures(request: dict[str, t.Any], access: str, secret: str) -> None:
    made = alibaba.authorization("POST", "/", request["query"], request["headers"], access, secret)
    target = f"/?{alibaba.canonical_query(request['query'])}"
    headers = (*request["headers"].items(), ("Authorization", made))
    assert made == oracle.alibaba_authorization(Request("POST", target, headers, request["body"]), access, secret)


def test_the_checks_find_wrong_results() -> None:
    made = alibaba.authorization("POST", "/", {"a": "1"}, {"host": "h", "x-acs-content-sha256": "x"}, "ak", "other")
    received = Request("POST", "/?a=1", (("host", "h"), ("x-acs-content-sha256", "x"), ("Authorization", made)))
    assert made != oracle.alibaba_authorization(received, "ak", "sk")


@pytest.mark.parametrize("name", wire.names("huawei"))
def test_recorded_requests_of_the_huawei_sdk(name: str) -> None:
    for recorded in wire.requests(name):
        signed = (recorded.header("Authorization") or "").split("SignedHeaders=")[1].split(", ")[0].split(";")
        made = huawei.authorization(
            recorded.method,
            recorded.path,
            recorded.pairs(),
            {key: value for key, value in recorded.headers if key.lower() in signed},
            recorded.body,
            wire.HUAWEI_ACCESS,
            wire.HUAWEI_SECRET,
        )
        assert made == recorded.header("Authorization")
        # The query goes over the wire as it is signed.
        assert huawei.canonical_query(recorded.pairs()) == recorded.raw_query
