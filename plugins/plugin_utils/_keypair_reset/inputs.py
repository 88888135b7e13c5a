# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role: which there are, what they may hold, and what is wrong with what was given.

Values come from inventories, command lines and surveys, so that a number may be text, a name may be a number, and empty
text means that nothing was given. A bad value is a sentence about one host, never an error: the other hosts go on.
"""

from __future__ import annotations

import datetime
import difflib
import math
import re
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.errors import UsageError
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.ids import check_id, check_name
from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.text import SENTENCE, WORD, printable

Given = t.Mapping[str, t.Any]
Wish = dict[str, t.Any]

PREFIXES = ("keypair_reset_", "keypair_rotate_")
ROLE_PAGE = "ansible-doc -t role multicloud.async_tasks.keypair_reset lists them"


class Option(t.NamedTuple):
    """One variable of the role.

    Attributes:
        parse: Turns what was given into the value, or raises ``UsageError``.
        default: The value when nothing was given.
        per_run: Whether it is a setting of the run, which all hosts of a batch share, and not of one server.
        new_key: Whether it is about a new key, so that it has no meaning where the pair is taken away.
    """

    parse: t.Callable[[str, t.Any], t.Any]
    default: t.Any = None
    per_run: bool = False
    new_key: bool = False


def is_set(value: t.Any) -> bool:
    """Return whether something was given: surveys send empty text for a question without an answer."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def as_text(name: str, value: t.Any) -> str:
    """Return text; what YAML made a number or a date is written as it was meant."""
    if isinstance(value, str):
        return "".join(value).strip()
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    kind = "a boolean" if isinstance(value, bool) else f"a {type(value).__name__}"
    raise UsageError(f"{name} must be text, and is {kind}. Put the value in quotes.")


def _secret(name: str, value: t.Any) -> str:
    # Blanks at its ends may be part of a password.
    return "".join(value) if isinstance(value, str) else as_text(name, value)


def _id(name: str, value: t.Any) -> str:
    return _without_fate(check_id, name, value)


def _name(name: str, value: t.Any) -> str:
    return _without_fate(check_name, name, value)


def _without_fate(check: t.Callable[[str, t.Any], str], name: str, value: t.Any) -> str:
    """Check as for a module, without the word on what was sent: the plan says what is done to each server."""
    try:
        return check(name, as_text(name, value))
    except UsageError as error:
        raise UsageError(str(error).replace(" Nothing was sent.", "")) from None


def _path(name: str, value: t.Any) -> str:
    text = as_text(name, value)
    # Ansible takes a relative path from the directory of the playbook, which for a playbook of a collection is the installed
    # collection: the next update would delete a key that was generated there.
    if not re.match("[/~]", text):
        raise UsageError(f"{name}: {_shown(text)} must be absolute (/...) or below a home directory (~/...).")
    return text


def _flag(name: str, value: t.Any) -> bool:
    try:
        return bool(boolean(value.strip() if isinstance(value, str) else value))
    except TypeError:
        raise UsageError(f"{name}: {_shown(value)} must be true or false.") from None


