"""Programs by what they were written from, so that Brian2 need not write one again.

To write the sources of a program takes most of a second: sympy solves the equations, and Brian2
fills in templates. But the program is determined by the network and the times of a trial, not by
the input. So what a run needs of it is kept in the cache (:mod:`scnnbio.backends._cache`): the
arrays that it reads, and the form of the files that it writes. Its name there is a digest of all
that it was written from: the description, the code of scnnbio, and the versions and preferences of
what else writes and compiles it. The executable is found by its own digest, as before.

Nothing is kept of a network with a part from outside scnnbio, whose code the digest would not hold.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brian2 as b2
import jinja2
import mpmath
import numpy as np
import scipy
import sympy

from scnnbio.backends import _cache
from scnnbio.backends.brian2 import compiling
from scnnbio.backends.brian2.driving import drive_tables
from scnnbio.backends.brian2.program_files import ProgramFiles
from scnnbio.digests import code_digest, source_digest
from scnnbio.errors import ScnnbioError
from scnnbio.experiment import Experiment
from scnnbio.values import canonical, digest_of

_FILE, _FORM, _ARRAYS = "program.npz", "form", "static_arrays"
_TEMPLATES = Path(__file__).with_name("templates")
#: Largest program that is kept, and all of them, in bytes of their arrays.
_LARGEST, _ALL = 2**25, 2**28
#: Asked for now, before an editor writes files that are newer than the modules of this process.
_CODE = code_digest()


def name_of(experiment: Experiment) -> str | None:
    """Digest of all that the program of an experiment is written from.

    Parameters
    ----------
    experiment : Experiment
        After :attr:`Experiment.lowered`. Brian2's preferences are those of the program.

    Returns
    -------
    str or None
        None if part of the network has code from outside scnnbio.
    """
    try:
        form = canonical(_described(experiment))
    except TypeError:
        return None
    if _is_foreign(form):
        return None
    preferences = {name: repr(b2.prefs[name]) for name in sorted(b2.prefs)}
    tools = [_versions(), preferences, compiling.compiler_identity(), source_digest(_TEMPLATES)]
    whole = digest_of([form, canonical(tools)], exact=True)
    return hashlib.sha256(f"{_CODE} {whole}".encode()).hexdigest()[:32]


def _described(experiment: Experiment) -> dict[str, Any]:
    """All of an experiment that its program depends on."""
    return {
        "network": experiment.network,
        "dt": experiment.dt,
        "trial_steps": experiment.trial_steps,
        "reset": experiment.reset,
        "record": experiment.record,
        "drives": drive_tables(experiment),
    }


def _is_foreign(form: Any) -> bool:
    """Whether a form names a class of another package, or any function."""
    if isinstance(form, dict):
        kind = form.get("class", "")
        return kind == "name" or "." in kind or any(_is_foreign(item) for item in form.values())
    return isinstance(form, list) and any(_is_foreign(item) for item in form)


@functools.cache
def _versions() -> dict[str, str]:
    """Versions of what writes programs, and of the machine whose library computes constants."""
    packages = (b2, jinja2, mpmath, np, scipy, sympy)
    found = {package.__name__: str(package.__version__) for package in packages}
    return {**found, "python": sys.version, "machine": platform.platform()}


def find(name: str, folder: Path) -> ProgramFiles | None:
    """Write a known program and its arrays to a folder.

    Parameters
    ----------
    name : str
        Its :func:`name_of`.
    folder : Path

    Returns
    -------
    ProgramFiles or None
        None if it is not known, or damaged.
    """
    file = _home(name) / _FILE
    try:
        if not _cache.is_intact(file):
            return None
        with contextlib.suppress(OSError):  # a cache that can only be read
            os.utime(file)
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as kept:
            arrays = dict(kept)
    except OSError:
        return None  # such as a file that another process has removed just now
    program = ProgramFiles.from_dict(json.loads(arrays.pop(_FORM).tobytes()))
    if not compiling.fetch(program.key, folder):
        return None
    (folder / _ARRAYS).mkdir(exist_ok=True)
    for array, content in arrays.items():
        (folder / _ARRAYS / array).write_bytes(content.tobytes())
    return program


def make(name: str, folder: Path, written: Callable[[], ProgramFiles]) -> ProgramFiles:
    """Write a program that is not known, and keep it.

    Parameters
    ----------
    name : str
        Its :func:`name_of`.
    folder : Path
    written : callable
        Writes it to the folder. Where another process writes the same program now, that is awaited
        instead.
    """
    with compiling.alone(_home(name)):
        program = find(name, folder)
        if program is None:
            program = written()
            _keep(name, program, folder)
        return program


def _keep(name: str, program: ProgramFiles, folder: Path) -> None:
    """Keep a program that was written to a folder, unless it is large."""
    files = sorted((folder / _ARRAYS).iterdir())
    if sum(file.stat().st_size for file in files) > _LARGEST:
        return
    arrays = {file.name: np.fromfile(file, np.uint8) for file in files}
    arrays[_FORM] = np.frombuffer(json.dumps(program.to_dict()).encode(), np.uint8)
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    home = _home(name)
    # Without it, the program is only written again: errors of the disk are ignored here.
    with contextlib.suppress(ScnnbioError), _cache.new_folder(home.parent, "a program") as work:
        if home.exists():
            home.rename(work / "damaged")
        fresh = work / "program"
        fresh.mkdir()
        (fresh / _FILE).write_bytes(content.getvalue())
        (fresh / "sha256").write_text(_cache.digest_of(fresh / _FILE))
        _cache.publish(fresh, home)
        _remove_old(home.parent)


def _home(name: str) -> Path:
    return _cache.cache_folder("brian2-known") / name


def _remove_old(folder: Path) -> None:
    """Remove programs that were not used for the longest time, until all of them take less room."""
    used = []
    for file in folder.glob(f"*/{_FILE}"):
        with contextlib.suppress(FileNotFoundError):
            found = file.stat()
            used.append((found.st_mtime_ns, found.st_size, file.parent))
    room = sum(size for _, size, _ in used)
    for _, size, home in sorted(used):
        if room <= _ALL:
            break
        shutil.rmtree(home, ignore_errors=True)
        room -= size
