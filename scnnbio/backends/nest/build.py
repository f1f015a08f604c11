"""Extension modules of NEST with neurons and shared kernels, compiled once and cached.

NESTML generates the C++ of neurons; that of shared kernels is part of this package (``module/``),
completed by the code of a learning rule. Both are compiled in the same way.

A module's name in the cache (:mod:`scnnbio.backends._cache`) is a digest of everything that
determines its code.

The wheel of NEST has no compiler settings that are valid on another machine, so the command is
composed here: g++, the headers of the wheel, and the C++ ABI of its library. For a NEST that was
built with MPI the compiler is that of the MPI library, which knows the paths of its headers.
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
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from scnnbio.backends import _cache
from scnnbio.backends.nest.loader import INSTALL
from scnnbio.backends.nest.nestml import NestmlModel
from scnnbio.backends.nest.noting import LOOK, LOOK_BEFORE, NOTE
from scnnbio.backends.nest.rules import RuleCode
from scnnbio.backends.notation import ARITHMETIC, IN_CPP
from scnnbio.errors import BackendMissing

WHERE = "backend 'nest'"
_Source = TypeVar("_Source")
_OWN = Path(__file__).parent / "module"

# No fused multiply-add, for the same rounding as numpy.
_FLAGS = ["-fPIC", "-O2", "-DNDEBUG", "-std=c++20", "-fopenmp", "-ffp-contract=off"]
_FLAGS += ["-DLTX_MODULE", "-w"]
# NEST uses only the C interface of MPI; the C++ interface would need another library.
_MPI_FLAGS = ["-DMPICH_SKIP_MPICXX", "-DOMPI_SKIP_MPICXX"]

# NESTML builds with cmake against a nest-config that a wheel lacks, so only its generator is used.
# It runs in its own process, since it has global state, prints, and may exit. NESTML's printer
# writes numbers with nine digits and loses zeros of exponents, so it is replaced by repr.
_GENERATE = """
import sys
from pynestml.codegeneration.printers.constant_printer import ConstantPrinter
from pynestml.frontend import pynestml_frontend as frontend
sys.setrecursionlimit(20000)
assert callable(ConstantPrinter.print_constant)
ConstantPrinter.print_constant = lambda self, number: repr(number)
frontend.builder_from_target_name = lambda target, options=None: (None, options)
source, target, module, version = sys.argv[1:]
sys.exit(frontend.generate_target(source, "NEST", target_path=target, module_name=module,
                                  logging_level="ERROR", codegen_opts={"nest_version": version}))
"""

# The headers need one type of libltdl, whose headers the wheel lacks.
_LTDL = "#pragma once\ntypedef struct lt__handle *lt_dlhandle;\n"


def cache_folder() -> Path:
    """Cache folder of compiled modules."""
    return _cache.cache_folder("nest")


def missing() -> str:
    """What must be installed to compile a new model; empty if nothing."""
    if importlib.util.find_spec("pynestml") is None:
        return f"NESTML is not installed: {INSTALL}"
    return no_compiler()


def compiled(model: NestmlModel) -> str:
    """Path of a model's module for ``nest.Install``; compiled if it is not cached.

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

    def generate(work: Path) -> None:
        (work / f"{model.name}.nestml").write_text(model.text)
        _generate(work, model.name, model.module)
        if model.competes:
            _add_offset(work / "generated" / model.name)
        source = work / "generated" / f"{model.name}.cpp"
        _add_look(source, model.states)
        if model.given:
            _add_drive(source, model.given)

    parts = [model.text, LOOK, NOTE, *([DRIVE, SET] if model.given else [])]
    return _module(model.module, "\0".join(parts), generate, missing())


def build_in_parallel(build: Callable[[_Source], str], sources: Iterable[_Source]) -> list[str]:
    """Sorted paths of several modules, built in parallel."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sorted(pool.map(build, sources))


def shared_module() -> str:
    """Path of the module with static kernels and shared thresholds; as :func:`compiled`."""
    name = "scnnbio_shared"
    return _own_module(name, (_OWN / f"{name}.cpp").read_text(encoding="utf-8"))


def rule_module(code: RuleCode) -> str:
    """Path of the module with kernels that learn by a rule, as :func:`compiled`."""
    return _own_module(code.module, code.text)


def _own_module(name: str, text: str) -> str:
    """Path of a module with the C++ ``text`` and this package's headers; needs no NESTML."""
    files = [*sorted(_OWN.glob("*.h")), ARITHMETIC]
    headers = {path.name: path.read_text(encoding="utf-8") for path in files}

    def write(work: Path) -> None:
        for file, content in {**headers, f"{name}.cpp": text}.items():
            (work / "generated" / file).write_text(content, encoding="utf-8")

    return _module(name, "\0".join([text, *headers.values()]), write, no_compiler())


