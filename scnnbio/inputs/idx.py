"""Arrays in idx files, the format of MNIST."""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import DataError
from scnnbio.files import no_device
from scnnbio.stimuli.base import FileRead

#: Types by the third byte of a file, as on LeCun's page of MNIST; numbers are big-endian.
_KINDS = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP = b"\x1f\x8b"
#: Bytes that are unpacked at once.
_PIECE = 2**20
#: Largest size in bytes; a larger file is damaged, or not an idx file.
_MOST_BYTES = 2**34


def read_idx(path: str | Path) -> tuple[NDArray[Any], FileRead]:
    """Read the array in an idx file, optionally compressed by gzip.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    array : numpy.ndarray
        In the file's shape and type, read-only.
    file : FileRead
        The path, and the SHA-256 of the file's bytes.

    Raises
    ------
    DataError
        If the file cannot be read, is not an idx file, or its length differs from its header. No
        code in it is run, and a compressed file is unpacked only to the length in its header.

    References
    ----------
    LeCun Y, Cortes C, Burges CJC (1998) The MNIST database of handwritten digits.
    """
    where = str(Path(path).absolute())
    try:
        content = no_device(Path(path)).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot be read: {reason}", where=where) from None
    unpacked = _Unpacked(content, where)
    head = unpacked.take(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _KINDS or not head[3]:
        raise DataError(
            "is not an idx file: it begins with two zero bytes, a type and a number of axes",
            where=where,
        )
    lengths = unpacked.take(4 * head[3])
    if len(lengths) < 4 * head[3]:
        raise DataError("is cut off within its header; get the whole file", where=where)
    shape = tuple(np.frombuffer(lengths, ">u4").tolist())
    kind = np.dtype(_KINDS[head[2]])
    size = math.prod(shape) * kind.itemsize
    if size > _MOST_BYTES:
        raise DataError(f"claims to hold an array of shape {shape}; is it damaged?", where=where)
    body = unpacked.take(size)
    if len(body) < size:
        raise DataError(
            f"is cut off: {len(body)} of the {size} bytes that an array of shape {shape} has; get"
            " the whole file",
            where=where,
        )
    if unpacked.take(1):
        raise DataError(
            f"goes on after the {size} bytes that its array of shape {shape} has; is it damaged?",
            where=where,
        )
    array = np.frombuffer(body, kind).reshape(shape).astype(kind.newbyteorder("="))
    array.setflags(write=False)
    return array, FileRead(where, hashlib.sha256(content).hexdigest())


class _Unpacked:
    """The bytes of a file from the beginning, unpacked on demand."""

    def __init__(self, content: bytes, where: str) -> None:
        self._rest = memoryview(content)
        self._where = where
        self._packed: gzip.GzipFile | None = None
        if content[:2] == _GZIP:
            self._packed = gzip.GzipFile(fileobj=io.BytesIO(content))

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes, or fewer at the end."""
        if self._packed is None:
            part, self._rest = bytes(self._rest[:size]), self._rest[size:]
            return part
        try:
            # Piece by piece, since memory is taken for what is asked for and not for what is there.
            found = bytearray()
            while len(found) < size:
                piece = self._packed.read(min(size - len(found), _PIECE))
                if not piece:
                    break
                found += piece
            return bytes(found)
        except EOFError:
            raise DataError("is cut off: its gzip data ends early", where=self._where) from None
        except (OSError, zlib.error) as error:
            raise DataError(f"is damaged gzip data ({error})", where=self._where) from None
