# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role keypair_reset with inventories, ssh configurations and keys as users have them.

Of each kind there are servers on which all goes well (``good``), on which the old key stays (``stays``), and on which the
new key is lost (``lost``). What is true of a server is what logins of the test itself find; the role must say the same, must
have it from the server's own door, and its exit status must say it, too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import json
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from .conftest import Benches
from .controller import Agent, Bastion, Decoy, Network, has_ipv6
from .running import Bench, Program
from .test_keypair_reset import role_variables

ME = getpass.getuser()
#: What is true of a server of each kind once its key pair has been changed: whether the new and the old key get in.
TRUTH = {"good": ("accepted", "refused"), "stays": ("accepted", "accepted"), "lost": ("refused", "refused")}
FAULTS = {"stays": "old_key_stays", "lost": "new_key_refused"}


@dataclasses.dataclass(frozen=True)
class Site:
    """One host of an inventory.

    Attributes:
        name: What its server is called in the cloud.
        host: What it is called in the inventory.
        kind: ``good``, ``stays`` or ``lost``.
        user: Who the connection of Ansible logs in as.
        variables: Its variables.
    """

    name: str
    host: str
    kind: str
    user: str = ME
    variables: dict[str, t.Any] = dataclasses.field(default_factory=dict)


@pytest.fixture
def network(benches: Benches) -> t.Iterator[Network]:
    """Start a network without servers; no test may take the controller for a server."""
    with contextlib.closing(Decoy()) as decoy:
        yield Network(benches(0), decoy)
        assert decoy.asked == []


def keygen(path: Path, *options: str) -> Path:
    """Make a key pair; without a passphrase unless the options say otherwise."""
    passphrase = () if "-N" in options else ("-N", "")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", *passphrase, *options, "-f", str(path)], check=True)
    return path


def public(path: Path) -> Path:
    """Return the public half beside a private key."""
    return path.with_name(f"{path.name}.pub")


def inventory(network: Network, sites: t.Sequence[Site]) -> dict[str, dict[str, t.Any]]:
    """Return the hosts, and add faults for those that are not good."""
    for site in sites:
        if site.kind in FAULTS:
            network.bench.emulator.fail(FAULTS[site.kind], server=site.name)
    return {
        site.host: {"keypair_reset_server_id": network.bench.server(site.name).id, **site.variables} for site in sites
    }


def variables(bench: Bench, **more: t.Any) -> dict[str, t.Any]:
    """Return the variables of a run, with short timeouts: a server that is not up at once never will be."""
    return role_variables(bench, keypair_reset_boot_timeout=25, **more)


def check(network: Network, program: Program, sites: t.Sequence[Site]) -> None:
    """Report and exit status of a run that has ended are true, and known from the servers' own doors."""
    assert network.decoy.asked == [], f"the controller was taken for a server\n{program.output}"
    expected = {site.host: TRUTH[site.kind] for site in sites}
    doors = network.logins()
    truth = network.truth(*(site.name for site in sites))
    assert {site.host: truth[site.name] for site in sites} == expected, "this is wrong with the test, not with the role"
    assert {host: (row["new_key"], row["old_key"]) for host, row in network.bench.rows.items()} == expected
    failed = {host for host, counts in program.recap.items() if counts["failed"]}
    assert failed == {site.host for site in sites if site.kind != "good"}, program.output
    assert program.process.returncode == (2 if failed else 0), program.output
    for site in sites:
        new, old = expected[site.host]
        wanted = {(site.user, "new", new == "accepted"), (site.user, "old", old == "accepted")}
        assert wanted <= doors.get(site.name, set()), f"{site.host} was not asked itself\n{program.output}"
        assert {login[0] for login in doors[site.name]} == {site.user}, site.host


