# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bugs of the transport and of writes, as the matrix of modules and faults sees them."""

from __future__ import annotations

from .bug import Bug

HTTP = "plugins/module_utils/_http/"
FLEET = "plugins/module_utils/_servers/"
#: The program that runs modules against faults; each bug names the cells to run.
MATRIX = "tests/extended/matrix/run.py"
#: The unit tests of the transport, which need no server.
UNIT = ("tests/unit/plugins/module_utils/_http",)

BUGS = (
    # The transport
    Bug(
        "lost-write-repeated",
        "a write whose response was lost is sent again (urllib3's Retry with allowed_methods=None)",
        HTTP + "retry.py",
        "        return pause if not error.permanent and (read_only or not error.possibly_sent) else None\n",
        "        return pause if not error.permanent else None\n",
        tests=(MATRIX, "-k", "associate, reset without a response"),
    ),
    Bug(
        "proxy-loses-what-was-sent",
        "what goes wrong behind a proxy counts as never sent (requests' ProxyError)",
        HTTP + "connections.py",
        "        exchange.sent = exchange.sent or not exchange.connecting\n",
        "        exchange.sent = exchange.sent or not (exchange.connecting or self.proxy)\n",
        tests=(MATRIX, "-k", "stop, closed without a response, proxy"),
    ),
    Bug(
        "tunnel-counts-as-sent",
        "a tunnel that was refused is reported as a write that may have been done",
        HTTP + "connections.py",
        "        exchange.connecting, exchange.fresh = True, True\n",
        "        exchange.connecting, exchange.fresh = False, True\n",
        tests=(MATRIX, "-k", "delete, the proxy closes"),
    ),
    Bug(
        "invalid-response-repeated",
        "a write is sent again because its response could not be read",
        HTTP + "retry.py",
        "    if read_only and (\n",
        "    if True and (\n",
        tests=(MATRIX, "-k", "start, closed in the body"),
    ),
    Bug(
        "throttled-write-given-up",
        "a write that was throttled is not sent again",
        HTTP + "retry.py",
        "    if isinstance(error, ThrottledError):\n        return ",
        "    if isinstance(error, ThrottledError):\n        return None if not read_only else ",
        tests=(MATRIX, "-k", "import, throttled"),
    ),
    Bug(
        "redirect-followed",
        "signed headers are sent elsewhere",
        HTTP + "transport.py",
        "        retries=False,\n        redirect=False,\n",
        "        retries=2,\n        redirect=True,\n",
        tests=(MATRIX, "-k", "csms info, 302"),
    ),
    Bug(
        "certificate-tried-again",
        "a certificate that is refused is tried until the time is up",
        HTTP + "failures.py",
        "            permanent=True,\n            hint=\"If the server's certificate",
        "            hint=\"If the server's certificate",
        tests=(MATRIX, "-k", "wait kps, a certificate: "),
    ),
    Bug(
        "interim-response-taken",
        "103 (Early Hints) is taken for the response (http.client)",
        HTTP + "connections.py",
        "            if not 100 <= self.status < 200 or ",
        "            if self.status != 100 or ",
        tests=(MATRIX, "-k", "kps info, 103 before"),
    ),
    Bug(
        "late-request-sent",
        "a request leaves when its caller has given up, because a name server was slow (socket.create_connection)",
        HTTP + "connections.py",
        "        found = search.wait(max(0.0, self._deadline - self._clock.monotonic()))\n",
        "        self._deadline += 60.0\n            found = search.wait(60.0)\n",
        tests=(MATRIX, "-k", "describe, a name server that hangs"),
    ),
    # The rule of repetition
    Bug(
        "quota-not-waited-out",
        "a quota of a minute is probed every few seconds, which counts against it",
        HTTP + "retry.py",
        "    if error.quota and attempt == 1:\n",
        "    if error.quota:\n",
        tests=UNIT,
    ),
    Bug(
        "pause-undercut",
        "the service is asked before the pause is over that it asked for",
        HTTP + "retry.py",
        "    if error.quota and attempt == 1:\n",
        "    if attempt == 1:\n",
        tests=UNIT,
    ),
    Bug(
        "minute-outlasts-the-time",
        "a quota of a minute ends an operation of a minute",
        HTTP + "retry.py",
        "        if pause <= self.seconds:\n",
        "        if pause < 0:\n",
        tests=UNIT,
    ),
    Bug(
        "pauses-add-up",
        "an operation that is throttled for ever goes on for ever",
        HTTP + "retry.py",
        "            self._end = max(self._end, self._begun + self.seconds + pause + LEAST)\n",
        "            self._end += pause + LEAST\n",
        tests=UNIT,
    ),
    Bug(
        "patience-for-silence",
        "a service that does not respond is given as much time as one that throttles requests",
        HTTP + "retry.py",
        "        trouble = self.budget(left.seconds)\n        attempts",
        "        trouble = left\n        attempts",
        tests=UNIT,
    ),
    Bug(
        "stale-write-repeated",
        "a write on a connection that was closed meanwhile is sent again, although it may have arrived",
        HTTP + "retry.py",
        "    if read_only and isinstance(error, TransportError) and error.stale and attempt == 1:\n",
        "    if isinstance(error, TransportError) and error.stale and attempt == 1:\n",
        tests=UNIT,
    ),
    Bug(
        "write-told-too-late",
        "what goes wrong while the response of a write is read says that nothing has changed",
        HTTP + "retry.py",
        "            if not read_only and 200 <= response.status < 300 and self._on_write is not None:\n",
        "            if False:\n",
        tests=UNIT,
    ),
    # Proxies, and what they hide
    Bug(
        "port-of-no-proxy-ignored",
        "an entry of NO_PROXY with a port never matches",
        HTTP + "proxies.py",
        "        if entry_port is not None and entry_port != port:\n",
        "        if entry_port is not None:\n",
        tests=UNIT,
    ),
    Bug(
        "suffix-of-no-proxy",
        "NO_PROXY for ample.com exempts example.com (requests)",
        HTTP + "proxies.py",
        '        elif host == name or host.endswith(f".{name}"):\n',
        "        elif host.endswith(name):\n",
        tests=UNIT,
    ),
    Bug(
        "loopback-through-the-proxy",
        "plain HTTP to this machine goes through HTTP_PROXY",
        HTTP + "proxies.py",
        '    if scheme == "http" and is_loopback(host.strip("[]")):\n',
        "    if False:\n",
        tests=UNIT,
    ),
    Bug(
        "password-of-a-broken-proxy-shown",
        "the password in the URL of a proxy that cannot be parsed is not masked",
        HTTP + "proxies.py",
        '            login, found, _rest = environ.get(variable, "").rpartition("@")\n',
        '            login, found, _rest = environ.get(variable, "").partition("@")\n',
        tests=UNIT,
    ),
    Bug(
        "memory-filled",
        "a few compressed bytes fill the memory (urllib3 before 2.6)",
        HTTP + "compression.py",
        "unzip.decompress(data, most - size + 1)",
        "unzip.decompress(data)",
        tests=UNIT,
    ),
    # Writes
    Bug(
        "lost-association-is-no-change",
        "an association whose response was lost is not a change",
        FLEET + "association.py",
        "                lost[server_id] = response\n                self.mark_changed(self.rows[server_id])\n",
        "                lost[server_id] = response\n",
        tests=(MATRIX, "-k", "disassociate, 503"),
    ),
    Bug(
        "lost-power-action-is-none",
        "servers that may be on their way are reported as left alone",
        FLEET + "power.py",
        "        if error.outcome_unknown:\n",
        "        if not error.outcome_unknown:\n",
        tests=(MATRIX, "-k", "stop, closed without a response"),
    ),
    Bug(
        "lost-write-is-no-change",
        "a write whose outcome is not known is not a change",
        "plugins/module_utils/_writes.py",
        '    context.result["changed"] = True\n',
        "",
        tests=(MATRIX, "-k", "import, and then nothing answers"),
    ),
)
