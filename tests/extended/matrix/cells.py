# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cell of the matrix: a module, a fault, a way to the service. Runs the module in this process, and checks what came of it."""

from __future__ import annotations

import base64
import dataclasses
import html
import importlib
import json
import os
import random
import re
import resource
import signal
import socket
import ssl
import threading
import time
import typing as t
import unicodedata
import urllib.parse
import warnings
from pathlib import Path

import rules
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from behaviors import vendor
from certificates import Certificates
from faults import (
    ANSWER,
    BEFORE,
    CONNECTION,
    ENVIRONMENT,
    HANDSHAKE,
    HOST,
    NAME,
    PORT,
    REGION,
    TUNNEL,
    Fault,
)
from subjects import WAIT, WRITE, Prepared, Subject
from wire import DOMAIN, HTTP, HTTPS, PROXY, Closed, Peer, SkippingClock, StruckRequest, Wire, message, plain

from ansible_collections.multicloud.async_tasks.plugins.module_utils._module import Context, Module
from emulator import Emulator, keys
from emulator.messages import Request, Response

#: Seconds of one operation, where the fault does not take all of them.
TIMEOUT = 60.0
#: The same, where it does; and of one request of a wait.
SHORT, SHORTER = 2.0, 1.0
#: Seconds of real time after which a cell is ended.
PATIENCE = 60.0
#: Seconds of real time in which a cell ends whose fault takes none, on a machine that is busy.
PROMPT = 30.0
#: Seconds after a run for which late requests are looked for.
LATE = 0.4
#: Bytes of memory that no response may take.
MEMORY = 400 << 20
#: Characters that do things to a terminal: control characters, line and paragraph separators, marks of direction.
INERT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
#: Characters of a message at most.
LONGEST = 6000
_MODULES = "ansible_collections.multicloud.async_tasks.plugins.modules"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        subject: What runs.
        fault: What happens.
        way: The way to the service.
        times: Whether it happens once or always.
        carried: Whether the service carries the struck request out.
    """

    subject: Subject
    fault: Fault
    way: str
    times: str
    carried: bool

    def __str__(self) -> str:
        done = f", {'' if self.carried else 'not '}carried out" if len(self.fault.carried) > 1 else ""
        return f"{self.subject.name} | {self.fault.name}{done} | {self.way} | {self.times}"

    def fits(self) -> bool:
        """Return whether there is such a cell."""
        fault, subject = self.fault, self.subject
        if fault.cloud not in ("", subject.cloud) or not fault.only(subject):
            return False
        if subject.kind != WRITE:
            # What a read does not change is never carried out twice over.
            return self.carried == fault.carried[0]
        # A write whose response is lost is sent once, however often the fault would strike.
        repeated = fault.meaning(subject) in (rules.THROTTLED, rules.UNSENT, rules.LOST)
        return repeated or self.times == fault.times[-1]


def cells_of(subjects: t.Iterable[Subject], faults: t.Iterable[Fault]) -> list[Cell]:
    """Return all cells."""
    return [
        cell
        for fault in faults
        for subject in subjects
        for way in fault.ways
        for times in fault.times
        for carried in fault.carried
        if (cell := Cell(subject, fault, way, times, carried)).fits()
    ]


@dataclasses.dataclass(frozen=True)
class CellOutcome:
    """The outcome of a cell: what was wrong with it, if anything."""

    name: str
    wrong: tuple[str, ...]
    seconds: float
    shown: str = ""


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A run when nothing is wrong: the number of the first struck request, and its response."""

    first: int
    answer: Response


