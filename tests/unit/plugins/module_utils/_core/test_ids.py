# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ids and names: what is refused before it becomes a part of a URL."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_id, check_ids, check_name

#: Each of these would change the meaning of a URL, or is not an id at all.
BAD: tuple[t.Any, ...] = (
    *("", ".", "..", "a/b", "/", "../x", "a b", " a", "a\n", "\n", "a%2Fb", "a?b", "a#b", "a&b", "a:b", "a;b", "é"),
    *("x" * 65, "{{ task_id }}", "*", None, 5, ["a"]),
)


@pytest.mark.parametrize("value", BAD, ids=repr)
def test_an_invalid_id_is_rejected_with_option_and_value(value: t.Any) -> None:
    with pytest.raises(UsageError) as caught:
        check_id("task_id", value)
    assert str(caught.value).startswith(f"task_id: {value!r} ")
    assert "Nothing was sent" in str(caught.value)


@pytest.mark.parametrize(
    "value", ["a", "...", ".a", "-", "_", "x" * 64, "aee8d2fe-5484-4753-9177-5a38dc15546c", "t.1_B"]
)
def test_an_id_of_any_vendor_is_accepted(value: str) -> None:
    assert check_id("task_id", value) == value


def test_an_id_in_a_query_may_hold_an_asterisk() -> None:
    assert check_id("task_id", "t-shfqw1l5a****", in_query=True) == "t-shfqw1l5a****"
    for value in ("", ".", "..", "a/b", "a&b", "x" * 65):
        with pytest.raises(UsageError):
            check_id("task_id", value, in_query=True)


def test_ids_keep_their_order_and_lose_repetitions() -> None:
    assert check_ids("server_ids", ["b", "a", "b", "c", "a"]) == ["b", "a", "c"]
    assert check_ids("server_ids", []) == []
    with pytest.raises(UsageError, match="server_ids: ''"):
        check_ids("server_ids", ["a", ""])


@pytest.mark.parametrize("value", ["", ".", "a.b", "a b", "a/b", "a\n", "x" * 256, None], ids=repr)
def test_an_invalid_name_of_a_key_pair_is_rejected(value: t.Any) -> None:
    with pytest.raises(UsageError, match="^keypair_name: .*Nothing was sent"):
        check_name("keypair_name", value)


@pytest.mark.parametrize("value", ["KeyPair-be0c", "a", "_", "x" * 255])
def test_a_name_of_a_key_pair_is_returned(value: str) -> None:
    assert check_name("keypair_name", value) == value