def _module(name: str, text: str, write: Callable[[Path], None], problem: str) -> str:
    """Path of a module in the cache; if absent, ``write`` writes its C++ to a folder to compile."""
    home = cache_folder() / f"{name}-{_key(text)}"
    if not _is_intact(home, name):
        if problem:
            raise BackendMissing(problem, where=WHERE)
        with _cache.new_folder(home.parent, "a module") as work:
            if home.exists():
                # It is damaged. A process that has loaded it keeps what it has loaded.
                home.rename(work / "damaged")
            fresh = work / "module"
            (fresh / "generated").mkdir(parents=True)
            write(fresh)
            _compile(fresh, name)
            (fresh / "sha256").write_text(_cache.digest_of(fresh / f"{name}.so"))
            _cache.publish(fresh, home)
    return str(home / name)


def _is_intact(home: Path, name: str) -> bool:
    """Whether a module is in the cache, as it was built; old ones have no digest."""
    file = home / f"{name}.so"
    if not (home / "sha256").is_file():
        return file.is_file() and file.stat().st_uid == os.geteuid()
    try:
        return _cache.is_intact(file)
    except OSError:
        return False


def _compiler() -> tuple[str, str]:
    """The compiler, and the environment variable that can name another one."""
    if not built_with_mpi():
        return os.environ.get("CXX", "g++"), "CXX"
    found = re.search(r'#define MPIEXEC "(.+)"', _config())
    # The compiler must belong to the same MPI library.
    beside = Path(found[1]).with_name("mpicxx") if found else None
    own = str(beside) if beside is not None and beside.is_file() else "mpicxx"
    return os.environ.get("MPICXX", own), "MPICXX"


def built_with_mpi() -> bool:
    """Whether the installed NEST was built with MPI."""
    return re.search(r"^#define HAVE_MPI 1", _config(), re.MULTILINE) is not None


def _config() -> str:
    """Content of NEST's config.h; empty if it has none."""
    file = _headers() / "config.h"
    return file.read_text() if file.is_file() else ""


def no_compiler() -> str:
    """What must be installed to compile C++; empty if nothing."""
    compiler, variable = _compiler()
    if shutil.which(compiler) is not None:
        return ""
    if variable == "CXX":
        return f"the C++ compiler {compiler!r} was not found: install g++, or name it in CXX"
    return (
        f"this NEST was built with MPI, but the compiler of MPI, {compiler!r}, was not found: add"
        " its folder to PATH, or name it in MPICXX"
    )


def _headers() -> Path:
    """Folder of NEST's headers, which may not exist."""
    spec = importlib.util.find_spec("nest")
    folders = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(folders or ["."])), "include", "nest")


def _wheel() -> tuple[str, Path]:
    """Version of the installed wheel, and the folder of its headers."""
    headers = _headers()
    try:
        version = importlib.metadata.version("nest-simulator")
    except importlib.metadata.PackageNotFoundError:
        version = ""
    if not version or not (headers / "config.h").is_file():
        raise BackendMissing(
            "this NEST was not installed from its wheel, whose headers are needed to compile;"
            f" remove it and {INSTALL}",
            where=WHERE,
        )
    return version, headers


