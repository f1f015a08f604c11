"""CPU time and memory of scnnbio and of other implementations: ``make bench``."""
