"""What tests a backend, also one that is not of this package: :mod:`scnnbio.testing.contract`."""
