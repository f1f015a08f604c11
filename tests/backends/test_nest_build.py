"""Generated neurons: their text, the cache of compiled ones, and what is said where that fails.

Nothing is compiled here; test_nest.py runs what is.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.backends import processes
from scnnbio.errors import BackendMissing, DataError
from scnnbio.neurons import IF, LIF
from scnnbio.plasticity import SharedSTDP, Trace, TraceRule
from tests.backends.nest_cases import ADAPTIVE, need_nest
from tests.backends.networks import experiment, small_network

need_nest()

from scnnbio.backends.nest import build, loader  # noqa: E402
from scnnbio.backends.nest.nestml import NestmlModel, nestml_model  # noqa: E402
from scnnbio.backends.nest.rules import rule_code  # noqa: E402
from scnnbio.backends.nest.schedule import Schedule  # noqa: E402

pytestmark = pytest.mark.nest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCNNBIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nest"


def fresh(name: str) -> NestmlModel:
    """A generated model that no cache holds."""
    return nestml_model(dataclasses.replace(ADAPTIVE, reset=f"v -= {len(name)}*drop"))


def test_the_text_follows_the_equations() -> None:
    lines = [line.strip() for line in nestml_model(ADAPTIVE).text.splitlines()]
    assert "n_v real = (((c_p_v_v * s_v) + (c_p_v_I * s_I)) + c_q_v)" in lines
    # Held while refractory, and a current that is not.
    assert lines[lines.index("if free > 0.5:") + 1] == "s_v = n_v"
    assert lines[lines.index("onReceive(r_excitatory):") + 1] == "if active > 0.5:"
    # No integer is left that NESTML would divide as one.
    condition = next(line for line in lines if line.startswith("onCondition"))
    assert "((2.0 * s_w) / 3.0)" in condition
    assert lines[-3:] == ["s_v = s_v - p_drop", "s_w = s_w + p_rise", "emit_spike()"]


def test_a_threshold_that_is_shared_comes_by_a_port_of_its_own() -> None:
    told = nestml_model(ADAPTIVE, "v_thresh")
    assert (told.receptors, told.parameter_port) == ({"excitatory": 1}, 2)
    assert "v_thresh" not in told.used
    assert "(s_v >= (told + s_w))" in told.text
    assert nestml_model(ADAPTIVE).parameter_port is None


def test_what_competes_keeps_by_how_much_it_crosses() -> None:
    rivals = nestml_model(LIF, "v_thresh", competes=True)
    lines = [line.strip() for line in rivals.text.splitlines()]
    condition = next(i for i, line in enumerate(lines) if line.startswith("onCondition"))
    # Before the reset moves the potential.
    assert lines[condition + 1] == "excess = (s_v - told)"
    assert rivals.name != nestml_model(LIF, "v_thresh").name
    assert "excess" not in nestml_model(LIF).text


def test_a_nestml_that_writes_other_code_is_refused_and_not_patched(monkeypatch, cache) -> None:
    def generate(work: Path, name: str, module: str) -> None:
        for suffix in (".h", ".cpp"):
            (work / "generated" / f"{name}{suffix}").write_text("  nest::SpikeEvent another;\n")

    monkeypatch.setattr(build, "_generate", generate)
    with pytest.raises(BackendMissing, match=r"writes \.h files differently; install a tested one"):
        build.compiled(nestml_model(LIF, competes=True))
    assert not list(cache.glob("*/*.so"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-a_minus*y*(w - w_min)**2", "(((-c[ 0 ]) * y[ 0 ]) * std::pow((w - c[ 1 ]), 2))"),
        ("int(x > 0)/3 + abs(x)", "((((x[ 0 ] > 0.0) ? 1.0 : 0.0) / 3.0) + std::abs(x[ 0 ]))"),
        ("", "0.0"),
    ],
)
def test_a_rule_becomes_cpp(text: str, expected: str) -> None:
    rule = TraceRule(
        traces={"x": Trace("pre", 10.0), "y": Trace("post", 20.0, "nearest")},
        on_pre=text,
        parameters={"a_minus": 0.1},
    )
    code = rule_code(rule)
    assert f"return {expected};" in code.text
    assert f"acts_on_pre = {'true' if text else 'false'};" in code.text
    assert ("post_nearest = { true };" in code.text) == ("y" in text)


def test_rules_that_differ_in_numbers_only_are_one() -> None:
    assert rule_code(SharedSTDP(a_plus=0.1)) == rule_code(SharedSTDP(a_plus=0.2, w_max=3.0))
    assert rule_code(SharedSTDP(a_plus=0.1)).module != rule_code(SharedSTDP(a_minus=0.1)).module


def test_ports_are_numbered_as_nest_numbers_them() -> None:
    assert nestml_model(ADAPTIVE).receptors == {"excitatory": 0}
    assert nestml_model(LIF).receptors == {"excitatory": 1, "inhibitory": 2, "membrane": 3}


def test_models_that_differ_in_parameters_only_are_one() -> None:
    assert nestml_model(IF) == nestml_model(LIF)
    assert fresh("other").name != nestml_model(ADAPTIVE).name


def test_missing_nest_is_named_with_the_command_that_installs_it(monkeypatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.delitem(sys.modules, "nest")
    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(BackendMissing, match=r"NEST is not installed: pip install '\.\[nest\]'"):
        loader.load_nest()


def test_a_nest_without_headers_is_named(monkeypatch, tmp_path) -> None:
    class Elsewhere:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: Elsewhere)
    with pytest.raises(BackendMissing, match="was not installed from its wheel"):
        build.compiled(fresh("headers"))


def test_shared_kernels_need_a_compiler_but_not_nestml(monkeypatch, cache) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pynestml" else find(name)
    )
    monkeypatch.setattr(build, "_compile", lambda work, module: (work / f"{module}.so").touch())
    module = Path(build.shared_module() + ".so")
    assert module.is_file()
    # NEST looks for the symbol of the file's own name.
    assert (
        f"{module.stem}_LTX_module;"
        in (module.parent / "generated" / f"{module.stem}.cpp").read_text()
    )
    monkeypatch.setenv("SCNNBIO_CACHE", str(cache / "another"))
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BackendMissing, match="'no-such-compiler' was not found: install g"):
        build.shared_module()


def test_missing_nestml_is_named_with_the_command_that_installs_it(monkeypatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pynestml" else find(name)
    )
    with pytest.raises(BackendMissing, match=r"NESTML is not installed: pip install"):
        build.compiled(fresh("nestml"))


def test_a_missing_compiler_is_named(monkeypatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BackendMissing, match="'no-such-compiler' was not found: install g"):
        build.compiled(fresh("compiler"))
    assert "no-such-compiler" in backends.get("nest").missing()


@pytest.fixture
def with_mpi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The installed NEST as if it had been built with an MPI library in this folder."""
    plain, headers = build._headers(), tmp_path / "nest" / "include" / "nest"
    headers.mkdir(parents=True)
    bin_ = tmp_path / "mpi" / "bin"
    bin_.mkdir(parents=True)
    text = (plain / "config.h").read_text()
    lines = ("#define HAVE_MPI 1", f'#define MPIEXEC "{bin_ / "mpiexec"}"')
    (headers / "config.h").write_text("\n".join([text, *lines]))
    (headers.parents[1] / "nestkernel_api.so").touch()
    monkeypatch.setattr(build, "_headers", lambda: headers)
    monkeypatch.delenv("MPICXX", raising=False)
    return bin_


