# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bugs of the transport and of writes, as the matrix of modules and faults sees them."""

from __future__ import annotations

from .bug import Bug

HTTP = "plugins/module_utils/_http/"
FLEET = "plugins/module_utils/_fleet/"
#: The program that runs modules against faults; each bug names the cells to run.
MATRIX = "tests/matrix/run.py"

BUGS = (
    # The transport
    Bug(
        "lost-write-repeated",
        "a write whose answer was lost is sent again (urllib3's Retry with allowed_methods=None)",
        HTTP + "retry.py",
        "        return pause if not error.lasting and (reads or not error.maybe_received) else None\n",
        "        return pause if not error.lasting else None\n",
        tests=(MATRIX, "-k", "associate, reset without an answer"),
    ),
    Bug(
        "proxy-loses-what-was-sent",
        "what goes wrong behind a proxy counts as never sent (requests' ProxyError)",
        HTTP + "connections.py",
        "        exchange.sent = exchange.sent or not exchange.connecting\n",
        "        exchange.sent = exchange.sent or not (exchange.connecting or self.proxy)\n",
        tests=(MATRIX, "-k", "stop, closed without an answer, proxy"),
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
        "broken-answer-repeated",
        "a write is sent again because its answer could not be read",
        HTTP + "retry.py",
        "    if reads and (isinstance(error, UnavailableError)",
        "    if True and (isinstance(error, UnavailableError)",
        tests=(MATRIX, "-k", "start, closed in the body"),
    ),
    Bug(
        "throttled-write-given-up",
        "a write that was throttled is not sent again",
        HTTP + "retry.py",
        "    if isinstance(error, ThrottledError):\n        return ",
        "    if isinstance(error, ThrottledError):\n        return None if not reads else ",
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
        "            lasting=True,\n            hint=\"If the server's certificate",
        "            hint=\"If the server's certificate",
        tests=(MATRIX, "-k", "wait kps, a certificate: "),
    ),
    Bug(
        "interim-answer-taken",
        "103 (Early Hints) is taken for the answer (http.client)",
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
    # Writes
    Bug(
        "lost-association-is-no-change",
        "an association whose answer was lost is no change",
        FLEET + "association.py",
        "                lost[server_id] = answer\n                self.mark_changed(self.rows[server_id])\n",
        "                lost[server_id] = answer\n",
        tests=(MATRIX, "-k", "disassociate, 503"),
    ),
    Bug(
        "lost-power-action-is-none",
        "servers that may be on their way are reported as left alone",
        FLEET + "power.py",
        "        if error.maybe_done:\n",
        "        if not error.maybe_done:\n",
        tests=(MATRIX, "-k", "stop, closed without an answer"),
    ),
    Bug(
        "lost-write-is-no-change",
        "a write of which nothing could be found out is no change",
        "plugins/module_utils/_writes.py",
        '    context.result["changed"] = True\n',
        "",
        tests=(MATRIX, "-k", "import, and then nothing answers"),
    ),
)
