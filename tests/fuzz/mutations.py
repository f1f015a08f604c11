"""Hostile inputs: valid files that were changed at random, and random bytes."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import struct
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tomli_w

Rng = np.random.Generator
Mutation = Callable[[bytes, Rng], bytes]

#: Words that readers trip over: numbers at the edge of types, code, paths, nesting.
_WORDS = (
    b"0", b"-1", b"1e309", b"-1e-320", b"nan", b"inf", b"-inf", b"true", b"null", b'""', b"''",
    b"[]", b"{}", b"2147483648", b"4294967295", b"9223372036854775808", b"1000000000000",
    b"99999999999999999999999999", b"1e12", b"0.1", b"1_000", b"0x7f", b"'\\u0000'", b"1979-05-27",
    b"../../etc/passwd", b"/dev/zero", b"/proc/self/mem", b"__import__('os').mkdir('RAN')",
    b"().__class__.__base__.__subclasses__()", b"exp(exp(exp(99)))", b"x**x**x", b"9**9**9",
    b"lambda: 0", b"[[[[[[[[", b"]]]]", b"((((((", b"))))", b"{{{{", b"=", b",", b".", b"\n", b"#",
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", "\N{GREEK SMALL LETTER MU}s".encode(), b"<script>",
    b"%s%n", b"${HOME}", b"{{7*7}}", b"stages", b"kind", b"class", b"name", b"int(", b"v", b"ms",
)  # fmt: skip
_TOKEN = re.compile(rb"[A-Za-z_]\w*|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\s+|.", re.DOTALL)
_NUMBER = re.compile(rb"\d+(?:\.\d+)?")
#: A text is shortened to this, so that one input stays within a second.
_LONGEST = 200_000


def random_bytes(content: bytes, rng: Rng) -> bytes:
    """Random bytes, sometimes after the first bytes of a valid file."""
    kept = int(rng.choice([0, 0, 4, 16, 64]))
    return content[:kept] + rng.bytes(int(rng.integers(0, 600)))


def of_bytes(content: bytes, rng: Rng) -> bytes:
    """Bytes changed, cut off, inserted, repeated or set to the largest values."""
    good = bytearray(content)
    if not good:
        return rng.bytes(8)
    for _ in range(int(rng.integers(1, 5))):
        size = len(good)
        # Headers are where lengths and offsets are.
        at = int(rng.integers(min(size, 600) if rng.random() < 0.5 else size)) if size else 0
        how = rng.integers(8)
        if how == 0:
            del good[at:]
        elif how == 1:
            good[at : at + 1] = bytes([int(rng.integers(256))])
        elif how == 2:
            good[at:at] = rng.bytes(int(rng.integers(1, 40)))
        elif how == 3:
            del good[at : at + int(rng.integers(1, 40))]
        elif how == 4:
            width = int(rng.choice([1, 2, 4, 8]))
            top = rng.choice([0, 1, 2**31 - 1, 2**32 - 1, 10**12, 2**63 - 1])
            value = int(top) % 2 ** (8 * width)
            good[at : at + width] = value.to_bytes(width, "little")
        elif how == 5:
            good[at : at + 16] = good[at : at + 16] * int(rng.integers(1, 30))
        elif how == 6 and size:
            good[at] ^= 1 << int(rng.integers(8))
        else:
            length = int(rng.integers(1, 60))
            other = int(rng.integers(size)) if size else 0
            good[at : at + length] = good[other : other + length]
    return bytes(good)


def of_text(content: bytes, rng: Rng) -> bytes:
    """Tokens of a text exchanged, repeated, removed, or replaced by hostile ones."""
    if rng.random() < 0.1:
        return of_bytes(content, rng)
    tokens = _TOKEN.findall(content)
    for _ in range(int(rng.integers(1, 6))):
        if not tokens:
            break
        at, how = int(rng.integers(len(tokens))), rng.integers(8)
        if how <= 2:
            tokens[at] = _word(rng)
        elif how == 3:
            tokens.insert(at, _word(rng))
        elif how == 4:
            del tokens[at : at + int(rng.integers(1, 6))]
        elif how == 5:
            other = int(rng.integers(len(tokens)))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif how == 6:
            tokens[at] = (tokens[at] * int(rng.choice([2, 10, 3000])))[:20_000]
        else:
            numbers = [k for k, token in enumerate(tokens) if _NUMBER.fullmatch(token)]
            if numbers:
                tokens[int(rng.choice(numbers))] = _number(rng)
    return b"".join(tokens)[:_LONGEST]


def of_archive(content: bytes, rng: Rng) -> bytes:
    """A zip archive whose members are hostile and whose checksums are right; or its bytes."""
    if rng.random() < 0.3:
        return of_bytes(content, rng)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(int(rng.integers(1, 3))):
        name = str(rng.choice(sorted(members)))
        how = rng.integers(6)
        if how == 0:
            del members[name]
        elif how == 1:
            members[_word(rng).decode("latin-1").replace("\0", "0")] = members[name]
        elif name.endswith(".json"):
            members[name] = of_json(members[name], rng)
        elif how <= 3:
            members[name] = header_of_array(members[name], rng)
        else:
            members[name] = of_bytes(members[name], rng)
        if not members:
            break
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(zipfile.ZipInfo(name or "0"), body)
    return out.getvalue()


def header_of_array(content: bytes, rng: Rng) -> bytes:
    """An array in numpy's format whose header claims another shape or type."""
    if not content.startswith(b"\x93NUMPY") or len(content) < 12:
        return of_bytes(content, rng)
    length = struct.unpack("<H", content[8:10])[0]
    body = content[10 + length :]
    shape = [int(rng.choice([0, 1, 3, 10**6, 10**9, 10**12, 2**62, -1]))] * int(rng.integers(1, 4))
    kind = rng.choice(["<f8", "<i8", "|O", "|u1", "<f2", "<c16", "|S0", "<U9", "<M8[ns]", ">i4"])
    said = f"{{'descr': '{kind}', 'fortran_order': {rng.random() < 0.3}, 'shape': {tuple(shape)}}}"
    head = of_text(said.encode(), rng) if rng.random() < 0.4 else said.encode()
    head = head[:9000]
    return content[:8] + struct.pack("<H", len(head) + 1) + head + b"\n" + body


