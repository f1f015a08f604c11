"""Spiking convolutional networks, described once, run on several simulators, judged against V1."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from scnnbio import _pynn  # noqa: F401  (before PyNN is imported)
from scnnbio.connectors import (
    ConvolutionConnector,
    DenseConnector,
    EdgeListConnector,
    FixedInDegree,
    FixedProbability,
    LateralInhibitionConnector,
    LocalConnector,
    PoolingConnector,
)
from scnnbio.encoding import LGN, Encoding, LatencyCode, Pixels, PoissonCode
from scnnbio.errors import BackendMissing, DataError, ScnnbioError, SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Run, Sampling, Study, load
from scnnbio.network import Network, Projection
from scnnbio.neurons import IF, LIBRARY, LIF, NeuronModel, Parameter, glif, homeostatic
from scnnbio.plasticity import (
    Normalisation,
    SharedSTDP,
    SharedThreshold,
    Trace,
    TraceRule,
    TripletSTDP,
    WinnerTakeAll,
)
from scnnbio.population import Population, SpikeSource, ValueSource
from scnnbio.recording import Recording
from scnnbio.running import run

if TYPE_CHECKING:
    from scnnbio import (
        analysis,
        backends,
        connectors,
        distributions,
        encoding,
        figures,
        neurons,
        plasticity,
        recording,
        stimuli,
    )
    from scnnbio.workflow import Results, load_results

    __version__: str

#: Loaded when they are first used: figures bring matplotlib, for one.
_PACKAGES = (
    *("analysis", "backends", "connectors", "distributions", "encoding", "figures"),
    *("neurons", "plasticity", "recording", "stimuli"),
)
_OF_WORKFLOW = ("Results", "load_results")

__all__ = [
    "IF",
    "LGN",
    "LIBRARY",
    "LIF",
    "BackendMissing",
    "ConvolutionConnector",
    "DataError",
    "DenseConnector",
    "EdgeListConnector",
    "Encoding",
    "Experiment",
    "FixedInDegree",
    "FixedProbability",
    "LatencyCode",
    "LateralInhibitionConnector",
    "LocalConnector",
    "Network",
    "NeuronModel",
    "Normalisation",
    "Parameter",
    "Pixels",
    "PoissonCode",
    "PoolingConnector",
    "Population",
    "Projection",
    "Record",
    "Recording",
    "Results",
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
    "ValueSource",
    "WinnerTakeAll",
    "__version__",
    "analysis",
    "backends",
    "connectors",
    "distributions",
    "encoding",
    "figures",
    "glif",
    "homeostatic",
    "load",
    "load_results",
    "neurons",
    "plasticity",
    "recording",
    "run",
    "stimuli",
]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _OF_WORKFLOW:
        return getattr(importlib.import_module("scnnbio.workflow"), name)
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
