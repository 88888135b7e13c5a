# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in text from outside: found in every encoding, alone and nested, and nothing else is taken out."""

from __future__ import annotations

import base64
import html
import json
import random
import string
import typing as t
from urllib.parse import quote, quote_plus

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._core.secrets import (
    MASK,
    NESTED,
    RUNS,
    SEARCHED,
    Secrets,
)

draw = random.Random(20261128)


def pem(size: int) -> str:
    """Return a private key in PEM format, as far as its shape goes."""
    lines = base64.encodebytes(bytes(draw.randrange(256) for _number in range(size))).decode().replace("\n", "")
    body = "\n".join(lines[start : start + 64] for start in range(0, len(lines), 64))
    return f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n"


SECRETS = {
    "secret key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "secret key of 30 characters": "".join(draw.choice(string.ascii_letters) for _number in range(30)),
    "secret key without signs": "".join(draw.choice(string.ascii_letters) for _number in range(40)),
    "token": base64.b64encode(bytes(draw.randrange(256) for _number in range(3000))).decode(),
    "URL-safe token": base64.urlsafe_b64encode(bytes(draw.randrange(256) for _number in range(200))).decode(),
    "hexadecimal token": bytes(draw.randrange(256) for _number in range(32)).hex(),
    "private key": pem(1190),
    "private key with short last line": pem(1155),
    "password": 'P@ss<w0rd>&"42"',
    "password with blanks": "correct horse battery staple",
    "password that looks escaped": "100%25\\n&amp;",
    "password in German": "Schlüssel-Wort-ß1",
    "password in Chinese with a picture": "密码密码🔑密码一二",
    "password that ends like an escape": "dwjTF}Kt-CTdH>w;\\",
    "eight characters": "Tr0ub4d0",
    "eight characters with signs": "6EHyWXD/",
    "short": "pa55!",
}


def units(text: str) -> list[str]:
    """Return the code units of UTF-16 in hexadecimal digits."""
    data = text.encode("utf-16-be")
    return [data[start : start + 2].hex() for start in range(0, len(data), 2)]


def everywhere(text: str) -> str:
    """Escape every character as JSON allows."""
    return "".join(f"\\u{unit}" for unit in units(text))


