"""Programs compiled once: what decides a program is in its key, and everything else is data.

A wrong hit in the cache would give wrong results in silence, so each change that matters to a run
must show either in the sources that Brian2 writes, which the key is a digest of, or in what the
program reads when it starts. Nothing is compiled here but where a test is slow.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.backends.brian2 import compiling
from scnnbio.experiment import Experiment, Record, Sampling
from scnnbio.plasticity import Normalisation, SharedSTDP, SharedThreshold
from scnnbio.stimuli import WhiteNoise
from tests.backends.networks import experiment, small_network

PAIR = SharedSTDP(tau_plus=10.0, a_plus=0.03, a_minus=0.01, a_post=0.01)
TAU = {"tau_m": [10.0, 12.0, 15.0, 20.0, 30.0]}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCNNBIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "brian2"


@dataclasses.dataclass(frozen=True)
class Described:
    """What decides a run: the program's key, the arrays that it reads, and what it is fed."""

    key: str
    arrays: str
    fed: str


def described(case: Experiment, folder: Path) -> Described:
    import brian2 as b2

    from scnnbio.backends.brian2.backend import lowered_program
    from scnnbio.backends.brian2.running import input_stream

    with lowered_program(case, case.input_stream(), folder) as program:
        key = compiling.key(folder, "compiler")
        arrays = hashlib.sha256()
        for path in sorted((folder / "static_arrays").iterdir()):
            arrays.update(path.name.encode() + path.read_bytes())
        stream = hashlib.sha256(
            b"".join(input_stream(program.lowered.experiment, program.lowered.inputs))
        )
    assert type(b2.get_device()).__name__ == "RuntimeDevice"
    return Described(key, arrays.hexdigest(), stream.hexdigest())


def case(rule: SharedSTDP | None = PAIR, **changes: object) -> Experiment:
    keys = ("network", "stimulus", "encoding", "record", "dt", "seed", "learning", "reset")
    of_experiment = {k: changes.pop(k) for k in keys if k in changes}
    settings = {"homeostasis": SharedThreshold(eta=0.3, target=60.0), **changes}
    quick = {"stimulus": WhiteNoise(n_trials=3, duration=40.0)}
    return experiment(small_network(rule, **settings), **{**quick, **of_experiment})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Described:
    return described(case(parameters=TAU), tmp_path_factory.mktemp("base"))


def other_kernel() -> Experiment:
    made = case(parameters=TAU)
    kernel = made.network.projection("lgn_v1").kernel[::-1]
    return dataclasses.replace(made, network=made.network.with_weights({"lgn_v1": kernel}))


def other_threshold() -> Experiment:
    made = case(parameters=TAU)
    levels = [-50.0, -51.0, -52.0, -53.0, -54.0]
    return dataclasses.replace(made, network=made.network.with_weights({"v1": levels}))


DATA: dict[str, tuple[str, Callable[[], Experiment]]] = {
    "kernel": ("arrays", other_kernel),
    "learned thresholds": ("arrays", other_threshold),
    "a parameter of channels": (
        "arrays",
        lambda: case(parameters={"tau_m": [10.0, 12.0, 15.0, 20.0, 31.0]}),
    ),
    # How far a trace falls in so many steps is a table.
    "time constant of the rule": (
        "arrays",
        lambda: case(dataclasses.replace(PAIR, tau_plus=10.1), parameters=TAU),
    ),
    # Numbers that are the same for a whole layer or projection.
    "a time constant of all": ("arrays", lambda: case(parameters={**TAU, "tau_syn_E": 6.0})),
    "a potential of all": ("arrays", lambda: case(parameters={**TAU, "v_reset": -63.0})),
    "rest": ("arrays", lambda: case(parameters={**TAU, "v_rest": -64.0})),
    "weight": ("arrays", lambda: case(parameters=TAU, weight=0.7)),
    "refractoriness": ("arrays", lambda: case(parameters=TAU, refractory=2.5)),
    "rule": ("arrays", lambda: case(dataclasses.replace(PAIR, a_plus=0.031), parameters=TAU)),
    "rise of the threshold": (
        "arrays",
        lambda: case(parameters=TAU, homeostasis=SharedThreshold(eta=0.31, target=60.0)),
    ),
    "fall of the threshold": (
        "arrays",
        lambda: case(parameters=TAU, homeostasis=SharedThreshold(eta=0.3, target=70.0)),
    ),
    "seed": ("fed", lambda: case(parameters=TAU, seed=6)),
    "trials": ("fed", lambda: case(parameters=TAU, stimulus=WhiteNoise(n_trials=2, duration=40.0))),
    "snapshots": (
        "fed",
        lambda: case(
            parameters=TAU, record=dataclasses.replace(case().record, snapshots=1)
        ),
    ),
}  # fmt: skip