def test_servers_are_found_where_ansible_finds_them(network: Network) -> None:
    # Every way to write a host into an inventory, with one named localhost among them, and an agent full of other keys.
    bench, port = network.bench, network.port
    sites: list[Site] = []
    config: list[str] = []
    loopback = {"good": "::1", "stays": "0::1", "lost": "0:0::1"} if has_ipv6() else {}

    for kind in TRUTH:
        address, _port = network.add(f"address-{kind}")
        sites.append(Site(f"address-{kind}", address, kind, variables={"ansible_port": port}))

        address, _port = network.add(f"user-{kind}")
        own = {"ansible_port": port, "ansible_user": "operator"}
        sites.append(Site(f"user-{kind}", address, kind, "operator", own))

        address, _port = network.add(f"alias-{kind}")
        own = {"ansible_ssh_host": address, "ansible_ssh_port": port, "ansible_ssh_user": "veteran"}
        sites.append(Site(f"alias-{kind}", f"alias-{kind}", kind, "veteran", own))

        address, _port = network.add(f"template-{kind}")
        own = {
            "addresses": {f"template-{kind}": address},
            "ports": {address: port},
            "ansible_host": "{{ addresses[inventory_hostname] }}",
            "ansible_port": "{{ ports[ansible_host] }}",
            "ansible_user": "at-{{ ansible_host | replace('.', '-') }}",
        }
        user = f"at-{address.replace('.', '-')}"
        sites.append(Site(f"template-{kind}", f"template-{kind}", kind, user, own))

        address, _port = network.add(f"config-{kind}")
        config.append(f"Host config-{kind}\n  HostName {address}\n  Port {port}\n  User configured\n")
        sites.append(Site(f"config-{kind}", f"config-{kind}", kind, "configured"))

        mapped = f"::ffff:{network.address()}"
        network.add(f"mapped-{kind}", mapped)
        sites.append(Site(f"mapped-{kind}", mapped, kind, variables={"ansible_port": port}))

        if loopback:
            _address, own_port = network.add(f"ipv6-{kind}", loopback[kind], place=("::1", 0))
            sites.append(Site(f"ipv6-{kind}", loopback[kind], kind, variables={"ansible_port": own_port}))

    network.configure("\n".join(config))
    others = [keygen(bench.directory / f"other-{number}") for number in range(3)]
    network.authorize(public(others[2]).read_text())
    hosts = inventory(network, sites)
    # None of this is for the others, some of which have no port or user in the inventory.
    controller = {"ansible_connection": "local", "ansible_port": 1, "ansible_user": "controller"}
    with contextlib.closing(Agent(bench.directory, *others)) as agent:
        program = bench.role(
            variables(bench),
            playbook="keypair_replace",
            hosts={"localhost": controller, **hosts},
            SSH_AUTH_SOCK=str(agent.socket),
        ).wait()
    check(network, program, sites)
    # KPS logs in by itself: at each server's own port, which for some only ssh's configuration knows.
    told = {}
    for entry in bench.emulator.requests.of("AssociateKeypair"):
        asked = json.loads(entry.body)["server"]
        told[asked["id"]] = asked.get("port")
    assert told == {bench.server(site.name).id: network.machine(site.name).port for site in sites}


def behind_bastion(network: Network, stack: contextlib.ExitStack, config: str, **more: t.Any) -> list[Site]:
    """Add three servers behind a bastion, to which the user's ssh keeps one connection open."""
    bench = network.bench
    jump = keygen(bench.directory / ".ssh" / "jump")
    directory = {}
    for kind in TRUTH:
        directory[f"{kind}.internal"] = network.add(kind, f"{kind}.internal")
    bastion = Bastion(public(jump).read_text(), directory, (network.address(), network.port))
    stack.callback(bastion.close)
    network.known.append(bastion.known_hosts_line())
    network.configure(
        f"Host bastion\n  HostName {bastion.place[0]}\n  Port {bastion.place[1]}\n  User jump\n"
        f"  IdentityFile {jump}\n  IdentitiesOnly yes\n"
        f"  ControlMaster auto\n  ControlPath {bench.directory}/.ssh/%C\n  ControlPersist 60\n{config}"
    )
    return [Site(kind, f"{kind}.internal", kind, **more) for kind in TRUTH]


