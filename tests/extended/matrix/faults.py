# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of faults: what happens on the wire, and what that means in the world. ``rules`` says what must come of it.

Nothing here is taken from what the collection does. A row says where the fault strikes, whether the service may have carried
a write out, and what a failure must say.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
import typing as t
import zlib

import behaviors as b
from behaviors import answer, framed, says, vendor, web, xml
from rules import (
    ALWAYS,
    DENIED,
    FINE,
    FORBIDDEN,
    GONE,
    LOST,
    ODD,
    OFTEN,
    ONCE,
    REFUSED,
    SAID,
    STRANGER,
    THROTTLED,
    UNAVAILABLE,
    UNREAD,
    UNSENT,
    UNTRUSTED,
)
from subjects import WRITE, Subject
from wire import DOMAIN, HTTP, HTTPS, PROXY, message, plain

#: The place of a fault: the response; the one before it; the connection, tunnel, name or port of the request; the handshake of TLS, by
#: the name of a certificate; the name of a region, without an endpoint; the address of the proxy in the environment.
ANSWER, BEFORE, CONNECTION, TUNNEL, NAME, PORT, HANDSHAKE, REGION, ENVIRONMENT = (
    "answer",
    "before",
    "connection",
    "tunnel",
    "name",
    "port",
    "handshake",
    "region",
    "environment",
)

#: Whether a write was carried out.
DONE, NOT_DONE = (True,), (False,)
OPEN = (True, False)
#: Addresses where connections are refused, and where they are never accepted.
REFUSING, SILENT = "127.0.0.2", "127.0.0.3"


@dataclasses.dataclass(frozen=True)
class Fault:
    """One row.

    Attributes:
        name: What happens.
        means: What it means in the world, one of the words of ``rules``; by subject where that differs.
        does: What happens on the wire: a behavior, a strike, addresses, or the name of a certificate.
        where: Where it strikes.
        carried: Whether a write that it strikes was carried out; both are tried when both may be.
        ways: Ways to the service on which it is tried.
        times: Whether it strikes once, always, or both are tried.
        slow: It takes all the time that a request has.
        heavy: It takes much of the processor: a wait looks only a few times.
        dark: After it nothing answers any more.
        window: Seconds that the service asks to wait.
        later: Seconds after the response when the service carries a write out; 0 is before it.
        cloud: The only cloud it is for.
        says: What the message of a failure must match, beside what its meaning asks for.
        tunnels: How many tunnels may be asked for at most, when that is the point.
        within: Seconds by the run's own clock within which it ends, where that is less than its time.
        only: Whether it is for a subject.
    """

    name: str
    means: str | t.Callable[[Subject], str]
    does: t.Any
    where: str = ANSWER
    carried: tuple[bool, ...] = NOT_DONE
    ways: tuple[str, ...] = (HTTP, PROXY)
    times: tuple[str, ...] = (ONCE, ALWAYS)
    slow: bool = False
    heavy: bool = False
    dark: bool = False
    window: float = 0.0
    later: float = 0.0
    cloud: str = ""
    says: str = ""
    tunnels: int = 0
    within: float = 0.0
    only: t.Callable[[Subject], bool] = lambda _subject: True

    def meaning(self, subject: Subject) -> str:
        """Return what the fault means for a subject."""
        return self.means if isinstance(self.means, str) else self.means(subject)


def _unless_bodiless(otherwise: str) -> t.Callable[[Subject], str]:
    """Return a good response to an operation that promises no body; something else to the others.

    A response without its list may be an empty list, as with services that leave out what is empty.
    """
    return lambda subject: FINE if subject.bodiless else ODD if subject.operation in LISTS else otherwise


def _short(value: str) -> str:
    """Return a value for a name."""
    return value if len(value) < 40 else f"{value[:20]}... ({len(value)} characters)"


def _hint(value: str, window: float, *headers: tuple[str, str], means: str = THROTTLED) -> Fault:
    """Return a row about ``Retry-After``; ``window`` is what a reader of RFC 9110 makes of it."""
    shown = _short(value)
    does = answer(429, vendor("APIGW.0308", "too many requests"), ("Retry-After", value), *headers)
    return Fault(f"429 with Retry-After {shown!r}", means, does, window=window, cloud="hwc")


def _throttled(text: str, code: str = "APIGW.0308", status: int = 429, window: float = 0.0) -> Fault:
    return Fault(
        f"throttled with {status} {code} {text!r}",
        THROTTLED,
        answer(status, vendor(code, text)),
        window=window,
        cloud="hwc",
    )


def _ali_throttled(code: str, status: int, *headers: tuple[str, str], window: float = 0.0) -> Fault:
    shown = "".join(f", {name} {_short(value)}" for name, value in headers)
    body = vendor(code, "Request was denied due to user flow control.")
    return Fault(
        f"throttled with {status} {code}{shown}", THROTTLED, answer(status, body, *headers), window=window, cloud="ali"
    )


#: Refusals that nothing but a change of the request can help against, whatever their status.
PLAIN_REFUSALS = (
    400,
    402,
    405,
    406,
    409,
    410,
    411,
    412,
    413,
    414,
    415,
    416,
    417,
    418,
    421,
    422,
    423,
    424,
    426,
    428,
    431,
    451,
    494,
    499,
)
#: What fails by itself, or stands before what failed.
FAILURES = (
    500,
    501,
    502,
    503,
    504,
    505,
    506,
    507,
    508,
    509,
    510,
    511,
    520,
    521,
    522,
    523,
    524,
    525,
    526,
    527,
    529,
    530,
    598,
    599,
)

#: Operations that response with a list.
LISTS = ("ListSecretTask", "ListServersDetails")
DEEP = b"[" * 100_000 + b"]" * 100_000
LONG_DIGITS = "9" * 5000
#: Made once, and before processes are: it takes a second.
BOMB, DOUBLE_BOMB = b.bomb(1), b.bomb(2)
REDIRECTS = {
    "to itself": "/again",
    "to another host": "https://elsewhere.example/stolen",
    "to plain http": "http://elsewhere.example/stolen",
    "to nowhere": None,
    "to an empty address": "",
    "with credentials": "https://user:password@elsewhere.example/stolen",
    "to a script": "javascript:alert(1)",
    "to a file": "file:///etc/passwd",
    "with a control character": "/a\x1b[2Jb",
    "to an address of a kilobyte": "/" + "a" * 1000,
}


def _redirect(status: int, address: str | None) -> t.Any:
    return answer(status, web(), *([("Location", address)] if address is not None else []))


#: Addresses in HTTPS_PROXY by which nothing can be reached. Their passwords hold the words sesame and opens.
PROXIES = {
    "with # in its password": "http://user:sesame#opens@127.0.0.1:9",
    "with / in its password": "http://user:sesame/opens@127.0.0.1:9",
    "with ? in its password": "http://user:sesame?opens@127.0.0.1:9",
    "with a space in its password": "http://user:sesame opens@127.0.0.1:notaport",
    "with a control character in its password": "http://user:sesame\x1bopens@127.0.0.1:notaport",
    "with a port that is not a number": "http://user:sesame-opens@127.0.0.1:notaport",
    "with a port that is too high": "http://user:sesame-opens@127.0.0.1:99999",
    "without a host": "http://user:sesame-opens@:8080",
    "with half an IPv6 address": "http://user:sesame-opens@[::1:8080",
    "with an IPv6 address that is none": "http://user:sesame-opens@[1:2:3]:8080",
    "with an empty label in its host": "http://user:sesame-opens@proxy..example.com:8080",
    "with a byte that is not UTF-8, and no port": "http://user:sesame\udce4opens@127.0.0.1:",
    "with a scheme that does not exist": "gopher://user:sesame-opens@127.0.0.1:9",
    "with a scheme of SOCKS without a version": "socks://user:sesame-opens@127.0.0.1:9",
}

