"""The figure of the experiment three_ways: which learning comes nearest to V1."""

from __future__ import annotations

from matplotlib.figure import Figure

from scnnbio.figures.nearness import nearness_figure
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.validation import CLAIMS
from scnnbio.validation.nearness import nearness
from scnnbio.validation.protocol import Missing

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


def _three_ways(results: StudyResults) -> tuple[Figure, str]:
    ways = {way: results.evidence[way].bind(projection="lgn_v1") for way in _WAYS}
    compared, said = [], []
    for name, title in _COMPARED.items():
        claim, measured = CLAIMS[name], {}
        try:
            for way, evidence in ways.items():
                about = {} if claim.measure.about == "projection" else {"populations": "v1"}
                measured[way] = claim.measured(evidence.bind(**about))
            found = nearness(claim, measured)
        except Missing as missing:
            said.append(f"{title}: not drawn, {missing}")
            continue
        compared.append(found)
        said.append(f"{title}: {found.nearest or 'none'}")
    if not compared:
        raise Missing("; ".join(said))
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
)