@pytest.mark.parametrize("way", ["ssh's configuration", "ansible.cfg", "command line"])
def test_logins_go_through_the_bastion_of_the_connection(network: Network, way: str) -> None:
    # A bastion with ControlPersist, named where users name it; and another key of the user, which every server accepts.
    bench = network.bench
    other = keygen(bench.directory / ".ssh" / "other")
    options: list[str] = []
    config = ""
    if way == "ssh's configuration":
        config = (
            f"Host *.internal\n  ProxyJump bastion\n  Port {network.port}\n  User operator\n  IdentityFile {other}\n"
        )
    elif way == "ansible.cfg":
        bench.ansible_config(
            {"ssh_common_args": "-o ProxyJump=bastion"},
            remote_port=str(network.port),
            remote_user="operator",
            private_key_file=str(other),
        )
    else:
        options = ["--ssh-common-args", "-o ProxyJump=bastion", "--ssh-extra-args", f"-o Port={network.port}"]
        options += ["--user", "operator", "--private-key", str(other)]
    with contextlib.ExitStack() as stack:
        sites = behind_bastion(network, stack, config, user="operator")
        network.authorize(public(other).read_text())
        program = bench.role(variables(bench), *options, hosts=inventory(network, sites)).wait()
        check(network, program, sites)


def test_host_keys_are_not_asked_for_where_ansible_does_not_ask(network: Network) -> None:
    # As in a job of AWX: no check of host keys, an empty known_hosts, and the machine credential in an agent.
    bench = network.bench
    sites = []
    for kind in TRUTH:
        address, _port = network.add(f"unknown-{kind}")
        sites.append(Site(f"unknown-{kind}", address, kind, variables={"ansible_port": network.port}))
    address, _port = network.add("changed")
    sites.append(Site("changed", address, "good", variables={"ansible_port": network.port}))
    network.known.clear()
    network.known.append(
        network.machine("unknown-good").known_hosts_line().replace(network.machine("unknown-good").address, address)
        + "\n"
    )
    network.configure()
    with contextlib.closing(Agent(bench.directory, bench.emulator.key_path("old"))) as agent:
        program = bench.role(
            variables(bench),
            hosts=inventory(network, sites),
            ANSIBLE_HOST_KEY_CHECKING="False",
            SSH_AUTH_SOCK=str(agent.socket),
        ).wait()
    check(network, program, sites)


def test_a_host_key_that_cannot_be_trusted_proves_nothing(network: Network) -> None:
    # With host key checking, servers with an unknown or another host key are not verified; a host can switch it off.
    bench, port = network.bench, network.port
    own = {"ansible_port": port}
    sites = [
        Site("known", network.add("known")[0], "good", variables=own),
        Site("lifted", network.add("lifted")[0], "good", variables={**own, "ansible_host_key_checking": False}),
        Site(
            "lifted-ssh",
            network.add("lifted-ssh")[0],
            "stays",
            variables={**own, "ansible_ssh_host_key_checking": False},
        ),
        Site("unknown", network.add("unknown")[0], "good", variables=own),
        Site("changed", network.add("changed")[0], "stays", variables=own),
    ]
    known = network.machine("known")
    network.known = [f"{known.known_hosts_line(network.machine('changed').address)}\n"]
    network.configure()
    program = bench.role(variables(bench), hosts=inventory(network, sites)).wait()
    rows = {site.name: bench.rows[site.host] for site in sites}
    assert network.truth(*rows) == {site.name: TRUTH[site.kind] for site in sites}
    assert {name: (row["new_key"], row["old_key"]) for name, row in rows.items()} == {
        "known": ("accepted", "refused"),
        "lifted": ("accepted", "refused"),
        "lifted-ssh": ("accepted", "accepted"),
        "unknown": ("not verified", "not verified"),
        "changed": ("not verified", "not verified"),
    }
    for name in ("unknown", "changed"):
        assert "host key" in rows[name]["reason"].lower(), rows[name]["reason"]
        assert "was not accepted" not in rows[name]["reason"]
        assert rows[name]["power"] == "ACTIVE"
    failed = {host for host, counts in program.recap.items() if counts["failed"]}
    assert failed == {site.host for site in sites if site.name not in ("known", "lifted")}
    assert program.process.returncode == 2


