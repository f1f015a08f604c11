"""Torch: a network unrolled in time, and training through it by surrogate gradients.

:func:`train` trains the kernels of an experiment's network, and returns a plain network::

    from scnnbio.backends.torch import Surrogate, Training, train

    trained = train(experiment, labels="label", readout="digits", training=Training(epochs=5))
    trained.network.save("digits.npz")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from scnnbio._torch import load_torch
from scnnbio.backends.torch.backend import TorchBackend
from scnnbio.experiment.surrogates import Surrogate
from scnnbio.experiment.training import Training

if TYPE_CHECKING:
    from scnnbio.backends.torch.eprop import EProp
    from scnnbio.backends.torch.training import Trained, train

#: Names that need torch, which is imported on first use.
_LATER = {"EProp": "eprop", "Trained": "training", "train": "training"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    load_torch()
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)


__all__ = ["EProp", "Surrogate", "TorchBackend", "Trained", "Training", "train"]
