"""Tests for any backend, also of other packages: :mod:`scnnbio.testing.contract`."""
