"""Experiments and studies as values, read from TOML and written back."""

from scnnbio.experiment.claims import ClaimBinding
from scnnbio.experiment.experiment import Experiment
from scnnbio.experiment.features import Feature, Requirement
from scnnbio.experiment.inputs import Inputs, Report
from scnnbio.experiment.loading import EXPERIMENTS, load
from scnnbio.experiment.networks import MODELS
from scnnbio.experiment.record import Record, Sampling
from scnnbio.experiment.run import Run
from scnnbio.experiment.stage import Stage
from scnnbio.experiment.study import Study, study_from

__all__ = [
    "EXPERIMENTS",
    "MODELS",
    "ClaimBinding",
    "Experiment",
    "Feature",
    "Inputs",
    "Record",
    "Report",
    "Requirement",
    "Run",
    "Sampling",
    "Stage",
    "Study",
    "load",
    "study_from",
]
