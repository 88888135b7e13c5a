# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the way in to a host: what its own connection would use, and from where."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.multicloud.async_tasks.plugins.plugin_utils._keypair_reset.connection import ConnectionSettings

#: Ansible as it comes.
CONFIG: dict[str, t.Any] = {
    "port": None,
    "remote_user": None,
    "ssh_executable": "ssh",
    "private_key_file": None,
    "ssh_args": "-C",
    "ssh_common_args": "",
    "ssh_extra_args": "",
    "host_key_checking": True,
    "timeout": 10,
}


def template(value: t.Any) -> t.Any:
    """Put a word in the place of a template."""
    if value == "{{ undefined }}":
        raise ValueError("'undefined' is undefined")
    return {"{{ address }}": "192.0.2.9", "{{ nothing }}": ""}.get(value, value) if isinstance(value, str) else value


def connection(config: t.Mapping[str, t.Any] | None = None, **variables: t.Any) -> dict[str, t.Any]:
    """Return the way in to a host with variables."""
    return ConnectionSettings(
        {"inventory_hostname": "web", **variables}, template, {**CONFIG, **(config or {})}.__getitem__
    ).read()


def test_a_host_without_variables_is_its_name() -> None:
    assert connection() == {
        "host": "web",
        "port": "",
        "user": "",
        "executable": "ssh",
        "private_key_file": "",
        "args": "-C",
    }


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ansible_host": "192.0.2.1"}, {"host": "192.0.2.1"}),
        ({"ansible_host": "192.0.2.1", "ansible_ssh_host": "192.0.2.2"}, {"host": "192.0.2.2"}),
        ({"ansible_ssh_host": "192.0.2.2", "keypair_reset_ssh_host": "192.0.2.3"}, {"host": "192.0.2.3"}),
        ({"ansible_host": "{{ address }}"}, {"host": "192.0.2.9"}),
        ({"ansible_host": "{{ nothing }}"}, {"host": "web"}),
        ({"ansible_host": "192.0.2.1", "keypair_reset_ssh_host": ""}, {"host": "192.0.2.1"}),
        ({"ansible_port": 2201}, {"port": 2201}),
        ({"ansible_port": 2201, "ansible_ssh_port": "2202"}, {"port": "2202"}),
        ({"ansible_ssh_port": 2202, "keypair_reset_ssh_port": 2203}, {"port": 2203}),
        ({"ansible_user": "a"}, {"user": "a"}),
        ({"ansible_user": "a", "ansible_ssh_user": "b"}, {"user": "b"}),
        ({"ansible_ssh_user": "b", "keypair_reset_ssh_user": "c"}, {"user": "c"}),
        ({"ansible_ssh_executable": "/opt/ssh"}, {"executable": "/opt/ssh"}),
        ({"ansible_private_key_file": "/a"}, {"private_key_file": "/a"}),
        ({"ansible_private_key_file": "/a", "ansible_ssh_private_key_file": "/b"}, {"private_key_file": "/b"}),
        # Arguments, in the order in which the connection has them.
        (
            {"ansible_ssh_args": "-a", "ansible_ssh_common_args": "-b", "ansible_ssh_extra_args": "-c"},
            {"args": "-a -b -c"},
        ),
        ({"ansible_ssh_args": "", "ansible_ssh_extra_args": "-c"}, {"args": "-c"}),
        ({"keypair_reset_ssh_args": "-J bastion", "ansible_ssh_common_args": "-b"}, {"args": "-J bastion"}),
        ({"keypair_reset_ssh_args": "", "ansible_ssh_common_args": "-b"}, {"args": "-C -b"}),
        ({"ansible_host_key_checking": False}, {"args": "-C -o StrictHostKeyChecking=no"}),
        ({"ansible_host_key_checking": "no", "ansible_ssh_host_key_checking": "yes"}, {"args": "-C"}),
        (
            {"keypair_reset_ssh_args": "-v", "ansible_ssh_host_key_checking": "false"},
            {"args": "-v -o StrictHostKeyChecking=no"},
        ),
        ({"ansible_ssh_timeout": 60}, {"args": "-C -o ConnectTimeout=60"}),
        ({"ansible_ssh_timeout": "10"}, {"args": "-C"}),
    ],
)
def test_variables_come_first(variables: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    found = connection(**variables)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("config", "variables", "expected"),
    [
        ({"port": 2222, "remote_user": "me"}, {}, {"port": 2222, "user": "me"}),
        ({"port": 2222, "remote_user": "me"}, {"ansible_port": 1, "ansible_user": "you"}, {"port": 1, "user": "you"}),
        ({"ssh_common_args": "-J bastion"}, {}, {"args": "-C -J bastion"}),
        ({"ssh_common_args": "-J bastion"}, {"ansible_ssh_common_args": ""}, {"args": "-C"}),
        ({"host_key_checking": False}, {}, {"args": "-C -o StrictHostKeyChecking=no"}),
        ({"host_key_checking": False}, {"ansible_host_key_checking": True}, {"args": "-C"}),
        ({"timeout": 5}, {}, {"args": "-C -o ConnectTimeout=5"}),
        ({"ssh_executable": "/opt/ssh"}, {}, {"executable": "/opt/ssh"}),
        ({"private_key_file": "/c"}, {}, {"private_key_file": "/c"}),
        ({"private_key_file": "/c"}, {"ansible_private_key_file": "/a"}, {"private_key_file": "/a"}),
    ],
)
def test_the_configuration_stands_where_no_variable_does(
    config: dict[str, t.Any], variables: dict[str, t.Any], expected: dict[str, t.Any]
) -> None:
    found = connection(config, **variables)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("name", ["ansible_host", "ansible_port", "ansible_user", "ansible_ssh_common_args"])
def test_a_template_that_cannot_be_filled_is_not_passed_over(name: str) -> None:
    # Otherwise the login would go to another address, and verify another server.
    with pytest.raises(ValueError, match="'undefined' is undefined"):
        connection({}, **{name: "{{ undefined }}"})