def _number(name: str, value: t.Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise UsageError(f"{name}: {_shown(value)} must be a number of at least 0.")
    return number


def _count(name: str, value: t.Any) -> int:
    number = _number(name, value)
    if number != int(number):
        raise UsageError(f"{name}: {_shown(value)} must be a whole number.")
    return int(number)


def _jobs(name: str, value: t.Any) -> int:
    count = _count(name, value)
    if count < 1:
        raise UsageError(f"{name}: {_shown(value)} must be at least 1, the job itself.")
    return count


def _port(name: str, value: t.Any) -> int:
    port = _count(name, value)
    if not 1 <= port <= 65535:
        raise UsageError(f"{name}: {_shown(value)} must be a port, from 1 to 65535.")
    return port


def _share(name: str, value: t.Any) -> str:
    text = as_text(name, value)
    try:
        if text.endswith("%"):
            if _number(name, text[:-1]) <= 100:
                return text
        else:
            return str(_count(name, text))
    except UsageError:
        pass
    raise UsageError(f"{name}: {_shown(value)} must be a number of servers, or a share of them, such as 10%.")


def _choice(*choices: str) -> t.Callable[[str, t.Any], str]:
    def parse(name: str, value: t.Any) -> str:
        text = as_text(name, value)
        if text not in choices:
            close = difflib.get_close_matches(text, choices, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise UsageError(f"{name}: {_shown(text)} must be one of {', '.join(choices)}.{hint}")
        return text

    return parse


def _shown(value: t.Any) -> str:
    return printable(repr(value if isinstance(value, (int, float)) else "".join(str(value))), WORD)


OPTIONS: t.Mapping[str, Option] = {
    "keypair_reset_server_id": Option(_id),
    "keypair_reset_state": Option(_choice("present", "absent"), "present"),
    "keypair_reset_keypair_name": Option(_name, new_key=True),
    "keypair_reset_method": Option(_choice("auto", "reset", "replace", "bind"), "reset"),
    "keypair_reset_public_key": Option(as_text, "", new_key=True),
    "keypair_reset_private_key_file": Option(_path, "", new_key=True),
    "keypair_reset_generate": Option(_flag, False, new_key=True),
    "keypair_reset_store_tasks": Option(_path, "", per_run=True, new_key=True),
    "keypair_reset_old_private_key_file": Option(_path, ""),
    "keypair_reset_root_password": Option(_secret, ""),
    "keypair_reset_force": Option(_flag, False),
    "keypair_reset_stop_type": Option(_choice("soft", "hard"), "soft"),
    "keypair_reset_power_after": Option(_choice("running", "restore"), "running"),
    "keypair_reset_journal_dir": Option(_path, "", per_run=True),
    "keypair_reset_max_failures": Option(_share, per_run=True),
    "keypair_reset_canary": Option(_count, 0, per_run=True),
    "keypair_reset_timeout": Option(_number, 3600.0, per_run=True),
    "keypair_reset_power_timeout": Option(_number, 600.0, per_run=True),
    "keypair_reset_boot_timeout": Option(_number, 300.0, per_run=True),
    "keypair_reset_progress": Option(_number, 30.0, per_run=True),
    "keypair_reset_parallel_jobs": Option(_jobs, 1, per_run=True),
    "keypair_reset_report_dir": Option(_path, "", per_run=True),
    "keypair_reset_clean_failed_tasks": Option(_flag, False),
    "keypair_reset_region": Option(_id, ""),
    "keypair_reset_project_id": Option(_id, ""),
    "keypair_reset_ssh_user": Option(as_text, ""),
    "keypair_reset_ssh_host": Option(as_text, ""),
    "keypair_reset_ssh_port": Option(_port),
    "keypair_reset_ssh_args": Option(as_text, ""),
}
#: Settings of which the greatest counts when hosts differ: a slow server is not to be given up for the sake of a fast one.
GREATEST = ("keypair_reset_timeout", "keypair_reset_power_timeout", "keypair_reset_boot_timeout")
#: Variables of the playbooks, and what ``set_stats`` of an earlier job of a workflow hands to this one.
OTHERS = (
    "keypair_reset_serial",
    "keypair_rotate_generate",
    "keypair_rotate_old_keypair_name",
    "keypair_reset_generated_file",
    "keypair_reset_final_file",
)
_FIGURES = re.compile(
    r"keypair_reset_(total|succeeded|changed|failed|off|failed_hosts|refused|planned|check_mode|job_\w+)\Z"
)


def unknown(names: t.Iterable[str]) -> list[str]:
    """Return a sentence about each variable that is meant for the role or its playbooks, and that they do not know."""
    return [_about(name) for name in sorted(names) if _is_meant(name) and not _is_known(name)]


def _is_meant(name: str) -> bool:
    return name.lower().replace("-", "_").startswith(PREFIXES)


def _is_known(name: str) -> bool:
    return name in OPTIONS or name in OTHERS or bool(_FIGURES.match(name))


def _about(name: str) -> str:
    near = nearest(name)
    hint = f"Did you mean {near}?" if near else f"{ROLE_PAGE}."
    return f"There is no variable {printable(name, WORD)}. {hint}"


def nearest(name: str) -> str | None:
    """Return the known variable whose name is nearest, with or without the prefix, if one is near at all."""
    wanted = name.lower().replace("-", "_")

    def nearness(known: str) -> float:
        whole = difflib.SequenceMatcher(None, wanted, known).ratio()
        return max(whole, difflib.SequenceMatcher(None, _bare(wanted), _bare(known)).ratio())

    best = max((*OPTIONS, *OTHERS, "target"), key=nearness)
    return best if difflib.SequenceMatcher(None, _bare(wanted), _bare(best)).ratio() >= 0.6 else None


def _bare(name: str) -> str:
    return next((name[len(prefix) :] for prefix in PREFIXES if name.startswith(prefix)), name)


class Host(t.NamedTuple):
    """What is known of a host before anything was asked.

    Attributes:
        name: Its name in the inventory.
        given: The values of the role's variables.
        broken: Why variables have no value, by name.
        names: The names of all its variables.
        ssh: How its own connection logs in.
        lost: Whether it failed, or could not be reached, before the role began.
        failure: What it had failed of before, as one word that tells failures apart; empty when it had not.
    """

    name: str
    given: Given
    broken: t.Mapping[str, str]
    names: t.Collection[str] = ()
    ssh: t.Mapping[str, t.Any] = {}
    lost: bool = False
    failure: str = ""


class Inputs(t.NamedTuple):
    """What the hosts of a batch want.

    Attributes:
        wishes: What each host wants, and what is wrong with it, in ``problems``.
        settings: The settings of the run, by the names of the variables without their prefix.
        passwords: The password of root, by host.
    """

    wishes: list[Wish]
    settings: dict[str, t.Any]
    passwords: dict[str, str]


def take_in(hosts: t.Sequence[Host]) -> Inputs:
    """Return what the hosts want. Whatever is wrong is noted in ``problems`` of the wish that it concerns."""
    wishes: list[Wish] = []
    settings: dict[str, t.Any] = {}
    givers: dict[str, str] = {}
    passwords: dict[str, str] = {}
    for host in hosts:
        values, problems = _values(host)
        wish = _wish(host, values)
        if not host.lost:
            wish["problems"] += [*unknown(host.names), *_of_role(host), *problems.values(), *_missing(values, problems)]
        wishes.append(wish)
        if values["keypair_reset_root_password"]:
            passwords[host.name] = values["keypair_reset_root_password"]
        for name, option in OPTIONS.items():
            if option.per_run and is_set(host.given.get(name)) and name not in problems and not host.lost:
                wish["problems"] += _agree(name, values[name], host.name, settings, givers)
    for name, option in OPTIONS.items():
        if option.per_run:
            settings.setdefault(name, option.default)
    _require_journal(wishes, settings)
    return Inputs(wishes, {_bare(name): value for name, value in settings.items()}, passwords)


def _of_role(host: Host) -> list[str]:
    """Return why it is not known whether the role is meant for a host."""
    why = host.broken.get("when")
    return [f"The condition of the role cannot be evaluated: {printable(why, SENTENCE)}"] if why else []


def _way_in(host: Host) -> dict[str, t.Any]:
    """Return how a host's own connection logs in, or in ``problem`` why that is not known."""
    try:
        if "ssh" in host.broken:
            raise UsageError(host.broken["ssh"])
        ways = {name: as_text(name, value) if is_set(value) else "" for name, value in host.ssh.items()}
        return {**ways, "port": _port("ansible_port", ways["port"]) if ways.get("port") else ""}
    except UsageError as error:
        return {"problem": str(error)}


def _agree(name: str, value: t.Any, host: str, settings: dict[str, t.Any], givers: dict[str, str]) -> list[str]:
    """Note a setting of the run that a host gives; it must be that of the hosts before it."""
    giver = givers.setdefault(name, host)
    if name in GREATEST or giver == host:
        settings[name] = max(settings.get(name, value), value) if name in GREATEST else value
        return []
    if settings[name] == value:
        return []
    return [
        f"{name} is {_shown(value)} here and {_shown(settings[name])} for {giver}; it must be the same for all hosts."
    ]


def _values(host: Host) -> tuple[dict[str, t.Any], dict[str, str]]:
    """Return the values of a host's variables, defaults included, and by name what is wrong with those that were given."""
    values: dict[str, t.Any] = {}
    problems: dict[str, str] = {}
    for name, option in OPTIONS.items():
        values[name] = option.default
        if option.new_key and values.get("keypair_reset_state") == "absent":
            continue
        if name in host.broken:
            problems[name] = f"{name} has no value: {printable(host.broken[name], SENTENCE)}"
        elif is_set(host.given.get(name)):
            try:
                values[name] = option.parse(name, host.given[name])
            except UsageError as error:
                problems[name] = str(error)
    return values, problems


def _missing(values: t.Mapping[str, t.Any], bad: t.Collection[str]) -> list[str]:
    """Return what is not there and has to be; what is there and ``bad`` was told already."""
    needed = {"keypair_reset_server_id": "the id of the ECS server that this host is"}
    if values["keypair_reset_state"] == "present":
        needed["keypair_reset_keypair_name"] = "the name of the key pair that the server is to have"
    if values["keypair_reset_generate"]:
        needed["keypair_reset_private_key_file"] = "keypair_reset_generate needs the place of the key"
    return [f"{name} is missing: {why}." for name, why in needed.items() if not values[name] and name not in bad]


def _require_journal(wishes: t.Sequence[Wish], settings: t.Mapping[str, t.Any]) -> None:
    for wish in wishes:
        if wish["power_after"] == "restore" and not settings["keypair_reset_journal_dir"]:
            wish["problems"].append(
                "keypair_reset_power_after=restore needs keypair_reset_journal_dir, because after an interruption nothing "
                "else tells which servers ran."
            )


def _wish(host: Host, values: t.Mapping[str, t.Any]) -> Wish:
    """Return what one host wants."""
    wish = {
        _bare(name): values[name]
        for name, option in OPTIONS.items()
        if not option.per_run
        and "_ssh_" not in name
        and name not in ("keypair_reset_state", "keypair_reset_root_password")
    }
    lost = "It failed or was unreachable before the role began. Look for the reason above, and run this again."
    return {
        **wish,
        "host": host.name,
        "server_id": wish["server_id"] or "",
        "has_root_password": bool(values["keypair_reset_root_password"]),
        "ssh": _way_in(host),
        "lost": host.lost,
        "failure": host.failure,
        "problems": [lost] if host.lost else [],
    }


class Controller(t.Protocol):
    """What the controller has."""

    def expand(self, path: str) -> str:
        """Return a path with the home directory in the place of its ``~``."""

    def exists(self, path: str) -> bool:
        """Return whether there is a file."""

    def obstacle(self, directory: str) -> str | None:
        """Return why no file can be made in a directory, or None."""

    def has_program(self, name: str) -> bool:
        """Return whether a program is installed."""


def check_controller(inputs: Inputs, controller: Controller, *, in_awx: bool) -> None:
    """Note what the controller lacks, in the wishes that need it, and expand their paths.

    Args:
        inputs: What the hosts want; changed in place.
        controller: What it has.
        in_awx: Whether this is a job of AWX, whose files are deleted when it ends.
    """
    settings = inputs.settings
    common: list[str] = []
    for name in ("journal_dir", "report_dir"):
        if settings[name]:
            settings[name] = controller.expand(settings[name])
            obstacle = controller.obstacle(settings[name])
            common += (
                [f"keypair_reset_{name}: no file can be written to {settings[name]}: {obstacle}."] if obstacle else []
            )
    if settings["store_tasks"]:
        settings["store_tasks"] = controller.expand(settings["store_tasks"])
        if not controller.exists(settings["store_tasks"]):
            common.append(f"keypair_reset_store_tasks: there is no file {settings['store_tasks']}.")
    absent = [name for name in ("ssh", "ssh-keygen") if not controller.has_program(name)]
    for wish in (wish for wish in inputs.wishes if not wish["lost"]):
        for name in ("private_key_file", "old_private_key_file"):
            wish[name] = controller.expand(wish[name]) if wish[name] else ""
        wish["problems"] += [
            *common,
            *_about_programs(wish, absent),
            *_about_generation(wish, settings, controller, in_awx),
        ]


def _about_programs(wish: Wish, absent: t.Sequence[str]) -> list[str]:
    if not absent or not (wish["private_key_file"] or wish["old_private_key_file"]):
        return []
    programs = " and ".join(absent)
    were, it = ("was", "it") if len(absent) == 1 else ("were", "them")
    return [
        f"{programs} {were} not found on the controller, and the proof of the keys needs {it}. Install the OpenSSH client: the "
        "package openssh-client (Debian, Ubuntu) or openssh-clients (Fedora, RHEL)."
    ]


def _about_generation(wish: Wish, settings: t.Mapping[str, t.Any], controller: Controller, in_awx: bool) -> list[str]:
    """Return why a key that is missing cannot be generated; one that exists is used as it is."""
    path = wish["private_key_file"]
    if not (wish["generate"] and path) or controller.exists(path):
        return []
    if in_awx and not settings["store_tasks"]:
        return [
            f"keypair_reset_generate needs keypair_reset_store_tasks in AWX, where the files of a job, {path} among them, are "
            "lost when it ends."
        ]
    if controller.exists(f"{path}.pub"):
        return [
            f"keypair_reset_generate: there is {path}.pub, and no {path}. Put the private key of that file back, or move the file "
            "away: it would be taken for the public half of the key that is generated."
        ]
    directory = path.rpartition("/")[0] or "/"
    obstacle = controller.obstacle(directory)
    return [f"keypair_reset_generate: no file can be written to {directory}: {obstacle}."] if obstacle else []
