"""Shape of receptive fields: width and length in cycles of their carrier.

Histogram counts are facts read from the papers' figures or from data their authors made public.
Each observation states the stimulus, the part of the response in which spikes were counted, the
state of the animal and how spikes were reduced to one number per cell; and how the model's measure
differs, where it cannot be the same. "Not stated" means that our source does not say it.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.comparisons import DistributionLike
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation

#: Fits that explain no more than this are excluded, as in the paper.
MIN_R_SQUARED = 0.7

#: Rows are n_x (along the carrier), columns n_y, in bins of their decimal logarithm.
NX_NY = Observation(
    quantity="log10 of n_x (rows) and n_y (columns)",
    source="D. L. Ringach (2002), Spatial structure and symmetry of simple-cell receptive fields in"
    " macaque primary visual cortex, J. Neurophysiol. 88, 455-463, doi:10.1152/jn.2002.88.1.455",
    n=79,
    counts=np.array(
        [[2, 0, 1, 0, 0], [8, 9, 4, 1, 0], [1, 2, 19, 17, 3], [0, 0, 1, 7, 4], [0, 0, 0, 0, 0]]
    ),
    edges=np.array([-1.0, -0.76, -0.52, -0.28, -0.04, 0.2]),
    stimulus="not stated: simple cells' receptive fields, mapped with their spikes",
    window="not stated",
    state="not stated",
    pooling="one Gabor fit per simple cell; n = sigma * frequency; fits with R^2 above 0.7",
    differs="fits the learned kernel, not a field mapped with the cell's spikes, and so includes"
    " neither the"
    " filter before it nor the threshold after it",
)


class LogShape(Measure):
    """Decimal logarithms of n_x and n_y of the Gabor fits with R^2 above 0.7."""

    name: ClassVar[str] = "gabor_shape"
    about: ClassVar[About] = "projection"
    columns: ClassVar[tuple[str, ...]] = ("log10_n_x", "log10_n_y")
    fits: ClassVar[bool] = True

    def of(self, evidence: Evidence) -> Measured:
        """Fit the kernels."""
        table = evidence.kernel_measures
        empty = np.isnan(table.r_squared)
        good = ~empty & (table.r_squared > MIN_R_SQUARED)
        values = np.log10(np.stack([table.n_x[good], table.n_y[good]], axis=1))
        poor = {"empty kernels": int(empty.sum()), "R^2 <= 0.7": int((~good & ~empty).sum())}
        return Measured(values, poor, np.flatnonzero(good))


CLAIMS = (DistributionLike(name="ringach2002_nx_ny", observation=NX_NY, measure=LogShape()),)
