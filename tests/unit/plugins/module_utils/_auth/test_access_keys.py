# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access keys and when the next one is due."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
import time
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._auth.access_keys import (
    EARLY,
    KEPT,
    MARGIN,
    RETRY,
    TEMPORARY,
    AccessKey,
    Lease,
    RefreshableKey,
    parse_time,
)
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core import errors
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.clock import SystemClock
from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.doubles import EPOCH, FakeClock


@dataclasses.dataclass
class Giver:
    """A service that hands out numbered keys, valid for so many seconds; None is for ever."""

    clock: FakeClock
    life: float | None
    given: int = 0

    def __call__(self, _deadline: float) -> AccessKey:
        self.given += 1
        expires = None if self.life is None else self.clock.time() + self.life
        return AccessKey(f"K{self.given}", "secret", expires=expires)


def test_an_identity_is_obtained_when_it_is_needed_and_kept(clock: FakeClock) -> None:
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
    # The clock of this machine may be wrong, and fetching a key for each request would not help.
    lease = Lease(Giver(clock, life), clock)
    lease.get(5.0)
    clock.sleep(KEPT - 1)
    assert lease.get(5.0).access_key == "K1"
    clock.sleep(1)
    assert lease.get(5.0).access_key == "K2"


def test_a_rejected_identity_is_replaced(clock: FakeClock) -> None:
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


REFUSED = errors.AuthenticationError("The user name or password is wrong.", http_status=401)
DOWN = errors.UnavailableError("IAM is down.", http_status=503)


class Script:
    """A service that follows a script, and notes the time that each attempt had."""

    def __init__(self, clock: FakeClock, *outcomes: AccessKey | errors.CloudError) -> None:
        self.clock = clock
        self.outcomes = list(outcomes)
        self.left: list[float] = []

    def __call__(self, deadline: float) -> AccessKey:
        self.left.append(deadline - self.clock.monotonic())
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, errors.CloudError):
            raise outcome
        return outcome


def ends_in(clock: FakeClock, seconds: float, name: str = "K1") -> AccessKey:
    return AccessKey(name, "secret", expires=clock.time() + seconds)


