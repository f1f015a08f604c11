"""Spiking convolutional networks, described once, run on several simulators, judged against V1."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
    from scnnbio.description import describe
    from scnnbio.encoding import (
        LGN,
        Encoding,
        GammaCode,
        LatencyCode,
        Pixels,
        PoissonCode,
        RefractoryCode,
        Retina,
    )
    from scnnbio.errors import BackendMissing, DataError, ScnnbioError, SpecError, UnsupportedError
    from scnnbio.experiment import Experiment, Record, Run, Sampling, Study, load
    from scnnbio.fitting import fit
    from scnnbio.network import Network, Projection
    from scnnbio.neurons import (
        IF,
        LIBRARY,
        LIF,
        NeuronModel,
        OrnsteinUhlenbeckNoise,
        Parameter,
        PoissonNoise,
        glif,
        homeostatic,
    )
    from scnnbio.plasticity import (
        MSTDP,
        MSTDPET,
        EachStep,
        Normalisation,
        Reward,
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
    from scnnbio.workflow import Results, load_results

    __version__: str

#: Module -> its names that are public here too. Each is imported when it is first used: the package
#: itself imports nothing, and so takes no time and replaces nothing.
_OF = {
    "scnnbio.connectors": (
        "ConvolutionConnector",
        "DenseConnector",
        "EdgeListConnector",
        "FixedInDegree",
        "FixedProbability",
        "LateralInhibitionConnector",
        "LocalConnector",
        "PoolingConnector",
    ),
    "scnnbio.description": ("describe",),
    "scnnbio.encoding": (
        "LGN",
        "Encoding",
        "GammaCode",
        "LatencyCode",
        "Pixels",
        "PoissonCode",
        "RefractoryCode",
        "Retina",
    ),
    "scnnbio.errors": (
        "BackendMissing",
        "DataError",
        "ScnnbioError",
        "SpecError",
        "UnsupportedError",
    ),
    "scnnbio.experiment": ("Experiment", "Record", "Run", "Sampling", "Study", "load"),
    "scnnbio.fitting": ("fit",),
    "scnnbio.network": ("Network", "Projection"),
    "scnnbio.neurons": (
        *("IF", "LIBRARY", "LIF", "NeuronModel", "OrnsteinUhlenbeckNoise"),
        *("Parameter", "PoissonNoise", "glif", "homeostatic"),
    ),
    "scnnbio.plasticity": (
        *("MSTDP", "MSTDPET", "EachStep", "Normalisation", "Reward"),
        "SharedSTDP",
        "SharedThreshold",
        "Trace",
        "TraceRule",
        "TripletSTDP",
        "WinnerTakeAll",
    ),
    "scnnbio.population": ("Population", "SpikeSource", "ValueSource"),
    "scnnbio.recording": ("Recording",),
    "scnnbio.running": ("run",),
    "scnnbio.workflow": ("Results", "load_results"),
}
_MODULE_OF = {name: module for module, names in _OF.items() for name in names}
_PACKAGES = (
    *("analysis", "backends", "connectors", "distributions", "encoding", "figures"),
    *("neurons", "plasticity", "recording", "stimuli"),
)

__all__ = [
    "IF",
    "LGN",
    "LIBRARY",
    "LIF",
    "MSTDP",
    "MSTDPET",
    "BackendMissing",
    "ConvolutionConnector",
    "DataError",
    "DenseConnector",
    "EachStep",
    "EdgeListConnector",
    "Encoding",
    "Experiment",
    "FixedInDegree",
    "FixedProbability",
    "GammaCode",
    "LatencyCode",
    "LateralInhibitionConnector",
    "LocalConnector",
    "Network",
    "NeuronModel",
    "Normalisation",
    "OrnsteinUhlenbeckNoise",
    "Parameter",
    "Pixels",
    "PoissonCode",
    "PoissonNoise",
    "PoolingConnector",
    "Population",
    "Projection",
    "Record",
    "Recording",
    "RefractoryCode",
    "Results",
    "Retina",
    "Reward",
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
    "describe",
    "distributions",
    "encoding",
    "figures",
    "fit",
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
    if name in _MODULE_OF:
        value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    elif name in _PACKAGES:
        value = importlib.import_module(f"{__name__}.{name}")
    elif name == "__version__":
        from importlib.metadata import version

        value = version(__name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # found at once from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
