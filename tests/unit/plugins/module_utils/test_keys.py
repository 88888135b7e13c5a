# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access keys and when the next one is due."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._keys import (
    KEPT,
    MARGIN,
    AccessKey,
    Fetched,
    Lease,
    parse_time,
)
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import EPOCH, FakeClock


@dataclasses.dataclass
class Giver:
    """Hands out numbered keys that live for so many seconds; None is for ever."""

    clock: FakeClock
    life: float | None
    given: int = 0

    def __call__(self, _deadline: float) -> AccessKey:
        self.given += 1
        expires = None if self.life is None else self.clock.time() + self.life
        return AccessKey(f"K{self.given}", "secret", expires=expires)


def test_an_identity_is_got_when_it_is_needed_and_kept(clock: FakeClock) -> None:
    giver = Giver(clock, None)
    lease = Lease(giver, clock)
    assert giver.given == 0
    assert [lease.get(5.0).access_key for _time in range(3)] == ["K1"] * 3
    clock.sleep(1e9)
    assert lease.get(5.0).access_key == "K1"


def test_an_identity_that_ends_is_replaced_in_time(clock: FakeClock) -> None:
    lease = Lease(Giver(clock, 3600), clock)
    lease.get(5.0)
    clock.sleep(3600 - MARGIN - 1)
    assert lease.get(5.0).access_key == "K1"
    clock.sleep(1)
    assert lease.get(5.0).access_key == "K2"
    assert lease.get(5.0).access_key == "K2"


@pytest.mark.parametrize("life", [-1e6, 0, MARGIN])
def test_an_identity_that_seems_to_have_ended_is_still_used_for_a_while(clock: FakeClock, life: float) -> None:
    # The clock of this machine may be wrong, and asking anew for each request would help nobody.
    lease = Lease(Giver(clock, life), clock)
    lease.get(5.0)
    clock.sleep(KEPT - 1)
    assert lease.get(5.0).access_key == "K1"
    clock.sleep(1)
    assert lease.get(5.0).access_key == "K2"


def test_a_refused_identity_is_replaced(clock: FakeClock) -> None:
    lease = Lease(Giver(clock, None), clock)
    lease.get(5.0)
    lease.drop()
    assert lease.get(5.0).access_key == "K2"


def test_threads_that_come_together_get_one_identity(clock: FakeClock) -> None:
    giver = Giver(clock, None)
    lease = Lease(giver, clock)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _n: lease.get(5.0).access_key, range(64)))
    assert (set(keys), giver.given) == ({"K1"}, 1)


def test_keys_that_are_handed_out_begin_with_the_first() -> None:
    later = iter([AccessKey("K2", "s2"), AccessKey("K3", "s3")])
    fetched = Fetched(AccessKey("K1", "s1", "t1", "there"), lambda: next(later))
    assert (fetched.source, fetched.secrets()) == ("there", ["s1", "t1"])
    assert [fetched.take().access_key for _time in range(3)] == ["K1", "K2", "K3"]


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("2026-01-02T03:04:05Z", EPOCH),
        ("2026-01-02T03:04:05.123000Z", EPOCH),
        ("2026-01-02T03:04:05.1234567Z", EPOCH),
        (" 2026-01-02T03:04:05Z ", EPOCH),
        ("tomorrow", None),
        ("", None),
        (None, None),
        (1767323045, None),
    ],
)
def test_times(text: t.Any, epoch: float | None) -> None:
    assert parse_time(text) == epoch


def test_secrets_are_not_shown() -> None:
    key = AccessKey("id", "top-secret", "top-token")
    assert "top" not in repr(key)
    assert key.secrets() == ["top-secret", "top-token"]
