"""Spiking convolutional networks, described once, run on several simulators, judged against V1."""

from scnnbio import _pynn  # noqa: F401  (before PyNN is imported)
from scnnbio.connectors import ConvolutionConnector, LateralInhibitionConnector
from scnnbio.encoding import LGN, Encoding, LatencyCode, PoissonCode
from scnnbio.errors import BackendMissing, DataError, ScnnbioError, SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Run, Sampling, Study, load
from scnnbio.network import Network, Projection
from scnnbio.neurons import IF, LIF, NeuronModel, Parameter
from scnnbio.plasticity import (
    Normalisation,
    SharedSTDP,
    SharedThreshold,
    Trace,
    TraceRule,
    TripletSTDP,
    WinnerTakeAll,
)
from scnnbio.population import Population, SpikeSource
from scnnbio.recording import Recording

__all__ = [
    "IF",
    "LGN",
    "LIF",
    "BackendMissing",
    "ConvolutionConnector",
    "DataError",
    "Encoding",
    "Experiment",
    "LatencyCode",
    "LateralInhibitionConnector",
    "Network",
    "NeuronModel",
    "Normalisation",
    "Parameter",
    "PoissonCode",
    "Population",
    "Projection",
    "Record",
    "Recording",
    "Run",
    "Sampling",
    "ScnnbioError",
    "SharedSTDP",
    "SharedThreshold",
    "SpecError",
    "SpikeSource",
    "Study",
    "Trace",
    "TraceRule",
    "TripletSTDP",
    "UnsupportedError",
    "WinnerTakeAll",
    "load",
]
