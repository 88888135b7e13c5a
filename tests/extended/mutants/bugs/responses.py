# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bugs in reading responses, and in what is shown of them."""

from __future__ import annotations

from .bug import Bug

UTILS = "plugins/module_utils/"
TESTS = "tests/unit/plugins/module_utils/"

BUGS = (
    Bug(
        "number-taken-for-a-word",
        "a status of another type is read as a word",
        UTILS + "_core/fields.py",
        '        raise _broken(row, key, asked, "a text")\n    if not value and not may_be_empty:\n',
        "        value = str(value)\n    if not value and not may_be_empty:\n",
        tests=(TESTS + "_services/test_kps.py",),
    ),
    Bug(
        "null-counts-as-absence",
        "a list that is null says that a rotation does not exist",
        UTILS + "_services/csms.py",
        '    found = given_rows(document, "tasks", LIST_TASKS)\n',
        '    found = rows(document, "tasks", LIST_TASKS)\n',
        tests=(TESTS + "_services/test_csms.py",),
    ),
    Bug(
        "page-says-not-found",
        "an HTML page with status 404 says that a key pair task does not exist",
        UTILS + "_services/kps.py",
        '    return response.status == 404 and response.code.startswith("KPS.")\n',
        "    return response.status == 404\n",
        tests=(TESTS + "_services/test_kps.py",),
    ),
    Bug(
        "empty-page-ends-a-list",
        "rows behind a page without rows are not read",
        UTILS + "_services/pagination.py",
        "(counted and stale_pages)",
        "stale_pages",
        tests=(TESTS + "_services/test_pagination.py",),
    ),
    Bug(
        "pages-without-end",
        "a list whose pages name one another is read for ever",
        UTILS + "_services/pagination.py",
        "            if stale_pages >= MAX_STALE_PAGES:\n",
        "            if stale_pages >= 10**9:\n",
        tests=(TESTS + "_services/test_pagination.py",),
    ),
    Bug(
        "good-status-with-a-code",
        "a refusal of Alibaba Cloud with status 200 is taken for a broken response, and throttling for an outage",
        UTILS + "_alibaba/errors.py",
        " or code.lower() in GOOD_CODES:\n",
        " or True:\n",
        tests=(TESTS + "_alibaba/test_errors.py",),
    ),
    Bug(
        "echo-in-base64",
        "a secret that is echoed in Base64 is shown",
        UTILS + "_core/secrets.py",
        "                self._encoded.update(dict.fromkeys((*_encodings(text), *_encodings(raw))))\n",
        "                pass\n",
        tests=(TESTS + "_core/test_secrets.py",),
    ),
    Bug(
        "echo-in-escapes",
        "a secret that is echoed with escapes is shown",
        UTILS + "_core/secrets.py",
        "    for _round in range(ROUNDS):\n",
        "    for _round in range(0):\n",
        tests=(TESTS + "_core/test_secrets.py",),
    ),
    Bug(
        "masking-eats-words",
        "a short secret hides parts of ordinary words",
        UTILS + "_core/secrets.py",
        "                if len(secret) >= ALONE or _alone(",
        "                if len(secret) >= 0 or _alone(",
        tests=(TESTS + "_core/test_secrets.py",),
    ),
    Bug(
        "terminal-obeys-a-service",
        "escape sequences in words of a service reach the terminal",
        UTILS + "_core/text.py",
        "    if not string.isprintable():\n",
        "    if False:\n",
        tests=(TESTS + "_core/test_text.py",),
    ),
    Bug(
        "secret-response-quoted",
        "the body of a response that brings a key is quoted when it is broken",
        UTILS + "_http/responses.py",
        'hold a secret" if secret else response.quote()',
        'hold a secret" if False else response.quote()',
        tests=(TESTS + "_huawei/test_errors.py",),
    ),
)
