"""Fits that recover known cells, and what a fit refuses."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scnnbio import LIF, Population, backends, fitting
from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import documents
from scnnbio.experiment.networks import neuron_from
from scnnbio.figures.fitting import fit_caption, fit_figure
from scnnbio.fitting import Fit, Objective, Search, fit
from scnnbio.fitting._cell import Free, before_spikes, effective, isolated
from scnnbio.fitting._responses import Cell
from scnnbio.fitting.fits import _on_grid, _reliability, _splits
from scnnbio.fitting.objective import Target
from scnnbio.neurons import LIBRARY, NeuronModel
from scnnbio.recording.sweeps import Sweep
from tests.cli_calls import ask
from tests.fitting.clamped import noisy_current, recorded, step_current
from tests.fitting.published import medians, refitted

DT, STEPS = 0.5, 500
#: The median cell of Teeter et al. 2018, on the grid.
CELL = {**medians(1), "tau_refrac": 4.5}
NAMES = ("v_rest", "tau_m", "cm", "v_thresh")
#: A cell of the default model.
TRUE = {"v_rest": -71.0, "tau_m": 14.0, "cm": 0.2, "v_thresh": -52.0}
FIXED = {"v_reset": -60.0, "tau_refrac": 3.0}


def sweeps(noise: float = 0.0) -> list[Sweep]:
    rng = np.random.default_rng(4)
    currents = [noisy_current(rng, STEPS, DT, 0.3, 0.15) for _ in range(2)]
    currents += [step_current(STEPS, 0.2), currents[0]]
    return recorded(LIF, {**TRUE, **FIXED}, currents, DT, noise)


@pytest.fixture(scope="module")
def fitted() -> Fit:
    """The median GLIF1 cell, of which one sweep is held out; the search begins far from it."""
    return refitted(1, CELL, NAMES, 0.3, Search(generations=2), dt=DT, steps=STEPS)


@pytest.mark.slow
def test_a_step_below_threshold_in_closed_form() -> None:
    # v = v_rest + R I (1 - exp(-t/tau)): no simulator made these data. R = tau/cm = 80 MOhm.
    dt, time = 0.5, np.arange(300) * 0.5
    current = np.where(time >= 20.0, -0.1, 0.0)
    rise = np.where(time >= 20.0, 1 - np.exp(-(time - 20.0) / 16.0), 0.0)
    sweep = Sweep(current, -68.0 - 8.0 * rise, dt)
    found = fit(
        "LIF",
        [sweep],
        ["v_rest", "tau_m", "cm"],
        objective=Objective("trace"),
        search=Search(generations=1),
        backend="reference",
    )
    assert found.values == pytest.approx({"v_rest": -68.0, "tau_m": 16.0, "cm": 0.2}, rel=1e-5)
    assert found.train.trace_error < 1e-3
    assert np.isnan(found.train.coincidence_factor)
    assert found.test is None
    with pytest.raises(SpecError, match="no sweep crosses -20 mV, so no spike can coincide"):
        fit("LIF", [sweep], ["tau_m"], objective=Objective("coincidence"), backend="reference")


@pytest.mark.slow
def test_recovery_from_spikes_and_noise(fitted: Fit) -> None:
    # 0.3 mV of white noise; steps of 0.5 ms and some 30 spikes place the threshold.
    values = fitted.values
    assert values["v_rest"] == pytest.approx(CELL["v_rest"], abs=0.2)
    assert values["tau_m"] == pytest.approx(CELL["tau_m"], rel=0.02)
    assert values["cm"] == pytest.approx(CELL["cm"], rel=0.02)
    assert values["v_thresh"] == pytest.approx(CELL["v_thresh"], abs=0.6)
    assert not fitted.at_bounds
    assert fitted.train.coincidence_factor > 0.97
    # What the fit cannot explain is the noise, and spikes that are late by a step.
    assert 0.25 < fitted.train.trace_error < 1.0
    assert fitted.test is not None
    assert fitted.test.sweeps[0].spikes >= 3
    assert fitted.test.coincidence_factor > 0.95
    assert [s.name for s in fitted.test.sweeps] == ["sweep3"]
    assert np.isnan(fitted.reliability)


def test_reliability_is_of_equal_currents() -> None:
    known = sweeps()
    target = Target(known, Objective())
    # sweep3 repeats the current of sweep0, and the cell fires the same spikes.
    assert _reliability(target, DT) == pytest.approx(1.0)
    assert np.isnan(_reliability(Target(known[:3], Objective()), DT))


@pytest.mark.slow
def test_the_fitted_neuron_is_a_document(fitted: Fit, tmp_path: Path) -> None:
    fitted.save(tmp_path / "neuron.toml")
    again = neuron_from(documents.read(tmp_path / "neuron.toml"))
    assert again == fitted.neuron
    assert isinstance(again, NeuronModel)
    assert again.parameters["tau_m"].default == fitted.values["tau_m"]
    assert again.parameters["tau_refrac"].default == 4.5
    Population("v1", (1, 2, 2), again)
    report = json.loads(json.dumps(fitted.report(), allow_nan=False))
    assert report["parameters"]["cm"]["unit"] == "nF"
    assert report["parameters"]["cm"]["folds"] == [again.parameters["cm"].default]
    assert report["reliability"] is None


def test_folds_are_seeded_and_each_sweep_is_held_out_once() -> None:
    seen = set()
    for seed in range(8):
        kept, splits = _splits(sweeps(), 3, (), seed)
        assert len(kept) == 4
        held = [tuple(s.name for s in part) for _, part in splits]
        assert held == [tuple(s.name for s in part) for _, part in _splits(kept, 3, (), seed)[1]]
        assert sorted(name for part in held for name in part) == [s.name for s in kept]
        for rest, part in splits:
            assert {s.name for s in rest} == {s.name for s in kept} - {s.name for s in part}
        seen.add(tuple(held))
    assert len(seen) > 4


@pytest.mark.slow
def test_a_fold_is_predicted_by_the_others() -> None:
    # Two sweeps of cells that differ in rest alone: each fold has the rest of the other sweep.
    step = step_current(40, -0.1)
    cells = [recorded(LIF, {"v_rest": v, "v_reset": v}, [step], DT)[0] for v in (-70.0, -60.0)]
    known = [dataclasses.replace(s, name=n) for s, n in zip(cells, "ab", strict=True)]
    found = fit(
        "LIF",
        known,
        ["v_rest"],
        objective=Objective("trace"),
        search=Search(generations=1),
        backend="reference",
    )
    for fold in found.folds:
        (held,) = fold.test
        assert fold.values["v_rest"] == pytest.approx({"a": -60.0, "b": -70.0}[held], abs=0.01)
    # In between, since each sweep begins at its own potential.
    assert -70 < found.values["v_rest"] < -60
    assert found.train.trace_error == pytest.approx(0.5 * found.test.trace_error, rel=0.05)


@pytest.mark.slow
def test_figure(fitted: Fit) -> None:
    figure = fit_figure(fitted)
    factor = next(a for a in figure.axes if a.get_ylabel() == "coincidence factor")
    drawn = [line.get_ydata() for line in factor.lines[:2]]
    for scores, line in zip((fitted.train, fitted.test), drawn, strict=True):
        assert scores is not None
        np.testing.assert_array_equal(line, [s.coincidence_factor for s in scores.sweeps])
    said = fit_caption(fitted)
    assert "held out" in said
    assert "2 ms before to 5 ms after" in said


@pytest.mark.slow
def test_the_neuron_in_a_fit_is_the_neuron() -> None:
    """Without the states that stay at zero, models respond as they do with them."""
    rng = np.random.default_rng(3)
    current = [noisy_current(rng, 120, DT, 0.5, 0.3)]
    for name in ("GLIF4", "AdEx"):
        model = LIBRARY[name]
        fixed: dict[str, Any] = {"cm": 0.1, model.refractory or "": 5.0}
        whole = recorded(model, fixed, current, DT)[0]
        start = Sweep(current[0], whole.potential, DT, "a")
        cell = Cell(model, (), fixed, "i_offset", DT, backends.get("reference"))
        assert len(cell.model.states) < len(model.states)
        (response,) = cell.responses(np.zeros((1, 0)), [start])
        assert not isinstance(response, SpecError)
        kept = whole.potential < 29
        assert 0 < (~kept).sum() == len(response.spikes[0])
        difference = response.potentials[0][kept] - whole.potential[kept]
        assert np.abs(difference).max() < 1e-9


def test_what_matters_to_a_response() -> None:
    assert "tau_syn_E" not in effective(LIF)
    assert "e_rev_E" not in effective(LIBRARY["LIF_cond_exp"])
    assert {"tau_m", "v_thresh", "v_reset", "tau_refrac"} <= effective(LIF)
    assert before_spikes(LIBRARY["GLIF5"]) == {"v_rest", "tau_m", "cm"}
    assert before_spikes(LIBRARY["AdEx"]) == frozenset()
    assert [s.name for s in isolated(LIBRARY["GLIF5"]).states] == [
        "v", "theta_s", "I_asc1", "I_asc2", "theta_v",
    ]  # fmt: skip


def test_a_candidate_that_is_not_finite_is_only_left_out() -> None:
    # 1/cm is infinite at the low end.
    free = [Free("cm", "nF", 1e-320, 0.2, logarithmic=False)]
    cell = Cell(LIF, free, {}, "i_offset", DT, backends.get("reference"))
    sweep = Sweep(np.full(20, 0.1), np.full(20, -65.0), DT)
    places = np.array([[0.5], [0.0], [1.0]])
    first, wrong, last = cell.responses(places, [sweep])
    assert isinstance(wrong, SpecError)
    # dv/dt = I/cm at the beginning.
    for response, cm in ((first, 0.1), (last, 0.2)):
        assert not isinstance(response, SpecError)
        rise = response.potentials[0][1] + 65.0
        assert rise == pytest.approx(0.1 / cm * 20.0 * (1 - np.exp(-DT / 20.0)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "LIFF"}, "there is no neuron 'LIFF'; did you mean"),
        ({"free": []}, "name at least one parameter"),
        ({"free": ["tau"]}, "LIF has no parameter 'tau'"),
        ({"free": ["tau_syn_E"]}, "does not depend on it"),
        ({"free": ["cm", "cm"]}, "given twice"),
        ({"fixed": {"cm": 1.0}}, "fixed as well as free"),
        ({"fixed": {"tau_m": "1 mV"}}, "fixed.tau_m: .*is a voltage"),
        ({"bounds": {"tau_m": (1, 2)}}, "has bounds but is not free"),
        ({"bounds": {"cm": (2, 1)}}, "2 is not below 1 nF"),
        ({"bounds": {"cm": (0, 1)}}, r"outside its range \(0, inf\)"),
        ({"bounds": {"cm": 1.0}}, "not a pair of values"),
        ({"folds": 5}, "to the number of sweeps, 4"),
        ({"test": ["x"]}, "there is no sweep 'x'"),
        ({"test": ["sweep0"], "folds": 2}, "either folds or sweeps"),
        ({"test": [f"sweep{k}" for k in range(4)]}, "holds out every sweep"),
        ({"dt": 0.7}, "not a whole number of periods"),
        ({"port": "v_rest"}, "no port 'v_rest' in nA"),
        ({"sweeps": []}, "at least one sweep"),
        ({"sweeps": [1]}, "is not a Sweep"),
        ({"free": ["i_offset"]}, "the injected current drives it"),
    ],
)
def test_refusals(changes: dict[str, Any], said: str) -> None:
    rest = Sweep(np.full(9, 0.1), np.linspace(-70.0, -60.0, 9), DT)
    given: dict[str, Any] = {
        "model": "LIF",
        "sweeps": [dataclasses.replace(rest, name=f"sweep{k}") for k in range(4)],
        "free": ["cm"],
        "backend": "reference",
    }
    with pytest.raises(SpecError, match=said):
        fit(**{**given, **changes})


def test_a_step_that_misses_recorded_spikes_is_refused() -> None:
    """Of three peaks of 0.3 ms, steps of 1 ms see the one that begins with a step."""
    potential = np.full(400, -65.0)
    for begin in (50, 131, 217):  # at 0.1 ms per sample
        potential[begin : begin + 3] = 20.0
    sweep = Sweep(np.full(400, 0.1), potential, 0.1)
    with pytest.raises(SpecError, match=r"a step of 1 ms sees 1 of the 3 spikes that cross -20 mV"):
        fit("LIF", [sweep], ["cm"], dt=1.0, backend="reference")
    assert len(_on_grid(sweep, 0.3, -20.0).spikes()) == 3
    # Noise that crosses the level twice on the way up is one spike.
    potential[48] = -10.0
    noisy = Sweep(np.full(400, 0.1), potential, 0.1)
    assert len(noisy.spikes()) == 4
    assert len(_on_grid(noisy, 0.3, -20.0).spikes()) == 3


def test_a_folder_that_is_taken_is_refused_before_the_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/notes").touch()
    row = np.full(9, 0.1)
    np.savez("cell.npz", current_nA=[row], potential_mV=[row - 65.0], period_ms=DT, sweep=["a"])
    monkeypatch.setattr(fitting, "fit", lambda *_, **__: pytest.fail("fitted"))
    told = ask("fit", "LIF", "cell.npz", "--free", "cm", "--out", "mine")
    assert isinstance(told.exception, DataError), told.exception
    assert "exists already" in str(told.exception)


def test_objectives_are_checked() -> None:
    for wrong, said in (
        ({"kind": "spikes"}, "not one of both, coincidence, trace"),
        ({"cut": 2.0}, "not that of two times"),
        ({"window": -1.0}, "must be positive"),
    ):
        with pytest.raises(SpecError, match=said):
            Objective(**wrong)  # type: ignore[arg-type]
    for name, value in (("population", 1), ("seed", 1.5), ("tolerance", -1.0), ("polish", 1)):
        with pytest.raises(SpecError, match=f"search.{name}"):
            Search(**{name: value})  # type: ignore[arg-type]


@pytest.mark.slow
def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    some = sweeps()[1:3]
    np.savez(
        "cell.npz",
        current_nA=[s.current[:200] for s in some],
        potential_mV=[s.potential[:200] for s in some],
        period_ms=DT,
        sweep=["noise", "step"],
    )
    words = "fit LIF cell.npz --free cm --bounds cm=0.1..0.4 --folds 1 --generations 1"
    fixed = {**TRUE, **FIXED}
    given = [f"--set={n}={v}" for n, v in fixed.items() if n != "cm"]
    done = ask(*words.split(), *given, "--backend", "reference", "--out", "fit")
    assert done.exit_code == 0, done.output
    assert "coincidence factor" in done.output
    report = json.loads(Path("fit/fit.json").read_text(encoding="utf-8"))
    assert report["parameters"]["cm"]["value"] == pytest.approx(0.2, rel=1e-4)
    assert report["files"][0]["role"] == "recording"
    assert Path("fit/figures/fit.png").stat().st_size > 10_000
    explained = ask("explain", "fit/neuron.toml")
    assert explained.exit_code == 0
    assert "cm " in explained.output
    wrong = ask("fit", "LIF", "cell.npz", "--free", "cm", "--bounds", "cm=1")
    assert isinstance(wrong.exception, SpecError)
    assert "is not LOW..HIGH" in str(wrong.exception)
