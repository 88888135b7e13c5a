# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role: their names, types and defaults, and the problems with given values.

Values come from inventories, command lines and surveys: a number may be text, a name may be a number, and empty text means
that the variable is not set. A bad value is a problem of one host, never an error; the other hosts go on.
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
DesiredState = dict[str, t.Any]

PREFIXES = ("keypair_reset_", "keypair_rotate_")
ROLE_PAGE = "ansible-doc -t role multicloud.async_tasks.keypair_reset lists them"


class Option(t.NamedTuple):
    """One variable of the role.

    Attributes:
        parse: Parses a given value, or raises ``UsageError``.
        default: The value when the variable is not set.
        per_run: Whether it is a setting of the run, which all hosts of a batch share.
        new_key: Whether it is about a new key, and so ignored with ``state: absent``.
    """

    parse: t.Callable[[str, t.Any], t.Any]
    default: t.Any = None
    per_run: bool = False
    new_key: bool = False


def is_set(value: t.Any) -> bool:
    """Return whether a variable is set; surveys send empty text for a question without an answer."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def as_text(name: str, value: t.Any) -> str:
    """Return a value as text, also one that YAML parsed as a number or a date."""
    if isinstance(value, str):
        return "".join(value).strip()
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    kind = "a boolean" if isinstance(value, bool) else f"a {type(value).__name__}"
    raise UsageError(f"{name} must be text, not {kind}. Put the value in quotes.")


def _secret(name: str, value: t.Any) -> str:
    # Blanks at its ends may be part of a password.
    return "".join(value) if isinstance(value, str) else as_text(name, value)


def _id(name: str, value: t.Any) -> str:
    return _check(check_id, name, value)


def _name(name: str, value: t.Any) -> str:
    return _check(check_name, name, value)


def _check(check: t.Callable[[str, t.Any], str], name: str, value: t.Any) -> str:
    """Check as a module does, without its sentence that nothing was sent: the plan states what is done."""
    try:
        return check(name, as_text(name, value))
    except UsageError as error:
        raise UsageError(str(error).replace(" Nothing was sent.", "")) from None


def _path(name: str, value: t.Any) -> str:
    text = as_text(name, value)
    # Ansible resolves a relative path from the directory of the playbook; for a playbook of a collection that is the installed
    # collection, whose next update would delete a key that was generated there.
    if not re.match("[/~]", text):
        raise UsageError(f"{name} must be absolute (/...) or below a home directory (~/...), not {_shown(text)}.")
    return text


def _flag(name: str, value: t.Any) -> bool:
    try:
        return bool(boolean(value.strip() if isinstance(value, str) else value))
    except TypeError:
        raise UsageError(f"{name} must be true or false, not {_shown(value)}.") from None


def _number(name: str, value: t.Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise UsageError(f"{name} must be a number of at least 0, not {_shown(value)}.")
    return number


def _count(name: str, value: t.Any) -> int:
    number = _number(name, value)
    if number != int(number):
        raise UsageError(f"{name} must be a whole number, not {_shown(value)}.")
    return int(number)


def _jobs(name: str, value: t.Any) -> int:
    count = _count(name, value)
    if count < 1:
        raise UsageError(f"{name} must be at least 1 (the job itself), not {_shown(value)}.")
    return count


def _port(name: str, value: t.Any) -> int:
    port = _count(name, value)
    if not 1 <= port <= 65535:
        raise UsageError(f"{name} must be a port from 1 to 65535, not {_shown(value)}.")
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
    raise UsageError(f"{name} must be a number of servers, or a share of them such as 10%, not {_shown(value)}.")


def _choice(*choices: str) -> t.Callable[[str, t.Any], str]:
    def parse(name: str, value: t.Any) -> str:
        text = as_text(name, value)
        if text not in choices:
            close = difflib.get_close_matches(text, choices, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise UsageError(f"{name} must be one of {', '.join(choices)}, not {_shown(text)}.{hint}")
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
#: Settings of which the greatest value counts when hosts differ: the slowest server decides.
GREATEST = ("keypair_reset_timeout", "keypair_reset_power_timeout", "keypair_reset_boot_timeout")
#: Variables of the playbooks and of store_tasks. ``_FIGURES`` are those that ``set_stats`` of an earlier job passes on.
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
    """Return a sentence about each unknown variable with a prefix of the role or its playbooks."""
    return [_unknown_variable(name) for name in sorted(names) if _has_prefix(name) and not _is_known(name)]


def _has_prefix(name: str) -> bool:
    return name.lower().replace("-", "_").startswith(PREFIXES)


def _is_known(name: str) -> bool:
    return name in OPTIONS or name in OTHERS or bool(_FIGURES.match(name))


def _unknown_variable(name: str) -> str:
    near = nearest(name)
    hint = f"Did you mean {near}?" if near else f"{ROLE_PAGE}."
    return f"There is no variable {printable(name, WORD)}. {hint}"


def nearest(name: str) -> str | None:
    """Return the known variable with the most similar name, with or without the prefix, if any is similar."""
    wanted = name.lower().replace("-", "_")

    def nearness(known: str) -> float:
        whole = difflib.SequenceMatcher(None, wanted, known).ratio()
        return max(whole, difflib.SequenceMatcher(None, _bare(wanted), _bare(known)).ratio())

    best = max((*OPTIONS, *OTHERS, "target"), key=nearness)
    return best if difflib.SequenceMatcher(None, _bare(wanted), _bare(best)).ratio() >= 0.6 else None


def _bare(name: str) -> str:
    return next((name[len(prefix) :] for prefix in PREFIXES if name.startswith(prefix)), name)


class Host(t.NamedTuple):
    """A host as Ansible knows it.

    Attributes:
        name: Its name in the inventory.
        given: The given values of the role's variables.
        broken: Why variables have no value, by name.
        names: The names of all its variables.
        ssh: The settings of its own ssh connection.
        lost: Whether it failed or was unreachable before the role began.
        failure: A digest of its earlier failure; empty when there was none.
    """

    name: str
    given: Given
    broken: t.Mapping[str, str]
    names: t.Collection[str] = ()
    ssh: t.Mapping[str, t.Any] = {}
    lost: bool = False
    failure: str = ""


class Inputs(t.NamedTuple):
    """The inputs of a batch.

    Attributes:
        desired_states: The desired state of each host, with its ``problems``.
        settings: The settings of the run, by the names of the variables without their prefix.
        passwords: The password of root, by host.
    """

    desired_states: list[DesiredState]
    settings: dict[str, t.Any]
    passwords: dict[str, str]


def parse_inputs(hosts: t.Sequence[Host]) -> Inputs:
    """Return the inputs of hosts; problems are noted in the desired state of the host."""
    desired_states: list[DesiredState] = []
    settings: dict[str, t.Any] = {}
    givers: dict[str, str] = {}
    passwords: dict[str, str] = {}
    for host in hosts:
        values, problems = _values(host)
        desired = _desired_state(host, values)
        if not host.lost:
            desired["problems"] += [
                *unknown(host.names),
                *_condition_problems(host),
                *problems.values(),
                *_missing(values, problems),
            ]
        desired_states.append(desired)
        if values["keypair_reset_root_password"]:
            passwords[host.name] = values["keypair_reset_root_password"]
        for name, option in OPTIONS.items():
            if option.per_run and is_set(host.given.get(name)) and name not in problems and not host.lost:
                desired["problems"] += _note_setting(name, values[name], host.name, settings, givers)
    for name, option in OPTIONS.items():
        if option.per_run:
            settings.setdefault(name, option.default)
    _require_journal(desired_states, settings)
    return Inputs(desired_states, {_bare(name): value for name, value in settings.items()}, passwords)


def _condition_problems(host: Host) -> list[str]:
    """Return why it is not known whether the role runs for a host."""
    why = host.broken.get("when")
    return [f"The condition of the role cannot be evaluated: {printable(why, SENTENCE)}"] if why else []


def _connection(host: Host) -> dict[str, t.Any]:
    """Return the settings of a host's own connection, or why they are not known in ``problem``."""
    try:
        if "ssh" in host.broken:
            raise UsageError(host.broken["ssh"])
        settings = {name: as_text(name, value) if is_set(value) else "" for name, value in host.ssh.items()}
        return {**settings, "port": _port("ansible_port", settings["port"]) if settings.get("port") else ""}
    except UsageError as error:
        return {"problem": str(error)}


