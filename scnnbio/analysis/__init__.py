"""Measures of recordings and kernels: rates, tuning, receptive fields, irregularity.

What takes a recording and the name of a population returns a labelled table, one row per unit:
:func:`firing_rates`, :func:`condition_rates`, :func:`orientation_tuning`,
:func:`direction_tuning`, :func:`spatial_frequency_tuning`, :func:`interval_irregularity`,
:func:`fano_factors`, :func:`noise_correlations`, :func:`signal_correlations`. The other names are
the measures themselves, of arrays. :class:`PooledCounts`, :class:`Split` and :func:`read_out` say
how well a linear classifier names trials by a layer's spikes.
"""

from scnnbio.analysis.correlations import Correlations, noise_correlation, signal_correlation
from scnnbio.analysis.gabor import GaborFit, fit_gabor, fit_gabors
from scnnbio.analysis.irregularity import Irregularity, TrialCV, fano_factor, trial_cv
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
    f1_f0,
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
    "Correlations",
    "GaborFit",
    "Irregularity",
    "KernelMeasures",
    "PooledCounts",
    "ReadOut",
    "Responses",
    "Split",
    "TrialCV",
    "at_best_lag",
    "best_lag",
    "circular_variance",
    "condition_rates",
    "direction_selectivity",
    "direction_tuning",
    "f1_f0",
    "fano_factor",
    "fano_factors",
    "firing_rates",
    "fit_gabor",
    "fit_gabors",
    "half_bandwidth",
    "interval_irregularity",
    "kernel_shapes",
    "kernel_tuning",
    "labels_of",
    "linear_classifiers",
    "measure_kernels",
    "noise_correlation",
    "noise_correlations",
    "on_minus_off",
    "orientation_selectivity",
    "orientation_tuning",
    "preferred_orientation",
    "read_out",
    "responses",
    "signal_correlation",
    "signal_correlations",
    "spatial_frequency_tuning",
    "spectral_peak",
    "trial_cv",
]
