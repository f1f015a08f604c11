"""Figures of the experiments on learning: digits, and drift and sharing compared with theory."""

from __future__ import annotations

from matplotlib.figure import Figure

from scnnbio.analysis.digits import images_to_convergence, layer_read_out, pixel_read_out
from scnnbio.analysis.drift import drift
from scnnbio.figures.digits import digits_figure
from scnnbio.figures.drift import drift_figure, sharing_figure
from scnnbio.figures.motion import motion_figure
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.validation.central_units import central_units
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
    layers = [n for n in ("v1", "v2") if n in results.evidence["digits"].recording.spikes]
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
        f"A layer that learned from {seen} unlabelled digits by STDP. A: its kernels. B: distance"
        " of weights from their bounds; dashed, at the end"
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
        ("unlabelled.kernel", "digits.spikes.v1"),
        _digits,
    ),
    FigureSpec(
        "stdp_drift",
        "Drift of weights between correlated trains",
        ("pairs.spikes.cells_1",),
        _drift,
    ),
    FigureSpec(
        "events_features",
        "Selectivity for the direction of motion",
        ("edges.spikes", "shuffled_edges.spikes"),
        _motion,
    ),
    FigureSpec("sharing_snr", "Updates that places share", ("shared.spikes.cells_1",), _sharing),
)
