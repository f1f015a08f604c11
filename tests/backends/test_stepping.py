"""The pass of a compiled layer: what it leaves out, threads, and single precision."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.backends.brian2.stepping import silent_states
from scnnbio.errors import SpecError
from scnnbio.neurons import LIF
from scnnbio.neurons.integrator import integrator
from scnnbio.neurons.library import LIBRARY
from tests.backends.test_agreement import CASES
from tests.contract import driven


def _constants(name: str) -> dict[str, np.ndarray]:
    model = LIBRARY[name]
    values = {key: np.array([p.default]) for key, p in model.parameters.items()}
    return integrator(model).constants(values, 0.1)


def test_a_current_that_nothing_feeds_is_silent() -> None:
    step = integrator(LIF)
    assert silent_states(step, _constants("LIF"), {"v", "I_exc"}) == {"I_inh"}
    assert silent_states(step, _constants("LIF"), {"v", "I_exc", "I_inh"}) == set()


def test_a_state_that_another_feeds_is_not() -> None:
    model = LIBRARY["LIF_curr_alpha"]
    names = {state.name for state in model.states}
    # The rise of an alpha current feeds the current: neither is silent once the rise is driven.
    driven = model.receptors["excitatory"]
    silent = silent_states(integrator(model), _constants(model.name), {"v", driven})
    assert driven not in silent
    assert silent < names - {"v"}
    assert {name for name in silent if name.endswith("exc")} == set()


@pytest.mark.parametrize("threads", [0, -1, 513, 10**6])
@pytest.mark.parametrize(
    "name", ["brian2-standalone", pytest.param("nest", marks=pytest.mark.nest)]
)
def test_threads_are_a_number(name: str, threads: int) -> None:
    """With 1024 threads NEST delivers spikes elsewhere, and with a million it crashes."""
    if name == "nest":
        pytest.importorskip("nest")
    with pytest.raises(SpecError, match=f"{threads} is not a number of threads") as caught:
        backends.get(name, {"threads": threads})
    assert caught.value.where == "backend.threads"


@pytest.mark.slow
def test_threads_change_no_bit(recwarn: pytest.WarningsRecorder) -> None:
    case = CASES["a parameter a channel"]
    one = backends.get("brian2-standalone").run(case)
    two = backends.get("brian2-standalone", {"threads": 2}).run(case)
    for name, spikes in one.recording.spikes.items():
        np.testing.assert_array_equal(spikes.time, two.recording.spikes[name].time)
        np.testing.assert_array_equal(spikes.unit, two.recording.spikes[name].unit)
    for name, signal in one.recording.signals["v1"].items():
        np.testing.assert_array_equal(signal.values, two.recording.signals["v1"][name].values)
    for name, weights in one.weights.items():
        np.testing.assert_array_equal(weights, two.weights[name])


@pytest.mark.slow
def test_single_precision_keeps_its_promise() -> None:
    case = CASES["soft bounds"]
    exact, backend = (
        backends.get("reference").run(case),
        backends.get("brian2-standalone", {"precision": "single"}),
    )
    run = backend.run(case)
    # Nobody comes within 24 bits of the threshold here, so all spikes are the same.
    np.testing.assert_array_equal(
        run.recording.spikes["v1"].unit, exact.recording.spikes["v1"].unit
    )
    bounds = {s: backend.promise(s, case).difference for s in ("signals", "weights")}
    for name, signal in exact.recording.signals["v1"].items():
        found = run.recording.signals["v1"][name].values
        assert 0 < np.abs(found - signal.values).max() < bounds["signals"]
    for name, weights in exact.weights.items():
        assert 0 < np.abs(run.weights[name] - weights).max() < bounds["weights"]


def test_a_step_at_runtime_prints_no_arrays() -> None:
    """Brian2's check of what a function returns does: it was nine tenths of a step's work."""

    printed = 0

    def count(_: object) -> str:
        nonlocal printed
        printed += 1
        return "x"

    # Conductances call exprel, and refractory neurons select.
    case = driven.experiment(["LIF_cond_exp"])
    with np.printoptions(formatter={"all": count}):
        run = backends.get("brian2").run(case)
    # Some parameters are logged once, when the network is built.
    assert printed < case.trial_steps * case.stimulus.n_trials
    assert run.provenance["output_spikes"]["LIF_cond_exp"] > 0
