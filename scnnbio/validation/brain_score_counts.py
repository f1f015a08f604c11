"""Published counts of the V1 properties that Brain-Score compares, and what AlexNet reaches there.

Counts are those that the benchmarks of Marques, Schrimpf and DiCarlo (2021) read from the papers,
or from the public table of Ringach et al. (2002), in their bins.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scnnbio.validation.papers import RINGACH_2002

CAVANAUGH_2002 = (
    "J. R. Cavanaugh, W. Bair and J. A. Movshon (2002), J. Neurophysiol. 88, 2530-2546,"
    " doi:10.1152/jn.00692.2001"
)
SCHILLER_1976 = (
    "P. H. Schiller, B. L. Finlay and S. F. Volman (1976), J. Neurophysiol. 39, 1334-1351,"
    " doi:10.1152/jn.1976.39.6.1334"
)
DE_VALOIS_1982A = "R. L. De Valois, E. W. Yund and N. Hepler (1982), Vision Res. 22, 531-544"
DE_VALOIS_1982B = (
    "R. L. De Valois, D. G. Albrecht and L. G. Thorell (1982), Vision Res. 22, 545-559,"
    " doi:10.1016/0042-6989(82)90113-4"
)


class Property(NamedTuple):
    """A property with its published counts.

    ``along`` is what a grating is varied in, ``ceiling`` that of Brain-Score, and ``alexnet`` the
    similarity of AlexNet in Brain-Score's own tests, not over the ceiling.
    """

    name: str
    along: str
    definition: str
    unit: str
    source: str
    edges: NDArray[Any]
    counts: tuple[int, ...]
    ceiling: float
    alexnet: float


_SHARE = np.linspace(0.0, 1.0, 14)
_OCTAVES_DEG = 2.0 ** np.arange(-4, 5)
_YES = np.array([0.0, 0.5, 1.0])

#: The fifteen properties with public counts.
PROPERTIES = (
    Property(
        "circular_variance", "orientation", "circular variance, 1 - |sum r exp(2 i theta)| / sum r",
        "1", RINGACH_2002, _SHARE, (4, 21, 26, 17, 24, 20, 24, 22, 31, 33, 34, 36, 12), 0.959, 0.83,
    ),
    Property(
        "or_bandwidth", "orientation", "half width at 0.707 of the peak of the smoothed curve",
        "deg", RINGACH_2002, np.linspace(0.0, 90.0, 18),
        (0, 0, 27, 90, 68, 40, 30, 12, 10, 4, 8, 2, 4, 2, 0, 1, 0), 0.964, 0.844,
    ),
    Property(
        "orth_pref_ratio", "orientation", "rate at right angles over the largest", "1",
        RINGACH_2002, _SHARE, (114, 26, 22, 25, 23, 23, 21, 16, 12, 10, 8, 3, 1), 0.962, 0.876,
    ),
    Property(
        "or_selective", "orientation", "1 where the curve falls to 0.707 of its peak", "1",
        RINGACH_2002, _YES, (6, 298), 0.994, 0.895,
    ),
    Property(
        "cv_bandwidth_ratio", "orientation", "circular variance over half bandwidth", "1/deg",
        RINGACH_2002, np.logspace(-3.0, 0.0, 16),
        (0, 0, 2, 8, 24, 62, 119, 70, 12, 1, 0, 0, 0, 0, 0), 0.968, 0.841,
    ),
    Property(
        "opr_cv_diff", "orientation", "rate at right angles over the largest, less the circular"
        " variance", "1", RINGACH_2002, np.linspace(-1.0, 1.0, 20),
        (0, 0, 0, 2, 21, 71, 93, 65, 46, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0), 0.967, 0.909,
    ),
    Property(
        "modulation_ratio", "temporal_frequency", "F1 / F0 at the preferred grating", "1",
        RINGACH_2002, np.linspace(0.0, 2.0, 11),
        (70, 47, 38, 17, 11, 11, 17, 39, 39, 15), 0.959, 0.371,
    ),
    Property(
        "max_dc", "orientation", "largest mean rate", "Hz",
        RINGACH_2002, np.logspace(0.0, 3.0, 10), (0, 0, 23, 66, 114, 82, 16, 3, 0), 0.968, 0.904,
    ),
    Property(
        "surround_suppression_index", "diameter", "(peak - plateau) / peak", "1",
        CAVANAUGH_2002, np.linspace(0.0, 2.0, 11),
        (66, 44, 38, 23, 16, 3, 0, 0, 0, 0), 0.958, 0.365,
    ),
    Property(
        "grating_summation_field", "diameter", "smallest diameter with 95 % of the peak", "deg",
        CAVANAUGH_2002, _OCTAVES_DEG, (0, 9, 30, 55, 42, 10, 2, 0), 0.956, 0.599,
    ),
    Property(
        "surround_diameter", "diameter", "first diameter past the peak with 1.05 of the plateau or"
        " less", "deg", CAVANAUGH_2002, _OCTAVES_DEG, (0, 0, 2, 20, 33, 49, 40, 4), 0.955, 0.367,
    ),
    Property(
        "pref_or", "orientation", "peak of the smoothed curve", "deg",
        DE_VALOIS_1982A, np.linspace(-22.5, 157.5, 5), (110, 83, 100, 92), 0.962, 0.895,
    ),
    Property(
        "peak_sf", "spatial_frequency", "peak of the smoothed curve over log2 of the frequency",
        "cycles/deg", DE_VALOIS_1982B,
        np.array([0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.2, 16.0, 22.4]),
        (3, 10, 15, 31, 57, 62, 67, 63, 31, 15, 5, 4), 0.967, 0.775,
    ),
    Property(
        "sf_selective", "spatial_frequency", "1 where both flanks fall to 0.707 of the peak", "1",
        SCHILLER_1976, _YES, (14, 73), 0.963, 0.808,
    ),
    Property(
        "sf_bandwidth", "spatial_frequency", "100 times the lower over the upper frequency at 0.707"
        " of the peak", "%", SCHILLER_1976, np.linspace(0.0, 100.0, 11),
        (0, 3, 4, 16, 22, 16, 9, 3, 0, 0), 0.933, 0.869,
    ),
)  # fmt: skip
