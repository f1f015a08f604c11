"""Published tuning of V1 cells: modulation, orientation, direction, spatial frequency, contrast."""

from __future__ import annotations

import functools

import numpy as np

from scnnbio.validation.brain_score_counts import DE_VALOIS_1982A, SCHILLER_1976
from scnnbio.validation.comparisons import DistributionLike, FractionLike, Median
from scnnbio.validation.intervals import CorrelationOverlaps, MediansOverlap, Ordered, Positive
from scnnbio.validation.observation import Observation
from scnnbio.validation.papers import RINGACH_2002
from scnnbio.validation.physiology import InOrder, Physiology, Together
from scnnbio.validation.protocol import Protocol

#: Gratings of the highest contrast that was shown, by what they are varied in.
TURNED = Protocol("gratings", ("orientation",), "contrast", levels=4)
DRIFTING = Protocol("drifting gratings", ("orientation", "temporal_frequency"), "contrast")
SCALED = Protocol("gratings", ("spatial_frequency",), "contrast", levels=3)
TIMED = Protocol("drifting gratings", ("temporal_frequency",), "contrast", levels=3)
CONTRASTS = Protocol("gratings of several contrasts", ("contrast", "orientation"), levels=2)

_STEADY = "mean rate of the steady response"
_DRIFTING = "drifting gratings at the cell's preferred stimulus"
FOSTER_1985 = (
    "K. H. Foster, J. P. Gaska, M. Nagler and D. A. Pollen (1985), J. Physiol. 365, 331-363,"
    " doi:10.1113/jphysiol.1985.sp015776"
)
SIEGLE_2021 = (
    "J. H. Siegle et al. (2021), Nature 592, 86-92, doi:10.1038/s41586-020-03171-x, counted from"
    " the public table of V1 units"
)

_ringach = functools.partial(
    Observation, source=RINGACH_2002, n=308, window=_STEADY, state="anaesthetised"
)
_siegle = functools.partial(
    Observation, source=SIEGLE_2021, species="mouse V1", n=1177, edges=np.linspace(0.0, 1.0, 11),
    stimulus="drifting gratings in 8 directions", window="2 s of the grating", state="awake",
)  # fmt: skip

