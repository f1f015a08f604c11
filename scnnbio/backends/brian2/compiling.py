"""Compilation of the C++ program, with the same arithmetic as numpy; each program only once.

Brian2 writes the sources in a fraction of a second; make takes ten times as long, although
:mod:`scnnbio.backends.brian2.quicker` leaves out what it can. Sources, compiler and
flags determine the program, so their digest is its name in the cache
(:mod:`scnnbio.backends._cache`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import brian2 as b2
import numpy as np

from scnnbio.backends import _cache
from scnnbio.backends._lock import locked
from scnnbio.backends.brian2 import quicker
from scnnbio.errors import BackendMissing, DataError

_WHERE = "backend 'brian2-standalone'"
Precision = Literal["double", "single"]

# No -ffast-math and no fused multiply-add, so that spikes equal those of numpy. With
# -fno-trapping-math, comparisons are vectorised too.
_FLAGS = ["-w", "-O3", "-march=native", "-ffp-contract=off", "-fno-trapping-math", "-std=c++11"]
# By default compilers use 256 bits even on processors with 512, which suits processors of 2017.
_FLAGS_X86 = ["-mprefer-vector-width=512"]

#: C++ for the beginning of a program: denormal numbers become zero. A current without input decays
#: to denormal numbers, which slow a processor down 50 times and are 300 orders of magnitude below a
#: spike.
NO_DENORMALS = """
#ifdef __SSE__
__builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#endif
"""


def preferences(precision: Precision = "double", threads: int = 1) -> dict[str, Any]:
    """Preferences of Brian2 under which a program is described and built.

    Parameters
    ----------
    precision : {"double", "single"}
        Precision of states, kernels and constants.
    threads : int

    Returns
    -------
    dict
        By the preference's name.
    """
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    return {
        "codegen.cpp.extra_compile_args_gcc": _FLAGS + (_FLAGS_X86 if x86 else []),
        "core.default_float_dtype": np.float64 if precision == "double" else np.float32,
        "devices.cpp_standalone.openmp_threads": threads if threads > 1 else 0,
        # Brian2's default "-j" would compile all files at once, whatever the memory.
        "devices.cpp_standalone.extra_make_args_unix": [f"-j{os.cpu_count() or 1}"],
    }


@dataclass(frozen=True)
class Compiled:
    """A compiled program.

    Parameters
    ----------
    key : str
        Digest of sources, compiler and flags.
    fresh : bool
        Whether it was compiled now, and not found in the cache.
    """

    key: str
    fresh: bool


def compile_project(folder: Path) -> Compiled:
    """Compile generated sources to ``main`` in their folder, or copy it from the cache.

    Raises
    ------
    BackendMissing
        If the compiler fails.
    DataError
        If the cache cannot be written.
    """
    identity = f"{compiler_identity()}\n{quicker.RULES}"
    name = key(folder, identity)
    if fetch(name, folder):
        return Compiled(name, fresh=False)
    home = _home(name)
    with alone(home):
        if fetch(name, folder):
            return Compiled(name, fresh=False)
        _compile(home, folder, identity)
    return Compiled(name, fresh=True)


def _compile(home: Path, folder: Path, identity: str) -> None:
    """Compile a program in its folder, and put it into the cache."""
    with _cache.new_folder(home.parent, "a program") as work:
        if home.exists():
            # The cached program is damaged; it can be moved, as programs do not run from the cache.
            home.rename(work / "damaged")
        _make(folder)
        fresh = work / "program"
        fresh.mkdir()
        shutil.copy2(folder / "main", fresh / "main")
        (fresh / "compiler").write_text(identity)
        (fresh / "sha256").write_text(_cache.digest_of(fresh / "main"))
        _cache.publish(fresh, home)


@contextlib.contextmanager
def alone(home: Path) -> Iterator[None]:
    """Wait for another process that makes the same entry of the cache.

    Where there are no locks, or after ten minutes, both make it, and one of them is kept.

    Parameters
    ----------
    home : Path
        The entry's folder.
    """
    file = home.with_name(f".{home.name}.lock")
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(DataError, OSError):
            file.parent.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
            stack.enter_context(locked(file, wait=600.0))
            stack.callback(file.unlink, missing_ok=True)
        yield


def key(folder: Path, identity: str) -> str:
    """Digest of sources, compiler and flags."""
    found = hashlib.sha256(identity.encode())
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".cpp", ".h") or path.name == "makefile":
            content = path.read_bytes()
            found.update(f"\0{path.relative_to(folder)}\0{len(content)}\0".encode())
            found.update(content)
    return found.hexdigest()[:32]


def _home(name: str) -> Path:
    return _cache.cache_folder("brian2") / name


def fetch(name: str, folder: Path) -> bool:
    """Copy a program from the cache, if it is there and undamaged.

    Parameters
    ----------
    name : str
        Digest of its sources, compiler and flags.
    folder : Path
        The copy is ``main`` in it.

    Raises
    ------
    DataError
        If the cache cannot be read.
    """
    home = _home(name)
    try:
        shutil.copy2(home / "main", folder / "main")
        return _cache.is_intact(home / "main", folder / "main")
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DataError(
            f"the cache of compiled code cannot be read ({error.strerror}); set SCNNBIO_CACHE to"
            " another folder",
            where=str(home),
        ) from error


def compiler() -> list[str]:
    """The compiler and its flags."""
    flags = [str(flag) for flag in b2.prefs["codegen.cpp.extra_compile_args_gcc"]]
    if b2.prefs["devices.cpp_standalone.openmp_threads"]:
        flags.append("-fopenmp")
    return [os.environ.get("CXX", "g++"), *flags]


def compiler_identity() -> str:
    """The compiler's version, and the meaning of ``-march=native`` on this processor."""
    words = [*compiler(), "-###", "-E", "-x", "c++", os.devnull]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BackendMissing(
            f"the C++ compiler {words[0]!r} cannot be started ({error.strerror}); name another g++"
            " in CXX",
            where=_WHERE,
        ) from error
    return f"Brian2 {b2.__version__}\n{done.stderr}"


def _make(folder: Path) -> None:
    quicker.write_rules(folder, compiler(), compiler_identity())
    words = [b2.prefs["devices.cpp_standalone.make_cmd_unix"]]
    words += b2.prefs["devices.cpp_standalone.extra_make_args_unix"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        _cache.check_full_disk(done.stderr, folder)
        lines = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()]
        reason = lines[0] if lines else f"exit code {done.returncode}"
        raise BackendMissing(
            f"the C++ compiler failed ({reason[:200]}); repair it, name another g++ in CXX, or use"
            " backend 'brian2'",
            where=_WHERE,
        )
