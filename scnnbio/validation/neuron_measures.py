"""How numbers are made for the claims of :mod:`scnnbio.validation.neurons`.

Each takes the names of its populations, so that a claim may be about others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scnnbio import backends
from scnnbio.analysis.adaptation import Adaptation, adaptation
from scnnbio.analysis.convergence import state_errors
from scnnbio.analysis.euler import factors, membranes
from scnnbio.analysis.frequency_response import frequency_responses
from scnnbio.analysis.gain import Estimate
from scnnbio.analysis.homeostasis import settled_rates, step_returns
from scnnbio.analysis.inhibition import inhibition
from scnnbio.analysis.paired import paired_rate
from scnnbio.backends.promises import Statistical
from scnnbio.encoding import PoissonCode
from scnnbio.experiment import Experiment
from scnnbio.inputs import FromFrames
from scnnbio.neurons.rates import firing_rate
from scnnbio.plasticity import SharedSTDP
from scnnbio.validation.claim import Measured
from scnnbio.validation.evidence import Evidence, Missing
from scnnbio.validation.solutions import other_solution, refined

Array = NDArray[np.float64]


# ---------------------------------------------------------------------------- membranes


def step_factor_error(evidence: Evidence, population: str) -> Measured:
    """Factor of a step on a deviation, minus the closed form, one per channel."""
    found = factors(evidence.run, population)
    error = found - membranes(evidence.run, population).predicted
    early = np.isnan(error)
    return Measured(error[~early], {"fires in the first step": int(early.sum())})


def wrongly_fires(evidence: Evidence, populations: Sequence[str]) -> Measured:
    """1 for a channel that fires and should not, -1 for one that should and does not, else 0.

    Driven below threshold, forward Euler should fire with dt > 2 tau, where its deviations grow,
    and nothing else should.
    """
    parts = []
    for name in populations:
        found = membranes(evidence.run, name)
        should = (found.ratio > 2.0) & (found.integrator == "forward-euler")
        parts.append((found.rate > 0).astype(float) - should)
    return Measured(np.concatenate(parts))


def grid_spikes_error(evidence: Evidence, population: str) -> Measured:
    """Spikes fired, minus those that the closed form with whole steps to threshold has."""
    found = membranes(evidence.run, population)
    seconds = evidence.run.experiment.duration / 1e3
    return Measured((found.rate - found.grid_rate) * seconds)


def spikes_error(evidence: Evidence, populations: Sequence[str]) -> Measured:
    """Spikes of each current, minus those of the closed form of the firing rate."""
    parts = []
    run = evidence.run
    for name in populations:
        layer, found = run.experiment.network.population(name), adaptation(run, name)
        values = {n: float(v[0]) for n, v in layer.values().items() if n != "i_offset"}
        closed = firing_rate(layer.model, found.current, values, dt=run.experiment.dt)
        parts.append((found.rate - closed) * run.experiment.trial_duration / 1e3)
    return Measured(np.concatenate(parts))


def adaptation_indices(evidence: Evidence, populations: Sequence[str]) -> Measured:
    """Adaptation index of each population, 50 pA above its rheobase."""
    found: list[Adaptation] = [adaptation(evidence.run, name) for name in populations]
    index = np.array([one.index[one.hero] for one in found])
    few = np.isnan(index)
    return Measured(index[~few], {"fewer than two intervals": int(few.sum())})


# ------------------------------------------------------------------ filters, inhibition


def gain_ratio(evidence: Evidence) -> Measured:
    """Measured gain over the linearised neuron's, at every frequency and population."""
    return Measured(np.concatenate([f.ratio for f in evidence.once(frequency_responses)]))


def phase_error(evidence: Evidence) -> Measured:
    """Measured phase minus the linearised neuron's in deg, likewise, beyond one time step's.

    A grid tells times to a step, which at 200 Hz and 0.1 ms are 7.2 deg: nothing within that
    counts.
    """
    found = evidence.once(frequency_responses)
    error = np.concatenate([f.phase_error for f in found])
    step = np.concatenate([0.36 * f.frequency for f in found]) * evidence.run.experiment.dt
    return Measured(np.sign(error) * np.maximum(np.abs(error) - step, 0.0))


def resistance_ratio(evidence: Evidence) -> Measured:
    """Input resistance of the passive membranes, over the inverse of their conductance."""
    found, network = evidence.once(inhibition), evidence.run.experiment.network
    ratios = []
    for kind, (curve, fitted) in found.passive.items():
        values = network.population(curve.population).values()
        leak = float(values["cm"][0] / values["tau_m"][0])
        ratios.append(fitted.slope.value * (leak + found.conductance * (kind == "shunting")))
    return Measured(np.array(ratios))


