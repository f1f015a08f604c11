"""Measures of recordings and kernels: rates, tuning, receptive fields, irregularity.

These functions take a recording and the name of a population, and return a labelled table with one
row per unit:
:func:`firing_rates`, :func:`condition_rates`, :func:`orientation_tuning`,
:func:`direction_tuning`, :func:`spatial_frequency_tuning`, :func:`interval_irregularity`,
:func:`fano_factors`, :func:`noise_correlations`, :func:`signal_correlations`.

Functions whose names end in ``_measures``, :func:`response_latency`, :func:`contrast_invariance`
and :func:`cross_orientation_suppression` return a :class:`Measurement` of each quantity: its values
with their unit, the number of trials, bootstrap intervals, and the reason for each missing value.

The other names are measures of arrays. :class:`PooledCounts`, :class:`Split` and :func:`read_out`
measure how well a linear classifier classifies trials by a layer's spikes.
"""

from scnnbio.analysis.correlations import Correlations, noise_correlation, signal_correlation
from scnnbio.analysis.gabor import GaborFit, fit_gabor, fit_gabors
from scnnbio.analysis.irregularity import Irregularity, TrialCV, fano_factor, trial_cv
from scnnbio.analysis.measurements import Bootstrap, Measurement
from scnnbio.analysis.measures_of_contrast import (
    contrast_invariance,
    contrast_measures,
    cross_orientation_suppression,
)
from scnnbio.analysis.measures_of_correlation import correlation_measures
from scnnbio.analysis.measures_of_encoding import encoding_measures
from scnnbio.analysis.measures_of_frequency import (
    spatial_frequency_measures,
    temporal_frequency_measures,
)
from scnnbio.analysis.measures_of_modulation import (
    modulation_measures,
    potential_modulation_measures,
    response_latency,
)
from scnnbio.analysis.measures_of_onset import onset_measures
from scnnbio.analysis.measures_of_orientation import direction_measures, orientation_measures
from scnnbio.analysis.measures_of_size import size_measures
from scnnbio.analysis.measures_of_sparseness import sparseness, sparseness_measures
from scnnbio.analysis.measures_of_variability import count_measures, interval_measures
from scnnbio.analysis.modulation import f1_f0
from scnnbio.analysis.rates import Responses, responses
from scnnbio.analysis.readout import (
    Accuracy,
    PooledCounts,
    ReadOut,
    Split,
    labels_of,
    linear_classifiers,
    read_out,
)
from scnnbio.analysis.receptive_fields import (
    KernelMeasures,
    at_best_lag,
    best_lag,
    kernel_tuning,
    measure_kernels,
    on_minus_off,
    spectral_peak,
)
from scnnbio.analysis.reverse_correlation import (
    SpikeTriggered,
    receptive_field_measures,
    spike_triggered_average,
)
from scnnbio.analysis.tables import (
    condition_rates,
    fano_factors,
    firing_rates,
    interval_irregularity,
    kernel_shapes,
    noise_correlations,
    signal_correlations,
)
from scnnbio.analysis.tuning import (
    circular_variance,
    direction_selectivity,
    half_bandwidth,
    orientation_selectivity,
    preferred_orientation,
)
from scnnbio.analysis.tuning_tables import (
    direction_tuning,
    orientation_tuning,
    spatial_frequency_tuning,
)

__all__ = [
    "Accuracy",
    "Bootstrap",
    "Correlations",
    "GaborFit",
    "Irregularity",
    "KernelMeasures",
    "Measurement",
    "PooledCounts",
    "ReadOut",
    "Responses",
    "SpikeTriggered",
    "Split",
    "TrialCV",
    "at_best_lag",
    "best_lag",
    "circular_variance",
    "condition_rates",
    "contrast_invariance",
    "contrast_measures",
    "correlation_measures",
    "count_measures",
    "cross_orientation_suppression",
    "direction_measures",
    "direction_selectivity",
    "direction_tuning",
    "encoding_measures",
    "f1_f0",
    "fano_factor",
    "fano_factors",
    "firing_rates",
    "fit_gabor",
    "fit_gabors",
    "half_bandwidth",
    "interval_irregularity",
    "interval_measures",
    "kernel_shapes",
    "kernel_tuning",
    "labels_of",
    "linear_classifiers",
    "measure_kernels",
    "modulation_measures",
    "noise_correlation",
    "noise_correlations",
    "on_minus_off",
    "onset_measures",
    "orientation_measures",
    "orientation_selectivity",
    "orientation_tuning",
    "potential_modulation_measures",
    "preferred_orientation",
    "read_out",
    "receptive_field_measures",
    "response_latency",
    "responses",
    "signal_correlation",
    "signal_correlations",
    "size_measures",
    "sparseness",
    "sparseness_measures",
    "spatial_frequency_measures",
    "spatial_frequency_tuning",
    "spectral_peak",
    "spike_triggered_average",
    "temporal_frequency_measures",
    "trial_cv",
]