def test_a_verification_is_about_the_key_and_not_about_its_file(network: Network) -> None:
    # Key files with every sort of name and neighbor; files with another key; arguments that prevent a verification.
    bench = network.bench
    keys = bench.directory / "keys"
    keys.mkdir()
    stranger = keygen(keys / "stranger")
    new, old = (bench.emulator.key_path(which) for which in ("new", "old"))

    def copied(source: Path, name: str, neighbor: Path | None = None, mode: int = 0o600) -> str:
        copy = keys / name
        shutil.copy(source, copy)
        copy.chmod(mode)
        if neighbor:
            shutil.copy(neighbor, public(copy))
        return str(copy)

    def files(new_file: str | None = None, old_file: str | None = None) -> dict[str, str]:
        return {
            "keypair_reset_private_key_file": new_file or str(new),
            "keypair_reset_old_private_key_file": old_file or str(old),
        }

    verified: dict[str, dict[str, t.Any]] = {
        "spaces": files(copied(new, "my new key"), copied(old, "my old key")),
        "percent": files(copied(new, "new%h%%.pem"), copied(old, "old%d%u")),
        "backslash": files(copied(new, "new\\n"), copied(old, "old\\\\key")),
        "quotes": files(copied(new, "new'\"key"), copied(old, "old;#&key")),
        "letters": files(copied(new, "Schlüssel-новый"), copied(old, "鍵-ключ")),
        "stale-neighbors": files(
            copied(new, "stale-new", public(stranger)), copied(old, "stale-old", public(stranger))
        ),
        "swapped-neighbors": files(copied(new, "swap-new", public(old)), copied(old, "swap-old", public(new))),
        "no-neighbors": files(copied(new, "alone-new"), copied(old, "alone-old")),
    }
    certificate = Path(copied(old, "certified", public(old)))
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(stranger), "-I", "me", "-n", ME, str(public(certificate))], check=True
    )
    verified["certificate"] = files(old_file=str(certificate))
    locked = Path(copied(old, "locked"))
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(locked)], check=True)
    unverified: dict[str, dict[str, t.Any]] = {
        # The stranger's key is refused by every server: this says nothing about the key that the server had.
        "wrong-old": files(old_file=str(stranger)),
        "new-as-old": files(old_file=str(new)),
        "locked-old": files(old_file=str(locked)),
        "missing-old": files(old_file=str(keys / "nothing")),
        "not-a-key": files(old_file=str(bench.write("keys/readme", "This is where the keys are.\n"))),
        "public-as-private": files(old_file=copied(public(old), "public-half")),
        "unbalanced": {"ansible_ssh_common_args": "-o 'User=x"},
        "no-public-key": {"ansible_ssh_common_args": "-o PubkeyAuthentication=no"},
    }
    sites = []
    for name, own in {**verified, **unverified}.items():
        address, _port = network.add(name)
        sites.append(Site(name, name, "good", variables={"ansible_host": address, "ansible_port": network.port, **own}))
    network.configure()
    hosts = inventory(network, sites)
    # Variables of a host, for each has its own files.
    common = {name: value for name, value in variables(bench).items() if not name.endswith("private_key_file")}
    every = files()
    program = bench.role(common, hosts={host: {**every, **own} for host, own in hosts.items()}).wait()
    rows = bench.rows
    failed = {host for host, counts in program.recap.items() if counts["failed"]}
    assert failed == set(unverified), program.output
    assert program.process.returncode == 2
    truth = network.truth(*verified)
    assert truth == dict.fromkeys(verified, TRUTH["good"])
    assert {host: (rows[host]["new_key"], rows[host]["old_key"]) for host in verified} == truth
    # The old key of these is refused in truth, or nothing was done; the role can know neither.
    assert {host: rows[host]["old_key"] for host in unverified} == dict.fromkeys(unverified, "not verified"), (
        program.output
    )
    stopped = set(bench.named_in("BatchStopServers"))
    assert set(verified) <= stopped
    for host, row in rows.items():
        if host in unverified:
            assert row["reason"], host
            assert row["result"] == "refused" or host in stopped, row
    assert {bench.server(host).status for host in rows} == {"ACTIVE"}
    # What can be known before is known before anything is stopped.
    assert {"locked-old", "missing-old", "not-a-key", "public-as-private"} & stopped == set()