def of_json(content: bytes, rng: Rng) -> bytes:
    """JSON with a value replaced by one of another kind; or its text."""
    if rng.random() < 0.5:
        return of_text(content, rng)
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):  # it was made hostile before
        return of_text(content, rng)
    places: list[tuple[Any, Any]] = []
    _collect(whole, places)
    for _ in range(int(rng.integers(1, 4))):
        if not places:
            break
        parent, key = places[int(rng.integers(len(places)))]
        choices = [
            None,
            True,
            -1,
            0,
            10**30,
            1e308,
            "",
            "x" * 1000,
            [],
            {},
            [[]],
            {"class": "table"},
        ]
        try:
            parent[key] = choices[int(rng.integers(len(choices)))]
        except (IndexError, TypeError):
            continue
    return json.dumps(whole).encode()


def of_toml(content: bytes, rng: Rng) -> bytes:
    """A document that is TOML and in which values are of another kind, size or place."""
    if rng.random() < 0.3:
        return of_text(content, rng)
    whole = tomllib.loads(content.decode())
    places: list[tuple[Any, Any]] = []
    _collect(whole, places)
    for _ in range(int(rng.integers(1, 4))):
        parent, key = places[int(rng.integers(len(places)))]
        other = places[int(rng.integers(len(places)))]
        try:
            how = rng.integers(6)
            if how == 0:
                del parent[key]
            elif how == 1:
                parent[key] = other[0][other[1]]
            elif how == 2 and isinstance(parent, dict):
                parent[str(other[1])] = parent.pop(key)
            else:
                parent[key] = _value(parent[key], rng)
        except (IndexError, KeyError, TypeError):
            continue
    try:
        return tomli_w.dumps(whole).encode()
    except (RecursionError, TypeError, ValueError):
        return of_text(content, rng)


def _value(before: Any, rng: Rng) -> Any:
    """A hostile value, often of the kind of the one before."""
    if isinstance(before, str) and rng.random() < 0.6:
        return of_text(before.encode(), rng).decode("utf-8", "replace")
    if isinstance(before, int | float) and rng.random() < 0.6:
        large = [0, 1, -1, 10**6, 10**9, 10**12, 2**31, 2**63 - 1, 1e-300, 1e300, 0.5]
        return large[int(rng.integers(len(large)))]
    values = [
        True, -1, 0, 10**12, 2**62, 1e308, math.nan, math.inf, "", "x" * 900, [], {}, [[]], [1e12],
        "1e12 ms", "-5 mV", {"kind": "x"}, [0] * 40, "../x.npz", {"file": "/dev/zero"},
        "/dev/zero", {"min": 0, "max": 1}, "v1", "lgn", "learn",
    ]  # fmt: skip
    return values[int(rng.integers(len(values)))]


def with_checksum(content: bytes, rng: Rng) -> bytes:
    """A recording whose HDF5 is hostile and whose checksum is right, as an attacker writes it."""
    mark = b"scnnbio sha256 "
    if not content.startswith(mark) or rng.random() < 0.1:
        return of_bytes(content, rng)
    body = of_bytes(content[512:], rng)
    digest = hashlib.sha256(body).hexdigest().encode()
    return mark + digest + content[len(mark) + len(digest) : 512] + body


def mixed(mutation: Mutation, seeds: Sequence[bytes], rng: Rng) -> bytes:
    """One hostile input."""
    content = seeds[int(rng.integers(len(seeds)))]
    return random_bytes(content, rng) if rng.random() < 0.05 else mutation(content, rng)


def _collect(value: Any, places: list[tuple[Any, Any]]) -> None:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        places.append((value, key))
        _collect(item, places)


def _word(rng: Rng) -> bytes:
    return _WORDS[int(rng.integers(len(_WORDS)))]


def _number(rng: Rng) -> bytes:
    if rng.random() < 0.5:
        return str(int(rng.integers(-3, 100))).encode()
    return f"{rng.choice([-1, 1]) * 10.0 ** rng.uniform(-320, 308):.3g}".encode()
