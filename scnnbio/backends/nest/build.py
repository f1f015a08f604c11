"""NESTML models as extension modules of NEST: generated and compiled once, then kept.

A module's place in the cache (:mod:`scnnbio.backends._cache`) follows from all that decides its
code.

The wheel of NEST tells a compiler nothing that is true on another machine, so the command is put
together here: g++, the headers of the wheel, and the C++ ABI that its library was built with.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from scnnbio.backends import _cache
from scnnbio.backends.nest.loader import INSTALL
from scnnbio.backends.nest.nestml import NestmlModel
from scnnbio.errors import BackendMissing

WHERE = "backend 'nest'"

# No contraction to fused multiply-add: the same sums as numpy's.
_FLAGS = ["-fPIC", "-O2", "-DNDEBUG", "-std=c++20", "-fopenmp", "-ffp-contract=off"]
_FLAGS += ["-DLTX_MODULE", "-w"]

# NESTML builds with cmake against a nest-config that a wheel does not have: its generator is taken
# alone. In a process of its own, since it keeps its state in globals, prints, and may exit.
_GENERATE = """
import sys
from pynestml.frontend import pynestml_frontend as frontend
frontend.builder_from_target_name = lambda target, options=None: (None, options)
source, target, module, version = sys.argv[1:]
sys.exit(frontend.generate_target(source, "NEST", target_path=target, module_name=module,
                                  logging_level="ERROR", codegen_opts={"nest_version": version}))
"""

# The headers ask for one type of libltdl, which the wheel brings as a library only.
_LTDL = "#pragma once\ntypedef struct lt__handle *lt_dlhandle;\n"


def cache_folder() -> Path:
    """Folder in which compiled modules are kept."""
    return _cache.cache_folder("nest")


def missing() -> str:
    """What has to be installed before a new model can be compiled; empty if nothing."""
    if importlib.util.find_spec("pynestml") is None:
        return f"NESTML is not installed: {INSTALL}"
    if shutil.which(_compiler()) is None:
        return f"the C++ compiler {_compiler()!r} was not found: install g++, or name it in CXX"
    return ""


def compiled(model: NestmlModel) -> str:
    """Path of a model's module, as ``nest.Install`` takes it; compiles it if it is not there.

    Parameters
    ----------
    model : NestmlModel

    Returns
    -------
    str
        Absolute path without suffix.

    Raises
    ------
    BackendMissing
        If NESTML or the compiler is missing, or one of them fails.
    DataError
        If the cache cannot be written.
    """
    # NEST looks for a symbol of the file's own name.
    module = model.name.replace("_neuron", "module")
    home = cache_folder() / f"{module}-{_key(model)}"
    if not (home / f"{module}.so").is_file():
        if problem := missing():
            raise BackendMissing(problem, where=WHERE)
        with _cache.new_folder(home.parent, "a neuron") as work:
            (work / f"{model.name}.nestml").write_text(model.text)
            _generate(work, model.name, module)
            _compile(work, model.name, module)
            _cache.keep(work, home)
    return str(home / module)


def _compiler() -> str:
    return os.environ.get("CXX", "g++")


def _wheel() -> tuple[str, Path]:
    """Version of the installed wheel, and the folder of its headers."""
    spec = importlib.util.find_spec("nest")
    folders = spec.submodule_search_locations if spec is not None else None
    headers = Path(next(iter(folders or ["."])), "include", "nest")
    try:
        version = importlib.metadata.version("nest-simulator")
    except importlib.metadata.PackageNotFoundError:
        version = ""
    if not version or not (headers / "config.h").is_file():
        raise BackendMissing(
            "this NEST was not installed from its wheel, whose headers compiling a neuron needs;"
            f" remove it and {INSTALL}",
            where=WHERE,
        )
    return version, headers


def _key(model: NestmlModel) -> str:
    """Digest of all that decides a module's code."""
    version, headers = _wheel()
    parts = [
        model.text,
        version,
        (headers / "config.h").read_text(),
        platform.machine(),
        " ".join(_FLAGS),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _generate(work: Path, name: str, module: str) -> None:
    target = work / "generated"
    target.mkdir()
    words = [str(work / f"{name}.nestml"), str(target), module, f"v{_wheel()[0]}"]
    done = _run([sys.executable, "-c", _GENERATE, *words], work)
    source = target / f"{name}.cpp"
    if done.returncode or not source.is_file():
        raise BackendMissing(
            f"NESTML failed on the generated neuron ({_first_line(done)}); install a version that"
            f" was tested: {INSTALL}",
            where=WHERE,
        )
    # NESTML turns a weight into 1/ms and back, which costs its last bit.
    text = source.read_text()
    text = re.sub(
        r"\(0\.001 \* (B_\.spike_inputs_grid_sum_\[[^]]*\])\) \* 1000\.(?!\d)", r"\1", text
    )
    source.write_text(text)


def _compile(work: Path, name: str, module: str) -> None:
    _, headers = _wheel()
    stubs = work / "stubs"
    stubs.mkdir()
    (stubs / "ltdl.h").write_text(_LTDL)
    # Nothing here uses GSL or Boost, whose own headers would be needed besides.
    config = re.sub(r"#define HAVE_(GSL|BOOST) 1", "", (headers / "config.h").read_text())
    (stubs / "config_of_wheel.h").write_text(config)
    flags = [*_FLAGS, f"-D_GLIBCXX_USE_CXX11_ABI={_abi(headers.parents[1])}"]
    flags += ["-include", "config_of_wheel.h"]
    flags += [f"-I{folder}" for folder in (stubs, work / "generated", headers)]
    sources = [str(work / "generated" / f"{stem}.cpp") for stem in (name, module)]
    _call([_compiler(), "-c", *flags, *sources], work)
    # Linked without -fopenmp: NEST's own libgomp is loaded already, and must be the only one.
    objects = [f"{name}.o", f"{module}.o"]
    _call([_compiler(), "-shared", *objects, "-o", f"{module}.so"], work)


def _abi(package: Path) -> int:
    """C++ ABI of the wheel's library: 0 if it names strings as g++ did before version 5."""
    library = (package / "nestkernel_api.so").read_bytes()
    return 0 if re.search(rb"_ZNK?4nest\w*RKSs", library) else 1


def _call(words: list[str], work: Path) -> None:
    done = _run(words, work)
    if done.returncode:
        raise BackendMissing(
            f"the C++ compiler {words[0]!r} failed ({_first_line(done)}); repair it, or name"
            " another g++ in CXX",
            where=WHERE,
        )


def _run(words: list[str], work: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=work, capture_output=True, text=True, check=False)


def _first_line(done: subprocess.CompletedProcess[str]) -> str:
    """The first line that speaks of an error, or the last one that speaks of anything."""
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    found = errors[0] if errors else lines[-1] if lines else f"exit code {done.returncode}"
    return found[:200]