def subtraction_ratio(evidence: Evidence) -> Measured:
    """Shift of the rate by subtractive inhibition, over the current that the membrane sees.

    The current is the difference of passive potentials over the resistance: no spike is in it.
    """
    found = evidence.once(inhibition)
    control, inhibited = (found.passive[kind][1] for kind in ("control", "subtractive"))
    current = (control.offset.value - inhibited.offset.value) / control.slope.value
    shifts = [changes["subtractive"].shift.value for changes in found.changes.values()]
    return Measured(np.array(shifts) / current)


def gains(evidence: Evidence, kind: str, end: str = "value") -> Measured:
    """Gain of the firing rate under a kind of inhibition, one per background.

    ``end`` is the estimate, ``"low"`` or ``"high"``: an end of its 95 % interval.
    """
    estimates: list[Estimate] = [c[kind].gain for c in evidence.once(inhibition).changes.values()]
    return Measured(np.array([getattr(estimate, end) for estimate in estimates]))


# ---------------------------------------------------------------------------- homeostasis


def settled_ratio(evidence: Evidence) -> Measured:
    """Rate of each homeostatic layer at the end of trials over its target, at both levels."""
    run = evidence.run
    ratios = []
    for layer in run.experiment.network.populations:
        values = {} if layer.is_source else layer.values()
        if "homeo_eta" not in values:
            continue
        maps = np.flatnonzero(values["homeo_eta"] > 0)
        ratios.append(settled_rates(run, layer.name, maps) / values["homeo_target"][maps[0]])
    if not ratios:
        raise Missing("no layer has a homeostatic threshold")
    return Measured(np.concatenate(ratios))


def return_ratio(evidence: Evidence) -> Measured:
    """Rate of return with its interval, over minus the eigenvalue, one per kind of step."""
    found = evidence.once(step_returns).values()
    rows = [np.array([r.rate_of_return, *r.interval]) / -r.eigenvalue for r in found]
    return Measured(np.stack(rows))


# ------------------------------------------------------------------- grids and backends


def orders(evidence: Evidence) -> Measured:
    """Order at which spike times of grids approach the solution, one per population."""
    return Measured(np.array([c.order for c in evidence.once(refined).convergence()]))


def state_error(evidence: Evidence) -> Measured:
    """Largest difference of a sampled state from the solution, one per grid and variable."""
    found = evidence.once(refined)
    grids = [run.recording for run in found.grids.values()]
    parts = [
        state_errors(found.exact.recording, grids, population, variable)
        for population, variables in found.exact.recording.signals.items()
        for variable in variables
    ]
    if not parts:
        raise Missing("the run sampled no state")
    return Measured(np.concatenate(parts))


def differing_trains(evidence: Evidence) -> Measured:
    """1 for each neuron that fires and whose spikes are not those of ``reference``, else 0."""
    run = evidence.run
    name, other = evidence.once(other_solution)
    promise = backends.get(run.provenance["backend"]).promise("spikes", run.experiment)
    if name != "reference" or promise is None or isinstance(promise, Statistical):
        what = "is the reference" if name != "reference" else "promises alike spikes, not the same"
        raise Missing(f"{run.provenance['backend']} {what}")
    parts = []
    for population in _neurons(run.experiment):
        ours, theirs = (r.recording.spikes_of(population) for r in (run, other))
        size = run.recording.size(population)
        fires = np.zeros((2, size), dtype=bool)
        fires[0, ours.unit] = fires[1, theirs.unit] = True
        differs = np.zeros(size, dtype=bool)
        dt = run.experiment.dt
        sets = [
            set(zip(s.unit.tolist(), s.trial.tolist(), np.rint(s.time / dt).tolist(), strict=True))
            for s in (ours, theirs)
        ]
        differs[[unit for unit, _, _ in sets[0] ^ sets[1]]] = True
        parts.append(differs[fires.any(axis=0)].astype(float))
    return Measured(np.concatenate(parts))


def rate_difference(evidence: Evidence) -> Measured:
    """Mean rate against another solution's, as a share of it, one per population of neurons."""
    run = evidence.run
    _, other = evidence.once(other_solution)
    pair, seed = (other.recording, run.recording), run.experiment.seed
    names = _neurons(run.experiment)
    found = np.array([paired_rate(pair, name, seed).difference for name in names])
    silent = np.isnan(found)
    return Measured(found[~silent], {"silent populations": int(silent.sum())})


def sustained_rates(evidence: Evidence) -> Measured:
    """Rate of each population in the last fifth of the trials, as a share of that in the second.

    The first fifth is left to the start. A population that is silent in the second fifth has 0.
    """
    recording = evidence.recording
    last = float(recording.trials["duration"].min())
    shares = []
    for name in _neurons(evidence.run.experiment):
        early, late = (
            int(recording.counts(name, (k / 5 * last, (k + 1) / 5 * last)).sum()) for k in (1, 4)
        )
        shares.append(late / early if early else 0.0)
    return Measured(np.array(shares))