@pytest.mark.parametrize(
    "refusal",
    [
        REFUSED,
        errors.RejectedError("The body is wrong.", http_status=400),
        errors.ForbiddenError("The agency does not trust this account.", http_status=403),
        errors.NotFoundError("There is no such agency.", http_status=404),
        errors.CredentialsError("The server has no agency."),
        errors.UsageError("There is no such project."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_rejected_login_is_remembered_and_never_sent_again(clock: FakeClock, refusal: errors.CloudError) -> None:
    script = Script(clock, refusal.copy())
    lease = Lease(script, clock)
    for _request in range(30):
        with pytest.raises(type(refusal)) as caught:
            lease.get(clock.monotonic() + 10)
        assert str(caught.value) == str(refusal)
        assert caught.value.unsent
        # A caller may add to the message.
        caught.value.message += " It was tried 3 times."
        clock.sleep(60)
    assert len(script.left) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        DOWN,
        errors.ThrottledError("Too many."),
        errors.TransportError("Reset.", possibly_sent=True),
        errors.InvalidResponseError("<html>"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_temporary_error_is_not_remembered(clock: FakeClock, trouble: errors.CloudError) -> None:
    lease = Lease(Script(clock, trouble, AccessKey("K1", "secret")), clock)
    with pytest.raises(type(trouble)) as caught:
        lease.get(clock.monotonic() + 10)
    assert caught.value.unsent
    assert not caught.value.outcome_unknown, "what was sent was the login, not a write"
    assert lease.get(clock.monotonic() + 10).access_key == "K1"


def test_the_temporary_errors_can_be_chosen(clock: FakeClock) -> None:
    lease = Lease(Script(clock, REFUSED, AccessKey("K1", "s")), clock, (*TEMPORARY, errors.AuthenticationError))
    with pytest.raises(errors.AuthenticationError):
        lease.get(clock.monotonic() + 10)
    assert lease.get(clock.monotonic() + 10).access_key == "K1"


def test_an_early_renewal_that_fails_falls_back_to_what_is_held_until_its_end(clock: FakeClock) -> None:
    trouble = [DOWN] * int(MARGIN / RETRY)
    script = Script(clock, ends_in(clock, 3600), *trouble, DOWN, ends_in(clock, 7200, "K2"))
    lease = Lease(script, clock)
    lease.get(clock.monotonic() + 60)
    clock.sleep(3600 - MARGIN)
    begun = clock.time()
    while clock.time() < begun + MARGIN:
        assert lease.get(clock.monotonic() + 60).access_key == "K1"
        clock.sleep(RETRY / 10)
    assert len(script.left) == 1 + MARGIN / RETRY, "it is tried again, and not for each request"
    with pytest.raises(errors.UnavailableError):
        lease.get(clock.monotonic() + 60)
    assert lease.get(clock.monotonic() + 60).access_key == "K2"


def test_an_early_renewal_leaves_most_of_the_time_to_the_request(clock: FakeClock) -> None:
    script = Script(clock, ends_in(clock, MARGIN + KEPT), DOWN, DOWN)
    lease = Lease(script, clock)
    lease.get(clock.monotonic() + 60)
    clock.sleep(KEPT)
    lease.get(clock.monotonic() + 60)
    clock.sleep(RETRY)
    lease.get(clock.monotonic() + 4)
    assert script.left == [60, EARLY, 2]


def test_a_renewal_that_is_rejected_is_sent_once_more_at_the_end(clock: FakeClock) -> None:
    forbidden = errors.ForbiddenError("Not any more.", http_status=403)
    script = Script(clock, ends_in(clock, 3600), forbidden, forbidden)
    lease = Lease(script, clock)
    lease.get(clock.monotonic() + 60)
    for _second in range(3599):
        clock.sleep(1)
        assert lease.get(clock.monotonic() + 60).access_key == "K1"
    assert len(script.left) == 2
    clock.sleep(1)
    for _request in range(30):
        with pytest.raises(errors.ForbiddenError):
            lease.get(clock.monotonic() + 60)
    assert len(script.left) == 3


def test_a_key_may_say_when_to_fetch_the_next(clock: FakeClock) -> None:
    key = AccessKey("K1", "secret", renew_at=clock.time() + 600)
    script = Script(clock, key, DOWN, AccessKey("K2", "secret"))
    lease = Lease(script, clock)
    lease.get(clock.monotonic() + 60)
    clock.sleep(599)
    assert lease.get(clock.monotonic() + 60).access_key == "K1"
    clock.sleep(1)
    assert lease.get(clock.monotonic() + 60).access_key == "K1", "it does not say when it ends"
    clock.sleep(RETRY)
    assert lease.get(clock.monotonic() + 60).access_key == "K2"


class Slow:
    """A service that hands out a key, or fails, when it is told to."""

    def __init__(self, outcome: AccessKey | errors.CloudError) -> None:
        self.outcome = outcome
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.attempts = 0

    def __call__(self, _deadline: float) -> AccessKey:
        self.attempts += 1
        self.begun.set()
        assert self.go_on.wait(10)
        if isinstance(self.outcome, errors.CloudError):
            raise self.outcome
        return self.outcome


class AskedClock(SystemClock):
    """A clock that counts its readings; each request reads it before it waits."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)

    def monotonic(self) -> float:
        self.asked.release()
        return super().monotonic()


def test_requests_that_wait_for_a_login_share_how_it_ended() -> None:
    slow, clock = Slow(DOWN), AskedClock()
    lease = Lease(slow, clock)

    def ask(_number: int) -> str:
        try:
            return lease.get(time.monotonic() + 10).access_key
        except errors.CloudError as error:
            return str(error)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        first = pool.submit(ask, 0)
        assert slow.begun.wait(10)
        others = [pool.submit(ask, number) for number in range(1, 8)]
        for _request in range(8):
            assert clock.asked.acquire(timeout=10)
        slow.go_on.set()
        assert {first.result(), *(future.result() for future in others)} == {"IAM is down."}
    assert slow.attempts == 1


def test_a_login_is_not_waited_for_longer_than_there_is_time() -> None:
    slow = Slow(AccessKey("K1", "secret"))
    lease = Lease(slow, SystemClock())
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(lease.get, time.monotonic() + 10)
        assert slow.begun.wait(10)
        with pytest.raises(errors.TransportError, match="did not end in time") as caught:
            lease.get(time.monotonic() + 0.01)
        assert (caught.value.unsent, caught.value.outcome_unknown) == (True, False)
        slow.go_on.set()
        assert first.result().access_key == "K1"


def test_while_it_is_renewed_early_others_use_what_is_held() -> None:
    clock = SystemClock()
    slow = Slow(AccessKey("K2", "secret"))
    keys = iter([AccessKey("K1", "secret", renew_at=0.0)])
    lease = Lease(lambda deadline: next(keys, None) or slow(deadline), clock)
    assert lease.get(time.monotonic() + 10).access_key == "K1"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(lease.get, time.monotonic() + 10)
        assert slow.begun.wait(10)
        assert lease.get(time.monotonic() + 10).access_key == "K1"
        slow.go_on.set()
        assert first.result().access_key == "K2"


def test_keys_that_are_handed_out_begin_with_the_first() -> None:
    later = iter([AccessKey("K2", "s2"), AccessKey("K3", "s3")])
    deadlines: list[float] = []

    def fetch(deadline: float) -> AccessKey:
        deadlines.append(deadline)
        return next(later)

    fetched = RefreshableKey("there", fetch, AccessKey("K1", "s1", "t1", "there"))
    assert (fetched.source, fetched.secrets()) == ("there", ["s1", "t1"])
    assert [fetched.take(deadline).access_key for deadline in (1.0, 2.0, 3.0)] == ["K1", "K2", "K3"]
    assert deadlines == [2.0, 3.0]
    assert RefreshableKey("there", fetch).secrets() == []


def test_a_source_that_has_given_a_key_may_give_another_one_later() -> None:
    outcomes: list[AccessKey | errors.CredentialsError] = [
        errors.CredentialsError("HTTP 404."),
        AccessKey("K1", "s1"),
        errors.CredentialsError("HTTP 404."),
        AccessKey("K2", "s2"),
    ]

    def fetch(_deadline: float) -> AccessKey:
        outcome = outcomes.pop(0)
        if isinstance(outcome, errors.CredentialsError):
            raise outcome
        return outcome

    fetched = RefreshableKey("ECS metadata", fetch)
    with pytest.raises(errors.CredentialsError):
        fetched.take(1.0)
    assert fetched.take(2.0).access_key == "K1"
    with pytest.raises(
        errors.InvalidResponseError, match=r"no new key from .* \(ECS metadata\): HTTP 404\.$"
    ) as caught:
        fetched.take(3.0)
    assert caught.value.truncated
    assert fetched.take(4.0).access_key == "K2"


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
def test_times_are_parsed(text: t.Any, epoch: float | None) -> None:
    assert parse_time(text) == epoch


def test_secrets_are_not_shown() -> None:
    key = AccessKey("id", "top-secret", "top-token")
    assert "top" not in repr(key)
    assert key.secrets() == ["top-secret", "top-token"]
