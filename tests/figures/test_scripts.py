"""analysis/figures has a script per figure; one is run in tests/test_cli_score.py."""

from __future__ import annotations

from docs.figure_scripts import FOLDER, scripts
from scnnbio.experiment import EXPERIMENTS


def test_each_figure_has_its_script() -> None:
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.py")}
    assert found == scripts(), "run python docs/figure_scripts.py"
    for text in found.values():
        assert text.split("scnnbio run ")[1].split()[0] in EXPERIMENTS