def _neurons(experiment: Experiment) -> list[str]:
    """Populations whose spikes were recorded, without sources: their spikes are given."""
    network = experiment.network
    return [name for name in experiment.record.spikes if not network.population(name).is_source]


def input_surprise(evidence: Evidence) -> Measured:
    """Input spikes against their expected number, in standard deviations: ON and OFF, by trial."""
    run = evidence.run
    experiment, source = run.experiment, run.experiment.source
    if source.name not in run.recording.spikes:
        raise Missing(f"the run recorded no spikes of {source.name!r}")
    counts = run.recording.counts(source.name)
    half = source.size // 2
    values = []
    for trial in range(run.recording.n_trials):
        probability, steps = _drawn_with(experiment, trial)
        expected = (probability * steps[:, None]).sum(axis=0)
        variance = (probability * (1 - probability) * steps[:, None]).sum(axis=0)
        for part in (slice(0, half), slice(half, None)):
            spread = np.sqrt(variance[part].sum())
            if spread > 0:
                values.append((counts[trial, part].sum() - expected[part].sum()) / spread)
    return Measured(np.array(values))


def _drawn_with(experiment: Experiment, trial: int) -> tuple[Array, Array]:
    """Chance of a spike in a step (frames, cells), and the steps of each frame (frames,)."""
    shown = experiment.inputs[experiment.source.name]
    if not isinstance(shown, FromFrames) or not isinstance(shown.encoding.code, PoissonCode):
        raise Missing("the input is not drawn from rates")
    frames = shown.frames(trial, experiment.drawing(trial, experiment.source.name))
    drive = shown.encoding.lgn.drive(frames)
    rates = shown.encoding.code.rate(drive).reshape(len(frames), -1)
    dt = experiment.input_dt or experiment.dt
    number = round(experiment.trial_duration / dt)
    steps = np.bincount(np.arange(number) * len(frames) // number, minlength=len(frames))
    return -np.expm1(-rates * dt / 1e3), steps.astype(float)


# ------------------------------------------------------------------------------- learning


def kernel_values(evidence: Evidence) -> Measured:
    """Every weight of the learned kernel, in its rule's bounds scaled to 0 and 1."""
    run, name = evidence.run, evidence.projection
    if name not in run.weights:
        raise Missing(f"the run has no weights of {name!r}")
    rule = run.experiment.network.projection(name).plasticity
    if not isinstance(rule, SharedSTDP):
        raise Missing(f"{name!r} does not learn by a rule with bounds")
    return Measured((run.weights[name].ravel() - rule.w_min) / (rule.w_max - rule.w_min))


def threshold_error(evidence: Evidence) -> Measured:
    """Learned thresholds minus ``start + eta (spikes - target seconds)``, in mV, one per map.

    A map whose threshold came near its lower bound is left out: there it does not fall.
    """
    run, name = evidence.run, evidence.population
    layer = run.experiment.network.population(name)
    rule = layer.homeostasis
    if rule is None or name not in run.weights:
        raise Missing(f"no threshold of {name!r} is learned")
    if rule.half_life is not None:
        raise Missing("the thresholds' adaptation slows down, and has no closed form here")
    maps, rows, columns = layer.shape
    spikes = np.bincount(run.recording.spikes_of(name).unit // (rows * columns), minlength=maps)
    seconds = float(run.recording.trials["duration"].sum()) / 1e3
    start = np.broadcast_to(layer.values()[rule.parameter], (maps,))
    expected = start + rule.eta * (spikes - np.broadcast_to(rule.target, (maps,)) * seconds)
    shots = run.recording.snapshots.get(name)
    lowest = (
        run.weights[name]
        if shots is None
        else np.minimum(shots.values.min(axis=0), run.weights[name])
    )
    bound = -np.inf if rule.minimum is None else rule.minimum
    free = lowest > bound + 1.0
    return Measured(
        (run.weights[name] - expected)[free],
        {"within 1 mV of the lowest threshold": int((~free).sum())},
    )


def equal_wins(evidence: Evidence) -> Measured:
    """Spikes of each map in the second half of the trials, over its target."""
    run, name = evidence.run, evidence.population
    layer = run.experiment.network.population(name)
    if layer.homeostasis is None:
        raise Missing(f"no threshold of {name!r} is learned")
    maps, rows, columns = layer.shape
    half, spikes = run.recording.n_trials // 2, run.recording.spikes_of(name)
    late = spikes.unit[spikes.trial >= half] // (rows * columns)
    seconds = float(run.recording.trials["duration"][half:].sum()) / 1e3
    wanted = np.broadcast_to(layer.homeostasis.target, (maps,)) * seconds
    return Measured(np.bincount(late, minlength=maps) / wanted)
