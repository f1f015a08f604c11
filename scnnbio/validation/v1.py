"""Published numbers of primary visual cortex, each once and with its paper, and the claims on them.

Histogram counts are facts read from the papers' figures or from data their authors made public.
Each observation says what was shown, which stretch of the response was counted, in what state the
animal was and how spikes became one number per cell; and in what the model's measure differs, where
it cannot be the same. "Not stated" is what our source of a number does not say.
"""

from __future__ import annotations

import numpy as np

from scnnbio.validation import v1_measures as measures
from scnnbio.validation.claim import Claim, Observation
from scnnbio.validation.comparisons import Distribution, FractionAtMost, FractionLike, Median

RINGACH_2002 = (
    "D. L. Ringach, R. M. Shapley and M. J. Hawken (2002), Orientation selectivity in macaque V1,"
    " J. Neurosci. 22, 5639-5651, doi:10.1523/JNEUROSCI.22-13-05639.2002"
)
RINGACH_2002_RF = (
    "D. L. Ringach (2002), Spatial structure and symmetry of simple-cell receptive fields in"
    " macaque primary visual cortex, J. Neurophysiol. 88, 455-463, doi:10.1152/jn.2002.88.1.455"
)
GORIS_2015 = (
    "Recordings of R. L. T. Goris, E. P. Simoncelli and J. A. Movshon (2015), Neuron 88, 819-831,"
    " doi:10.1016/j.neuron.2015.10.009, made public with L. Acerbi's infbench (units m620r35,"
    " m624l54, m625r58, m625r62, m627r58)"
)
ECKER_2010 = (
    "Public recordings of A. S. Ecker et al. (2010), Science 327, 584-587,"
    " doi:10.1126/science.1179867"
)

#: Rows are n_x (along the carrier), columns n_y, in bins of their decimal logarithm.
NX_NY = Observation(
    quantity="log10 of n_x (rows) and n_y (columns)",
    source=RINGACH_2002_RF,
    n=79,
    counts=np.array(
        [[2, 0, 1, 0, 0], [8, 9, 4, 1, 0], [1, 2, 19, 17, 3], [0, 0, 1, 7, 4], [0, 0, 0, 0, 0]]
    ),
    edges=np.array([-1.0, -0.76, -0.52, -0.28, -0.04, 0.2]),
    stimulus="not stated: simple cells' receptive fields, mapped with their spikes",
    window="not stated",
    state="not stated",
    pooling="one Gabor fit per simple cell; n = sigma * frequency; fits with R^2 above 0.7",
    differs="fits the learned kernel, not a field mapped with the cell's spikes: neither the"
    " filter before it nor the threshold after it is in it",
)

CIRCULAR_VARIANCE = Observation(
    quantity="circular variance of the mean rate",
    source=RINGACH_2002,
    n=308,
    value=0.605,
    interval=(0.335, 0.785),
    counts=np.array([10, 29, 28, 31, 28, 27, 40, 40, 49, 26]),
    edges=np.linspace(0.0, 1.0, 11),
    stimulus="drifting gratings of all orientations",
    window="mean rate of the steady response",
    state="not stated",
    pooling="mean rate over trials, spontaneous rate not subtracted; each cell at its own best"
    " spatial frequency",
    differs="the best of the spatial frequencies that were shown stands for the preferred one, and"
    " the whole trial counts, its onset too; few spikes make a flat curve look tuned",
)

HALF_BANDWIDTH = Observation(
    quantity="half width at 1/sqrt(2) of the peak",
    source=RINGACH_2002,
    n=308,
    unit="deg",
    value=23.5,
    interval=(19.0, 33.0),
    counts=np.array([90, 122, 51, 17, 11, 6, 2, 1]),
    edges=np.linspace(10.0, 90.0, 9),
    above=8,
    stimulus=CIRCULAR_VARIANCE.stimulus,
    window=CIRCULAR_VARIANCE.window,
    state=CIRCULAR_VARIANCE.state,
    pooling="curve of mean rates smoothed by (0.4, 1, 0.4) and splined, spontaneous rate not"
    " subtracted; a curve that never falls so low counts as above 90 deg",
    differs="the smoothing is in samples, and the model's orientations need not stand as far apart"
    " as the paper's; otherwise as the circular variance",
)

#: Circular variance below which a cell or a kernel is called oriented here.
ORIENTED = 0.6

