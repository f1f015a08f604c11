"""The package is installed by tests/test_stranger.py; pytest is not to import it from here."""

collect_ignore = ["scnnbio_stranger"]
