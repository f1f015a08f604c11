"""The figure of the experiment three_ways: which learning comes nearest to V1."""

from __future__ import annotations

from matplotlib.figure import Figure

from scnnbio.figures.nearness import nearness_figure
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.validation import CLAIMS
from scnnbio.validation.nearness import Nearness, nearness
from scnnbio.validation.protocol import Missing

#: Stages of the gratings in the experiment three_ways, by the way of learning.
WAYS = ("stdp", "conversion", "surrogate")
#: Titles of the panels that compare them, by claim.
TITLES = {
    "ringach2002_nx_ny": "shape of fields",
    "oriented_fraction": "oriented share",
    "ringach2002_circular_variance": "circular variance",
    "ringach2002_half_bandwidth": "half-bandwidth",
    "evoked_rate": "best rate (Hz)",
    "isi_cv": "CV of intervals",
    "fano_factor": "Fano factor",
}


def compared(results: StudyResults) -> tuple[list[Nearness], dict[str, str]]:
    """How near each way comes to V1, claim by claim.

    Parameters
    ----------
    results : StudyResults
        Of the experiment three_ways.

    Returns
    -------
    list of Nearness
    dict of str to str
        By the title of a panel that cannot be compared, why.
    """
    found, lacking = [], {}
    for name, title in TITLES.items():
        claim, measured = CLAIMS[name], {}
        try:
            for way in WAYS:
                evidence = results.evidence[way].bind(projection="lgn_v1")
                about = {} if claim.measure.about == "projection" else {"populations": "v1"}
                measured[way] = claim.measured(evidence.bind(**about))
            found.append(nearness(claim, measured))
        except Missing as missing:
            lacking[title] = str(missing)
    return found, lacking


def _three_ways(results: StudyResults) -> tuple[Figure, str]:
    found, lacking = compared(results)
    said = [f"{TITLES[one.claim]}: {one.nearest or 'none'}" for one in found]
    said += [f"{title}: not drawn, {why}" for title, why in lacking.items()]
    if not found:
        raise Missing("; ".join(said))
    caption = (
        "One layer, whose kernels were learned in three ways from the same photographs. A: ON"
        " minus OFF weights of some kernels. Others: distance of each way from what was measured in"
        " V1, with a 95 % interval from drawing its kernels or cells again; the total variation"
        " distance of histograms, or the difference of medians or fractions. Nearest in 95 % of"
        " draws:"
        f" {'; '.join(said)}."
    )
    kernels = {way: results.evidence[way].bind(projection="lgn_v1").weights for way in WAYS}
    return nearness_figure(kernels, found, TITLES), caption


SPECS = (
    FigureSpec(
        "three_ways",
        "Which learning comes nearest to V1",
        tuple(f"{way}.gratings" for way in WAYS),
        _three_ways,
    ),
)
