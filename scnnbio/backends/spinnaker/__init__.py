"""The SpiNNaker backend: networks on a board through sPyNNaker, or emulated without a board."""

from scnnbio.backends.spinnaker.backend import SpinnakerBackend

__all__ = ["SpinnakerBackend"]
