# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compressed bodies: every form that services use, and none that fills the memory."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from itertools import count

import pytest

from ansible_collections.multicloud.async_tasks.plugins.module_utils._http.compression import (
    PARTS,
    OversizeError,
    PackedError,
    unpack,
)

BODY = b'{"tasks": []}' * 10000
MOST = 200_000


def raw(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY)),
        (" GZip ,", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw(BODY)),
        ("deflate, gzip", gzip.compress(zlib.compress(BODY))),
        ("gzip", gzip.compress(BODY[:100]) + gzip.compress(BODY[100:])),
        ("gzip", gzip.compress(BODY) + bytes(512)),
        ("gzip", gzip.compress(BODY, 0)),
    ],
    ids=count(),
)
def test_a_body_is_unpacked(encoding: str, packed: bytes) -> None:
    assert unpack(packed, encoding, MOST) == BODY
    assert unpack(packed, encoding, len(BODY)) == BODY


def test_an_empty_body_stays_empty_whatever_its_encoding() -> None:
    for encoding in ("", "gzip", "deflate", "br"):
        assert unpack(b"", encoding, MOST) == b""


@pytest.mark.parametrize(
    ("encoding", "packed", "words"),
    [
        ("br", BODY, "not asked for"),
        ("gzip, zstd", BODY, "not asked for"),
        ("gzip", BODY, "header"),
        ("deflate", BODY, "."),
        ("gzip", gzip.compress(BODY)[:-20], "too early"),
        ("gzip", gzip.compress(BODY)[:-8] + bytes(8), "check"),
        ("gzip", gzip.compress(b"") * (PARTS + 1), "parts"),
        ("gzip", gzip.compress(BODY) + b"<html>", "header"),
        ("gzip, gzip, gzip", BODY, "3 times"),
    ],
    ids=count(),
)
def test_a_body_that_is_not_compressed_as_declared_is_an_error(encoding: str, packed: bytes, words: str) -> None:
    with pytest.raises(PackedError, match=words):
        unpack(packed, encoding, MOST)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_a_body_is_unpacked_up_to_the_limit_only(encoding: str) -> None:
    large = bytes(50_000_000)
    packed = zlib.compress(large, 1) if encoding == "deflate" else gzip.compress(large, 1)
    if encoding == "gzip, gzip":
        packed = gzip.compress(packed)
    del large
    tracemalloc.start()
    with pytest.raises(OversizeError):
        unpack(packed, encoding, MOST)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * MOST


def test_the_parts_of_a_file_together_are_no_larger_than_it_may_be() -> None:
    with pytest.raises(OversizeError):
        unpack(gzip.compress(bytes(MOST)) * 2, "gzip", MOST)
