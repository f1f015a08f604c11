"""Figures of the experiments on learning: digits, and drift and sharing compared with theory."""

from __future__ import annotations

from matplotlib.figure import Figure

from scnnbio.analysis.digits import images_to_convergence, layer_read_out, pixel_read_out
from scnnbio.analysis.drift import drift
from scnnbio.figures.digits import digits_figure
from scnnbio.figures.drift import drift_figure, sharing_figure
from scnnbio.figures.nearness import nearness_figure
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.validation import CLAIMS
from scnnbio.validation.nearness import nearness
from scnnbio.validation.protocol import Missing
from scnnbio.validation.weight_drift import sharing

#: Labels in the figure of digits, by stage.
_READ = {
    "digits": "learned kernels",
    "untrained": "untrained kernels",
    "shuffled": "shuffled kernels",
    "random": "random kernels",
}

#: Stages of the gratings in the experiment three_ways, by the way of learning.
_WAYS = ("stdp", "conversion", "surrogate")
#: Titles of the panels that compare them, by claim.
_COMPARED = {
    "ringach2002_nx_ny": "shape of fields",
    "oriented_fraction": "oriented share",
    "ringach2002_circular_variance": "circular variance",
    "ringach2002_half_bandwidth": "half-bandwidth (deg)",
    "evoked_rate": "best rate (Hz)",
    "isi_cv": "CV of intervals",
    "fano_factor": "Fano factor",
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


def _three_ways(results: StudyResults) -> tuple[Figure, str]:
    ways = {way: results.evidence[way].bind(projection="lgn_v1") for way in _WAYS}
    compared, said = [], []
    for name, title in _COMPARED.items():
        claim, measured = CLAIMS[name], {}
        for way, evidence in ways.items():
            about = {} if claim.measure.about == "projection" else {"populations": "v1"}
            measured[way] = claim.measured(evidence.bind(**about))
        found = nearness(claim, measured)
        compared.append(found)
        said.append(f"{title}: {found.nearest or 'none'}")
    caption = (
        "One layer, whose kernels were learned in three ways from the same photographs. A: ON"
        " minus OFF weights of some kernels. Others: distance of each way from what was measured in"
        " V1, with a 95 % interval from drawing its kernels or cells again; the total variation"
        " distance of histograms, or the difference of medians or fractions. Nearest in 95 % of"
        " draws:"
        f" {'; '.join(said)}."
    )
    kernels = {way: evidence.weights for way, evidence in ways.items()}
    return nearness_figure(kernels, compared, _COMPARED), caption


SPECS = (
    FigureSpec(
        "three_ways",
        "Which learning comes nearest to V1",
        tuple(f"{way}.gratings" for way in _WAYS),
        _three_ways,
    ),
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
    FigureSpec("sharing_snr", "Updates that places share", ("shared.spikes.cells_1",), _sharing),
)