class CellServer:
    """The server of one run: the emulator, with the fault in its place.

    Args:
        wire: Where it is played.
        emulator: The emulator that answers.
        certificates: What TLS is spoken with.
        cell: The cell; None for a run in which nothing is wrong.
        subject: What runs.
        way: The way to the service.
        baseline: What is known of the run without a fault.
        clock: The run's clock.
    """

    def __init__(
        self,
        wire: Wire,
        emulator: Emulator,
        certificates: Certificates,
        cell: Cell | None,
        subject: Subject,
        way: str,
        baseline: Baseline | None,
        clock: SkippingClock,
    ) -> None:
        self.way = way
        self.cloud = subject.cloud
        self.over = threading.Event()
        self.subject = subject
        self._wire, self._emulator, self._certificates = wire, emulator, certificates
        self._fault = cell.fault if cell else None
        self._cell, self._baseline = cell, baseline
        self._lock = threading.Lock()
        #: Every whole request, and every name that was looked up, connection that was struck, tunnel that was asked for.
        self.requests: list[Request] = []
        self.responses: list[Response] = []
        self.struck = 0
        self._met = 0
        self.stolen = 0
        self._counts = {NAME: 0, CONNECTION: 0, TUNNEL: 0, HANDSHAKE: 0}
        self._dark = False
        self._clock = clock
        #: Writes that the service carries out later, each with the time.
        self._later: list[tuple[float, Request]] = []
        clock.on_sleep = self._slept
        if self._where == PORT and self._first == 0:
            self._shut()

    @property
    def _where(self) -> str:
        return self._fault.where if self._fault else ANSWER

    @property
    def _first(self) -> int:
        return self._baseline.first if self._baseline else 0

    def _turn(self, where: str) -> bool:
        """Count something by which requests are sent, one for each, and say whether the fault strikes it."""
        with self._lock:
            number = self._counts[where]
            self._counts[where] += 1
        if self._where != where or self._cell is None:
            return False
        struck = self._due(number - self._first)
        self.struck += struck
        return struck

    def _due(self, number: int) -> bool:
        """Return whether the fault strikes the request of this number, counted from the first that it could strike."""
        times = self._cell.times if self._cell is not None else rules.ALWAYS
        return number == 0 or (number > 0 and (times == rules.ALWAYS or (times == rules.OFTEN and number % 2 == 0)))

    def _strike(self, peer: Peer) -> None:
        assert self._fault is not None
        self._fault.does(peer)

    def _shut(self) -> None:
        self.struck += 1
        self._wire.refuse("proxy" if self.way == PROXY else "service")

    def _slept(self) -> None:
        if self._where == PORT and self._cell is not None and self._cell.times == rules.ONCE and self.struck:
            self._wire.accept("proxy" if self.way == PROXY else "service")
        for due, request in list(self._later):
            if due <= self._clock.monotonic():
                self._later.remove((due, request))
                self._ask(request)

    # as of ``Play``

    def resolve(self, host: str) -> t.Sequence[str]:
        """Return the addresses of a name."""
        if self._where == REGION:
            self.struck += 1
        elif not self._turn(NAME):
            return ["127.0.0.1"]
        assert self._fault is not None
        how = self._fault.does
        if how == "hang":
            # A little longer than the request has: what is sent then is sent too late.
            self.over.wait(SHORT + LATE / 2)
            return ["127.0.0.1"]
        if how in ("unknown", (), "again"):
            code = socket.EAI_AGAIN if how == "again" else socket.EAI_NONAME
            raise socket.gaierror(
                code, "Temporary failure in name resolution" if how == "again" else "Name or service not known"
            )
        return t.cast(t.Sequence[str], how)

    def tunnel(self, peer: Peer, host: str) -> bool:
        """Answer a CONNECT."""
        if self._dark or self._turn(TUNNEL):
            peer.close() if self._dark else self._strike(peer)
            return False
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return True

    def connected(self, peer: Peer) -> bool:
        """Say whether a connection is served."""
        if self._dark:
            peer.close()
            return False
        if self._turn(CONNECTION):
            self._strike(peer)
            return False
        return True

    def handshake(self, peer: Peer) -> ssl.SSLContext | None:
        """Return the TLS context of the connection."""
        contexts = self._certificates.contexts
        if not self._turn(HANDSHAKE):
            return contexts["good"]
        assert self._fault is not None
        if isinstance(self._fault.does, str):
            return contexts[self._fault.does]
        self._strike(peer)
        return None

    def serve(self, peer: Peer) -> bool:
        """Answer the next request."""
        request = peer.read_request()
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
            self.stolen += "stolen" in request.target
            if self._dark:
                peer.close()
                return False
            strikes = self._where == ANSWER and self._cell is not None and self.subject.strikes(request)
            if strikes:
                strikes = self._due(self._met)
                self._met += 1
            self.struck += strikes
        if strikes:
            return self._answer(peer, request)
        response = self._ask(request)
        self.responses.append(response)
        if self._where == BEFORE and number == self._first - 1 and self._fault is not None:
            self.struck += 1
            return bool(self._fault.does(StruckRequest(peer, request, response, self)))
        alone = self._where in (NAME, CONNECTION, TUNNEL, HANDSHAKE, PORT)
        if self._where == PORT and number == self._first - 1:
            self._shut()
        peer.send(plain(response, *([("Connection", "close")] if alone else [])))
        if alone:
            peer.close()
        return not alone

    def _ask(self, request: Request) -> Response:
        """Have the service answer; a request that comes when the run is over must not change the next one's world."""
        with self._wire.lock:
            if self.over.is_set():
                raise Closed
            return self._emulator.answer(request)

    def _answer(self, peer: Peer, request: Request) -> bool:
        cell, fault = self._cell, self._fault
        assert cell is not None
        assert fault is not None
        assert self._baseline is not None
        now = not fault.later and (cell.carried or self.subject.kind != WRITE)
        response = self._ask(request) if now else self._baseline.answer
        if fault.later:
            self._later.append((self._clock.monotonic() + fault.later, request))
        self._dark = fault.dark
        if fault.does == "gone":
            assert self.subject.gone is not None
            status, code = self.subject.gone
            data, content_type = vendor(code, "It does not exist.")(
                StruckRequest(peer, request, response, self), status
            )
            peer.send(message(status, data, ("Content-Type", content_type)))
            return True
        return bool(fault.does(StruckRequest(peer, request, response, self)))