def test_a_nest_with_mpi_takes_the_compiler_of_its_mpi(with_mpi, monkeypatch, cache) -> None:
    monkeypatch.setenv("PATH", str(with_mpi.parent))
    monkeypatch.setenv("CXX", "g++")  # which does not know where MPI's headers are
    with pytest.raises(BackendMissing, match="the compiler of MPI, 'mpicxx', was not found"):
        build.shared_module()
    calls = with_mpi / "calls"
    (with_mpi / "mpicxx").write_text(
        f'#!/bin/sh\necho "$@" >> "{calls}"\nfor last; do :; done; : >> "$last"\n'
    )
    (with_mpi / "mpicxx").chmod(0o755)
    with_it = build.shared_module()
    compiling, linking = calls.read_text().splitlines()
    assert "-DMPICH_SKIP_MPICXX" in compiling
    assert linking.endswith("scnnbio_shared.so")
    # Named by the user, another one comes first.
    monkeypatch.setenv("MPICXX", "no-such-mpicxx")
    assert "'no-such-mpicxx', was not found" in build.no_compiler()
    # What was compiled for one NEST is not taken for the other.
    monkeypatch.undo()
    monkeypatch.setenv("SCNNBIO_CACHE", str(cache.parent))
    monkeypatch.setattr(build, "_compile", lambda work, module: (work / f"{module}.so").touch())
    assert Path(build.shared_module()).parent != Path(with_it).parent


