"""Lowering to NEST: static networks of linear neurons, compiled once from their equations."""

from scnnbio.backends.nest.loader import load_nest

load_nest()

from scnnbio.backends.nest.backend import NestBackend  # noqa: E402

__all__ = ["NestBackend"]
