# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rulebooks on a bench: real ansible-rulebook where there is Java, and a server that takes incidents."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.multicloud.async_tasks.tests.unit.plugins.module_utils.running import COLLECTIONS

from .running import Bench, Program

COLLECTION = COLLECTIONS / "ansible_collections" / "multicloud" / "async_tasks"
SOURCE = "multicloud.async_tasks.cloud_task"
#: The Java that the rule engine of ansible-rulebook needs.
JAVA = 17
#: What a rule prints before an event as JSON.
MARK = "EVENT:"


def java_problem() -> str:
    """Return why ansible-rulebook cannot run here; empty when it can."""
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if not java or not os.path.exists(java):
        return f"ansible-rulebook needs Java {JAVA} or newer, and there is none"
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(\d+)', told)
    if match is None or int(match.group(1)) < JAVA:
        return f"ansible-rulebook needs Java {JAVA} or newer, and there is: {told.partition(chr(10))[0]}"
    return ""


needs_java = pytest.mark.skipif(bool(java_problem()), reason=java_problem() or "there is Java")


def printing(options: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return a rulebook whose rules print every event of a source."""
    rules = [
        {
            "name": name,
            "condition": f"event.{name} is defined",
            "action": {"debug": {"msg": f"{MARK}{{{{ event | tojson }}}}"}},
        }
        for name in ("task", "error")
    ]
    source = {"name": "tasks", SOURCE: dict(options)}
    return [{"name": "Print events", "hosts": "localhost", "sources": [source], "rules": rules}]


def start_rulebook(bench: Bench, rulebook: str | t.Sequence[t.Any], *options: str, **environment: str) -> Program:
    """Start ansible-rulebook, in the directory of the bench.

    Args:
        bench: The bench.
        rulebook: The rulebook, or the name of one.
        options: More arguments.
        environment: More variables.
    """
    number = len(bench.programs)
    inventory = bench.write(f"rulebook-inventory-{number}.yml", json.dumps({"all": {"hosts": _hosts(bench)}}))
    name = rulebook if isinstance(rulebook, str) else str(bench.write(f"rulebook-{number}.yml", list(rulebook)))
    command = [bench.path("ansible-rulebook"), "--rulebook", name, "--inventory", str(inventory), *options]
    return bench.program(command, **environment)


def _hosts(bench: Bench) -> dict[str, dict[str, t.Any]]:
    return {"localhost": {"ansible_connection": "local"}, **bench.hosts}


def events_of(program: Program) -> list[dict[str, t.Any]]:
    """Return the events that the rules of ``printing`` have printed, or those of the source run by itself."""
    lines = [line.text for line in list(program.stdout)]
    marked = [line.partition(MARK)[2] for line in lines if MARK in line]
    return [json.loads(line) for line in marked or [line for line in lines if line.startswith('{"')]]


def run_source(bench: Bench, options: t.Mapping[str, t.Any], **environment: str) -> Program:
    """Start the source by itself, without rules; it prints its events."""
    file = COLLECTION / "extensions" / "eda" / "plugins" / "event_source" / "cloud_task.py"
    return bench.program([bench.path("python"), str(file), json.dumps(dict(options))], **environment)


class Incidents:
    """A server that takes incidents over HTTP.

    Attributes:
        taken: The incidents.
        url: The address.
    """

    def __init__(self, url: str, taken: list[dict[str, t.Any]]) -> None:
        self.url = url
        self.taken = taken


@contextlib.contextmanager
def incidents() -> t.Iterator[Incidents]:
    """Take incidents on a free port of the loopback interface."""
    taken: list[dict[str, t.Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, format: str, *args: t.Any) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield Incidents(f"http://127.0.0.1:{server.server_address[1]}/", taken)
        finally:
            server.shutdown()
            thread.join()


def file_of(path: str) -> Path:
    """Return a file of the collection."""
    return COLLECTION / path