class Stuck(BaseException):
    """A cell that did not end."""


class CellRunner:
    """A runner of cells, one after the other; a process has one.

    Args:
        directory: Where the emulator's keys are, and what is written goes.
        certificates: What TLS is spoken with.
    """

    def __init__(self, directory: Path, certificates: Certificates) -> None:
        warnings.simplefilter("ignore")
        self._certificates = certificates
        self._clock = SkippingClock()
        self._wire = Wire()
        for name in ("HTTP_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            os.environ.pop(name, None)
            os.environ.pop(name.lower(), None)
        self._emulator = Emulator(
            2, fleet=False, task_seconds=10, job_seconds=5, clock=self._clock, state_dir=directory
        )
        made = self._emulator.new_key
        # A pair takes a tenth of a second to make.
        keys.generate_rsa = lambda bits=2048: made
        self._baselines: dict[tuple[str, str], Baseline] = {}
        signal.signal(signal.SIGALRM, self._stuck)

    @staticmethod
    def _stuck(_number: int, _frame: t.Any) -> None:
        raise Stuck

    def run(self, cell: Cell) -> CellOutcome:
        """Run one cell and check its result."""
        try:
            return self._run(cell)
        except Stuck:
            return CellOutcome(str(cell), (f"had not ended after {PATIENCE:.0f} s",), PATIENCE)
        finally:
            signal.alarm(0)
            self._wire.end()

    def _run(self, cell: Cell) -> CellOutcome:
        subject, fault = cell.subject, cell.fault
        # Where requests are closed one by one the numbers are those of requests; with a kept connection too.
        if (subject.name, cell.way) not in self._baselines:
            self._learn(subject, cell.way)
        baseline = self._baselines[subject.name, cell.way]
        if fault.where == BEFORE and baseline.first == 0:
            return CellOutcome(str(cell), (), 0.0)
        began = time.monotonic()
        signal.alarm(int(PATIENCE))
        memory = _memory()
        run = self._perform(subject, cell.way, cell, baseline)
        seconds = time.monotonic() - began
        if fault.slow:
            time.sleep(LATE)
        wrong = list(_judge(cell, run, seconds))
        if _memory() - memory > MEMORY:
            wrong.append(f"took {(_memory() - memory) >> 20} MiB of memory")
        shown = json.dumps(run.result, default=str)[:1500] if wrong else ""
        return CellOutcome(str(cell), tuple(wrong), seconds, shown)

    def _learn(self, subject: Subject, way: str) -> None:
        run = self._perform(subject, way, None, None)
        self._wire.end()
        first = next((number for number, request in enumerate(run.play.requests) if subject.strikes(request)), None)
        if run.result.get("failed") or first is None:
            raise AssertionError(f"{subject.name} by {way} fails without a fault: {run.result}")
        self._baselines[subject.name, way] = Baseline(first, run.play.responses[first])

    def _perform(self, subject: Subject, way: str, cell: Cell | None, baseline: Baseline | None) -> CellRun:
        random.seed(str(cell))
        self._emulator.reset()
        prepared = subject.prepare(self._emulator)
        slow = cell is not None and cell.fault.slow
        play = CellServer(self._wire, self._emulator, self._certificates, cell, subject, way, baseline, self._clock)
        self._wire.begin(play)
        if cell is not None and cell.fault.where == PORT and baseline is not None and baseline.first == 0:
            self._wire.refuse("proxy" if way == PROXY else "service")
        options = {**prepared.options, **self._connection(subject, way, cell, prepared.options, slow=slow)}
        module = t.cast(Module, importlib.import_module(f"{_MODULES}.{subject.module}").MODULE)
        checked = ModuleArgumentSpecValidator(dict(module.argument_spec), **module.rules).validate(options)
        assert not checked.error_messages, checked.error_messages
        no_log, warned = set(checked._no_log_values), list[str]()
        context = Context(
            checked.validated_parameters,
            on_warning=warned.append,
            on_secret=no_log.add,
            environ={**os.environ, "HWC_METADATA_DISABLED": "true", "HOME": "/nonexistent"},
            clock=self._clock,
            rng=lambda: 0.5,
            own_process=False,
        )
        before = self._clock.monotonic()
        result = module.perform(context)
        elapsed = self._clock.monotonic() - before
        masked = remove_values(result, no_log)
        return CellRun(t.cast(dict[str, t.Any], masked), warned, elapsed, play, prepared)

    def _connection(
        self, subject: Subject, way: str, cell: Cell | None, subject_options: t.Mapping[str, t.Any], *, slow: bool
    ) -> dict[str, t.Any]:
        port = self._wire.ports["service"]
        named = cell is not None and cell.fault.where == NAME
        host = f"{HOST}:{port}" if named else f"127.0.0.1:{port}"
        url = {HTTP: f"http://127.0.0.1:{port}", HTTPS: f"https://{host}", PROXY: f"https://{HOST}"}[way]
        os.environ["NO_PROXY"] = f"127.0.0.1,localhost,{DOMAIN}" if way == HTTPS else "127.0.0.1,localhost"
        prefix = subject.cloud
        os.environ["HTTPS_PROXY"] = f"http://user:proxy-pass-word@127.0.0.1:{self._wire.ports['proxy']}"
        if cell is not None and cell.fault.where == ENVIRONMENT:
            os.environ["HTTPS_PROXY"] = cell.fault.does
        options: dict[str, t.Any] = {f"{prefix}_endpoint": url, f"{prefix}_timeout": SHORT if slow else TIMEOUT}
        if cell is not None and cell.fault.where == REGION:
            options.update({f"{prefix}_endpoint": None, f"{prefix}_region": "xx-nowhere-9"})
            os.environ["NO_PROXY"] = "*"
        if way != HTTP:
            options[f"{prefix}_ca_path"] = str(self._certificates.ca_path)
        if slow and subject.kind == WAIT:
            options["request_timeout"] = SHORTER
        if cell is not None and (slow or cell.fault.heavy) and cell.times == rules.ALWAYS and subject.kind == WAIT:
            # Each look costs its time: a few are enough.
            options.update(timeout=30.0, interval=10.0)
        if slow and "wait_timeout" in subject_options and cell is not None and cell.fault.where != ANSWER:
            # What a write ends with meets the same fault.
            options["wait_timeout"] = 2 * SHORT
        return options


@dataclasses.dataclass(frozen=True)
class CellRun:
    """The result of a run.

    Attributes:
        result: The result, masked as Ansible masks it.
        warned: The warnings.
        elapsed: Seconds by the run's own clock.
        play: What it met.
        prepared: What it worked on.
    """

    result: dict[str, t.Any]
    warned: list[str]
    elapsed: float
    play: CellServer
    prepared: Prepared


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _judge(cell: Cell, run: CellRun, seconds: float) -> t.Iterator[str]:
    """Yield what is wrong with a run."""
    subject, fault, result, play = cell.subject, cell.fault, run.result, run.play
    means = fault.meaning(subject)
    slow = fault.slow
    expected = rules.expected(
        subject,
        means,
        cell.times,
        carried=cell.carried,
        slow=slow,
        dark=fault.dark,
        timeout=SHORT if slow else TIMEOUT,
        window=fault.window,
    )
    failed = bool(result.get("failed"))
    outcome = rules.FAILED if failed else rules.OK
    if play.struck == 0 and fault.where != ENVIRONMENT:
        yield "the fault never struck"
    if outcome not in expected.outcomes:
        yield f"{outcome}, expected {'/'.join(sorted(expected.outcomes))}"
    if result.get("changed") not in expected.changed:
        yield f"changed is {result.get('changed')}"
    done = run.prepared.took_effect()
    if subject.kind == WRITE and done and not result.get("changed"):
        yield "the write took effect, and changed is false"
    sent = sum(subject.strikes(request) for request in play.requests)
    if fault.where == CONNECTION and cell.times == rules.ONCE:
        # Not read, and sent all the same; where every connection is struck they cannot be told from those of reads.
        sent += play.struck
    least = 0 if fault.where == CONNECTION else expected.least
    if not least <= sent <= expected.most:
        yield f"sent {sent} times, expected {least} to {expected.most}"
    most = fault.within or expected.seconds
    if run.elapsed > most:
        yield f"took {run.elapsed:.0f} s by its clock, expected at most {most:.0f}"
    if seconds > (2 * PROMPT if slow or fault.heavy else PROMPT):
        yield f"took {seconds:.0f} s"
    # Those before the fault are of requests that it does not strike.
    if fault.tunnels and play.struck > fault.tunnels:
        yield f"asked for {play.struck} tunnels"
    if play.stolen:
        yield "followed a redirect"
    yield from _judge_rows(expected, result)
    yield from _judge_text(cell, run, means)
    yield from _judge_secrets(run)


def _judge_rows(expected: rules.Expected, result: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Yield what is wrong with the rows of servers or tasks."""
    if expected.uncertain and not all(row.get("uncertain") for row in result.get("servers") or [{}]):
        yield "the server is not told to be uncertain"
    if expected.states is not None:
        tasks = result.get("tasks")
        if not tasks:
            yield "the tasks are lost"
        for task in tasks or []:
            if task["state"] not in expected.states:
                yield f"a task is {task['state']}"
        if any(task["state"] in ("pending", "unknown") for task in tasks or []) and not result.get("resume"):
            yield "there is nothing to resume with"


def _judge_text(cell: Cell, run: CellRun, means: str) -> t.Iterator[str]:
    """Yield what is wrong with the messages."""
    result = run.result
    text = str(result.get("msg", ""))
    if "bug of the collection" in text or "exception" in result:
        yield f"a bug: {text[:300]}"
    shown = [text, *run.warned, *(str(row.get("msg") or "") for row in result.get("servers") or [])]
    for line in shown:
        if found := INERT.search(line):
            yield f"shows {unicodedata.name(found.group(), hex(ord(found.group())))}: {line[:200]!r}"
        if len(line) > LONGEST:
            yield f"a message of {len(line)} characters"
    try:
        json.dumps(result, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        yield f"the result is no JSON: {error}"
    if not result.get("failed"):
        return
    if not text:
        yield "fails without a message"
    cause = (
        "did not" if cell.fault.slow and re.search("did not", text) else "." if cell.fault.dark else rules.SAYS[means]
    )
    # The address, or the service and its operation; the task of a wait; the variable of a proxy.
    whom = rf"127\.0\.0\.1|{re.escape(DOMAIN)}|(kps|csms|cloudsso) tasks?|xx-nowhere-9|_PROXY|\b(KPS|CSMS|ECS|SMS|CLOUDSSO) [A-Z]\w+|^Not authorized \("
    for pattern in (cause, cell.fault.says, whom):
        if pattern and not re.search(pattern, text):
            yield f"does not say {pattern!r}: {text[:400]!r}"


def _judge_secrets(run: CellRun) -> t.Iterator[str]:
    """Yield the secrets in the output, in any form that a service may repeat them in."""
    result = dict(run.result)
    # Where these belong.
    result.pop("private_key", None)
    result.pop("passphrase", None)
    text = json.dumps([result, run.warned], ensure_ascii=False, default=str)
    plain_text = text.replace("\\\\", "\\").replace("\\n", "\n").replace("\\/", "/")
    secrets = [*run.prepared.secrets, "proxy-pass-word", "sesame", "opens", "emulated-passphrase-1", *_made_keys(run)]
    for secret in dict.fromkeys(secrets):
        for form in _forms(secret):
            if form in text or form in plain_text:
                yield f"shows a secret, as {form[:12]}... ({len(form)} characters)"
                break


def _made_keys(run: CellRun) -> t.Iterator[str]:
    for response in run.play.responses:
        if b"PRIVATE KEY" in response.body:
            yield str(json.loads(response.body)["keypair"]["private_key"])


def _forms(secret: str) -> t.Iterator[str]:
    """Yield the texts that give a secret away: itself, encoded, or one line of a key."""
    lines = [line for line in secret.splitlines() if len(line) > 20 and "PRIVATE KEY" not in line] or [secret]
    for line in lines[:3] + lines[-1:]:
        yield line
        yield urllib.parse.quote(line, safe="")
        yield urllib.parse.quote_plus(line)
        yield html.escape(line)
        yield json.dumps(line)[1:-1]
        if len(line) > 15:
            for shift in range(3):
                # However the line lies in what was encoded: the middle of it does not change.
                yield base64.b64encode(b"x" * shift + line.encode()).decode()[4:-4]