def _note_setting(name: str, value: t.Any, host: str, settings: dict[str, t.Any], givers: dict[str, str]) -> list[str]:
    """Note a setting of the run from one host; return the problem if an earlier host gives another value."""
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
    """Return the values of a host's variables, defaults included, and the problems by name."""
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
    """Return a sentence about each required variable that is not set; ``bad`` ones have a problem already."""
    needed = {"keypair_reset_server_id": "the id of the ECS server that this host is"}
    if values["keypair_reset_state"] == "present":
        needed["keypair_reset_keypair_name"] = "the name of the key pair that the server must have"
    if values["keypair_reset_generate"]:
        needed["keypair_reset_private_key_file"] = "keypair_reset_generate needs the path of the key"
    return [f"{name} is missing: {why}." for name, why in needed.items() if not values[name] and name not in bad]


def _require_journal(desired_states: t.Sequence[DesiredState], settings: t.Mapping[str, t.Any]) -> None:
    for desired in desired_states:
        if desired["power_after"] == "restore" and not settings["keypair_reset_journal_dir"]:
            desired["problems"].append(
                "keypair_reset_power_after=restore needs keypair_reset_journal_dir, because only the journal "
                "records which servers ran before an interruption."
            )


def _desired_state(host: Host, values: t.Mapping[str, t.Any]) -> DesiredState:
    """Return the desired state of one host."""
    desired = {
        _bare(name): values[name]
        for name, option in OPTIONS.items()
        if not option.per_run
        and "_ssh_" not in name
        and name not in ("keypair_reset_state", "keypair_reset_root_password")
    }
    lost = "It failed or was unreachable before the role began. See the reason above, then run this again."
    return {
        **desired,
        "host": host.name,
        "server_id": desired["server_id"] or "",
        "has_root_password": bool(values["keypair_reset_root_password"]),
        "ssh": _connection(host),
        "lost": host.lost,
        "failure": host.failure,
        "problems": [lost] if host.lost else [],
    }