FAULTS: tuple[Fault, ...] = (
    # --- Nothing is wrong, or nothing that matters
    Fault("nothing", FINE, b.unchanged, carried=DONE, ways=(HTTP, HTTPS, PROXY)),
    Fault("the right response, and the connection closed", FINE, b.closing, carried=DONE),
    Fault("the right response after half a second", FINE, b.after(0.5, b.unchanged), carried=DONE, times=(ALWAYS,)),
    Fault("the right response with status 201", FINE, answer(201, b.healthy), carried=DONE),
    Fault("the right response with status 202", FINE, answer(202, b.healthy), carried=DONE),
    Fault("the right response with status 203", FINE, answer(203, b.healthy), carried=DONE),
    Fault("the right response with status 206", ODD, answer(206, b.healthy), carried=DONE),
    Fault("the right response with status 226", FINE, answer(226, b.healthy), carried=DONE),
    Fault("the right response with status 299", FINE, answer(299, b.healthy), carried=DONE),
    Fault("the right response as text/plain", FINE, answer(200, b.altered(bytes, "text/plain")), carried=DONE),
    Fault("the right response as text/html", FINE, answer(200, b.altered(bytes, "text/html")), carried=DONE),
    Fault(
        "the right response with white space around it",
        FINE,
        answer(200, b.altered(lambda body: b"\r\n " + body + b"\n")),
        carried=DONE,
    ),
    Fault(
        "the right response after a byte order mark",
        ODD,
        answer(200, b.altered(lambda body: b"\xef\xbb\xbf" + body)),
        carried=DONE,
    ),
    Fault(
        "the right response in UTF-16",
        ODD,
        answer(200, b.altered(lambda body: body.decode().encode("utf-16"))),
        carried=DONE,
    ),
    Fault(
        "the right response, said to be Latin-1",
        FINE,
        answer(200, b.altered(bytes, "application/json;charset=iso-8859-1")),
        carried=DONE,
    ),
    Fault(
        "the right response, said to be in a charset that does not exist",
        FINE,
        answer(200, b.altered(bytes, "application/json;charset=nonsense")),
        carried=DONE,
    ),
    Fault("the right response with an infinite number", ODD, answer(200, b.with_field('"x": 1e999')), carried=DONE),
    Fault(
        "the right response with a number of 5000 digits",
        ODD,
        answer(200, b.with_field(f'"x": {LONG_DIGITS}')),
        carried=DONE,
    ),
    Fault("the right response with NaN", ODD, answer(200, b.with_field('"x": NaN')), carried=DONE),
    Fault(
        "the right response with half a surrogate pair", ODD, answer(200, b.with_field('"x": "\\ud800"')), carried=DONE
    ),
    Fault(
        "the right response with the bytes of half a surrogate pair",
        ODD,
        answer(
            200,
            b.altered(
                lambda body: (body or b"{}")[:-1] + (b', "x": "\xed\xa0\x80"}' if body else b'"x": "\xed\xa0\x80"}')
            ),
        ),
        carried=DONE,
    ),
    Fault(
        "the right response with control characters",
        FINE,
        answer(200, b.with_field('"x": "\\u001b[2J\\u0000\\u202e"')),
        carried=DONE,
    ),
    Fault(
        "the right response with a field nested 100000 deep",
        ODD,
        answer(200, b.with_field(f'"x": {DEEP.decode()}')),
        carried=DONE,
    ),
    Fault(
        "the right response with a megabyte more",
        FINE,
        answer(200, b.with_field(f'"x": "{"a" * 1_000_000}"')),
        carried=DONE,
    ),
    # --- Refusals by the service
    *(Fault(f"{status}, by the service", REFUSED, answer(status, vendor())) for status in PLAIN_REFUSALS),
    Fault(
        "404, by the service's gateway",
        REFUSED,
        answer(404, vendor("APIGW.0101", "The API does not exist")),
        cloud="hwc",
    ),
    Fault("404, of the access key", DENIED, answer(404, vendor("InvalidAccessKeyId.NotFound")), cloud="ali"),
    Fault("404, of the directory", REFUSED, answer(404, vendor("EntityNotExists.Directory")), cloud="ali"),
    Fault(
        "404, by a code that means something else", REFUSED, answer(404, vendor("DEW.0999", "not here")), cloud="hwc"
    ),
    # Not documented: it may mean that the thing is not there.
    Fault("404, by an unknown code of KPS", ODD, answer(404, vendor("KPS.0999", "not here")), cloud="hwc"),
    Fault("the thing does not exist", GONE, "gone", only=lambda subject: subject.gone is not None),
    Fault("400 in English, without a code", STRANGER, answer(400, b.raw(b"Bad Request", "text/plain"))),
    Fault(
        "400 with code and message inside error",
        REFUSED,
        answer(400, b.document({"error": {"code": "Ecs.0005", "message": "no"}})),
        cloud="hwc",
    ),
    Fault(
        "400 with a number as code",
        REFUSED,
        answer(400, b.document({"error": {"code": 400, "message": "no", "title": "Bad"}})),
        cloud="hwc",
    ),
    Fault(
        "400 with a list as code",
        STRANGER,
        answer(400, b.document({"error_code": [1, {"a": None}], "error_msg": {"b": [2]}, "Code": [1], "Message": {}})),
    ),
    Fault(
        "400 with null as code",
        STRANGER,
        answer(400, b.document({"error_code": None, "error_msg": None, "Code": None, "Message": None})),
    ),
    Fault(
        "400 with an empty code",
        STRANGER,
        answer(400, b.document({"error_code": "", "error_msg": "", "Code": "", "Message": ""})),
    ),
    Fault(
        "400 with true as code",
        STRANGER,
        answer(400, b.document({"error_code": True, "error_msg": False, "Code": True, "Message": 1.5})),
    ),
    Fault(
        "400 with a code of a megabyte",
        STRANGER,
        answer(
            400,
            b.document(
                {"error_code": "A" * 1_000_000, "error_msg": "B" * 1_000_000, "Code": "A" * 1_000_000, "Message": "B"}
            ),
        ),
        heavy=True,
    ),
    Fault("400 with an error nested 100000 deep", STRANGER, answer(400, b.raw(DEEP))),
    Fault(
        "400 with an object nested 100000 deep",
        STRANGER,
        answer(400, b.raw(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
    ),
    Fault(
        "400 with a number of 5000 digits",
        STRANGER,
        answer(400, b.raw(b'{"error_code": %s, "Code": %s}' % (LONG_DIGITS.encode(), LONG_DIGITS.encode()))),
    ),
    Fault(
        "400 with control characters",
        REFUSED,
        answer(400, vendor(text="a\x1b[2J\x1b]0;title\x07b\rc\nd\x00e\u202ef\u2066g\x9bh\u2028i")),
    ),
    Fault("400 with templates", REFUSED, answer(400, vendor(text="{{ lookup('pipe', 'id') }} {% raw %} $(id) %s {0}"))),
    Fault(
        "400 with half a surrogate pair",
        STRANGER,
        answer(
            400,
            b.raw(b'{"error_code": "KPS.0999", "error_msg": "a\\ud800b", "Code": "SomeCode", "Message": "a\\ud800b"}'),
        ),
    ),
    Fault("403, by the service", FORBIDDEN, answer(403, vendor("KPS.9003", "no permission"))),
    Fault("403, by the gateway", FORBIDDEN, answer(403, vendor("APIGW.0302", "not authorized")), cloud="hwc"),
    Fault("403, NoPermission", FORBIDDEN, answer(403, vendor("NoPermission", "no permission")), cloud="ali"),
    Fault(
        "403 with details that are a number",
        FORBIDDEN,
        answer(
            403,
            b.document(
                {"error_code": "SMS.9004", "error_msg": "no", "details": 7, "encoded_authorization_message": [1]}
            ),
        ),
        cloud="hwc",
    ),
    Fault("400 as XML", REFUSED, answer(400, xml("SomeCode")), cloud="ali"),
    Fault(
        "400 as XML with a namespace, attributes and a comment",
        REFUSED,
        answer(
            400,
            b.raw(
                b"<?xml version='1.0'?><!-- no --><e:Error xmlns:e='u'><e:Code a='b'>X</e:Code></e:Error>", b.XML_TYPE
            ),
        ),
        cloud="ali",
    ),
    Fault(
        "400 with an object named Error",
        # Services of Huawei Cloud do not write errors so.
        lambda subject: REFUSED if subject.cloud == "ali" else STRANGER,
        answer(400, b.document({"Error": {"Code": "X", "Message": "no"}})),
    ),
    # --- Refused credentials
    Fault(
        "401, a wrong signature",
        DENIED,
        answer(401, vendor("APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail")),
        cloud="hwc",
    ),
    Fault(
        "401, an expired token", DENIED, answer(401, vendor("APIGW.0307", "The token must be updated.")), cloud="hwc"
    ),
    Fault(
        "401, a locked key",
        DENIED,
        answer(401, vendor("APIGW.0301", "AK access failed to reach the limit,forbidden")),
        cloud="hwc",
        says="five minutes",
    ),
    Fault(
        "401, an unknown key",
        DENIED,
        answer(401, vendor("APIGW.0301", "Get secretKey failed,ak:X,err:ak not exist")),
        cloud="hwc",
    ),
    Fault("401 by KPS", DENIED, answer(401, vendor("KPS.9001", "token invalid")), cloud="hwc"),
    Fault("401 as a page", DENIED, answer(401, web(), ("WWW-Authenticate", "Basic realm=proxy"))),
    Fault("401 without anything", DENIED, answer(401)),
    Fault(
        "400, SignatureDoesNotMatch",
        DENIED,
        answer(
            400,
            vendor(
                "SignatureDoesNotMatch",
                "The specified signature does not match our calculation. server string to sign is: ACS3",
            ),
        ),
        cloud="ali",
    ),
    Fault("400, IncompleteSignature", DENIED, answer(400, vendor("IncompleteSignature")), cloud="ali"),
    Fault("400, an expired security token", DENIED, answer(400, vendor("InvalidSecurityToken.Expired")), cloud="ali"),
    Fault("400, an inactive key", DENIED, answer(400, vendor("InvalidAccessKeyId.Inactive")), cloud="ali"),
    Fault(
        "400, a wrong clock",
        DENIED,
        answer(400, vendor("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")),
        cloud="ali",
        says="[Cc]lock",
    ),
    Fault(
        "400, a wrong clock by its other name",
        DENIED,
        answer(400, vendor("IllegalTimestamp", "The input parameter Timestamp is not valid.")),
        cloud="ali",
        says="[Cc]lock",
    ),
    Fault(
        "400, a wrong clock in another letter case",
        DENIED,
        answer(400, vendor("InvalidTimestamp.Expired", "Specified time stamp or date value is expired.")),
        cloud="ali",
        says="[Cc]lock",
    ),
    Fault("a wrong signature as XML", DENIED, answer(400, xml("SignatureDoesNotMatch")), cloud="ali"),
    # --- Refusals by what stands in between
    *(Fault(f"{status} as a page", STRANGER, answer(status, web())) for status in (400, 403, 404, 405, 410, 451)),
    *(Fault(f"{status} without a body", STRANGER, answer(status)) for status in (400, 403, 404, 409)),
    Fault("404 with a JSON object that is not an error", STRANGER, answer(404, b.document({"hello": "world"}))),
    Fault("404 with an empty JSON object", STRANGER, answer(404, b.document({}))),
    Fault("404 with a JSON list", STRANGER, answer(404, b.document([]))),
    Fault("404 with null", STRANGER, answer(404, b.document(None))),
    Fault("404 with half a JSON object", STRANGER, answer(404, b.raw(b'{"error_code": "KPS.0'))),
    Fault(
        "404 as a page that names the code",
        STRANGER,
        answer(404, web("<html>KPS.0001 KPS.4016 KPS.0005 EntityNotExists.Task</html>")),
    ),
    Fault("404 as XML of another service", STRANGER, answer(404, xml("NoSuchKey")), cloud="hwc"),
    Fault(
        "403 in a language of its own",
        STRANGER,
        answer(403, b.raw("<html>访问被拒绝 \x1b[31m</html>".encode("gb18030"), "text/html;charset=gb2312")),
    ),
    # --- Throttling
    _throttled(
        "The throttling threshold has been reached: policy user over ratelimit,limit:2,time:1 minute", window=60
    ),
    _throttled("The throttling threshold has been reached: policy user over ratelimit,limit:5,time:1 second", window=1),
    _throttled("The throttling threshold has been reached: policy ip over ratelimit,limit:60,time:1 hour", window=3600),
    _throttled("limit:1,time:99999999999999999999 day", window=1e9),
    _throttled("limit:0,time:0 second"),
    _throttled("the API is throttled", code="APIG.0308"),
    _throttled("too many requests", code="KPS.0429"),
    Fault(
        "429 with code and message inside error",
        THROTTLED,
        answer(429, b.document({"error": {"code": 429, "message": "Too many requests"}})),
    ),
    Fault("429 as a page", THROTTLED, answer(429, web())),
    Fault("429 without a body", THROTTLED, answer(429)),
    Fault("429 with half a JSON object", THROTTLED, answer(429, b.raw(b'{"error_code": "APIG'))),
    Fault("429 as XML", THROTTLED, answer(429, xml("Throttling"))),
    _ali_throttled("Throttling", 400),
    _ali_throttled("Throttling.User", 400),
    _ali_throttled("Throttling.Api", 429),
    _ali_throttled("Rejected.Throttling", 400),
    _ali_throttled("Throttling.User", 503),
    _ali_throttled("Throttling.User", 429, ("x-acs-retry-after", "2000"), window=2),
    _ali_throttled("Throttling.User", 429, ("x-acs-retry-after", "0")),
    _ali_throttled("Throttling.User", 429, ("x-acs-retry-after", "-5")),
    _ali_throttled("Throttling.User", 429, ("x-acs-retry-after", "soon")),
    _ali_throttled("Throttling.User", 429, ("x-acs-retry-after", "9" * 30), window=1e9),
    _ali_throttled("Throttling.User", 429, ("x-acs-retry-after", "9" * 5000), window=1e9),
    _ali_throttled("Throttling.User", 429, ("x-acs-retry-after", "²")),
    _ali_throttled("Throttling.User", 429, ("x-acs-retry-after", "1e3")),
    Fault("throttled as XML", THROTTLED, answer(400, xml("Throttling.User")), cloud="ali"),
    Fault("unavailable as XML", UNAVAILABLE, answer(503, xml("ServiceUnavailable")), cloud="ali"),
    Fault(
        "throttled in a response with status 200",
        THROTTLED,
        answer(200, b.document({"RequestId": "R", "Code": "Throttling.User", "Message": "flow control"})),
        cloud="ali",
    ),
    Fault(
        "throttled in a response with status 200, inside Error",
        THROTTLED,
        answer(200, b.document({"RequestId": "R", "Error": {"Code": "Throttling.User", "Message": "flow control"}})),
        cloud="ali",
    ),
    # --- Retry hints
    _hint("0", 0),
    _hint("1", 1),
    _hint("30", 30),
    _hint("60", 60),
    _hint("3600", 3600),
    _hint("-1", 0),
    _hint("-99999999999", 0),
    _hint("1.5", 1.5),
    _hint("1e3", 1000),
    _hint("1e308", 1e308),
    _hint("1e999", 0),
    _hint("nan", 0),
    _hint("inf", 0),
    _hint("9" * 40, 1e40),
    _hint("9" * 5000, 1e9),
    _hint("soon", 0),
    _hint("", 0),
    _hint("1, 2", 2),
    _hint("١", 1),
    _hint("0x10", 16),
    _hint("1_0", 10),
    _hint("\t 2 \t", 2),
    _hint("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    _hint("Fri, 31 Dec 9999 23:59:59 GMT", 1e9),
    _hint("Fri, 31 Dec 9999 23:59:59 -2359", 1e9),
    _hint("Mon, 99 Foo 2026 99:99:99 GMT", 0),
    _hint("Wed, 21 Oct 2026 07:28:00 GMT", 2, ("Date", "Wed, 21 Oct 2026 07:27:58 GMT")),
    _hint("Wed, 21 Oct 99999 07:28:00 GMT", 1e9),
    _hint("2", 2, ("Retry-After", "3")),
    Fault(
        "503 with Retry-After 2",
        UNAVAILABLE,
        answer(503, vendor("KPS.0003", "busy"), ("Retry-After", "2")),
        carried=OPEN,
    ),
    Fault(
        "503 with Retry-After 1e308",
        UNAVAILABLE,
        answer(503, web(), ("Retry-After", "1e308")),
        carried=OPEN,
        window=1e9,
    ),
    # --- Every second time
    Fault(
        "every second response throttled",
        THROTTLED,
        answer(429, vendor("Throttling.User", "too many")),
        times=(OFTEN,),
    ),
    Fault("every second response 503", UNAVAILABLE, answer(503, web()), carried=OPEN, times=(OFTEN,)),
    Fault("every second response 502 with a page", UNAVAILABLE, answer(502, web()), carried=DONE, times=(OFTEN,)),
    Fault("every second connection reset", LOST, says(b"", end="reset"), carried=OPEN, times=(OFTEN,)),
    Fault("every second response a page", UNREAD, answer(200, web()), carried=DONE, times=(OFTEN,)),
    Fault("every second handshake closed", UNSENT, b.closed, where=HANDSHAKE, ways=(HTTPS, PROXY), times=(OFTEN,)),
    Fault(
        "every second tunnel refused",
        UNSENT,
        b.saying(b"HTTP/1.1 503 No\r\n\r\n"),
        where=TUNNEL,
        ways=(PROXY,),
        times=(OFTEN,),
    ),
    Fault(
        "a response about another task",
        UNREAD,
        answer(200, b.altered(lambda body: re.sub(rb'(ask_?[Ii]d": ")[^"]+', rb"\1another-task", body))),
        carried=DONE,
        only=lambda subject: subject.operation in ("ListKeypairTask", "GetTask"),
    ),
    # --- The service fails
    *(
        Fault(f"{status}, by the service", UNAVAILABLE, answer(status, vendor("KPS.0003", "busy")), carried=OPEN)
        for status in FAILURES
    ),
    *(
        Fault(f"{status} as a page", UNAVAILABLE, answer(status, web()), carried=OPEN)
        for status in (500, 502, 503, 504)
    ),
    *(Fault(f"{status} without a body", UNAVAILABLE, answer(status), carried=OPEN) for status in (500, 502, 504)),
    Fault("500 with half a JSON object", UNAVAILABLE, answer(500, b.raw(b'{"error_code": "KPS.0')), carried=OPEN),
    Fault(
        "500 with control characters",
        UNAVAILABLE,
        answer(500, vendor(text="\x1b[2J\x07\u202e boom \r\n bang")),
        carried=OPEN,
    ),
    Fault("500 nested 100000 deep", UNAVAILABLE, answer(500, b.raw(DEEP)), carried=OPEN),
    Fault("500 with the right response", UNAVAILABLE, answer(500, b.healthy), carried=DONE),
    Fault(
        "502 by the gateway",
        UNAVAILABLE,
        answer(502, vendor("APIGW.0201", "Backend unavailable")),
        cloud="hwc",
        carried=OPEN,
    ),
    Fault(
        "504 by the gateway",
        UNAVAILABLE,
        answer(504, vendor("APIGW.0201", "Backend timeout")),
        cloud="hwc",
        carried=OPEN,
    ),
    Fault("status 600", UNAVAILABLE, answer(600, web()), carried=OPEN),
    Fault("status 999", UNAVAILABLE, answer(999, web()), carried=OPEN),
    Fault("408, a request that took too long", UNAVAILABLE, answer(408, web()), carried=OPEN),
    # --- Redirects, which are never followed
    *(Fault(f"302 {what}", UNREAD, _redirect(302, address), carried=DONE) for what, address in REDIRECTS.items()),
    *(
        Fault(f"{status}, a redirect", UNREAD, _redirect(status, "https://elsewhere.example/stolen"), carried=OPEN)
        for status in (300, 301, 303, 305, 307, 308)
    ),
    Fault("304 without a body", UNREAD, answer(304), carried=DONE),
    # --- Good responses that say nothing
    Fault("200 without a body", _unless_bodiless(UNREAD), answer(200), carried=DONE),
    Fault("204", _unless_bodiless(UNREAD), answer(204), carried=DONE),
    Fault("205", _unless_bodiless(UNREAD), answer(205), carried=DONE),
    Fault("200 with an empty JSON object", _unless_bodiless(UNREAD), answer(200, b.document({})), carried=DONE),
    Fault("200 with a page", UNREAD, answer(200, web("<html>Please sign in</html>")), carried=OPEN),
    Fault("200 with null", UNREAD, answer(200, b.document(None)), carried=DONE),
    Fault("200 with a list", UNREAD, answer(200, b.document([])), carried=DONE),
    Fault("200 with a number", UNREAD, answer(200, b.document(7)), carried=DONE),
    Fault("200 with a text", UNREAD, answer(200, b.document("ok")), carried=DONE),
    Fault("200 with true", UNREAD, answer(200, b.document(True)), carried=DONE),
    Fault(
        "200 with a JSON object that has nothing to do with it",
        _unless_bodiless(UNREAD),
        answer(200, b.document({"hello": "world"})),
        carried=DONE,
    ),
    Fault(
        "200 with nulls",
        _unless_bodiless(UNREAD),
        answer(
            200,
            b.document(
                dict.fromkeys(["task_id", "task_status", "Task", "TaskStatus", "keypair", "passphrase", "job_id"])
            ),
        ),
        carried=DONE,
        only=lambda subject: subject.operation not in ("ListSecretTask", "ListServersDetails"),
    ),
    Fault(
        "200 with half the right response, whole as HTTP",
        UNREAD,
        answer(200, b.altered(lambda body: body[: len(body) // 2] or b"{")),
        carried=DONE,
    ),
    Fault(
        "200 with the right response twice",
        UNREAD,
        answer(200, b.altered(lambda body: body + body if body else b"{}{}")),
        carried=DONE,
    ),
    Fault("200 with JSON of one quote", UNREAD, answer(200, b.raw(b'"')), carried=DONE),
    Fault("200 with bytes", UNREAD, answer(200, b.raw(bytes(range(256)))), carried=DONE),
    Fault("200 with invalid UTF-8", UNREAD, answer(200, b.raw(b'{"a": "\xff\xfe"}')), carried=DONE),
    Fault("200 nested 100000 deep", UNREAD, answer(200, b.raw(DEEP)), carried=DONE),
    Fault(
        "200 with an object nested 100000 deep",
        UNREAD,
        answer(200, b.raw(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
        carried=DONE,
    ),
    Fault("200 with XML", UNREAD, answer(200, b.raw(b"<?xml version='1.0'?><ok/>", b.XML_TYPE)), carried=DONE),
    Fault("200 with an error of the service", SAID, answer(200, vendor("KPS.0003", "busy")), carried=OPEN),
    Fault(
        "200 with the error that nothing is there",
        SAID,
        answer(200, vendor("KPS.4016", "Key pair does not exist")),
        cloud="hwc",
    ),
    Fault(
        "200 with an error inside error",
        SAID,
        answer(200, b.document({"error": {"code": "Ecs.0005", "message": "no"}})),
        cloud="hwc",
        carried=OPEN,
    ),
    Fault("200 with a page as JSON", UNREAD, answer(200, b.raw(b"<html>", b.JSON)), carried=DONE),
    # --- Connections that end too early, or never
    Fault("closed without a response", LOST, says(b""), carried=OPEN, ways=(HTTP, HTTPS, PROXY)),
    Fault("cut without a response", LOST, says(b"", end="cut"), carried=OPEN, ways=(HTTPS, PROXY)),
    Fault("reset without a response", LOST, says(b"", end="reset"), carried=OPEN, ways=(HTTP, HTTPS, PROXY)),
    Fault(
        "closed without a response after half a second",
        LOST,
        b.after(0.5, says(b"")),
        carried=OPEN,
        times=(ALWAYS,),
        slow=True,
    ),
    *(
        Fault(
            f"{name}, and carried out eight seconds later",
            means,
            does,
            carried=DONE,
            later=8.0,
            only=lambda subject: subject.kind == WRITE,
        )
        for name, means, does in (
            ("closed without a response", LOST, says(b"")),
            ("504 by the gateway", UNAVAILABLE, answer(504, web())),
        )
    ),
    Fault("closed, and then nothing answers any more", LOST, says(b""), carried=OPEN, dark=True, times=(ALWAYS,)),
    Fault(
        "503, and then nothing answers any more",
        UNAVAILABLE,
        answer(503, web()),
        carried=OPEN,
        dark=True,
        times=(ALWAYS,),
    ),
    Fault("no response", LOST, says(b"", end="hang"), carried=OPEN, slow=True, ways=(HTTP, HTTPS, PROXY)),
    Fault("closed in the status line", LOST, says(b"HTTP/1.1 20"), carried=OPEN),
    Fault("closed in a header", LOST, b.partly(0.6, of_body=False), carried=DONE),
    Fault("reset in a header", LOST, b.partly(0.6, of_body=False, end="reset"), carried=DONE),
    Fault("silent in a header", LOST, b.partly(0.6, of_body=False, end="hang"), carried=DONE, slow=True),
    Fault("silent in the status line", LOST, says(b"HTTP/1.1 2", end="hang"), carried=DONE, slow=True),
    Fault(
        "closed before the body",
        LOST,
        framed(lambda body: message(200, b"x" * (len(body) or 9), ("Content-Type", b.JSON))[: -(len(body) or 9)]),
        carried=DONE,
    ),
    Fault(
        "closed in the body",
        LOST,
        framed(lambda body: message(200, body or b"{}", ("Content-Type", b.JSON))[:-1]),
        carried=OPEN,
        ways=(HTTP, HTTPS, PROXY),
    ),
    Fault(
        "cut in the body",
        LOST,
        framed(lambda body: message(200, body or b"{}", ("Content-Type", b.JSON))[:-1], end="cut"),
        carried=DONE,
        ways=(HTTPS, PROXY),
    ),
    Fault(
        "reset in the body",
        LOST,
        framed(lambda body: message(200, body or b"{}", ("Content-Type", b.JSON))[:-1], end="reset"),
        carried=OPEN,
    ),
    Fault(
        "silent in the body",
        LOST,
        framed(lambda body: message(200, body or b"{}", ("Content-Type", b.JSON))[:-1], end="hang"),
        carried=OPEN,
        slow=True,
    ),
    Fault("a response byte by byte", LOST, b.dripping(0.2, head=True), carried=DONE, slow=True),
    Fault(
        "headers without an end",
        LOST,
        b.endless(b"X-More: 1\r\n", head=b"HTTP/1.1 200 OK\r\n"),
        carried=DONE,
        slow=True,
    ),
    Fault(
        "headers without an end, slowly",
        LOST,
        b.endless(b"X-More: 1\r\n", 0.2, head=b"HTTP/1.1 200 OK\r\n"),
        carried=DONE,
        slow=True,
    ),
    Fault(
        "a body without an end, slowly",
        LOST,
        b.endless(b" ", 0.1, head=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"),
        carried=DONE,
        slow=True,
    ),
    Fault(
        "a body without an end, at full speed",
        LOST,
        b.endless(b" " * 65536, 0.0, head=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"),
        carried=DONE,
        slow=True,
        times=(ALWAYS,),
    ),
    Fault(
        "chunks without an end, slowly",
        LOST,
        b.endless(b"1\r\n \r\n", 0.1, head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        carried=DONE,
        slow=True,
    ),
    # --- Framing
    Fault(
        "two lengths that agree",
        ODD,
        framed(b.headed("Content-Length: {length}", "Content-Length: {length}")),
        carried=DONE,
    ),
    Fault(
        "two lengths that differ", LOST, framed(b.headed("Content-Length: {length}", "Content-Length: 7")), carried=OPEN
    ),
    Fault("two lengths in one header", LOST, framed(b.headed("Content-Length: {length}, 7")), carried=DONE),
    Fault("a length that is too long", LOST, framed(b.headed("Content-Length: 100000")), carried=DONE),
    Fault(
        "a length that is too short",
        lambda s: ODD if s.bodiless else UNREAD,
        framed(b.headed("Content-Length: 5")),
        carried=DONE,
    ),
    Fault("a negative length", ODD, framed(b.headed("Content-Length: -5")), carried=DONE),
    Fault("a length that is not a number", ODD, framed(b.headed("Content-Length: many")), carried=DONE),
    Fault("a length with a plus", ODD, framed(b.headed("Content-Length: +{length}")), carried=DONE),
    Fault("a length of 5000 digits", ODD, framed(b.headed("Content-Length: " + LONG_DIGITS)), carried=DONE),
    Fault("an empty length", ODD, framed(b.headed("Content-Length:")), carried=DONE),
    Fault(
        "a length of zero before a body", _unless_bodiless(UNREAD), framed(b.headed("Content-Length: 0")), carried=DONE
    ),
    Fault("no length, and the end of the connection", FINE, framed(b.headed()), carried=DONE),
    Fault("no length, and a reset", ODD, framed(b.headed(), end="reset"), carried=DONE),
    Fault("no length, and no end", LOST, framed(b.headed(), end="hang"), carried=DONE, slow=True),
    Fault("a length and chunks", ODD, framed(b.chunked(head="Content-Length: 3\r\n")), carried=DONE),
    Fault("chunks", FINE, framed(b.chunked(), end="keep"), carried=DONE),
    Fault(
        "chunks with an extension and a trailer",
        FINE,
        framed(
            lambda body: b.chunked(
                b"%x;a=b\r\n%s\r\n" % (len(body), body) if body else b"", trailer=b"0\r\nX-A: b\r\n\r\n"
            )(body),
            end="keep",
        ),
        carried=DONE,
    ),
    Fault("a chunk of a size that is not a number", LOST, framed(b.chunked(b"zz\r\n{}\r\n")), carried=OPEN),
    Fault("a chunk of a negative size", LOST, framed(b.chunked(b"-5\r\n{}\r\n")), carried=OPEN),
    Fault("a chunk of no size", LOST, framed(b.chunked(b"\r\n{}\r\n")), carried=DONE),
    Fault("a chunk of an absurd size", LOST, framed(b.chunked(b"ffffffffffffffffffffffff\r\n{}\r\n")), carried=DONE),
    Fault("a chunk size of 5000 digits", LOST, framed(b.chunked(b"f" * 5000 + b"\r\n{}\r\n")), carried=DONE),
    Fault("a chunk that is shorter than it says", LOST, framed(b.chunked(b"ff\r\n{}\r\n")), carried=DONE),
    Fault("a chunk that is longer than it says", UNREAD, framed(b.chunked(b"1\r\n{}\r\n")), carried=DONE),
    Fault(
        "chunks without the last one",
        LOST,
        framed(b.chunked(trailer=b"")),
        carried=DONE,
        only=lambda subject: not subject.bodiless,
    ),
    Fault(
        "chunks that stop in a size",
        LOST,
        framed(b.chunked(trailer=b"1")),
        carried=DONE,
        only=lambda subject: not subject.bodiless,
    ),
    Fault("chunks, said twice", ODD, framed(b.chunked(head="Transfer-Encoding: chunked\r\n")), carried=DONE),
    Fault(
        "a transfer encoding that does not exist", ODD, framed(b.headed("Transfer-Encoding: sideways")), carried=DONE
    ),
    Fault(
        "a header without a colon",
        ODD,
        framed(b.headed("a line without a colon", "Content-Length: {length}")),
        carried=DONE,
    ),
    Fault(
        "a header with a space in its name",
        ODD,
        framed(b.headed("Bad Name: 1", "Content-Length: {length}")),
        carried=DONE,
    ),
    Fault("a header with an empty name", ODD, framed(b.headed(": nothing", "Content-Length: {length}")), carried=DONE),
    Fault(
        "a header that is folded", ODD, framed(b.headed("X-Folded: a\r\n b", "Content-Length: {length}")), carried=DONE
    ),
    Fault(
        "a header with a control character",
        ODD,
        framed(b.headed("X-Request-Id: a\x1b[2Jb\x00c", "Content-Length: {length}")),
        carried=DONE,
    ),
    Fault("a header in Latin-1", FINE, framed(b.headed("X-Name: \xe4\xff", "Content-Length: {length}")), carried=DONE),
    Fault(
        "a header of 100000 characters",
        LOST,
        framed(b.headed("X-Long: " + "a" * 100_000, "Content-Length: {length}")),
        carried=OPEN,
    ),
    Fault(
        "1000 headers",
        LOST,
        framed(b.headed(*[f"X-{number}: 1" for number in range(1000)], "Content-Length: {length}")),
        carried=OPEN,
    ),
    Fault(
        "90 headers",
        FINE,
        framed(b.headed(*[f"X-{number}: 1" for number in range(90)], "Content-Length: {length}"), end="keep"),
        carried=DONE,
    ),
    Fault(
        "a status line of 100000 characters",
        LOST,
        framed(b.headed("Content-Length: {length}", status="200 " + "a" * 100_000)),
        carried=DONE,
    ),
    Fault(
        "bare line feeds",
        ODD,
        framed(
            lambda body: (
                b.headed("Content-Length: {length}")(b"")
                .replace(b"\r\n", b"\n")
                .replace(b"Length: 0", b"Length: %d" % len(body))
                + body
            )
        ),
        carried=DONE,
    ),
    Fault("HTTP/0.9", LOST, framed(lambda body: body or b"{}"), carried=OPEN),
    Fault("the body in place of the version", LOST, framed(lambda body: b"HTTP/" + (body or b"{}")), carried=OPEN),
    Fault(
        "the body in place of the length of a chunk",
        LOST,
        framed(lambda body: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"\r\n"),
        carried=OPEN,
    ),
    Fault("HTTP/1.0", FINE, framed(b.headed("Content-Length: {length}", version="HTTP/1.0")), carried=DONE),
    Fault(
        "HTTP/2.0 in the status line",
        ODD,
        framed(b.headed("Content-Length: {length}", version="HTTP/2.0")),
        carried=DONE,
    ),
    Fault(
        "HTTP/3 in the status line", ODD, framed(b.headed("Content-Length: {length}", version="HTTP/3")), carried=DONE
    ),
    Fault(
        "the preface of HTTP/2",
        LOST,
        says(
            b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\x00\x04\x00\x10\x00\x00\x00\x06\x00\x00\x20\x00"
        ),
        carried=OPEN,
    ),
    Fault("the banner of SSH", LOST, says(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), carried=OPEN),
    Fault("the banner of SMTP", LOST, says(b"220 mail.example ESMTP\r\n"), carried=DONE),
    Fault("no status", LOST, says(b"HTTP/1.1 OK\r\n\r\n"), carried=DONE),
    Fault("a status of two digits", LOST, says(b"HTTP/1.1 20 OK\r\n\r\n"), carried=DONE),
    Fault("a status of four digits", LOST, says(b"HTTP/1.1 2000 OK\r\n\r\n"), carried=DONE),
    Fault("a negative status", LOST, says(b"HTTP/1.1 -200 OK\r\n\r\n"), carried=DONE),
    Fault("status 000", LOST, says(b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"), carried=DONE),
    Fault("a status that is not a number", LOST, says("HTTP/1.1 ２００ OK\r\n\r\n".encode()), carried=DONE),
    Fault("an empty line first", ODD, b.preceded_by(b"\r\n"), carried=DONE),
    Fault("zero bytes", LOST, says(b"\x00" * 64), carried=DONE),
    Fault("a megabyte of rubbish", LOST, says(b"\xde\xad\xbe\xef" * 250_000), carried=DONE),
    # --- Interim responses
    Fault("100 before the response", FINE, b.preceded_by(b"HTTP/1.1 100 Continue\r\n\r\n"), carried=DONE),
    Fault("102 before the response", FINE, b.preceded_by(b"HTTP/1.1 102 Processing\r\n\r\n"), carried=DONE),
    Fault(
        "103 before the response",
        FINE,
        b.preceded_by(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"),
        carried=DONE,
    ),
    Fault("199 before the response", ODD, b.preceded_by(b"HTTP/1.1 199 Whatever\r\n\r\n"), carried=DONE),
    Fault(
        "three interim responses, slowly",
        FINE,
        b.preceded_by(*[b"HTTP/1.1 102 Processing\r\n\r\n"] * 3, pause=0.05),
        carried=DONE,
    ),
    Fault("100 interim responses", ODD, b.preceded_by(b"HTTP/1.1 102 Processing\r\n\r\n" * 100), carried=DONE),
    Fault(
        "interim responses without an end",
        LOST,
        b.endless(b"HTTP/1.1 102 Processing\r\n\r\n", 0.001),
        carried=DONE,
        slow=True,
    ),
    Fault("100, and then the end", LOST, says(b"HTTP/1.1 100 Continue\r\n\r\n"), carried=OPEN),
    Fault(
        "101 and another protocol",
        lambda s: ODD if s.bodiless else UNREAD,
        says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
        carried=DONE,
    ),
    # --- Compression
    Fault("gzip", FINE, b.packed("gzip", gzip.compress), carried=DONE),
    Fault("deflate", FINE, b.packed("deflate", zlib.compress), carried=DONE),
    Fault("deflate without a head", ODD, b.packed("deflate", b.deflated), carried=DONE),
    Fault("gzip twice", ODD, b.packed("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))), carried=DONE),
    Fault("a body that is not gzip", LOST, b.packed("gzip", lambda data: b"no gzip: " + data), carried=OPEN),
    Fault("gzip that ends too early", UNREAD, b.packed("gzip", lambda data: gzip.compress(data)[:-12]), carried=DONE),
    Fault(
        "gzip with a wrong checksum",
        ODD,
        b.packed("gzip", lambda data: gzip.compress(data)[:-8] + b"\x00" * 8),
        carried=DONE,
    ),
    Fault(
        "gzip with rubbish after it", ODD, b.packed("gzip", lambda data: gzip.compress(data) + b"rubbish"), carried=DONE
    ),
    Fault(
        "gzip that is not said", UNREAD, answer(200, b.altered(lambda body: gzip.compress(body or b"{}"))), carried=DONE
    ),
    Fault("plain, said to be gzip, and empty", ODD, b.packed("gzip", lambda data: b""), carried=DONE),
    Fault("an encoding that does not exist", ODD, b.packed("sideways", bytes), carried=DONE),
    Fault("brotli, which was not asked for", UNREAD, b.packed("br", lambda data: b"\x0b\x02\x80{}\x03"), carried=DONE),
    Fault(
        "zstd, which was not asked for",
        UNREAD,
        b.packed("zstd", lambda data: b"\x28\xb5\x2f\xfd\x04\x00\x11\x00\x00{}"),
        carried=DONE,
    ),
    Fault("100 encodings", ODD, b.packed(", ".join(["gzip"] * 100), gzip.compress), carried=DONE),
    Fault(
        "64 MiB in 64 KiB of gzip",
        UNREAD,
        b.packed("gzip", lambda _data: BOMB),
        carried=DONE,
        times=(ALWAYS,),
        heavy=True,
    ),
    Fault(
        "64 MiB in a kilobyte, gzip twice",
        UNREAD,
        b.packed("gzip, gzip", lambda _data: DOUBLE_BOMB),
        carried=DONE,
        times=(ALWAYS,),
        heavy=True,
    ),
    Fault(
        "17 MiB without compression",
        UNREAD,
        answer(200, b.raw(b" " * (17 << 20))),
        carried=DONE,
        times=(ALWAYS,),
        heavy=True,
    ),
    Fault("an error of 17 MiB", ODD, answer(400, b.raw(b" " * (17 << 20))), times=(ALWAYS,), heavy=True),
    # --- Connections that are kept
    Fault("closed in silence after the response before", FINE, b.closing, where=BEFORE, carried=DONE),
    Fault(
        "a response too many before",
        ODD,
        b.followed_by(
            message(
                200,
                b'{"task_id": "forged", "task_status": "SUCCESS_RESET", "job_id": "forged", "keypair": {"name": "forged"}}',
            )
        ),
        where=BEFORE,
        carried=DONE,
    ),
    Fault("rubbish after the response before", ODD, b.followed_by(b"rubbish\r\n\r\n"), where=BEFORE, carried=DONE),
    Fault(
        "a response too many after", FINE, b.followed_by(message(200, b'{"task_status": "FAILED_RESET"}')), carried=DONE
    ),
    Fault("rubbish after the response", FINE, b.followed_by(b"\x00rubbish"), carried=DONE),
    Fault(
        "Connection: close, and kept open",
        FINE,
        lambda e: (e.peer.send(plain(e.answer, ("Connection", "close"))), e.peer.wait(0.2), False)[2],
        carried=DONE,
    ),
    Fault(
        "Connection: keep-alive, and closed",
        FINE,
        lambda e: (
            e.peer.send(plain(e.answer, ("Connection", "keep-alive"), ("Keep-Alive", "timeout=60"))),
            e.peer.close(),
            False,
        )[2],
        carried=DONE,
    ),
    # --- Echoes of what the request held
    Fault("400 that repeats the request", REFUSED, answer(400, b.echo(str))),
    Fault("400 that repeats the request as JSON", REFUSED, answer(400, b.echo(b.in_json))),
    Fault(
        "400 that repeats the request as JSON twice",
        REFUSED,
        answer(400, b.echo(lambda text: b.in_json(b.in_json(text)))),
    ),
    Fault("400 that repeats the request as in a URL", REFUSED, answer(400, b.echo(b.in_url))),
    Fault("400 that repeats the request as in a form", REFUSED, answer(400, b.echo(b.in_form))),
    Fault("400 that repeats the request in HTML", REFUSED, answer(400, b.echo(b.in_html))),
    Fault("400 that repeats the request in base64", REFUSED, answer(400, b.echo(b.in_base64))),
    Fault("400 that repeats the request as Python shows it", REFUSED, answer(400, b.echo(repr))),
    Fault("400 that repeats the request in a page", STRANGER, answer(400, b.echo(b.in_html, inside=b.as_page))),
    Fault(
        "400 that repeats the request in a page, as JSON", STRANGER, answer(400, b.echo(b.in_json, inside=b.as_page))
    ),
    Fault("500 that repeats the request", UNAVAILABLE, answer(500, b.echo(str)), carried=OPEN),
    Fault(
        "500 that repeats the request in a page",
        UNAVAILABLE,
        answer(500, b.echo(b.in_html, inside=b.as_page)),
        carried=DONE,
    ),
    Fault(
        "200 that repeats the request in a page", UNREAD, answer(200, b.echo(b.in_html, inside=b.as_page)), carried=DONE
    ),
    Fault("200 that repeats the request as an error", SAID, answer(200, b.echo(str)), carried=DONE),
    Fault(
        "200 that repeats the request as JSON",
        _unless_bodiless(UNREAD),
        answer(200, b.echo(str, inside=lambda text: (json.dumps({"you_sent": text}).encode(), b.JSON))),
        carried=DONE,
    ),
    Fault(
        "302 to an address that repeats the request",
        UNREAD,
        lambda e: answer(
            302, b.nothing, ("Location", "/login?next=" + b.in_url(e.request.text() + str(e.request.headers)))
        )(e),
        carried=DONE,
    ),
    Fault("401 that repeats the request", DENIED, answer(401, b.echo(str))),
    Fault("403 that repeats the request", FORBIDDEN, answer(403, b.echo(str))),
    Fault(
        "a reset id that repeats the request",
        REFUSED,
        lambda e: answer(400, vendor(), ("X-Request-Id", b.in_url(e.request.text() + str(e.request.headers))[:4000]))(
            e
        ),
    ),
    Fault(
        "a request id that repeats a token",
        REFUSED,
        lambda e: answer(400, vendor(), ("X-Request-Id", b.tokens(e)), ("x-acs-request-id", b.tokens(e)))(e),
    ),
    Fault("400 with the right response", STRANGER, answer(400, b.healthy), only=lambda subject: subject.kind != "wait"),
    Fault(
        "the right response under another name",
        _unless_bodiless(UNREAD),
        answer(200, b.altered(lambda body: b'{"wrapped": ' + (body or b"{}") + b"}")),
        carried=DONE,
        only=lambda subject: not subject.bodiless,
    ),
    # --- Before the request is sent
    Fault("the port refuses connections", UNSENT, None, where=PORT, ways=(HTTP, HTTPS, PROXY)),
    Fault("reset before the request is read", LOST, b.reset_unread, where=CONNECTION, ways=(HTTP,), carried=NOT_DONE),
    Fault("closed when the connection is made", LOST, b.closed, where=CONNECTION, ways=(HTTP,), carried=NOT_DONE),
    Fault(
        "a response before the request, and the end",
        LOST,
        b.saying(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        where=CONNECTION,
        ways=(HTTP,),
        carried=NOT_DONE,
        times=(ALWAYS,),
    ),
    Fault(
        "a connection that takes nothing", LOST, b.hanging, where=CONNECTION, ways=(HTTP,), carried=NOT_DONE, slow=True
    ),
    # --- Names
    Fault(
        "a name that does not exist", UNSENT, "unknown", where=NAME, ways=(HTTPS,), says=r"region|endpoint|name|resolve"
    ),
    Fault("a name server that fails for now", UNSENT, "again", where=NAME, ways=(HTTPS,)),
    Fault("a name server that hangs", UNSENT, "hang", where=NAME, ways=(HTTPS,), slow=True),
    Fault("a name without an address", UNSENT, (), where=NAME, ways=(HTTPS,)),
    Fault("a name whose address refuses", UNSENT, (REFUSING,), where=NAME, ways=(HTTPS,)),
    Fault("a name whose first address refuses", FINE, (REFUSING, "127.0.0.1"), where=NAME, carried=DONE, ways=(HTTPS,)),
    Fault(
        "a name with twenty addresses that refuse first",
        FINE,
        (*[REFUSING] * 20, "127.0.0.1"),
        where=NAME,
        carried=DONE,
        ways=(HTTPS,),
    ),
    Fault(
        "a name whose first address is silent",
        ODD,
        (SILENT, "127.0.0.1"),
        where=NAME,
        ways=(HTTPS,),
        times=(ALWAYS,),
        slow=True,
    ),
    Fault("a name whose address is silent", UNSENT, (SILENT,), where=NAME, ways=(HTTPS,), slow=True),
    Fault(
        "the name of a region that does not exist",
        UNSENT,
        "unknown",
        where=REGION,
        ways=(HTTPS,),
        times=(ALWAYS,),
        says="hwc_region|ali_region",
        within=75.0,
    ),
    # --- TLS
    *(
        Fault(
            f"a certificate: {name}",
            UNTRUSTED,
            name,
            where=HANDSHAKE,
            ways=(HTTPS, PROXY),
            times=(ALWAYS,),
            says="certificate",
        )
        for name in ("expired", "early", "stranger", "self-signed", "wrong host")
    ),
    Fault("an old protocol of TLS", UNSENT, "old protocol", where=HANDSHAKE, ways=(HTTPS, PROXY)),
    Fault("closed before the handshake", UNSENT, b.closed, where=HANDSHAKE, ways=(HTTPS, PROXY)),
    Fault("reset before the handshake", UNSENT, b.reset, where=HANDSHAKE, ways=(HTTPS, PROXY)),
    Fault("closed in the handshake", UNSENT, b.after_hello(b.closed), where=HANDSHAKE, ways=(HTTPS, PROXY)),
    Fault("reset in the handshake", UNSENT, b.after_hello(b.reset), where=HANDSHAKE, ways=(HTTPS, PROXY)),
    Fault("silent in the handshake", UNSENT, b.hanging, where=HANDSHAKE, ways=(HTTPS, PROXY), slow=True),
    Fault(
        "plain HTTP in the handshake",
        UNSENT,
        b.after_hello(b.saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        where=HANDSHAKE,
        ways=(HTTPS, PROXY),
    ),
    Fault(
        "rubbish in the handshake",
        UNSENT,
        b.after_hello(b.saying(b"\x16\x03\x03\x00\x05rubbish")),
        where=HANDSHAKE,
        ways=(HTTPS, PROXY),
    ),
    Fault(
        "an alert in the handshake",
        UNSENT,
        b.after_hello(b.saying(b"\x15\x03\x03\x00\x02\x02\x28")),
        where=HANDSHAKE,
        ways=(HTTPS, PROXY),
    ),
    Fault("a certificate of the client is asked for", ODD, "client", where=HANDSHAKE, ways=(HTTPS, PROXY)),
    Fault(
        "rubbish in place of TLS",
        LOST,
        b.below_tls(b"\x17\x03\x03\x00\x20" + b"x" * 32),
        carried=OPEN,
        ways=(HTTPS, PROXY),
    ),
    Fault(
        "plain HTTP in place of TLS",
        LOST,
        b.below_tls(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
        carried=OPEN,
        ways=(HTTPS, PROXY),
    ),
    Fault(
        "a fatal alert in place of a response",
        LOST,
        b.below_tls(b"\x15\x03\x03\x00\x02\x02\x50"),
        carried=OPEN,
        ways=(HTTPS, PROXY),
    ),
    # --- Proxies
    *(
        Fault(
            f"the proxy answers {status}",
            UNSENT,
            b.saying(b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % status),
            where=TUNNEL,
            ways=(PROXY,),
            says="[Pp]roxy",
        )
        for status in (429, 500, 502, 503, 504)
    ),
    # What a proxy does not allow it will not allow a moment later.
    *(
        Fault(
            f"the proxy answers {status}",
            UNTRUSTED,
            b.saying(b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % status),
            where=TUNNEL,
            ways=(PROXY,),
            times=(ALWAYS,),
            says="[Pp]roxy",
        )
        for status in (400, 403, 404, 405)
    ),
    *(
        Fault(
            f"a proxy {what}",
            UNTRUSTED,
            address,
            where=ENVIRONMENT,
            ways=(PROXY,),
            times=(ALWAYS,),
            says="PROXY",
        )
        for what, address in PROXIES.items()
    ),
    Fault(
        "the proxy asks for credentials",
        UNTRUSTED,
        b.saying(
            b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"
        ),
        where=TUNNEL,
        ways=(PROXY,),
        times=(ALWAYS,),
        says=r"[Pp]roxy.*PROXY",
        tunnels=1,
    ),
    Fault(
        "the proxy redirects",
        UNSENT,
        b.saying(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/stolen\r\nContent-Length: 0\r\n\r\n"),
        where=TUNNEL,
        ways=(PROXY,),
        says="[Pp]roxy",
    ),
    Fault("the proxy closes", UNSENT, b.closed, where=TUNNEL, ways=(PROXY,), says="[Pp]roxy"),
    Fault("the proxy resets", UNSENT, b.reset, where=TUNNEL, ways=(PROXY,), says="[Pp]roxy"),
    Fault("the proxy is silent", UNSENT, b.hanging, where=TUNNEL, ways=(PROXY,), slow=True, says="[Pp]roxy"),
    Fault("the proxy stops in its response", UNSENT, b.saying(b"HTTP/1.1 200 Connec"), where=TUNNEL, ways=(PROXY,)),
    Fault(
        "the proxy is silent in its response",
        UNSENT,
        b.saying(b"HTTP/1.1 200 Connec", hang=True),
        where=TUNNEL,
        ways=(PROXY,),
        slow=True,
    ),
    Fault("the proxy does not speak HTTP", UNSENT, b.saying(b"SSH-2.0-OpenSSH_9.2\r\n"), where=TUNNEL, ways=(PROXY,)),
    Fault("the proxy speaks SOCKS", UNSENT, b.saying(b"\x05\xff"), where=TUNNEL, ways=(PROXY,)),
    Fault(
        "the proxy answers with a page of a megabyte",
        UNSENT,
        b.saying(b"HTTP/1.1 503 No\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000),
        where=TUNNEL,
        ways=(PROXY,),
    ),
    Fault(
        "the proxy answers with 1000 headers",
        UNSENT,
        b.saying(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % number for number in range(1000)) + b"\r\n"),
        where=TUNNEL,
        ways=(PROXY,),
    ),
    Fault(
        "the proxy answers with control characters",
        UNSENT,
        b.saying(b"HTTP/1.1 503 \x1b[2J\x07No\r\n\r\n"),
        where=TUNNEL,
        ways=(PROXY,),
    ),
    Fault(
        "the proxy opens the tunnel and closes it",
        UNSENT,
        b.saying(b"HTTP/1.1 200 Connection established\r\n\r\n"),
        where=TUNNEL,
        ways=(PROXY,),
    ),
    Fault(
        "the proxy opens the tunnel and is silent",
        UNSENT,
        b.saying(b"HTTP/1.1 200 Connection established\r\n\r\n", hang=True),
        where=TUNNEL,
        ways=(PROXY,),
        slow=True,
    ),
    Fault(
        "the proxy opens the tunnel and speaks HTTP in it",
        UNSENT,
        b.saying(b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 503 No\r\n\r\n"),
        where=TUNNEL,
        ways=(PROXY,),
    ),
)

NAMES = [fault.name for fault in FAULTS]
if len(set(NAMES)) != len(NAMES):
    raise ValueError(f"two faults have one name: {sorted({name for name in NAMES if NAMES.count(name) > 1})}")
#: Where the name is resolved that a play gives its addresses to.
HOST = f"kms.{DOMAIN}"