MODULATION = _ringach(
    quantity="F1/F0 of spikes",
    counts=np.array([70, 48, 38, 17, 11, 11, 18, 40, 40, 15]),
    edges=np.linspace(0.0, 2.0, 11),
    stimulus=_DRIFTING,
    pooling="F1 (amplitude) over the mean rate, spontaneous rate not subtracted",
    note="in the alert macaque complex cells reach 1 and more: I. Kagan, M. Gur and D. M. Snodderly"
    " (2002), doi:10.1152/jn.00858.2001",
)
COMPLEX_SHARE = _ringach(
    quantity="share of cells with F1/F0 below 1",
    value=184 / 308,
    stimulus=_DRIFTING,
    pooling=MODULATION.pooling,
)
ALERT_COMPLEX = Observation(
    quantity="F1/F0 of complex cells of the alert animal",
    source="I. Kagan, M. Gur and D. M. Snodderly (2002), J. Neurophysiol. 88,"
    " doi:10.1152/jn.00858.2001",
    n=114,
    value=0.85,
    interval=(0.6, 1.1),
    stimulus="gratings and bars",
    window="not stated",
    state="awake",
    pooling="mean over cells, 0.6 to 1.1 by stimulus (standard deviations 0.4 and 0.5); the value"
    " is the middle of these",
    differs="is the median over cells at gratings. Bind it to complex cells: F1/F0 above 1 does not"
    " make a cell simple in the alert animal",
)
VARIANCE_AND_BANDWIDTH = Observation(
    quantity="Spearman's coefficient of circular variance and half bandwidth",
    source=RINGACH_2002,
    n=300,
    value=0.71,
    stimulus="drifting gratings of all orientations",
    window=_STEADY,
    state="anaesthetised",
    pooling="of the 300 of 308 cells whose curve falls to 0.707 of its peak",
)
COMPLEX_BROADER = _ringach(
    quantity="circular variance of complex cells (F1/F0 of 1 or less) less that of simple ones",
    value=0.663 - 0.445,
    stimulus="drifting gratings of all orientations",
    pooling="difference of the medians",
)
SPONTANEOUS_RATE = Observation(
    quantity="spontaneous rate",
    source=RINGACH_2002,
    n=308,
    unit="Hz",
    value=0.85,
    interval=(0.0, 5.5),
    stimulus="a blank screen",
    window="not stated",
    state="anaesthetised",
    pooling="mean over blanks; quartiles over cells",
)
CARDINAL = Observation(
    quantity="share of cells whose preferred orientation is nearer to a cardinal one",
    source=DE_VALOIS_1982A,
    n=385,
    value=210 / 385,
    unit="deg",
    stimulus="gratings of all orientations",
    window="not stated",
    state="not stated",
    pooling="peak of each cell's curve; within 22.5 deg of horizontal or vertical",
)
FULL_WIDTH = Observation(
    quantity="share of cells whose full width of orientation tuning is below 40 deg",
    source=DE_VALOIS_1982A,
    n=385,
    value=0.5,
    unit="deg",
    stimulus="gratings of all orientations",
    window="not stated",
    state="not stated",
    pooling="full width at half amplitude; 40 deg is about the median, 6 to 360 deg the range",
    differs="no spontaneous rate is subtracted; a curve that does not fall to half counts as wider",
    note="n is that of the histogram of preferred orientations",
)
LOW_HIGH = {
    kind: Observation(
        quantity=f"lower over upper spatial frequency of {kind} cells",
        source=SCHILLER_1976,
        n=sum(counts),
        unit="%",
        counts=np.array(counts),
        edges=np.linspace(0.0, 100.0, 11),
        stimulus="gratings of several spatial frequencies",
        window="not stated",
        state="not stated",
        pooling="100 times the ratio of the frequencies at which the response is 0.707 of its peak",
        note=f"bind it to {kind} cells",
    )
    for kind, counts in (
        ("simple", (0, 0, 0, 6, 5, 10, 7, 2, 0, 0)), ("complex", (0, 3, 4, 10, 17, 6, 2, 1, 0, 0))
    )
}  # fmt: skip
HIGH_CUTOFF = Observation(
    quantity="temporal frequency up to which a cell responds, LGN and V1",
    source="M. J. Hawken, R. M. Shapley and D. H. Grosof (1996), Vis. Neurosci. 13,"
    " doi:10.1017/S0952523800008154",
    species="macaque, LGN and V1",
    unit="Hz",
    stimulus="drifting gratings of several temporal frequencies",
    window="not stated",
    state="not stated",
    pooling="high cutoff of each cell; it falls by about 20 Hz",
    differs="is the frequency at which the mean rate falls to half of its peak",
    note="an ordering alone. Bind it to two populations, the LGN first",
)
VISUAL_DELAY = Observation(
    quantity="latency in V1 and in the LGN",
    source=HIGH_CUTOFF.source,
    species=HIGH_CUTOFF.species,
    unit="ms",
    stimulus=HIGH_CUTOFF.stimulus,
    window="not stated",
    state="not stated",
    pooling="visual delay; 3 ms more in input layers, 12 to 14 ms more in output layers",
    differs="is the half rise of a histogram of 10 ms at the best stimulus",
    note=HIGH_CUTOFF.note,
)
VARIANCE_RISES = Observation(
    quantity="circular variance at the lowest contrast over that at the highest, less 1",
    source="H. J. Alitto and W. M. Usrey (2004), J. Neurophysiol. 91, 2797-2808,"
    " doi:10.1152/jn.00943.2003",
    species="ferret V1",
    stimulus="gratings of all orientations at several contrasts",
    window="not stated",
    state="not stated",
    pooling="circular variance rises at low contrast, while the bandwidth is constant",
    note="a direction alone",
)
BAND_PASS = Observation(
    quantity="share of cells that are not low-pass in temporal frequency",
    source=FOSTER_1985,
    n=148,
    value=0.32,
    stimulus="drifting gratings of several temporal frequencies",
    window="not stated",
    state="not stated",
    pooling="cells called low-pass, 68 %, and broadly tuned, 32 %",
    differs="calls low-pass a cell whose mean rate does not fall to half of its peak at the lowest"
    " frequency shown",
)
SPATIAL_BANDWIDTH = Observation(
    quantity="full bandwidth of spatial frequency at half height",
    source=FOSTER_1985,
    n=148,
    unit="octaves",
    value=1.6,
    interval=(0.8, 3.0),
    stimulus="drifting gratings of several spatial frequencies",
    window="not stated",
    state="not stated",
    pooling="log2 of the upper over the lower frequency at half height",
    note="the range; the means are 1.8 octaves in parafoveal and 1.4 in foveal cells, and the value"
    " is the middle of these",
)
_INDEX_POOLING = (
    "|sum r exp({}i theta)| / sum r over 8 directions at the temporal frequency of the largest"
    " response, mean rates; excitatory units alone"
)
ORIENTATION_INDEX = _siegle(
    quantity="orientation index, 1 less the circular variance",
    value=0.259,
    interval=(0.142, 0.468),
    counts=np.array([174, 275, 214, 141, 100, 93, 58, 56, 37, 29]),
    pooling=_INDEX_POOLING.format("2 "),
)
DIRECTION_INDEX = _siegle(
    quantity="direction index, 1 less the circular variance of direction",
    value=0.113,
    interval=(0.056, 0.210),
    counts=np.array([533, 329, 132, 74, 47, 27, 15, 11, 8, 1]),
    pooling=_INDEX_POOLING.format(""),
)
CONTRAST_INVARIANCE = Observation(
    quantity="half width of orientation tuning at the lowest contrast over that at the highest",
    source="G. Sclar and R. D. Freeman (1982), Exp. Brain Res. 46, 457-461",
    species="cat V1",
    n=45,
    value=1.0,
    interval=(1.0, 1.0),
    stimulus="gratings of all orientations at several contrasts",
    window="not stated",
    state="not stated",
    pooling="half width of the curve at half height; of a von Mises fit here",
    note="the paper reports that width does not change: the spread over its cells is not used, so"
    " that the interval of the median has to hold 1",
)

