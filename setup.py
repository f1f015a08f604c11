"""The package list; everything else about the build is in pyproject.toml.

It is here because setuptools can either find packages or rename folders, and this project needs
both: ``scnnbio`` is found, so that a new sub-package is never left out of a wheel, while
``models/`` and ``experiments/`` are installed under names that nobody else uses.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["scnnbio", "scnnbio.*"]),
        "scnnbio_models",
        "scnnbio_experiments",
    ],
)
