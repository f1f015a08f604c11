"""The command line, called within the process."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from scnnbio import cli

FILE = Path(__file__).parents[1] / "experiments" / "v1_features.toml"
SMALL = (
    *("--profile", "tiny", "--backend", "reference"),
    *("--set", "network.parameters.maps=2", "--set", "stages.learn.stimulus.n_trials=4"),
)
IMAGES = "stages.control.stimulus.images"


def ask(*words: object) -> Result:
    return CliRunner().invoke(cli.app, [str(word) for word in words])
