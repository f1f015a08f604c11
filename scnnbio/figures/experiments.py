"""Figures of the experiments on neurons, one run each: their requirements and captions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from scnnbio.analysis.adaptation import ADAPTATION, SOURCE, adaptation
from scnnbio.analysis.euler import factors, membranes, relative_potentials
from scnnbio.analysis.frequency_response import (
    analytic_curve,
    frequency_responses,
)
from scnnbio.analysis.homeostasis import map_rates, settled_rates, step_returns
from scnnbio.analysis.inhibition import KINDS, LOW_RATES, gain_changes, inhibition
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.figures.adaptation import adaptation_figure
from scnnbio.figures.euler import euler_figure
from scnnbio.figures.frequency_response import frequency_figure
from scnnbio.figures.gain import gain_figure
from scnnbio.figures.homeostasis import Stack, homeostasis_figure
from scnnbio.figures.raster import raster
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.validation import Missing
from scnnbio.validation.euler_stability import FiringRatio
from scnnbio.validation.homeostasis import SettledRatio
from scnnbio.validation.self_sustained import CV_INTERVALS, IntervalCV, MeanRate

Make = Callable[[StudyResults], tuple[Figure, str]]

#: Number of bins per trial in which rates are drawn.
_BINS = 60


def _of_its_study(make: Make) -> Make:
    """Raise Missing where another study has a stage and a population of the same name."""

    @functools.wraps(make)
    def wrapper(results: StudyResults) -> tuple[Figure, str]:
        try:
            return make(results)
        except SpecError as error:
            raise Missing(str(error)) from None
        except (KeyError, IndexError) as error:
            raise Missing(f"no {error}; this figure is for the study of its name") from None

    return wrapper


@_of_its_study
def _euler(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["constant_current"]
    run = evidence.run
    names = ("exact", "euler")
    found = {
        name: (membranes(run, f"still_{name}"), membranes(run, f"firing_{name}")) for name in names
    }
    measured = (factors(run, "still_exact"), factors(run, "still_euler"))
    (still_exact, firing_exact), (still, firing) = found.values()
    traces = [relative_potentials(run, f"still_{name}") for name in names]
    wrong = evidence.bind(populations="still_euler").measured(FiringRatio()).values
    caption = (
        "LIF neurons under constant current, by the exact step and by forward Euler on the same"
        f" grid of {run.experiment.dt:g} ms. A: the potential from rest, divided by its"
        " final value; grey, the closed form. B: the factor on a deviation from that value per"
        " step, least squares; shaded, where deviations shrink. C: rates of neurons driven"
        " above their threshold, and spikes of neurons that are driven below it and should not"
        f" fire{f': from dt = {wrong.min():.3g} tau on they do' if len(wrong) else ''}."
    )
    return (
        euler_figure(
            (still_exact, still), (firing_exact, firing), measured, (traces[0], traces[1])
        ),
        caption,
    )


@_of_its_study
def _homeostasis(results: StudyResults) -> tuple[Figure, str]:
    run = results.evidence["steps"].run
    recording, network = run.recording, run.experiment.network
    names = [p.name for p in network.populations if p.name.startswith("layer")]
    luminance, duration = recording.trials["luminance"], run.experiment.trial_duration
    if len(luminance) < 3 or not luminance[0] == luminance[2] < luminance[1]:
        raise Missing("the luminance of the input does not rise and fall")
    eta = network.population(names[0]).channel_values("homeo_eta")
    stacks = [_stack(run, names, np.flatnonzero(maps)) for maps in (eta > 0, eta == 0)]
    returns = results.evidence["steps"].once(step_returns, names[0], "curve")
    target = float(network.population(names[0]).channel_values("homeo_target")[0])
    results_text = "; ".join(
        f"{name}: {1e3 * r.rate_of_return:.3g}/s (95 % interval {1e3 * r.interval[0]:.3g} to"
        f" {1e3 * r.interval[1]:.3g}) against {-1e3 * r.eigenvalue:.3g}/s from df/dV_th ="
        f" {r.slope:.3g} Hz/mV"
        for name, r in returns.items()
    )
    judged = results.evidence["steps"].bind(populations=tuple(names))
    settled = judged.measured(SettledRatio())
    worst = float(np.abs(settled.values - 1.0).max())
    caption = (
        f"{len(names)} convolution layers, and an input that rises by a factor of"
        f" {luminance[1] / luminance[0]:g} and falls again (dotted). A, B: mean rates; dashed,"
        f" the target of {target:g} Hz."
        " C: rates at the end of a trial; grey, within 10 % of the target. The stack with"
        f" homeostasis is off by at most {100 * worst:.1f} %. D: approach of the first layer's"
        " mean threshold to its final value once the rate is within 30 % of its target, and the"
        " exponential"
        f" of the loop's eigenvalue, without a fit. Measured rate of return, {results_text}."
    )
    at = [duration / 1e3, 2 * duration / 1e3]
    return homeostasis_figure(stacks[0], stacks[1], returns, target, at), caption


def _stack(run: Run, names: Sequence[str], maps: np.ndarray) -> Stack:
    """Rates of some maps of all layers over a rise and a fall, and when settled."""
    duration = run.experiment.trial_duration
    rows = [map_rates(run.recording, n, maps, duration / _BINS)[1][:3].ravel() for n in names]
    settled = [settled_rates(run, name, maps) for name in names]
    bins = np.arange(len(rows[0]), dtype=np.float64) + 0.5
    return Stack(bins * duration / _BINS / 1e3, np.array(rows), np.array(settled))


@_of_its_study
def _gain(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["inhibition"]
    found = evidence.once(inhibition)
    each = {kind: evidence.once(gain_changes, "control", kind) for kind in KINDS}
    changes = {name: {kind: each[kind][name] for kind in KINDS} for name in found.rates}
    results_text = "; ".join(
        f"{kind}, {name}: gain {row[kind].gain}, offset {row[kind].shift} nA"
        for name, row in changes.items()
        for kind in KINDS
    )
    caption = (
        "Inhibition and the response to current. A: mean potential of membranes that cannot fire,"
        " and their resistance. B, C: firing rates, 95 % intervals of the mean over places; lines"
        " through coloured points are the control curve, multiplied and shifted to fit the rates"
        f" up to {LOW_RATES:g} Hz. A barrage is the shunt with additional synaptic noise. D: that"
        " gain and that offset with 95 % intervals (bootstrap over places); filled, with background"
        f" noise. {results_text}."
    )
    return gain_figure([*found.passive.values()], found.rates, changes), caption


@_of_its_study
def _filters(results: StudyResults) -> tuple[Figure, str]:
    run = results.evidence["flicker"].run
    found = results.evidence["flicker"].once(frequency_responses)
    curves = {p.post: analytic_curve(run, p.name) for p in run.experiment.network.projections}
    inside = sum(int(f.covered.sum()) for f in found)
    total = sum(len(f.frequency) for f in found)
    worst = max(float(np.abs(f.ratio - 1.0).max()) for f in found)
    caption = (
        "First harmonic of the membrane potential divided by that of the rate of its Poisson"
        " inputs,"
        " with the delay removed. Points: measured; lines: the linearised neuron, without a fit."
        " C: the"
        f" analytic gain is within the 95 % interval (bootstrap over trials and neurons) at"
        f" {inside} of {total} points; the largest difference is {100 * worst:.1f} %."
    )
    return frequency_figure(found, curves), caption


@_of_its_study
def _adaptation(results: StudyResults) -> tuple[Figure, str]:
    run = results.evidence["long_squares"].run
    names = [p.name for p in run.experiment.network.populations if not p.is_source]
    found = [adaptation(run, name) for name in names]
    indices = ", ".join(f"{one.population} {one.index[one.hero]:.3f}" for one in found)
    figure = adaptation_figure(found, ADAPTATION)
    seconds = run.experiment.trial_duration / 1e3
    caption = (
        f"{seconds:g} s of constant current. A: mean rates, excitatory medians solid, inhibitory"
        " dotted; dashed, rates of the first interval of GLIF3 and GLIF5. B: intervals in their"
        " order at 50 pA above rheobase. C: adaptation index there, mean of (later -"
        f" earlier)/(later + earlier): {indices}. Lines and grey, median and quartiles of recorded"
        f" cells: {SOURCE}."
    )
    return figure, caption


@_of_its_study
def _balanced(results: StudyResults) -> tuple[Figure, str]:
    run = results.evidence["self_sustained"].run
    recording, summaries = run.recording, []
    names = ("inhibitory", "excitatory")
    for name in names[::-1]:
        evidence = results.evidence["self_sustained"].bind(populations=name)
        rate, cv = (evidence.measured(measure) for measure in (MeanRate(), IntervalCV()))
        middle = f"{np.median(cv.values):.2f}" if len(cv.values) else "undefined"
        summaries.append(
            f"{name}: {rate.values.mean():.2f} Hz on average, median CV of the intervals {middle}"
            f" (n = {len(cv.values)} of {len(rate.values)} neurons, those with"
            f" {CV_INTERVALS} intervals or more)"
        )
    figure = raster(recording, inputs=names[0], outputs=names[1], titles=[""])
    caption = (
        f"{run.experiment.duration / 1e3:g} s without input, from random initial values."
        f" Above, spikes of some neurons of each population; below, mean rates of all."
        f" {summaries[0]};"
        f" {summaries[1]}. Network: Brette et al. 2007, J Comput Neurosci 23:349."
    )
    return figure, caption


SPECS = (
    FigureSpec(
        "euler_stability",
        "Forward Euler below and above its stability limit",
        ("constant_current.signals.still_exact", "constant_current.signals.still_euler"),
        _euler,
    ),
    FigureSpec(
        "homeostasis_depth",
        "Homeostasis in a deep stack",
        ("steps.spikes.curve", "steps.signals.layer1"),
        _homeostasis,
    ),
    FigureSpec(
        "synaptic_filters",
        "Frequency response of synapse and membrane",
        ("flicker.signals.exponential_current",),
        _filters,
    ),
    FigureSpec(
        "shunting",
        "Inhibition: gain and offset",
        ("inhibition.spikes.control", "inhibition.signals.control_passive"),
        _gain,
    ),
    FigureSpec(
        "adaptation",
        "Adaptation of GLIF neurons",
        ("long_squares.spikes.glif1_excitatory",),
        _adaptation,
    ),
    FigureSpec(
        "balanced",
        "A balanced network by itself",
        ("self_sustained.spikes.excitatory", "self_sustained.spikes.inhibitory"),
        _balanced,
    ),
)
