# Copyright (c) Multicloud Authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compressed bodies, unpacked in bounded memory.

Not left to urllib3: before 2.6 it unpacks whatever a few bytes stand for (3.5 KB, compressed twice, took 4.1 GB).
"""

from __future__ import annotations

import zlib

#: Compressions of one body on top of each other, and parts of a gzip file, at most: services use one.
LAYERS = 2
PARTS = 16
#: Bytes that are handed to zlib at once.
STEP = 65536


class PackedError(ValueError):
    """A body that is not what its Content-Encoding says, or that ends too early."""


class OversizeError(ValueError):
    """A body that is larger than it may be."""


def unpack(body: bytes, encoding: str, most: int) -> bytes:
    """Return a body without its compression.

    Args:
        body: What came over the wire.
        encoding: The header ``Content-Encoding``; empty for none.
        most: Bytes of the result at most.

    Raises:
        PackedError: The body is not compressed so, is cut short, or is compressed in a way that was not asked for.
        OversizeError: The result would be larger.
    """
    names = [name for name in (part.strip().lower() for part in encoding.split(",")) if name not in ("", "identity")]
    if not body:
        return body
    if len(names) > LAYERS:
        raise PackedError(f"it is compressed {len(names)} times")
    for name in reversed(names):
        if name in ("gzip", "x-gzip"):
            body = _gunzip(body, most)
        elif name == "deflate":
            body = _inflate(body, most)
        else:
            raise PackedError("its compression was not asked for")
    return body


def _gunzip(body: bytes, most: int) -> bytes:
    result = b""
    for _part in range(PARTS):
        part, body = _unzip(body, 16 + zlib.MAX_WBITS, most - len(result))
        result += part
        if not body.strip(b"\0"):  # a file may be padded
            return result
    raise PackedError(f"it has more than {PARTS} parts")


def _inflate(body: bytes, most: int) -> bytes:
    try:
        return _unzip(body, zlib.MAX_WBITS, most)[0]
    except PackedError:
        # "deflate" means the zlib format (RFC 9110, 8.4.1.2); some servers send the data without its frame.
        return _unzip(body, -zlib.MAX_WBITS, most)[0]


def _unzip(body: bytes, window: int, most: int) -> tuple[bytes, bytes]:
    """Return one part without its compression, and what follows it."""
    unzip = zlib.decompressobj(window)
    pieces: list[bytes] = []
    size = 0
    for start in range(0, len(body), STEP):
        data = body[start : start + STEP]
        while data and not unzip.eof:
            try:
                pieces.append(unzip.decompress(data, most - size + 1))
            except zlib.error as error:
                raise PackedError(str(error)) from None
            size += len(pieces[-1])
            if size > most:
                raise OversizeError
            data = unzip.unconsumed_tail
        if unzip.eof:
            return b"".join(pieces), unzip.unused_data + body[start + STEP :]
    raise PackedError("it ends too early")
