"""Figures of the experiments on learning and codes, and of what theory says about both."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from scnnbio.analysis.capacity import capacity
from scnnbio.analysis.code_task import code_task
from scnnbio.analysis.digits import images_to_convergence, layer_read_out, pixel_read_out
from scnnbio.analysis.drift import drift
from scnnbio.analysis.motifs import enriched_motifs, learned_motifs, planted, position_weights
from scnnbio.encoding import Code, JitteredCode
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.figures.capacity import capacity_figure
from scnnbio.figures.code_task import code_task_figure
from scnnbio.figures.digits import digits_figure
from scnnbio.figures.drift import drift_figure, sharing_figure
from scnnbio.figures.motifs import motifs_figure
from scnnbio.figures.motion import motion_figure
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.inputs import FromImages
from scnnbio.validation.central_units import central_units
from scnnbio.validation.motifs import PRECISION
from scnnbio.validation.motion import SELECTIVE
from scnnbio.validation.protocol import Missing
from scnnbio.validation.weight_drift import sharing

#: Labels in the figure of digits, by stage.
_READ = {
    "digits": "learned kernels",
    "untrained": "untrained kernels",
    "shuffled": "shuffled kernels",
    "random": "random kernels",
}


def _digits(results: StudyResults) -> tuple[Figure, str]:
    learned = results.evidence["unlabelled"]
    (name, kernel), *_ = learned.run.weights.items()
    if kernel.shape[1] != 1:
        raise Missing("this figure shows kernels of one channel only")
    # Layers that learn, in the order of the network: one, two, or several side by side.
    learn = dict.fromkeys(
        p.post for p in learned.run.experiment.network.projections if p.plasticity
    )
    recorded = results.evidence["digits"].recording.spikes
    layers = [layer for layer in learn if len(recorded.get(layer, ()))]
    if not layers:
        raise Missing("stage 'digits' recorded no spikes of a layer that learns")
    accuracies = {
        label: results.evidence[stage].once(layer_read_out, *layers).accuracy
        for stage, label in _READ.items()
        if stage in results.evidence
    }
    pixels = results.evidence["digits"].once(pixel_read_out).accuracy
    accuracies["pixels"] = pixels
    shots = learned.recording.snapshots.get(name)
    settled = None if shots is None else images_to_convergence(shots)
    seen = learned.recording.n_trials
    caption = (
        (
            f"A layer that learned from {seen} unlabelled digits by STDP. A: its kernels."
            if len(layers) == 1
            else f"{len(layers)} populations that learned from {seen} unlabelled digits by STDP."
            f" A: kernels of {name}."
        )
        + " B: distance of weights from their bounds; dashed, at the end"
        + (f"; dotted, below 0.04 after {settled} images." if settled is not None else ".")
        + " C: test digits classified correctly by a linear classifier of pooled spike counts,"
        f" with 95 % intervals (n = {pixels.n}); its cost was chosen on the validation part."
        " Shuffled: each kernel's learned weights in random order."
    )
    return digits_figure(kernel, shots, accuracies), caption


def _drift(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["pairs"]
    name = next(p.name for p in evidence.run.experiment.network.projections if p.plasticity)
    found = evidence.once(drift, name)
    caption = (
        f"Weights between pairs of Poisson trains, {int(found.n.min())} for each correlation and"
        f" lag, over {evidence.run.experiment.duration / 1e3:g} s. The second train copies"
        f" {100 * found.correlation.max():g} % of the first one's spikes. A: mean drift and its"
        " 95 % interval, and the integral of the rule's window times the correlation. B: the two"
        f" against each other. The largest deviation of a mean is {abs(found.deviation).max():.2g}"
        f" standard"
        " errors."
    )
    return drift_figure(found), caption


def _sharing(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["shared"]
    found = evidence.once(sharing)
    projections = evidence.run.experiment.network.projections
    drifts = {
        one.places: one
        for one in (evidence.once(drift, p.name) for p in projections if p.plasticity)
    }
    low, high = found.interval
    caption = (
        "Weights that several places share, each place with its own trains. A: mean change of a"
        f" weight divided by its standard deviation; slope {found.slope:.3f} (95 % interval"
        f" {low:.3f} to"
        f" {high:.3f}). B: drift of a weight, and the integral multiplied by the number of places."
    )
    return sharing_figure(found, drifts), caption


def _capacity(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["levels"]
    try:
        found = evidence.once(capacity)
    except (KeyError, SpecError) as error:
        raise Missing(f"these are not levels of a drive: {error}") from None
    known = [abs(one.deviation) for one in found if one.exact == one.exact]
    levels, n_trials = found[0].condition.driven.levels, found[0].condition.driven.n_trials
    caption = (
        f"Levels told apart, 2 to the power of the mutual information of {levels} equally likely"
        f" drives and what a decoder reads from one cell of a convolution layer in one trial, over"
        f" {n_trials} trials. Points: measured, with 95 % intervals; lines: exact, for the code on"
        " the grid; dotted: the asymptotic law, T / (sigma sqrt(2 pi e)) or T / interval. A:"
        " window; B: jitter of the inputs' spikes; C: shortest interval between a cell's spikes."
        " D: bits against spikes, in all conditions."
        + (f" The largest deviation is {max(known):.2g} standard errors." if known else "")
    )
    return capacity_figure(found), caption


def _code_task(results: StudyResults) -> tuple[Figure, str]:
    found = {}
    for name, evidence in results.evidence.items():
        codes = [driven.code for driven in _images(evidence.run)]
        if codes and not isinstance(codes[0], JitteredCode):
            found[name] = code_task(evidence.run, _jittered(results, codes[0]))
    told = [
        f"{name}: {100 * task.final.value:.1f} %, {task.source_spikes:.0f} spikes of the source and"
        f" {task.layer_spikes:.0f} of the layer, decided after {task.decided():g} ms"
        for name, task in found.items()
    ]
    n = next(iter(found.values())).final.n
    caption = (
        f"One network and one task through several codes; {n} test digits, bars 95 % intervals."
        " A: accuracy of a linear classifier of the layer's spikes until then; triangle: from there"
        " on within one point of the last. B: accuracy against input spikes. C: the classifier of"
        f" the whole trial under jitter that it did not see. {'. '.join(told)}."
    )
    return code_task_figure(found), caption


def _images(run: Run) -> list[FromImages]:
    return [one for one in run.experiment.inputs.values() if isinstance(one, FromImages)]


def _jittered(results: StudyResults, code: Code) -> list[Run]:
    """Runs of the same code with jitter, by its deviation."""
    found = {}
    for evidence in results.evidence.values():
        for driven in _images(evidence.run):
            if isinstance(driven.code, JitteredCode) and driven.code.code == code:
                found[driven.code.sigma] = evidence.run
    return [found[sigma] for sigma in sorted(found)]


def _motifs(results: StudyResults) -> tuple[Figure, str]:
    found, rows = {}, []
    for stage, evidence in results.evidence.items():
        motifs = planted(evidence.run)
        if stage.startswith("settle") and not motifs.shuffled:
            found[stage] = evidence.once(learned_motifs, evidence.projection)
            words = evidence.once(enriched_motifs)
            layer = found[stage].best(PRECISION)[0]
            rows.append((motifs.conservation, layer, words.best(PRECISION)[0]))
    settled, evidence = found["settle"], results.evidence["settle"]
    shares, kept = position_weights(evidence.weights), settled.best(PRECISION)[1]
    logos = []
    for number, word in enumerate(planted(evidence.run).consensus):
        right = np.flatnonzero(settled.matches[:kept, number])
        kernels = settled.kernels
        best = shares[kernels[right[0]]] if len(right) and kernels is not None else None
        logos.append((word, best))
    caption = (
        f"Motifs planted in {len(planted(evidence.run).bases)} sequences. A: each planted motif,"
        " and the logo of the kernel that matches it and has the most information; the height of a"
        " letter is its share of the column's information in bits. B: planted motifs found, of the"
        " largest set of kernels, or enriched words, of which 95 % match a planted motif."
    )
    return motifs_figure(logos, rows), caption


def _motion(results: StudyResults) -> tuple[Figure, str]:
    labels = {"edges": "learned from events", "shuffled_edges": "from events at shuffled times"}
    shown = {
        label: (central_units(results.evidence[stage]), results.evidence[stage].population)
        for stage, label in labels.items()
    }
    trials = results.evidence["edges"].recording.n_trials
    caption = (
        f"Spikes to {trials} bars that move in all directions, of the central unit of each kernel"
        " that fires. A: mean rate around the preferred direction; bands hold the middle half of"
        " the units. B: direction selectivity, (preferred - opposite)/(preferred + opposite), of"
        f" all units; dashed, {SELECTIVE:g}."
    )
    return motion_figure(shown, SELECTIVE), caption


SPECS = (
    FigureSpec(
        "digits",
        "Digits classified by a linear read-out",
        ("unlabelled.kernel", "digits"),
        _digits,
    ),
    FigureSpec(
        "stdp_drift",
        "Drift of weights between correlated trains",
        ("pairs.spikes.cells_1",),
        _drift,
    ),
    FigureSpec("code_capacity", "Levels that codes tell", ("levels",), _capacity),
    FigureSpec("code_task", "One task, three codes", ("latency.spikes.v1",), _code_task),
    FigureSpec(
        "events_features",
        "Selectivity for the direction of motion",
        ("edges.spikes", "shuffled_edges.spikes"),
        _motion,
    ),
    FigureSpec("motifs", "Motifs found without labels", ("settle.kernel",), _motifs),
    FigureSpec("sharing_snr", "Updates that places share", ("shared.spikes.cells_1",), _sharing),
)
