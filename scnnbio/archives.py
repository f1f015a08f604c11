"""Arrays in numpy's formats, npy and npz, from files that a stranger may have written.

``numpy.load`` takes memory for the shape that a header claims, before it sees that the file is
shorter. Here the size of an array is compared with what there is first. Objects are refused.
"""

from __future__ import annotations

import ast
import io
import math
import re
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: numpy's reader of arrays, which has no type annotations.
_NPY: Any = np.lib.format

#: Kinds of numpy arrays that are read: truth values, numbers, text and times.
KINDS = "biufcUSmM"
#: The last character of Unicode, and the numbers of surrogates without their last 11 bits.
_LAST_CHARACTER, _SURROGATES = 0x10FFFF, 0xD800 >> 11
#: Bytes that one byte of a zip archive can unpack to: the most that its compression reaches.
_MOST_GROWTH = 1032
_ZIP, _NPY_MARK = b"PK", b"\x93NUMPY"
#: By version of the npy format: how the length of a header is written, and its text.
_HEADERS = {1: ("<H", "latin-1"), 2: ("<I", "latin-1"), 3: ("<I", "utf-8")}
#: Bytes of a header, as in numpy.
_LONGEST_HEADER = 10_000
#: How Python 2 wrote some whole numbers: 10L.
_LONG = re.compile(r"(?<=\d)L\b")


def array_of(content: bytes, kinds: str = KINDS) -> NDArray[Any]:
    """The array in the content of an npy file.

    Parameters
    ----------
    content : bytes
    kinds : str
        Kinds of types that are read; ``V`` is a table with named columns.

    Returns
    -------
    ndarray
        Its own memory, writable.

    Raises
    ------
    ValueError
        If the content is not an array, is one of objects or of another kind, or its shape does not
        fit its length.
    """
    file = io.BytesIO(content)
    try:
        shape, by_column, dtype = _header(file)
    # A damaged header may raise any error of Python's parser.
    except Exception as error:
        raise ValueError(f"the header of an array is damaged ({_said(error)})") from None
    if dtype.hasobject or dtype.kind not in kinds:
        raise ValueError(f"an array of {dtype}, which is not read")
    rest = memoryview(content)[file.tell() :]
    # In Python's integers, which do not overflow.
    count = math.prod(shape)
    if min(shape, default=0) < 0 or count * dtype.itemsize != len(rest) or not dtype.itemsize:
        raise ValueError(f"{len(rest)} bytes for an array of shape {shape}")
    flat: NDArray[Any] = np.frombuffer(rest, dtype, count)
    for name in dtype.names or ((),):
        _check_text(flat[name])
    return flat.reshape(shape, order="F" if by_column else "C").copy(order="K")


def _header(file: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type, from a header.

    ``numpy`` tries to read a header that is wrong as one of Python 2, in a time that grows with the
    square of its length: up to 20 s.
    """
    major, _ = _NPY.read_magic(file)
    form, encoding = _HEADERS[major]
    (length,) = struct.unpack(form, file.read(struct.calcsize(form)))
    if length > _LONGEST_HEADER:
        raise ValueError(f"it has {length:,} bytes, more than {_LONGEST_HEADER:,}")
    content = file.read(length)
    if len(content) < length:
        raise ValueError("it is cut off")
    text = content.decode(encoding)
    try:
        found = ast.literal_eval(text)
    except SyntaxError:
        found = ast.literal_eval(_LONG.sub("", text))
    shape, by_column, kind = (found.pop(key) for key in ("shape", "fortran_order", "descr"))
    if found or not isinstance(by_column, bool) or not isinstance(shape, tuple):
        raise ValueError("it is of another form")
    if not all(isinstance(size, int) for size in shape):
        raise ValueError(f"{shape} is not a shape")
    return shape, by_column, _NPY.descr_to_dtype(kind)


def _check_text(values: NDArray[Any]) -> None:
    """Raise a ValueError for code points that are not characters: Python cannot go on with them."""
    if values.dtype.kind != "U":
        return
    code = np.dtype(np.uint32).newbyteorder(values.dtype.byteorder)
    codes = np.ascontiguousarray(values).reshape(-1).view(code)
    if np.any((codes > _LAST_CHARACTER) | ((codes >> 11) == _SURROGATES)):
        raise ValueError("text has a code point that is not a character")


def arrays_of(
    content: bytes,
    most: int,
    *,
    kinds: str = KINDS,
    wanted: Callable[[str], bool] = lambda name: True,
) -> dict[str, NDArray[Any]]:
    """The arrays in the content of an npz file; of an npy file its one array, named ``""``.

    Parameters
    ----------
    content : bytes
    most : int
        Largest size of all wanted arrays together, in bytes.
    kinds : str
        As for :func:`array_of`.
    wanted : callable
        Whether an array of this name is read.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    ValueError
        If the content is neither, or damaged, or would take more than ``most`` bytes.
    """
    if content.startswith(_NPY_MARK):
        if len(content) > most:
            raise ValueError(f"{len(content):,} bytes, more than {most:,}")
        return {"": array_of(content, kinds)}
    if not content.startswith(_ZIP):
        raise ValueError("it is not a zip file, nor one array of numpy's")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [m for m in archive.infolist() if wanted(m.filename.removesuffix(".npy"))]
            size = sum(member.file_size for member in members)
            if size > min(most, _MOST_GROWTH * len(content)):
                raise ValueError(f"{size:,} bytes when unpacked, more than {most:,}")
            return {m.filename.removesuffix(".npy"): _member(archive, m, kinds) for m in members}
    except ValueError:
        raise
    # A damaged archive may raise any error of zipfile and zlib.
    except Exception as error:
        raise ValueError(_said(error)) from None


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, kinds: str) -> NDArray[Any]:
    """An array of an archive, of which no more is unpacked than its declared size."""
    with archive.open(member) as file:
        content = file.read(member.file_size + 1)
    try:
        return array_of(content, kinds)
    except ValueError as error:
        raise ValueError(f"{member.filename!r}: {error}") from None


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
