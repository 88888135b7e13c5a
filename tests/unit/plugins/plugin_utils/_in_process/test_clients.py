# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients that the items of a loop share: which runs share one, what each is told, and how many are kept."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._http import Request, Response
from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context
from ansible_collections.multicloud.async_tasks.plugins.module_utils._runtime import Provider, Runtime
from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._in_process.clients import (
    MAX_CLIENTS,
    SharedClients,
)


class Opened:
    """Clients as they are made; each tells a secret and a warning when it is made, and more when it is used."""

    def __init__(self) -> None:
        self.runtimes: list[Runtime] = []
        self.transports: list[t.Any] = []
        self.cloud: Provider[t.Any] = Provider("hwc", {"hwc_region": {"type": "str"}}, self._open)

    def _open(self, options: t.Mapping[str, t.Any], runtime: Runtime) -> t.Any:
        self.runtimes.append(runtime)
        self.transports.append(runtime.transport(proxies=False))
        runtime.on_secret("first-secret")
        runtime.on_warning("first warning")
        return types.SimpleNamespace(region=options["hwc_region"], credentials_source="test")


class ClosingTransport:
    """A transport that notes whether it was closed."""

    def __init__(self, **options: t.Any) -> None:
        self.options = options
        self.closed = False

    def send(self, request: Request, timeout: float) -> Response:
        """Implement ``Transport``."""
        raise AssertionError(f"{request} is not expected within {timeout} s")

    def close(self) -> None:
        """Implement ``Transport``."""
        self.closed = True


class Told(t.NamedTuple):
    """A run, and what it was told."""

    context: Context
    secrets: list[str]
    warnings: list[str]


def told(region: str = "r-1", *, check_mode: bool = False, **params: t.Any) -> Told:
    """Return a run with these options."""
    secrets: list[str] = []
    warnings: list[str] = []
    context = Context(
        {"hwc_region": region, **params},
        check_mode=check_mode,
        on_secret=secrets.append,
        on_warning=warnings.append,
        connect=ClosingTransport,
    )
    return Told(context, secrets, warnings)


@pytest.fixture
def opened() -> Opened:
    """Return a factory that has not made a client yet."""
    return Opened()


def test_runs_with_the_same_options_share_a_client_its_secrets_and_its_warnings(opened: Opened) -> None:
    clients, first, second = SharedClients(), told(task_id="t-1"), told(task_id="t-2")
    one = clients.client(opened.cloud, first.context, {})
    assert clients.client(opened.cloud, second.context, {}) is one
    assert len(opened.runtimes) == 1
    for run in (first, second):
        assert (run.secrets, run.warnings) == (["first-secret"], ["first warning"])


def test_the_run_that_uses_a_client_gets_new_secrets_and_warnings(opened: Opened) -> None:
    clients, first, second, third = SharedClients(), told(), told(), told()
    clients.client(opened.cloud, first.context, {})
    clients.client(opened.cloud, second.context, {})
    opened.runtimes[0].on_secret("renewed-secret")
    opened.runtimes[0].on_warning("second warning")
    assert (first.secrets, first.warnings) == (["first-secret"], ["first warning"])
    assert second.secrets == ["first-secret", "renewed-secret"]
    clients.client(opened.cloud, third.context, {})
    assert third.secrets == ["first-secret", "renewed-secret"]
    assert third.warnings == ["first warning", "second warning"]


@pytest.mark.parametrize(
    ("other", "environ"),
    [(told("r-2"), {}), (told(check_mode=True), {}), (told(), {"HWC_ENDPOINT": "https://x.example"})],
    ids=["options", "check mode", "environment"],
)
def test_runs_with_different_options_do_not_share_a_client(
    opened: Opened, other: Told, environ: dict[str, str]
) -> None:
    clients = SharedClients()
    one = clients.client(opened.cloud, told().context, {})
    assert clients.client(opened.cloud, other.context, environ) is not one
    assert clients.client(opened.cloud, told().context, {}) is one


def test_clients_are_bounded_and_the_least_recently_used_goes_first(opened: Opened) -> None:
    clients = SharedClients()
    kept = clients.client(opened.cloud, told("kept").context, {})
    for number in range(3 * MAX_CLIENTS):
        clients.client(opened.cloud, told(f"r-{number}").context, {})
        assert clients.client(opened.cloud, told("kept").context, {}) is kept
    assert sum(not transport.closed for transport in opened.transports) == MAX_CLIENTS
    assert opened.transports[0].options == {"proxies": False}
    made = len(opened.runtimes)
    clients.client(opened.cloud, told("r-0").context, {})
    assert len(opened.runtimes) == made + 1


def test_after_clear_the_next_run_logs_in_again(opened: Opened) -> None:
    clients = SharedClients()
    one = clients.client(opened.cloud, told().context, {})
    clients.clear()
    assert [transport.closed for transport in opened.transports] == [True]
    assert clients.client(opened.cloud, told().context, {}) is not one


def test_a_client_that_could_not_be_made_is_not_kept() -> None:
    def fail(_options: t.Mapping[str, t.Any], _runtime: Runtime) -> t.Any:
        raise ValueError("no credentials")

    clients = SharedClients()
    for _attempt in range(2):
        with pytest.raises(ValueError, match="no credentials"):
            clients.client(Provider("hwc", {}, fail), told().context, {})


def test_an_accepted_write_changes_the_run_that_sent_it_and_no_other(opened: Opened) -> None:
    clients, first, second = SharedClients(), told(task_id="t-1"), told(task_id="t-2")
    for run in (first, second):
        clients.client(opened.cloud, run.context, {})
    opened.runtimes[0].on_write()
    assert (first.context.result["changed"], second.context.result["changed"]) == (False, True)