def test_a_nest_without_mpi_is_no_part_of_a_command_of_several(monkeypatch) -> None:
    class Two:
        rank, size = 0, 2

    team = processes._commanded.set(processes.Team(Two(), led=True))
    try:
        refused = backends.get("nest").unsupported(experiment(small_network()))
    finally:
        processes._commanded.reset(team)
    assert [r.feature for r in refused] == [
        "this NEST was built without MPI, but MPI started 2 processes"
    ]
    assert "docs/how_to/mpi.md" in refused[0].remedy
    assert backends.get("nest").unsupported(experiment(small_network())) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "error", "told"),
    [
        ("no bits left", BackendMissing, r"failed \(fatal error: no bits left\)"),
        ("No space left on device", DataError, r"cannot be written .*; free some space"),
    ],
)
def test_a_compiler_that_fails_is_quoted_and_nothing_is_kept(
    said: str, error: type[Exception], told: str, monkeypatch, tmp_path, cache
) -> None:
    """A full disk is not its fault."""
    broken = tmp_path / "g++"
    broken.write_text(f"#!/bin/sh\necho note >&2\necho 'fatal error: {said}' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(error, match=told):
        build.compiled(fresh(f"a compiler that fails: {said}"))
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(monkeypatch, tmp_path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCNNBIO_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written .* set SCNNBIO_CACHE"):
        build.compiled(fresh("cache"))


def test_the_cache_lies_where_the_user_says(monkeypatch) -> None:
    monkeypatch.delenv("SCNNBIO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert build.cache_folder() == Path("/somewhere/scnnbio/nest")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert build.cache_folder() == Path.home() / ".cache/scnnbio/nest"


def test_a_damaged_module_is_built_again(monkeypatch, cache) -> None:
    """A library of which a byte has changed would end the process that loads it."""
    built = []

    def compile_(work: Path, module: str) -> None:
        built.append(module)
        (work / f"{module}.so").write_bytes(b"a library")

    monkeypatch.setattr(build, "_compile", compile_)
    library = Path(build.shared_module() + ".so")
    for damage in (b"", b"a librarz"):
        library.write_bytes(damage)
        assert build.shared_module() + ".so" == str(library)
        assert library.read_bytes() == b"a library"
    library.unlink()
    build.shared_module()
    assert library.read_bytes() == b"a library"
    assert len(built) == 4
    assert [path.name for path in cache.iterdir()] == [library.parent.name]


def test_two_that_compile_at_once_both_get_a_module(monkeypatch, cache) -> None:
    """Both are at the compiler together; the one that ends second keeps the first one's module."""
    together = threading.Barrier(2, timeout=30)

    def compile_slowly(work: Path, module: str) -> None:
        (work / f"{module}.so").touch()
        together.wait()

    monkeypatch.setattr(build, "_generate", lambda *_: None)
    monkeypatch.setattr(build, "_add_look", lambda *_: None)
    monkeypatch.setattr(build, "_compile", compile_slowly)
    found: list[str] = []
    model = fresh("two")
    both = [threading.Thread(target=lambda: found.append(build.compiled(model))) for _ in "ab"]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1]
    assert Path(found[0] + ".so").is_file()
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("reset", [True, False])
def test_the_schedule_leads_there_and_back(reset: bool) -> None:
    schedule = Schedule(trial=12, n_trials=5, delay=3, periods=(7,), reset=reset)
    stamps = np.arange(1, 61)
    there = schedule.of_stamps(stamps)
    np.testing.assert_array_equal(schedule.stamps(there), stamps)
    np.testing.assert_array_equal(schedule.samples(there - 1), stamps - 1)
    outside = np.setdiff1d(np.arange(1, schedule.total + 1), there)
    inside = schedule.stamps(outside)
    assert not np.any((inside >= 1) & (inside <= 60))
    assert there.min() > schedule.gap
