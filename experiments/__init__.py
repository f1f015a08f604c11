"""Experiments that ship with scnnbio, one TOML document each."""
