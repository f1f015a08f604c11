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
from scnnbio.errors import BackendMissing, DataError
from scnnbio.neurons import IF, LIF
from tests.backends.nest_cases import ADAPTIVE, need_nest

need_nest()

from scnnbio.backends.nest import build, loader  # noqa: E402
from scnnbio.backends.nest.nestml import NestmlModel, nestml_model  # noqa: E402
from scnnbio.backends.nest.schedule import Schedule  # noqa: E402

pytestmark = pytest.mark.nest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCNNBIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nest"


def fresh(name: str) -> NestmlModel:
    """A generated model that no cache holds."""
    return nestml_model(dataclasses.replace(ADAPTIVE, reset=f"v -= {len(name)}*drop"))


def test_every_variable_that_matters_in_the_end_enters_the_step() -> None:
    """v follows from I, and I from x: over a step, v depends on x too, and w on nothing else."""
    chain = dataclasses.replace(
        ADAPTIVE,
        equations="""
        dv/dt = (v_rest - v + g*I)/tau_m : volt
        dI/dt = (x - I)/tau_s : amp
        dx/dt = -x/tau_w : amp
        dw/dt = -w/tau_w : volt
        """,
    )
    terms = nestml_model(chain).terms
    assert terms == {"v": ("v", "I", "x"), "I": ("I", "x"), "x": ("x",), "w": ("w",)}


def test_the_text_follows_the_equations() -> None:
    lines = [line.strip() for line in nestml_model(ADAPTIVE).text.splitlines()]
    assert "n_v real = a_v_v * s_v + a_v_I * s_I + b_v" in lines
    # Held while refractory, and a current that is not.
    assert lines[lines.index("if free > 0.5:") + 1] == "s_v = n_v"
    assert lines[lines.index("onReceive(r_excitatory):") + 1] == "if active > 0.5:"
    # No integer is left that NESTML would divide as one.
    condition = next(line for line in lines if line.startswith("onCondition"))
    assert "((2.0 * s_w) / 3.0)" in condition
    assert lines[-3:] == ["s_v = s_v - p_drop", "s_w = s_w + p_rise", "emit_spike()"]


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
    with pytest.raises(
        BackendMissing, match=r"NEST is not installed: pip install 'scnnbio\[nest\]'"
    ):
        loader.load_nest()


def test_a_nest_without_headers_is_named(monkeypatch, tmp_path) -> None:
    class Elsewhere:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: Elsewhere)
    with pytest.raises(BackendMissing, match="was not installed from its wheel"):
        build.compiled(fresh("headers"))


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


def test_a_compiler_that_fails_is_quoted_and_nothing_is_kept(monkeypatch, tmp_path, cache) -> None:
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\necho note >&2\necho 'fatal error: no bits left' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(BackendMissing, match=r"failed \(fatal error: no bits left\)"):
        build.compiled(fresh("a compiler that fails"))
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


def test_two_that_compile_at_once_both_get_a_module(monkeypatch, cache) -> None:
    """Both are at the compiler together; the one that ends second keeps the first one's module."""
    together = threading.Barrier(2, timeout=30)

    def compile_slowly(work: Path, name: str, module: str) -> None:
        (work / f"{module}.so").touch()
        together.wait()

    monkeypatch.setattr(build, "_generate", lambda *_: None)
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
