"""Published timing and correlation of V1 spikes: CV2, LV, noise correlation and latency."""

from __future__ import annotations

from scnnbio.validation.comparisons import Median
from scnnbio.validation.count_variability import FANO_FACTOR
from scnnbio.validation.interval_variability import ISI_CV
from scnnbio.validation.intervals import MeansOverlap
from scnnbio.validation.observation import Observation
from scnnbio.validation.orientation_tuning import GRATINGS
from scnnbio.validation.physiology import Physiology

_GORIS = (
    "{} of inter-spike intervals at the best grating", "CV2 and LV are hardly changed by a rate"
    " that changes within the trial, so that cells modulated by the grating can be judged by them"
)  # fmt: skip
CV2 = Observation(
    quantity=_GORIS[0].format("CV2"),
    source=ISI_CV.source,
    n=5,
    value=0.9,
    interval=(0.67, 1.16),
    stimulus=ISI_CV.stimulus,
    window=ISI_CV.window,
    state="anaesthetised",
    pooling="range over five cells; the value is the middle of it",
    differs="intervals of all trials of the best grating are taken together",
    note=_GORIS[1],
)
LV = Observation(
    quantity=_GORIS[0].format("LV"),
    source=ISI_CV.source,
    n=5,
    value=0.9,
    interval=(0.50, 1.3),
    stimulus=ISI_CV.stimulus,
    window=ISI_CV.window,
    state="anaesthetised",
    pooling=CV2.pooling,
    differs=CV2.differs,
    note=_GORIS[1],
)
NOISE_CORRELATION = Observation(
    quantity="mean noise correlation of pairs of cells",
    source=FANO_FACTOR.source,
    n=1441,
    value=0.011,
    stimulus=FANO_FACTOR.stimulus,
    window="30 to 530 ms after onset",
    state=FANO_FACTOR.state,
    pooling="counts as z-scores per condition, then Pearson's coefficient; standard error 0.002,"
    " standard deviation 0.084 over pairs",
    differs="pairs are resampled as if they were independent. A model has neither small eye"
    " movements nor a state that drifts",
    note="under anaesthesia 0.167 (7924 pairs); the state explains most of the difference: A. S."
    " Ecker et al. (2014), doi:10.1016/j.neuron.2014.02.006",
)
LATENCY = Observation(
    quantity="latency of the response",
    source="J. H. R. Maunsell and J. R. Gibson (1992), J. Neurophysiol. 68, 1332-1344",
    unit="ms",
    value=40.0,
    interval=(30.0, 50.0),
    stimulus="flashed stimuli",
    window="first 200 ms",
    state="not stated",
    pooling="half rise of a histogram of 10 ms at the best stimulus",
    differs="the time from the retina to the LGN is in the number only if the model has it",
    note="most units lie in the interval; the shortest have 20 to 31 ms. The value is its middle",
)

CLAIMS = (
    Median(name="goris2015_cv2", observation=CV2, measure=Physiology("cv2"), protocol=GRATINGS),
    Median(name="goris2015_lv", observation=LV, measure=Physiology("lv"), protocol=GRATINGS),
    MeansOverlap(
        name="ecker2010_noise_correlation", observation=NOISE_CORRELATION,
        measure=Physiology("noise_correlation", window=(30.0, 530.0)), protocol=GRATINGS,
        standard_error=0.002,
    ),
    Median(
        name="maunsell1992_latency", observation=LATENCY,
        measure=Physiology("latency", blanks=True), protocol=GRATINGS,
    ),
)  # fmt: skip