CODE: dict[str, Callable[[], Experiment]] = {
    "delay": lambda: case(parameters=TAU, delay=1.5),
    "receptor": lambda: case(parameters=TAU, receptor="membrane"),
    "stride": lambda: case(parameters=TAU, stride=2, padding=2),
    "padding": lambda: case(parameters=TAU, padding=1),
    "no rule": lambda: case(None, parameters=TAU),
    "not learning": lambda: case(parameters=TAU, learning=False),
    "bounds": lambda: case(dataclasses.replace(PAIR, bounds="hard"), parameters=TAU),
    "homeostasis": lambda: case(parameters=TAU, homeostasis=None),
    "time step": lambda: case(parameters=TAU, dt=0.25),
    "length of a trial": lambda: case(
        parameters=TAU, stimulus=WhiteNoise(n_trials=3, duration=50.0)
    ),
    "trials that run on": lambda: case(parameters=TAU, reset=False),
    "recorded spikes": lambda: case(parameters=TAU, record=Record(spikes=("v1",))),
    "sampled neurons": lambda: case(
        parameters=TAU,
        record=Record(spikes=("lgn", "v1"), signals=(Sampling("v1", ("v",), units=(1, 2)),)),
    ),
}


def test_the_same_experiment_has_the_same_program(base: Described, tmp_path: Path) -> None:
    assert described(case(parameters=TAU), tmp_path / "x") == base


@pytest.mark.parametrize("name", DATA)
def test_what_is_data_shares_the_program_and_is_read(
    base: Described, name: str, tmp_path: Path
) -> None:
    where, make = DATA[name]
    found = described(make(), tmp_path / "x")
    assert found.key == base.key
    assert getattr(found, where) != getattr(base, where)


def numbers(k: float, **changes: object) -> Experiment:
    """Everything that is one number for a layer, a projection or a rule, each times ``k``."""
    rule = SharedSTDP(
        *(17.0 * k, 34.0 * k, 0.03 * k, 0.01 * k, 0.01 * k),
        bounds="power",
        mu=0.4 * k,
        w_max=2.0 * k,
        half_life=200.0 * k,
        normalisation=Normalisation(18.0 * k, "l1", 10.0),
    )
    moving = SharedThreshold(0.3 * k, 60.0 * k, -55.0 * k, half_life=300.0 * k)
    every = {"tau_m": 14.0, "tau_syn_E": 4.0, "cm": 0.9, "v_thresh": -48.0, "i_offset": 0.1}
    every |= {"v_rest": -66.0, "v_reset": -64.0, "tau_refrac": 2.5}
    parameters = {name: value * k for name, value in every.items()}
    parameters["tau_refrac"] = round(2.5 * k * 2) / 2
    return case(rule, homeostasis=moving, parameters=parameters, weight=0.6 * k, **changes)


def test_numbers_of_every_kind_are_data(tmp_path: Path) -> None:
    one, other = (described(numbers(k), tmp_path / str(k)) for k in (1.0, 1.07))
    assert one.key == other.key
    assert one.arrays != other.arrays


@pytest.mark.parametrize("name", CODE)
def test_what_is_no_data_has_a_program_of_its_own(
    base: Described, name: str, tmp_path: Path
) -> None:
    assert described(CODE[name](), tmp_path / "x").key != base.key


@pytest.mark.parametrize("threads", [1, 2])
def test_an_array_is_touched_only_by_what_needs_it(threads: int, tmp_path: Path) -> None:
    """Memory is allocated only where it is written to: no array is filled with zeros or numbers."""
    from scnnbio.backends.brian2.backend import lowered_program
    from scnnbio.backends.brian2.compiling import preferences

    shown = case(parameters={}, record=Record(spikes=("v1",)))
    with lowered_program(shown, shown.input_stream(), tmp_path, preferences(threads=threads)):
        text = (tmp_path / "objects.cpp").read_text()
    made = set(re.findall(r"(\w+) = new", text))
    filled = set(re.findall(r"for\(int i=0; [^\n]*\) (\w+)\[i\] =", text))
    assert "_array_neurons_v1_v" in made
    assert "_array_neurons_v1_i" not in made
    assert not filled & made
    # States that begin with one number for all are not read from a file.
    assert not any(name.startswith("_static_array__array_neurons") for name in made)


