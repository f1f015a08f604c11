"""What makes a compilation quick: nothing is compiled that is known or that no run uses.

Most of the seconds of a compilation go to the standard library, which each of a program's files
includes. It is compiled once for all programs, kept in the cache
(:mod:`scnnbio.backends._cache`), and checked by the compiler, which takes the plain header instead
where the flags differ. Files that run once per program need no optimisation, and functions of
Brian2 that no program of ours calls need not be there. None of this changes what a program
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
#: GNU make reads this file instead of Brian2's makefile. Nothing here is compiled twice, so that
#: no list of what depends on what is needed.
RULES = """\
override DEPS :=
include makefile
objects.o network.o run.o synapses_classes.o: CXXFLAGS += -O1
"""
#: Functions in Brian2's objects.cpp by which a program would read its command line and write its
#: arrays; ours read a pipe, and write checkpoints.
_UNUSED = ("void set_variable_by_name(", "void _write_arrays(")


def empty_unused(text: str) -> str:
    """Brian2's objects.cpp without the bodies of functions that no program of ours calls.

    Parameters
    ----------
    text : str
        A function that is not in it is left alone.
    """
    for head in _UNUSED:
        begin = text.find(f"\n{head}")
        body, end = text.find("{", begin), text.find("\n}\n", begin)
        if -1 < begin < body < end:
            text = text[: body + 1] + text[end:]
    return text


def write_rules(folder: Path, compiler: Sequence[str], identity: str) -> None:
    """Put the rules beside generated sources, by which they compile quickly.

    Parameters
    ----------
    folder : Path
        Of the sources.
    compiler : sequence of str
        The compiler and its flags.
    identity : str
        Its version, and what its flags mean here.
    """
    rules = RULES
    if (header := standard_header(compiler, identity)) is not None:
        quoted = shlex.quote(str(header)).replace("$", "$$").replace("#", "\\#")
        rules += f"CXXFLAGS += -include {quoted}\n"
    (folder / "GNUmakefile").write_text(rules)


def standard_header(compiler: Sequence[str], identity: str) -> Path | None:
    """The standard library as a precompiled header; None where that cannot be had."""
    if "\ngcc version " not in identity:
        return None  # Clang keeps such headers in another way.
    content = _STANDARD.read_bytes()
    said = "\0".join([identity, *compiler]).encode()
    home = _cache.cache_folder("brian2-headers") / hashlib.sha256(said + content).hexdigest()[:32]
    header = home / "standard.h"
    if _is_whole(home):
        return header
    # Without it, a program takes longer to compile, and that is all: what is wrong with the disk or
    # with the compiler, the program's own compilation says.
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


def _is_whole(home: Path) -> bool:
    """Whether a header is there as it was written."""
    try:
        return _cache.digest_of(home / "standard.h.gch") == (home / "sha256").read_text()
    except OSError:
        return False
