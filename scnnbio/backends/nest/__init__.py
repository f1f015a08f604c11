"""The NEST backend: neurons compiled from their equations, and shared convolution kernels."""

from scnnbio.backends.nest.loader import load_nest

load_nest()

from scnnbio.backends.nest.backend import NestBackend  # noqa: E402

__all__ = ["NestBackend"]