#: What may become of a text on its way through a service.
ENCODINGS: dict[str, t.Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON with letters of all languages": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"key": text})),
    "JSON in JSON in JSON": lambda text: json.dumps(json.dumps(json.dumps(text))),
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON with nothing but escapes": everywhere,
    "URL": lambda text: quote(text, safe=""),
    "URL with slashes": quote,
    "URL in lower case": lambda text: quote(text, safe="").replace("%2F", "%2f").replace("%0A", "%0a"),
    "URL in GBK": lambda text: quote(text.encode("gb18030"), safe=""),
    "URL as in JavaScript": lambda text: "".join(f"%u{unit}" for unit in units(text)),
    "form": quote_plus,
    "bytes of Python": lambda text: repr(text.encode()),
    "characters of Python": lambda text: "".join(f"\\U{ord(char):08x}" for char in text),
    "UTF-16 read as UTF-8": lambda text: "".join(f"{char}\0" for char in text),
    "with marks that cannot be seen": "\u200b".join,
    "URL in URL": lambda text: quote(quote(text, safe=""), safe=""),
    "HTML": html.escape,
    "HTML numbers": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "HTML hexadecimal numbers": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "HTML numbers without semicolons": lambda text: "".join(f"&#{ord(char)}" for char in text),
    "HTML with line breaks": lambda text: html.escape(text).replace("\n", "<br/>\n"),
    "JSON in a URL": lambda text: quote(json.dumps({"key": text})),
    "JSON in HTML": lambda text: html.escape(json.dumps({"key": text})),
}
#: Encodings in which a secret must have some length to be told from ordinary text.
LONG_ENCODINGS: dict[str, t.Callable[[str], str]] = {
    "Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "Base64, one byte later": lambda text: base64.b64encode(f":{text}".encode()).decode(),
    "Base64, two bytes later": lambda text: base64.b64encode(f"::{text}".encode()).decode(),
    "URL-safe Base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "Base64 in lines": lambda text: base64.encodebytes(f"user:{text}".encode()).decode(),
    "Base64 of JSON": lambda text: base64.b64encode(json.dumps({"auth": {"key": text}}).encode()).decode(),
    "Base64 in a URL": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "Base64 of Base64": lambda text: base64.b64encode(base64.b64encode(f"user:{text}".encode())).decode(),
    "Base64 of Base64 in lines": lambda text: base64.encodebytes(base64.b64encode(f"user:{text}".encode())).decode(),
    "Base64 of UTF-16": lambda text: base64.b64encode(f"user:{text}".encode("utf-16-le")).decode(),
    "Base64 of a URL": lambda text: base64.b64encode(f"p={quote(text, safe='')}".encode()).decode(),
    "Base64 of JSON in JSON": lambda text: base64.b64encode(json.dumps(json.dumps({"key": text})).encode()).decode(),
    "hexadecimal of Base64": lambda text: base64.b64encode(text.encode()).hex(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in capitals": lambda text: text.encode().hex().upper(),
}
#: Encodings that put something between the parts of long secrets.
PIECES: dict[str, t.Callable[[str], str]] = {
    "form": quote_plus,
    "line by line": lambda text: "\n".join(f"line {number}: {line}" for number, line in enumerate(text.splitlines())),
    "a list of lines": lambda text: json.dumps(text.splitlines()),
    "in pieces of 40": lambda text: "\n  ".join(text[start : start + 40] for start in range(0, len(text), 40)),
    "without line breaks": lambda text: text.replace("\n", ""),
    "with blanks for line breaks": lambda text: text.replace("\n", " "),
    "with carriage returns": lambda text: text.replace("\n", "\r\n"),
    "its beginning": lambda text: text[: len(text) // 2],
    "its end": lambda text: text[len(text) // 2 :],
}


def readable(text: str, secret: str) -> list[str]:
    """Return the pieces of a secret, 20 characters long, that can be read in a text."""
    letters = "".join(char for char in secret if char.isalnum())
    shown = "".join(char for char in text if char.isalnum())
    return [letters[start : start + 20] for start in range(len(letters) - 19) if letters[start : start + 20] in shown]


@pytest.mark.parametrize("encode", [*ENCODINGS.values()], ids=[*ENCODINGS])
@pytest.mark.parametrize("secret", [*SECRETS.values()], ids=[*SECRETS])
def test_a_secret_is_hidden_in_every_encoding(secret: str, encode: t.Callable[[str], str]) -> None:
    secrets = Secrets([secret])
    echo = encode(secret)
    masked = secrets.mask(f"Login with {echo} failed.")
    assert MASK in masked
    assert echo not in masked
    assert secret.strip() not in masked
    assert masked.startswith("Login with ")
    assert masked.endswith(" failed.")
    assert secrets.in_text(f"Login with {echo} failed.")
    assert masked == secrets.mask(masked)


@pytest.mark.parametrize("encode", [*LONG_ENCODINGS.values()], ids=[*LONG_ENCODINGS])
@pytest.mark.parametrize("secret", [*SECRETS.values()][:-1], ids=[*SECRETS][:-1])
def test_an_encoded_secret_is_hidden(secret: str, encode: t.Callable[[str], str]) -> None:
    secrets = Secrets([secret])
    echo = encode(secret)
    masked = secrets.mask(f"Login with {echo} failed.")
    assert MASK in masked
    assert masked.startswith("Login with ")
    assert masked.endswith(" failed.")
    assert secrets.in_text(f"Login with {echo} failed.")
    # What is left is the work of the encoding, not of the secret.
    lines = [line for line in secret.splitlines() if not line.startswith("-----")]
    for line in lines if len(lines) > 1 else [secret]:
        assert not (len(line) >= 20 and line.encode().hex()[:40] in masked.lower())
        assert base64.b64encode(line.encode()).decode()[:20] not in masked


@pytest.mark.parametrize("encode", [*PIECES.values()], ids=[*PIECES])
@pytest.mark.parametrize("name", ["token", "private key", "private key with short last line"])
def test_a_long_secret_is_hidden_in_pieces(name: str, encode: t.Callable[[str], str]) -> None:
    secret = SECRETS[name]
    body = "".join(line for line in secret.splitlines() if not line.startswith("-----"))
    masked = Secrets([secret]).mask(f"Login with {encode(secret)} failed.")
    assert MASK in masked
    assert readable(masked, body) == []


def test_lines_that_every_private_key_has_are_not_masked() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n" + "Ab1" * 40 + "\n-----END RSA PRIVATE KEY-----"
    text = "Give a key that begins with -----BEGIN RSA PRIVATE KEY-----; Proc-Type: 4,ENCRYPTED is not supported."
    assert Secrets([key]).mask(text) == text


@pytest.mark.parametrize("secret", ["", "t", "on", "the", " \n"])
def test_a_very_short_secret_masks_nothing(secret: str) -> None:
    text = "HTTPSConnectionPool(host='x'): the Read timed out. t on"
    assert Secrets([secret]).mask(text) == text


@pytest.mark.parametrize(
    ("secret", "text", "masked"),
    [
        ("Pool", "HTTPSConnectionPool: Pool, Pools, Pool.", "HTTPSConnectionPool: ********, Pools, ********."),
        ("timeout-of-5-s", "The time is up... time... and so on", "The time is up... ********... and so on"),
        ("timeout", "ReadTimeout timeout=5 timeouts", "ReadTimeout ********=5 timeouts"),
        ("pass/word", "the password is wrong: pass/word", "the password is wrong: ********"),
        ("pa-ss-word-1", "password1 pa-ss-word-1", "password1 ********"),
        ("administrator1", "The administrator may not.", "The administrator may not."),
        ("Correct-Horse-Battery-Staple-For-Me", "correct horses", "correct horses"),
    ],
)
def test_ordinary_text_is_left_alone(secret: str, text: str, masked: str) -> None:
    assert Secrets([secret]).mask(text) == masked


def test_ids_and_public_keys_are_left_alone() -> None:
    secrets = Secrets(SECRETS.values())
    rows = [
        {"task_id": f"aee8d2fe-5484-4753-9177-{number:012x}", "task_status": "SUCCESS_RESET"} for number in range(99)
    ]
    public = base64.b64encode(bytes(draw.randrange(256) for _number in range(279))).decode()
    text = json.dumps({"tasks": rows, "public_key": f"ssh-rsa {public}"})
    assert not secrets.in_text(text)
    assert secrets.mask(text) == text


def test_several_secrets_are_hidden_and_what_is_between_them_is_not() -> None:
    secrets = Secrets([SECRETS["secret key"]])
    secrets.add(SECRETS["password"])
    echo = (
        f"{SECRETS['password']} and {json.dumps(SECRETS['secret key'])}, {SECRETS['password']}{SECRETS['secret key']}"
    )
    assert secrets.mask(echo) == f'{MASK} and "{MASK}", {MASK}'


def test_a_value_is_masked_at_every_depth() -> None:
    secret = SECRETS["private key"]
    value = {"a": [secret, 1, None, True, {"b": f"x {secret}"}], secret: 0.5, "c": "plain"}
    key = f"{MASK}\n"
    assert Secrets([secret]).mask_all(value) == {"a": [key, 1, None, True, {"b": f"x {key}"}], key: 0.5, "c": "plain"}


def test_only_the_beginning_of_a_long_text_is_searched_and_kept() -> None:
    masked = Secrets([SECRETS["token"]]).mask("x" * SEARCHED + SECRETS["token"])
    assert masked == "x" * SEARCHED + "..."


@pytest.mark.parametrize("name", ["secret key", "secret key of 30 characters", "password", "password in German"])
@pytest.mark.parametrize("encoding", ["as it is", "URL", "JSON with nothing but escapes", "HTML"])
def test_the_beginning_of_a_secret_where_a_text_is_cut_is_hidden(name: str, encoding: str) -> None:
    secrets = Secrets([SECRETS[name]])
    echo = ENCODINGS[encoding](SECRETS[name])
    for length in range(len(ENCODINGS[encoding](SECRETS[name][:4])), len(echo)):
        assert secrets.mask(f"Login with {echo[:length]}", cut=True) == f"Login with {MASK}"
        if encoding == "as it is":
            for dots in ("...", "\u2026"):
                assert secrets.mask(f"Login with {echo[:length]}{dots} 1") == f"Login with {MASK}{dots} 1"
    before = "x" * (SEARCHED - len(echo) + 1)
    assert secrets.mask(before + echo) == f"{before}{MASK}..."


def test_decoding_ends_however_long_and_nested_a_run_is() -> None:
    secrets = Secrets([SECRETS["secret key"]])
    text = SECRETS["secret key"]
    for _number in range(3):
        text = base64.b64encode(text.encode()).decode()
    assert secrets.mask(text).rstrip("=") == MASK
    assert secrets.in_text(text)
    for _number in range(12):
        text = base64.b64encode(text.encode()).decode()
    assert secrets.mask(text) == text
    assert not secrets.in_text("x" * 1_000_000)


@pytest.mark.parametrize(
    "text", ["%", "%zz", "\\", "\\u12", "&", "&#;", "&nosuchthing;", "&#99999999;", "\ud800", "%ff%fe"]
)
def test_half_an_escape_is_a_text_like_others(text: str) -> None:
    assert Secrets(["a-secret-of-some-length"]).mask(text) == text
    assert Secrets(["a-secret-of-some-length"]).mask(f"{text}a-secret-of-some-length") == f"{text}{MASK}"


def test_a_run_is_decoded_again_when_another_secret_is_known() -> None:
    hidden = base64.b64encode(base64.b64encode(b"a second secret")).decode()
    secrets = Secrets(["the first secret"])
    assert not secrets.in_text(hidden)
    assert not secrets.in_text(hidden)
    secrets.add("a second secret")
    assert secrets.in_text(hidden)


class Learning(Secrets):
    """Secrets to which another thread adds one, right after the first run was searched without it."""

    late = "a second secret"

    def _hides(self, run: str, nested: int = NESTED) -> bool:
        found = super()._hides(run, nested)
        if nested == NESTED and self.late:
            secret, self.late = self.late, ""
            self.add(secret)
        return found


def test_a_secret_that_is_added_during_a_search_is_found_by_the_next() -> None:
    hidden = base64.b64encode(base64.b64encode(b"a second secret")).decode()
    secrets = Learning(["the first secret"])
    secrets.in_text(hidden)
    assert secrets.in_text(hidden)


def test_runs_that_are_seen_again_do_not_keep_new_ones_from_being_decoded() -> None:
    secrets = Secrets(["the first secret"])
    ids = [f"{number:032x}" for number in range(RUNS)]
    hidden = base64.b64encode(base64.b64encode(b"the first secret")).decode()
    assert not secrets.in_text(" ".join([*ids, hidden])), "only so many runs of one text are decoded"
    assert secrets.in_text(" ".join([*ids, hidden]))