def _key(text: str) -> str:
    """Digest of everything that determines a module's code."""
    version, headers = _wheel()
    parts = [
        text,
        version,
        (headers / "config.h").read_text(),
        platform.machine(),
        " ".join(_FLAGS),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _generate(work: Path, name: str, module: str) -> None:
    target = work / "generated"
    words = [str(work / f"{name}.nestml"), str(target), module, f"v{_wheel()[0]}"]
    done = _run([sys.executable, "-c", _GENERATE, *words], work)
    source = target / f"{name}.cpp"
    if done.returncode or not source.is_file():
        raise BackendMissing(
            f"NESTML failed on the generated neuron ({_first_line(done)}); install a tested"
            f" version: {INSTALL}",
            where=WHERE,
        )
    # NESTML converts weights to 1/ms and back, which changes the last bit.
    text = source.read_text()
    text = re.sub(
        r"\(0\.001 \* (B_\.spike_inputs_grid_sum_\[[^]]*\])\) \* 1000\.0?(?!\d)", r"\1", text
    )
    for body, function in IN_CPP.values():
        text = _with_body(text, body, function)
    missed = _numbers((work / f"{name}.nestml").read_text()) - _numbers(text)
    if missed:
        raise _other_version(f"writes the number {missed.pop()} differently")
    source.write_text("#include <cmath>\n" + ARITHMETIC.read_text(encoding="utf-8") + text)


def _numbers(text: str) -> set[float]:
    """Numbers with a point or an exponent in a text."""
    return {float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+)", text)}


def _with_body(text: str, function: str, body: str) -> str:
    """Replace the body of a function in a generated neuron, if it has one, by a C++ expression."""
    pattern = rf"(::{function}\s*\([^)]*\)\s*const\s*\{{)[^}}]*\}}"
    found, count = re.subn(pattern, rf"\1 return {body}; }}", text)
    if count != (f"{function} (" in text or f"{function}(" in text):
        raise _other_version("writes functions differently")
    return found


def _other_version(what: str) -> BackendMissing:
    return BackendMissing(
        f"this version of NESTML {what}; install a tested one: {INSTALL}", where=WHERE
    )


# NESTML cannot express that a spike has an offset, which NEST delivers to every thread.
_OFFSET = {
    ".h": (
        "  using nest::Node::handles_test_event;\n",
        "  bool is_off_grid() const override { return true; }\n",
    ),
    ".cpp": ("      nest::SpikeEvent se;\n", "      se.set_offset(S_.excess);\n"),
}


def _add_offset(source: Path) -> None:
    """Let spikes of a generated neuron carry the excess over threshold, as their offset."""
    for suffix, (line, addition) in _OFFSET.items():
        file = source.with_suffix(suffix)
        text = file.read_text()
        if text.count(line) != 1:
            raise _other_version(f"writes {file.suffix} files differently")
        file.write_text(text.replace(line, line + addition))


# What a drive sets, row after row for each step and port, is read as a step begins.
DRIVE = """struct Drive { const double* values; long begin, ports, first, nodes; };
extern "C" __attribute__((visibility("protected"))) Drive scnnbio_drive;
Drive scnnbio_drive = { nullptr, 0, 0, 0, 0 };
static inline double driven(long step, long port, long node)
{
  const Drive& all = scnnbio_drive;
  return all.values[((step - all.begin) * all.ports + port) * all.nodes + node - all.first];
}
"""
SET = """    if (scnnbio_drive.values)
      S_.s_{0} = driven(origin.get_steps() + lag, {1}, get_node_id());
"""
_SET_AFTER = "     * Begin NESTML generated code for the update block(s)\n    **/\n"


def _add_drive(source: Path, given: Iterable[str]) -> None:
    """Let a generated neuron read the states that a drive sets, as each step begins."""
    text = source.read_text()
    if text.count(_SET_AFTER) != 1:
        raise _other_version("begins a step in another way")
    sets = "".join(SET.format(state, port) for port, state in enumerate(given))
    source.write_text(DRIVE + text.replace(_SET_AFTER, f"{_SET_AFTER}\n{sets}"))


def _add_look(source: Path, states: Iterable[str]) -> None:
    """Let a generated neuron check that its states are finite."""
    text = source.read_text()
    if text.count(LOOK_BEFORE) != 1:
        raise BackendMissing(
            f"this version of NESTML ends a step differently; install a tested one: {INSTALL}",
            where=WHERE,
        )
    looks = "".join(map(LOOK.format, states))
    text = text.replace(LOOK_BEFORE, looks + LOOK_BEFORE)
    source.write_text(NOTE + text)


def _compile(work: Path, module: str) -> None:
    """Compile the C++ in ``generated`` to ``module``.so."""
    _, headers = _wheel()
    stubs = work / "stubs"
    stubs.mkdir()
    (stubs / "ltdl.h").write_text(_LTDL)
    # Without GSL and Boost, whose headers would be needed, and which are not used here.
    config = re.sub(r"#define HAVE_(GSL|BOOST) 1", "", (headers / "config.h").read_text())
    (stubs / "config_of_wheel.h").write_text(config)
    flags = [*_FLAGS, f"-D_GLIBCXX_USE_CXX11_ABI={_abi(headers.parents[1])}"]
    flags += ["-include", "config_of_wheel.h", *(_MPI_FLAGS if built_with_mpi() else [])]
    flags += [f"-I{folder}" for folder in (stubs, work / "generated", headers)]
    sources = sorted((work / "generated").glob("*.cpp"))
    _call(["-c", *flags, *map(str, sources)], work)
    # Linked without -fopenmp: NEST has already loaded its own libgomp, which must be the only one.
    objects = [f"{source.stem}.o" for source in sources]
    _call(["-shared", *objects, "-o", f"{module}.so"], work)


def _abi(package: Path) -> int:
    """C++ ABI of the wheel's library: 0 for the strings of g++ before version 5."""
    library = (package / "nestkernel_api.so").read_bytes()
    return 0 if re.search(rb"_ZNK?4nest\w*RKSs", library) else 1


def _call(words: list[str], work: Path) -> None:
    compiler, variable = _compiler()
    done = _run([compiler, *words], work)
    if done.returncode:
        _cache.check_full_disk(done.stderr, work)
        raise BackendMissing(
            f"the C++ compiler {compiler!r} failed ({_first_line(done)}); repair it, or name"
            f" another {'g++' if variable == 'CXX' else 'one'} in {variable}",
            where=WHERE,
        )


def _run(words: list[str], work: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=work, capture_output=True, text=True, check=False)


def _first_line(done: subprocess.CompletedProcess[str]) -> str:
    """The first line of output with the word error, or else the last line."""
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    found = errors[0] if errors else lines[-1] if lines else f"exit code {done.returncode}"
    return found[:200]