def test_threads_sleep_while_they_wait_unless_the_user_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scnnbio.backends.brian2.running import _process

    main = tmp_path / "main"
    main.write_text("#!/bin/sh\necho $OMP_WAIT_POLICY >$2/said\n")
    main.chmod(0o755)

    def policy() -> str:
        with (
            (tmp_path / "lock").open("w") as lock,
            _process(tmp_path, tmp_path, lock.fileno()) as (process, _),
        ):
            assert process.wait(30) == 0
        return (tmp_path / "said").read_text().strip()

    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert policy() == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert policy() == "active"


def test_input_is_in_the_order_of_the_layout() -> None:
    """By step, then by the number (row, column, channel); against numpy's own sort."""
    from scnnbio.backends.brian2.layout import internal_of_public
    from scnnbio.backends.brian2.presentations import internal_trials

    shown = case()
    internal = internal_of_public(shown.source.shape)
    for (step, public), (sorted_step, unit) in zip(
        shown.input_stream().trials(),
        internal_trials(shown.input_stream(), shown.network.sources, shown.trial_steps),
        strict=True,
    ):
        order = np.lexsort((internal[public], step))
        assert len(step) > 50
        assert np.array_equal(sorted_step, step[order])
        assert np.array_equal(unit, internal[public][order])


_KEY = """
import sys
from pathlib import Path
from tests.backends.test_program import TAU, case, described
print(described(case(parameters=TAU), Path(sys.argv[1])).key)
"""


@pytest.mark.slow
def test_another_process_finds_the_same_program(base: Described, tmp_path: Path) -> None:
    """Brian2 goes through sets, whose order changes with the addresses in memory."""
    for k in range(2):
        environment = {**os.environ, "PYTHONHASHSEED": str(k)}
        words = [sys.executable, "-c", _KEY, str(tmp_path / str(k))]
        said = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        assert said.stdout.split()[-1] == base.key


# -- programs that run ----------------------------------------------------------------------------


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    calls: list[Path] = []
    real = compiling._make

    def make(folder: Path) -> None:
        calls.append(folder)
        real(folder)

    monkeypatch.setattr(compiling, "_make", make)
    return calls


@pytest.mark.slow
def test_runs_with_other_data_share_a_program_and_are_right(compilations: list[Path]) -> None:
    """Against the runtime backend, which has no cache."""
    for name, (_, make) in DATA.items():
        ours = backends.get("brian2-standalone").run(make())
        theirs = backends.get("brian2").run(make())
        assert len(theirs.recording.spikes["v1"].time) > 5, name
        for column in ("time", "unit", "trial"):
            np.testing.assert_array_equal(
                getattr(ours.recording.spikes["v1"], column),
                getattr(theirs.recording.spikes["v1"], column),
            )
        for which, weights in theirs.weights.items():
            np.testing.assert_allclose(ours.weights[which], weights, rtol=0, atol=1e-12)
        for which, kept in theirs.recording.snapshots.items():
            found = ours.recording.snapshots[which]
            np.testing.assert_array_equal(found.trial, kept.trial)
            np.testing.assert_allclose(found.values, kept.values, rtol=0, atol=1e-12)
    assert len(compilations) == 1


@pytest.mark.slow
def test_trials_begin_from_rest_after_many() -> None:
    """After 64 s, 915 x 0.07 s and 64050 x 0.001 s differ by a rounding error.

    With clocks that are compared in seconds, what is due at the beginning of that trial would be
    done after its first step. A sample at the beginning of each trial must show the resting state.
    """
    long = case(
        None,
        homeostasis=None,
        delay_within=1.0,
        stimulus=WhiteNoise(n_trials=925, duration=70.0, frame=70.0),
        record=Record(spikes=("v1",), signals=(Sampling("v1", ("v",), period=70.0),)),
        dt=1.0,
    )
    run = backends.get("brian2-standalone").run(long)
    assert len(run.recording.spikes["v1"].time) > 900
    np.testing.assert_array_equal(run.recording.signals["v1"]["v"].values, -65.0)