ORIENTED_CELLS = Observation(
    quantity=f"fraction of cells with a circular variance below {ORIENTED}",
    source=RINGACH_2002,
    n=308,
    value=153 / 308,  # the first six bins of CIRCULAR_VARIANCE
    stimulus=CIRCULAR_VARIANCE.stimulus,
    window=CIRCULAR_VARIANCE.window,
    state=CIRCULAR_VARIANCE.state,
    pooling=CIRCULAR_VARIANCE.pooling,
    differs="is of kernels, by their linear response to gratings, and the published one of spikes:"
    " a threshold sharpens tuning, so that this is the weaker claim of the two",
)

NOISE_CONTROL = Observation(
    quantity=f"fraction of kernels with a circular variance below {ORIENTED}",
    source="design: a control. Oriented fields must come from the images, not from the rule",
    species="model learnt on white noise",
    value=0.05,
    stimulus="white noise in place of photographs; the kernels' linear response to gratings",
    window="none: kernels",
    state="none: a model",
    pooling="one number per kernel",
)

EVOKED_RATE = Observation(
    quantity="mean rate at the best grating",
    source=RINGACH_2002,
    unit="Hz",
    value=33.4,
    interval=(19.0, 55.0),
    stimulus="drifting grating at each cell's best orientation",
    window=CIRCULAR_VARIANCE.window,
    state=CIRCULAR_VARIANCE.state,
    pooling="mean over trials, spontaneous rate (median 0.85 Hz) not subtracted; quartiles over"
    " cells",
    differs="the largest of many means of a few trials is somewhat above the true largest rate",
)

ISI_CV = Observation(
    quantity="coefficient of variation of inter-spike intervals, mean over trials",
    source=GORIS_2015,
    n=5,
    value=0.99,
    interval=(0.92, 1.07),
    stimulus="drifting gratings of full contrast in 16 directions, at the cell's spatial frequency",
    window="whole trials of 1 s",
    state="anaesthetised",
    pooling="CV of each trial with 5 intervals or more, dividing by their number; mean over the"
    " trials of all directions, 20 to 273 of them",
    note="range of four cells (0.92, 0.95, 0.99, 1.07); the fifth bursts and has 2.22. The same"
    " cells' CV with all intervals at the best direction taken together is another number: 0.88,"
    " 1.41, 1.28, 1.03 and 2.7. Short trials lower it on both sides: a Poisson process has about"
    " 0.8 in trials of 5 intervals, 0.95 in trials of 20",
)

FANO_FACTOR = Observation(
    quantity="Fano factor of counts in 500 ms",
    source=ECKER_2010,
    species="macaque V1",
    n=272,
    value=0.94,
    interval=(0.73, 1.21),
    stimulus="static or drifting gratings of eight orientations",
    window="30 to 530 ms after onset",
    state="awake, fixating",
    pooling="variance (dividing by n - 1) over mean, per condition with a mean count above 1;"
    " quartiles over cells. How a cell's conditions were joined is not stated",
    differs="is the mean over a cell's conditions. The model has neither small eye movements nor a"
    " state that drifts, which add variance in awake animals",
    note="under anaesthesia, natural frames, 200 ms: 1.95 (1.53 to 2.53)",
)

_ALL: tuple[Claim, ...] = (
    Distribution(
        name="ringach2002_nx_ny",
        stage="learn",
        observation=NX_NY,
        measure=measures.log_nx_ny,
    ),
    FractionLike(
        name="oriented_fraction",
        stage="learn",
        observation=ORIENTED_CELLS,
        measure=measures.kernel_circular_variance,
        below=ORIENTED,
    ),
    FractionAtMost(
        name="noise_control",
        stage="control",
        observation=NOISE_CONTROL,
        measure=measures.kernel_circular_variance,
        below=ORIENTED,
    ),
    Distribution(
        name="ringach2002_circular_variance",
        stage="gratings",
        observation=CIRCULAR_VARIANCE,
        measure=measures.spike_circular_variance,
    ),
    Distribution(
        name="ringach2002_half_bandwidth",
        stage="gratings",
        observation=HALF_BANDWIDTH,
        measure=measures.spike_half_bandwidth,
    ),
    Median(
        name="evoked_rate",
        stage="gratings",
        observation=EVOKED_RATE,
        measure=measures.evoked_rate,
    ),
    Median(
        name="isi_cv",
        stage="gratings",
        observation=ISI_CV,
        measure=measures.interval_cv,
    ),
    Median(
        name="fano_factor",
        stage="gratings",
        observation=FANO_FACTOR,
        measure=measures.count_fano_factor,
    ),
)

#: Every claim by name, in the order in which they are reported.
CLAIMS: dict[str, Claim] = {claim.name: claim for claim in _ALL}
