"""Figures of the experiments on circuits: their requirements and captions."""

from __future__ import annotations

import dataclasses

import numpy as np
from matplotlib.figure import Figure

from scnnbio.analysis.masking import MaskedCurves, MaskFit
from scnnbio.analysis.measures_of_size import sizes_of
from scnnbio.analysis.rates import responses
from scnnbio.analysis.sparse_codes import FOLDS, code_of
from scnnbio.analysis.tolerance import bar_positions
from scnnbio.errors import SpecError
from scnnbio.figures import pooling, sizes, sparse_codes
from scnnbio.figures.masking import KINDS, masking_figure
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.figures.weight_sharing import weight_sharing_figure
from scnnbio.validation import Evidence, Missing
from scnnbio.validation.central_units import central_units
from scnnbio.validation.complex_cells import DRIFTING, PHASES, modulation_of
from scnnbio.validation.disinhibition import size_curves
from scnnbio.validation.masking import curves_and_fits, responds
from scnnbio.validation.weight_sharing import ways


def _masking(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["plaids"]
    names = [name for name in KINDS if name in evidence.recording.spikes]
    found, texts = {}, []
    for name in names:
        curves, fits = curves_and_fits(evidence.bind(populations=name))
        kept = responds(curves) & ~np.isnan(fits.division)
        if kept.sum() < 2:
            raise Missing(f"fewer than 2 units of {name!r} respond to a grating")
        found[name] = _only(curves, fits, kept)
        divided = int((fits.division[kept] > 0).sum())
        strongest = np.nanmedian(curves.suppression[kept, -1])
        texts.append(
            f"{name}: suppression {strongest:.2f} (median) at the highest contrast; division"
            f" explains more than subtraction in {divided} of {int(kept.sum())} units"
        )
    mask = evidence.recording.trials["mask_contrast"].max()
    caption = (
        f"Gratings alone and with a mask of contrast {mask:g} at right angles; central units. A:"
        " mean rates at the preferred orientation, standard errors over units (their number in"
        " brackets). B: suppression of"
        " the response above the spontaneous rate, medians and quartiles. C: share of the variance"
        " of both curves that one Naka-Rushton function explains if the mask multiplies c50, or if"
        f" it subtracts a rate. {'; '.join(texts)}."
    )
    return masking_figure(found), caption


def _only(curves: MaskedCurves, fits: MaskFit, kept: np.ndarray) -> tuple[MaskedCurves, MaskFit]:
    """Some of the units."""
    part = dataclasses.replace(
        curves, alone=curves.alone[kept], masked=curves.masked[kept],
        spontaneous=curves.spontaneous[kept],
    )  # fmt: skip
    r_squared = {name: values[kept] for name, values in fits.r_squared.items()}
    factor = {name: values[kept] for name, values in fits.factor.items()}
    return part, MaskFit(r_squared, factor, fits.c50[kept])


def _pooling(results: StudyResults) -> tuple[Figure, str]:
    spikes = results.evidence["drifting"].recording.spikes
    names = [name for name in pooling.KINDS if name in spikes]
    drifting, standing, bars = (results.evidence[n] for n in ("drifting", "phases", "bars"))
    ratios, curves, places, texts = {}, {}, {}, []
    for name in names:
        ratio = modulation_of(drifting.bind(populations=name, protocol=DRIFTING))
        ratios[name] = ratio[~np.isnan(ratio)]
        curves[name] = _over_phase(standing.bind(populations=name, protocol=PHASES))
        found = bar_positions(central_units(bars.bind(populations=name)), name)
        spread = [at - np.median(at) for at in found if len(at)]
        places[name] = np.concatenate(spread) if spread else np.zeros(0)
        if len(ratios[name]):
            texts.append(f"{name.replace('_', ' ')} {np.median(ratios[name]):.2f}")
    if not all(map(len, ratios.values())):
        raise Missing("a population does not respond to drifting gratings")
    caption = (
        "Simple cells and complex cells that pool them; central units at their best stimulus. A:"
        f" F1/F0 (units in brackets); medians: {', '.join(texts)}. B: responses to standing"
        " gratings, each unit's best phase at 0, means and quartiles over units. C: position of a"
        " moving bar at each spike, from each unit's median position."
    )
    return pooling.pooling_figure(ratios, curves, places), caption


def _over_phase(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Phases from the best (deg), and the responses of each unit over their mean."""
    recording = central_units(evidence)
    try:
        table = responses(recording, evidence.population, ("orientation", "phase"))
        phase, rates = table.curve("phase")
    except SpecError as error:
        raise Missing(str(error)) from None
    fires = np.nan_to_num(rates).sum(axis=1) > 0
    rates = rates[fires] / rates[fires].mean(axis=1, keepdims=True)
    half = len(phase) // 2
    turned = np.array([np.roll(row, half - int(row.argmax())) for row in rates])
    if not len(turned):
        raise Missing(f"no unit of {evidence.population!r} responds to standing gratings")
    return (np.arange(len(phase)) - half) * 360.0 / len(phase), turned


def _sizes(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["sizes"]
    recording = evidence.recording
    found, index, texts = {}, {}, []
    for name in (n for n in sizes.KINDS if n in recording.spikes):
        curves = size_curves(evidence.bind(populations=name))
        response, measured = sizes_of(curves)
        kept = curves.whole & (response.max(axis=1) >= 2.0)
        if not kept.any():
            raise Missing(f"no unit of {name!r} responds to a grating")
        found[name], index[name] = response[kept], measured[0][kept]
        field = np.median(measured[1][kept])
        texts.append(
            f"{name.replace('_', ' ')}: index {np.median(index[name]):.2f}, summation field"
            f" {field:.2f} deg (n = {int(kept.sum())})"
        )
    diameter = size_curves(evidence.bind(populations="control")).values
    rates = {}
    for kind in ("pyr", "pv", "sst", "vip"):
        rest, driven = (_by_diameter(evidence, f"{kind}{end}") for end in ("", "_driven"))
        rates[kind] = (rest, driven)
    caption = (
        "Gratings of growing diameter. A: responses of central units (the larger of mean rate and"
        " modulation), means and standard errors. B: (peak - plateau) / peak of each unit, and"
        " medians; dotted, the median of macaque V1, 0.33 (Cavanaugh et al. 2002). C: mean rates by"
        " type of cell, at rest and (dashed) with driven VIP cells. Medians of units above 2 Hz:"
        f" {'; '.join(texts)}."
    )
    return sizes.sizes_figure(diameter, found, index, rates), caption


def _by_diameter(evidence: Evidence, population: str) -> np.ndarray:
    """Mean rate (Hz) of all cells of a population at each diameter."""
    table = responses(evidence.recording, population, ("diameter",))
    return np.asarray(table.rates.mean(axis=1))


def _sparse(results: StudyResults) -> tuple[Figure, str]:
    evidence = results.evidence["photographs"]
    names = [name for name in sparse_codes.KINDS if name in evidence.recording.spikes]
    found = {name: evidence.once(code_of, name) for name in names}
    texts = "; ".join(
        f"{name}: {code.rate.mean():.1f} Hz, lifetime sparseness {np.nanmedian(code.lifetime):.2f},"
        f" population sparseness {np.nanmedian(code.population):.2f}, absolute correlation"
        f" {np.nanmean(np.abs(code.correlation)):.3f}, variance left {code.error.mean():.2f}"
        for name, code in found.items()
    )
    trials = evidence.recording.n_trials
    caption = (
        f"{trials} patches of photographs, one trial each, before the trained layer. A to C:"
        " central units, their number in brackets. Matched: without inhibition, with weaker input."
        " D: share of the variance of held-out patches, as the LGN sees them, that ridge regression"
        f" from the counts of all units leaves; {FOLDS} parts. {texts}."
    )
    return sparse_codes.sparse_figure(found), caption


def _weight_sharing(results: StudyResults) -> tuple[Figure, str]:
    found = ways(results.evidence["sharing"])
    maps, places = next(iter(found.values())).kernels.shape[:2]
    texts = "; ".join(
        f"{name}: {_when(one.patterns)}, {one.oriented[-1]:.0%} at the end, correlation between"
        f" places {np.mean(one.invariance):.2f}"
        for name, one in found.items()
    )
    caption = (
        f"The same STDP on the same photographs; {maps} maps at {places} places. A: share of"
        " kernels with a circular variance below 0.6. B: mean correlation of a map's kernels at two"
        " places, one point per map. C: kernels of the first maps at four places each, ON less OFF,"
        " each scaled to its largest weight."
        f" {texts}."
    )
    return weight_sharing_figure(found), caption


def _when(patterns: float) -> str:
    """When half of the kernels were oriented, if they were."""
    if not np.isfinite(patterns):
        return "half of the kernels never oriented"
    return f"half of the kernels oriented after {patterns:.0f} patterns"


SPECS = (
    FigureSpec(
        "cross_orientation",
        "Suppression by a mask at right angles",
        ("plaids.spikes.shunting", "plaids.spikes.subtractive"),
        _masking,
    ),
    FigureSpec(
        "simple_complex",
        "Simple cells, and complex cells that pool them",
        ("drifting.spikes.simple", "phases.spikes.simple", "bars.spikes.simple"),
        _pooling,
    ),
    FigureSpec(
        "surround",
        "Size tuning by several kinds of inhibition",
        ("sizes.spikes.control", "sizes.spikes.pyr", "sizes.spikes.pyr_driven"),
        _sizes,
    ),
    FigureSpec(
        "sparse_codes",
        "Codes of photographs with and without inhibition",
        ("photographs.spikes.inhibited", "photographs.spikes.free"),
        _sparse,
    ),
    FigureSpec(
        "weight_sharing",
        "Kernels that all places, a region or no places share",
        ("sharing.spikes.strict",),
        _weight_sharing,
    ),
)
