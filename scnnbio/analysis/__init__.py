"""Measures of recordings and kernels: rates, tuning, receptive fields, irregularity."""