class Controller(t.Protocol):
    """The files and programs of the controller."""

    def expand(self, path: str) -> str:
        """Expand ``~`` in a path."""

    def exists(self, path: str) -> bool:
        """Return whether a path exists."""

    def obstacle(self, directory: str) -> str | None:
        """Return why no file can be created in a directory, or None."""

    def has_program(self, name: str) -> bool:
        """Return whether a program is installed."""


def check_controller(inputs: Inputs, controller: Controller, *, in_awx: bool) -> None:
    """Note missing files and programs in the desired states that need them, and expand paths.

    Args:
        inputs: The inputs; changed in place.
        controller: The files and programs of the controller.
        in_awx: Whether this is an AWX job, whose files are deleted when it ends.
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
    for desired in (desired for desired in inputs.desired_states if not desired["lost"]):
        for name in ("private_key_file", "old_private_key_file"):
            desired[name] = controller.expand(desired[name]) if desired[name] else ""
        desired["problems"] += [
            *common,
            *_program_problems(desired, absent),
            *_generation_problems(desired, settings, controller, in_awx),
        ]


def _program_problems(desired: DesiredState, absent: t.Sequence[str]) -> list[str]:
    if not absent or not (desired["private_key_file"] or desired["old_private_key_file"]):
        return []
    programs = " and ".join(absent)
    were, it = ("was", "it") if len(absent) == 1 else ("were", "them")
    return [
        f"{programs} {were} not found on the controller. The verification of the keys needs {it}. Install the OpenSSH client: the "
        "package openssh-client (Debian, Ubuntu) or openssh-clients (Fedora, RHEL)."
    ]


def _generation_problems(
    desired: DesiredState, settings: t.Mapping[str, t.Any], controller: Controller, in_awx: bool
) -> list[str]:
    """Return why a missing key cannot be generated; an existing one is used."""
    path = desired["private_key_file"]
    if not (desired["generate"] and path) or controller.exists(path):
        return []
    if in_awx and not settings["store_tasks"]:
        return [
            f"keypair_reset_generate needs keypair_reset_store_tasks in AWX, which deletes the files of a job, including {path}, "
            "when it ends."
        ]
    if controller.exists(f"{path}.pub"):
        return [
            f"keypair_reset_generate: {path}.pub exists without {path}. Restore the private key, or move {path}.pub away: "
            "it is not the public key of the key that is to be generated."
        ]
    directory = path.rpartition("/")[0] or "/"
    obstacle = controller.obstacle(directory)
    return [f"keypair_reset_generate: no file can be written to {directory}: {obstacle}."] if obstacle else []
