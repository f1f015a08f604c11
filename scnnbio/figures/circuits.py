"""Figures of the experiments on circuits: their requirements and captions."""

from __future__ import annotations

import dataclasses

import numpy as np
from matplotlib.figure import Figure

from scnnbio.analysis.masking import MaskedCurves, MaskFit
from scnnbio.figures.masking import KINDS, masking_figure
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.validation import Missing
from scnnbio.validation.masking import curves_and_fits, responds


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
        " mean rates at the preferred orientation, standard errors over units. B: suppression of"
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
    tables = ({n: v[kept] for n, v in t.items()} for t in (fits.r_squared, fits.factor))
    return part, MaskFit(*tables, fits.c50[kept])


SPECS = (
    FigureSpec(
        "cross_orientation",
        "Suppression by a mask at right angles",
        ("plaids.spikes.shunting", "plaids.spikes.subtractive"),
        _masking,
    ),
)
