"""Faster compilation: a precompiled standard library, less optimisation, no unused functions.

Most of the time of a compilation goes to the standard library, which each of a program's files
includes. It is compiled once for all programs, kept in the cache
(:mod:`scnnbio.backends._cache`), and checked by the compiler, which takes the plain header instead
where the flags differ. Files that run once per program need no optimisation, and functions of
Brian2 that scnnbio's programs never call are emptied. None of this changes what a program
computes: a sum of IEEE numbers is the same at every level of optimisation.
"""

from __future__ import annotations

import contextlib
import hashlib
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scnnbio.backends import _cache
from scnnbio.errors import ScnnbioError

_STANDARD = Path(__file__).parent / "templates" / "standard.h"
#: GNU make reads this file instead of Brian2's makefile. A program is compiled once, so that make
#: needs no dependencies between files.
RULES = """\
override DEPS :=
include makefile
objects.o network.o run.o synapses_classes.o: CXXFLAGS += -O1
"""
#: Functions in Brian2's objects.cpp by which a program reads its command line and writes its
#: arrays; scnnbio's programs read a pipe and write checkpoints instead.
_UNUSED = ("void set_variable_by_name(", "void _write_arrays(")


def empty_unused(text: str) -> str:
    """Brian2's objects.cpp without the bodies of functions that scnnbio's programs never call.

    Parameters
    ----------
    text : str
        Content of the file.
    """
    for head in _UNUSED:
        begin = text.find(f"\n{head}")
        body, end = text.find("{", begin), text.find("\n}\n", begin)
        if -1 < begin < body < end:
            text = text[: body + 1] + text[end:]
    return text


def write_rules(folder: Path, compiler: Sequence[str], identity: str) -> None:
    """Write a makefile beside generated sources, with rules for faster compilation.

    Parameters
    ----------
    folder : Path
        Folder of the sources.
    compiler : sequence of str
        The compiler and its flags.
    identity : str
        Version of the compiler, and the meaning of its flags on this machine.
    """
    rules = RULES
    if (header := standard_header(compiler, identity)) is not None:
        quoted = shlex.quote(str(header)).replace("$", "$$").replace("#", "\\#")
        rules += f"CXXFLAGS += -include {quoted}\n"
    (folder / "GNUmakefile").write_text(rules)


def standard_header(compiler: Sequence[str], identity: str) -> Path | None:
    """The standard library as a precompiled header; None if it cannot be made."""
    if "\ngcc version " not in identity:
        return None  # Clang uses precompiled headers differently.
    content = _STANDARD.read_bytes()
    said = "\0".join([identity, *compiler]).encode()
    home = _cache.cache_folder("brian2-headers") / hashlib.sha256(said + content).hexdigest()[:32]
    header = home / "standard.h"
    if _is_intact(home):
        return header
    # Without the header, a program only takes longer to compile. Errors of the disk or the compiler
    # are ignored here, since the program's own compilation reports them.
    with contextlib.suppress(ScnnbioError), _cache.new_folder(home.parent, "a header") as work:
        if home.exists():
            home.rename(work / "damaged")
        fresh = work / "header"
        fresh.mkdir()
        (fresh / "standard.h").write_bytes(content)
        words = [*compiler, "-x", "c++-header", "standard.h", "-o", "standard.h.gch"]
        done = subprocess.run(words, cwd=fresh, capture_output=True, check=False)
        if done.returncode == 0:
            (fresh / "sha256").write_text(_cache.digest_of(fresh / "standard.h.gch"))
            _cache.publish(fresh, home)
    return header if header.exists() else None


def _is_intact(home: Path) -> bool:
    """Whether the header exists and is unchanged since it was written."""
    try:
        return _cache.is_intact(home / "standard.h.gch")
    except OSError:
        return False
