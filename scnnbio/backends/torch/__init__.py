"""Torch: a network unrolled in time."""

from scnnbio.backends.torch.backend import TorchBackend
from scnnbio.backends.torch.surrogates import Surrogate

__all__ = ["Surrogate", "TorchBackend"]