_VARIANCE, _WIDTH = Physiology("circular_variance"), Physiology("half_bandwidth")
_MODULATION = Physiology("modulation_ratio")
CLAIMS = (
    DistributionLike(
        name="ringach2002_modulation", observation=MODULATION, measure=_MODULATION,
        protocol=DRIFTING,
    ),
    FractionLike(
        name="ringach2002_complex_share", observation=COMPLEX_SHARE, measure=_MODULATION,
        protocol=DRIFTING, below=1.0,
    ),
    Median(
        name="kagan2002_alert_complex", observation=ALERT_COMPLEX, measure=_MODULATION,
        protocol=DRIFTING,
    ),
    CorrelationOverlaps(
        name="ringach2002_variance_and_bandwidth", observation=VARIANCE_AND_BANDWIDTH,
        measure=Together(_VARIANCE, _WIDTH), protocol=TURNED,
    ),
    Ordered(
        name="ringach2002_complex_broader", observation=COMPLEX_BROADER,
        measure=Together(_MODULATION, _VARIANCE), protocol=DRIFTING, divide=1.0,
    ),
    MediansOverlap(
        name="ringach2002_spontaneous_rate", observation=SPONTANEOUS_RATE,
        measure=Physiology("spontaneous_rate", blanks=True), protocol=TURNED,
    ),
    FractionLike(
        name="devalois1982_cardinal", observation=CARDINAL,
        measure=Physiology("peak_orientation", "from cardinal"), protocol=TURNED, below=22.5,
    ),
    Median(
        name="foster1985_spatial_bandwidth", observation=SPATIAL_BANDWIDTH,
        measure=Physiology("spatial_bandwidth"), protocol=SCALED,
    ),
    FractionLike(
        name="foster1985_band_pass", observation=BAND_PASS,
        measure=Physiology("low_pass_temporal"), protocol=TIMED, below=0.5,
    ),
    DistributionLike(
        name="siegle2021_orientation_index", observation=ORIENTATION_INDEX,
        measure=Physiology("circular_variance", "one less"), protocol=DRIFTING,
    ),
    DistributionLike(
        name="siegle2021_direction_index", observation=DIRECTION_INDEX,
        measure=Physiology("direction_circular_variance", "one less"), protocol=DRIFTING,
    ),
    MediansOverlap(
        name="sclar1982_contrast_invariance", observation=CONTRAST_INVARIANCE,
        measure=Physiology("half_width_ratio"), protocol=CONTRASTS,
    ),
    Positive(
        name="alitto2004_variance_rises", observation=VARIANCE_RISES,
        measure=Physiology("circular_variance_ratio", "above one"), protocol=CONTRASTS,
    ),
    FractionLike(
        name="devalois1982_full_width", observation=FULL_WIDTH, measure=Physiology("full_width"),
        protocol=TURNED, below=40.0,
    ),
    *(
        DistributionLike(
            name=f"schiller1976_{kind}_low_high", observation=seen,
            measure=Physiology("low_high_ratio"), protocol=SCALED,
        )
        for kind, seen in LOW_HIGH.items()
    ),
    Ordered(
        name="hawken1996_cutoff", observation=HIGH_CUTOFF,
        measure=InOrder(Physiology("high_cutoff")), protocol=TIMED, divide=0.0,
    ),
    Ordered(
        name="hawken1996_delay", observation=VISUAL_DELAY,
        measure=InOrder(Physiology("latency", blanks=True), larger="second"), protocol=TIMED,
        divide=0.0,
    ),
)  # fmt: skip
