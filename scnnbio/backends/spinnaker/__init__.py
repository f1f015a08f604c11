"""SpiNNaker: what sPyNNaker makes of a network, on a board or without one."""

from scnnbio.backends.spinnaker.backend import SpinnakerBackend

__all__ = ["SpinnakerBackend"]
