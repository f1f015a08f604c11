"""Lowering to NEST: neurons compiled once from their equations, and kernels that places share."""

from scnnbio.backends.nest.loader import load_nest

load_nest()

from scnnbio.backends.nest.backend import NestBackend  # noqa: E402

__all__ = ["NestBackend"]
