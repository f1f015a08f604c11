"""Emulated cores of SpiNNaker chips, which run the binaries of sPyNNaker."""
