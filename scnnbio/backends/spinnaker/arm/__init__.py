"""Emulated cores of SpiNNaker's chips, which run the binaries that sPyNNaker ships."""
