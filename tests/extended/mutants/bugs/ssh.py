# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bugs in the verification of SSH keys: a login whose outcome is not what it says."""

from __future__ import annotations

import functools

from .bug import Bug as AnyBug

SSH = "plugins/module_utils/_ssh/"
VERIFICATION = "plugins/plugin_utils/_keypair_reset/verification.py"

Bug = functools.partial(AnyBug, tests=("tests/unit/plugins/module_utils/_ssh",))
VerificationBug = functools.partial(AnyBug, tests=("tests/unit/plugins/plugin_utils/_keypair_reset",))

BUGS = (
    # How ssh is run
    *(
        Bug(
            f"login-without-{name}",
            what,
            SSH + "commands.py",
            f'    "{option}",\n',
            "",
        )
        for name, option, what in (
            ("a-connection-of-its-own", "ControlMaster=no", "an open connection lets the old key in"),
            ("a-path-of-its-own", "ControlPath=none", "an open connection lets the old key in"),
            ("this-key-only", "IdentitiesOnly=yes", "the keys of an agent are tried, too"),
            ("leaving-the-agent-out", "IdentityAgent=none", "the keys of an agent are tried, too"),
            ("leaving-passwords-out", "PreferredAuthentications=publickey", "a password may open the session"),
            (
                "a-command-of-its-own",
                "RemoteCommand=none",
                "the configuration's command takes the place of that of the verification",
            ),
            ("batch-mode", "BatchMode=yes", "a question waits for a response"),
            ("one-hash", "FingerprintHash=sha256", "with MD5 in the configuration, no key is known by its fingerprint"),
        )
    ),
    Bug(
        "user-timeout-overruled",
        "a time limit of the user's own has no effect",
        SSH + "commands.py",
        "        *_destination(target),\n        # Defaults",
        '        "-o",\n        f"ConnectTimeout={CONNECT_TIMEOUT}",\n        *_destination(target),\n        # Defaults',
    ),
    Bug(
        "percent-in-a-name",
        "ssh replaces a percent sign in the name of the copy",
        SSH + "commands.py",
        '    copy = key.copy.replace("%", "%%")\n',
        "    copy = key.copy\n",
    ),
    Bug(
        "log-on-standard-error",
        "what a bastion's ssh says is taken for the log of the login",
        SSH + "commands.py",
        '        *("-n", "-T", "-x", "-a", "-v", "-E", log),\n',
        '        *("-n", "-T", "-x", "-a", "-v"),\n',
    ),
    Bug(
        "host-as-an-option",
        "a host whose name begins with a hyphen is an option of ssh",
        SSH + "commands.py",
        '        *("--", target.host, f"echo {marker}"),\n',
        '        *(target.host, f"echo {marker}"),\n',
    ),
    # Arguments of users
    Bug(
        "key-of-the-user-taken-over",
        "-i among the user's arguments lets another key in",
        SSH + "arguments.py",
        '_LEFT_OUT = frozenset("EIiMqSvwy")\n',
        '_LEFT_OUT = frozenset("EIMqSvwy")\n',
    ),
    Bug(
        "identity-of-the-user-taken-over",
        "IdentityFile among the user's arguments lets another key in",
        SSH + "arguments.py",
        '        *("identityfile", "certificatefile",',
        '        *("certificatefile",',
    ),
    Bug(
        "key-logins-forbidden",
        "PubkeyAuthentication=no among the arguments looks like a refusal",
        SSH + "arguments.py",
        '    if keyword == "pubkeyauthentication" and value == "no":\n',
        '    if keyword == "pubkeyauthentication" and value == "never":\n',
    ),
    Bug(
        "no-command-runs",
        "-N among the arguments waits for ever",
        SSH + "arguments.py",
        '    "N": "runs no command",\n',
        "",
    ),
    Bug(
        "unbalanced-quote-raises",
        "one unbalanced quote ends the logins of all hosts",
        SSH + "arguments.py",
        "    except ValueError as error:\n        return SshArguments(",
        "    except IndexError as error:\n        return SshArguments(",
    ),
    # What a log shows
    Bug(
        "known-is-accepted",
        'the server\'s "accepts key", which comes before the signature, counts as accepted',
        SSH + "transcript.py",
        "            exchange = exchange._replace(known=True)\n",
        "            exchange = exchange._replace(known=True, authenticated=True)\n",
    ),
    Bug(
        "known-is-refused",
        "a key that the server knows, and does not let in for another reason, counts as refused",
        SSH + "transcript.py",
        "    if exchange.rejected and not exchange.known:\n",
        "    if exchange.rejected:\n",
    ),
    Bug(
        "another-key-counts",
        "whatever opened the session, this key is accepted",
        SSH + "transcript.py",
        "exchange._replace(authenticated=True) if ours else exchange._replace(other=method)",
        "exchange._replace(authenticated=True)",
    ),
    Bug(
        "another-refusal-counts",
        "the refusal of another key is taken for that of this one",
        SSH + "transcript.py",
        "        elif ours and (line.startswith(_CONTINUES) or _TOO_MANY in line):\n",
        "        elif line.startswith(_CONTINUES) or _TOO_MANY in line:\n",
    ),
    Bug(
        "certificate-for-the-key",
        "the response to a certificate is taken for that to the key",
        SSH + "transcript.py",
        '") and "-CERT " not in line\n',
        '")\n',
    ),
    Bug(
        "refused-then-let-in-by-another",
        "a key that was refused is not verified because another one got in afterwards",
        SSH + "transcript.py",
        "    if exchange.rejected and not exchange.known:\n",
        "    if exchange.rejected and not exchange.known and not exchange.other:\n",
    ),
    Bug(
        "algorithm-for-the-key",
        "a signature algorithm that is not known counts as a refusal",
        SSH + "transcript.py",
        "            exchange, ours = exchange._replace(unsigned=True), False\n",
        "            exchange, ours = exchange._replace(answered=True), False\n",
    ),
    Bug(
        "session-without-a-command",
        "a server that only says whom to log in as counts as one that works",
        SSH + "transcript.py",
        "    if marker in said:\n",
        "    if marker:\n",
    ),
    Bug(
        "host-key-unsaid",
        "a host key that is not known looks like a connection that failed",
        SSH + "transcript.py",
        "        if any(_HOST_KEY.search(line) for line in messages):\n",
        "        if any(_CHANGED.search(line) for line in messages):\n",
    ),
    Bug(
        "cut-connection-hammered",
        "a server that ends connections is tried as often as one that boots",
        SSH + "transcript.py",
        '        return Finding(UNVERIFIED, f"{msg}.", CONNECTION, SPARINGLY)\n',
        '        return Finding(UNVERIFIED, f"{msg}.", CONNECTION, OFTEN)\n',
    ),
    Bug(
        "boot-is-final",
        "a server that still boots, and lets no user in yet, is given up",
        SSH + "transcript.py",
        '{said}.", LOGIN, OFTEN)\n',
        '{said}.", LOGIN)\n',
    ),
    # Which login when
    Bug(
        "time-for-each-login",
        "logins take longer than the time that they have together",
        SSH + "logins.py",
        "            if now >= deadline:\n",
        "            if now >= deadline + 60:\n",
    ),
    Bug(
        "run-past-the-end",
        "a server that hangs holds the end up",
        SSH + "logins.py",
        "seconds >= max(LEAST_SECONDS, min(self._seconds, deadline - self._started)):\n",
        "seconds >= max(LEAST_SECONDS, self._seconds):\n",
    ),
    Bug(
        "one-server-more",
        "one server more is visited at a time than was asked for",
        SSH + "logins.py",
        "            for job in due[: parallel - len(running)]:\n",
        "            for job in due[: parallel + 1 - len(running)]:\n",
    ),
    Bug(
        "settled-logins-repeated",
        "a login that has shown something is tried again with the others",
        SSH + "logins.py",
        "            still = [number for number in still if not self._logins[number].permanent]\n",
        "            still = still if any(not self._logins[number].permanent for number in still) else []\n",
    ),
    Bug(
        "tried-without-pause",
        "a server that does not answer is asked without a pause",
        SSH + "logins.py",
        "            yield _Pause(max(shortest, pause))\n",
        "            yield _Pause(0.0 * max(shortest, pause))\n",
    ),
    Bug(
        "cutting-server-tried-on",
        "a server that counts failures is tried until it locks out",
        SSH + "logins.py",
        "        given_up = finding.retry == SPARINGLY and tries >= SPARING_TRIES\n",
        "        given_up = False\n",
    ),
    Bug(
        "refusal-of-an-algorithm",
        "a server that takes no signature algorithm of the key counts as a refusal",
        SSH + "logins.py",
        "        if not taken or self._overstates_algorithms:\n",
        "        if self._overstates_algorithms and not taken:\n",
    ),
    Bug(
        "bad-key-raises",
        "a key that cannot be used is shown to servers",
        SSH + "logins.py",
        "        usable = [number for number, key in self._keys.items() if key.problem is None]\n",
        "        usable = list(self._keys)\n",
    ),
    # Keys and programs
    Bug(
        "neighbor-believed",
        "the public half that lies beside a key is taken for its own",
        SSH + "program.py",
        '        command = ["ssh-keygen", "-y", "-P", "", "-f", copy]\n',
        '        command = ["cat", f"{path}.pub"]\n',
    ),
    Bug(
        "key-not-copied",
        "ssh is given the user's file, with its name, its mode and its neighbors",
        SSH + "program.py",
        "        return Key(path, copy, public_key, problem,",
        "        return Key(path, path, public_key, problem,",
    ),
    Bug(
        "copies-for-everyone",
        "the copy of a private key can be read by others",
        SSH + "program.py",
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)",
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)",
    ),
    Bug(
        "copies-left-behind",
        "copies of private keys stay in the temporary directory",
        SSH + "program.py",
        "        shutil.rmtree(self._place, ignore_errors=True)\n        if self._remover is not None:\n            self._remover.communicate()\n",
        "        if self._remover is not None:\n            self._remover.kill()\n            self._remover.communicate()\n",
    ),
    Bug(
        "waits-for-the-pipe",
        "an ssh that stays for later connections holds the login up",
        SSH + "program.py",
        "        status = self._process.poll()\n        self._read()\n",
        "        for descriptor in self._output:\n            os.set_blocking(descriptor, True)\n"
        "        self._read()\n        status = self._process.poll()\n",
    ),
    # What a verification means for a server
    VerificationBug(
        "no-login-is-fine",
        "a server whose planned login was not tried is reported as reset",
        VERIFICATION,
        'or ({"outcome": UNVERIFIED, "msg": problem} if name in planned else None)',
        "or None",
    ),
    VerificationBug(
        "new-key-refused-is-fine",
        "a server that refuses the new key is reported as reset",
        VERIFICATION,
        '    if new and new["outcome"] == REFUSED:\n',
        '    if new and new["outcome"] == "":\n',
    ),
    VerificationBug(
        "new-key-unverified-is-fine",
        "a server whose new key was not verified is reported as reset",
        VERIFICATION,
        '    elif new and new["outcome"] != ACCEPTED:\n',
        '    elif new and new["outcome"] == "":\n',
    ),
    VerificationBug(
        "old-key-accepted-is-fine",
        "a server that still lets the old key in is reported as reset",
        VERIFICATION,
        '    if old and old["outcome"] == ACCEPTED:\n',
        '    if old and old["outcome"] == "":\n',
    ),
    VerificationBug(
        "old-key-unverified-is-fine",
        "a server whose old key was not verified to be refused is reported as reset",
        VERIFICATION,
        '    elif old and old["outcome"] != REFUSED and not record',
        '    elif old and old["outcome"] == "" and not record',
    ),
    VerificationBug(
        "silent-session-unsaid",
        "nothing says that a server accepts the new key and runs no command",
        VERIFICATION,
        '    if not reasons and new and (new["partial"] or not new["command_ran"]):\n',
        '    if not reasons and new and (new["partial"]):\n',
    ),
    VerificationBug(
        "wrong-old-key-taken",
        "the refusal of any key counts as that of the old one",
        VERIFICATION,
        '            fits = _same(record["old_public_key"], pairs[0].get("public_key")) if pairs else False\n',
        '            fits = bool(record["old_public_key"]) if pairs else False\n',
    ),
    VerificationBug(
        "unread-pair-taken",
        "an old key is not compared when the pair could not be read",
        VERIFICATION,
        '    if "keypairs" not in result:\n',
        '    if "keypairs" not in result and not result.get("msg"):\n',
    ),
    VerificationBug(
        "no-keys-are-the-same",
        "two keys that are not known count as one",
        VERIFICATION,
        "    return key_material(str(one)) is not None and key_material",
        "    return key_material",
    ),
    VerificationBug(
        "bad-key-found-late",
        "a key that cannot be used is found when the servers have been stopped",
        VERIFICATION,
        "                refuse(record, f\"{login['msg']}{more}\")\n",
        "                pass\n",
    ),
    VerificationBug(
        "unchecked-is-fine",
        "keys that could not be checked at all are taken for good",
        VERIFICATION,
        "                if name in checked and given:\n",
        "                if name in checked and given and not problem:\n",
    ),
)
