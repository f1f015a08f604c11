"""``scnnbio describe``: to the terminal and to a file, in both formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from scnnbio.description import describe
from scnnbio.experiment import load
from tests.cli_calls import ask


def test_the_command_prints_the_tables_of_the_experiment() -> None:
    done = ask("describe", "v1_grating")
    assert done.stdout == describe(load("v1_grating")).markdown()
    changed = ask("describe", "v1_grating", "--format", "latex", "--seed", "7").stdout
    assert changed == describe(load("v1_grating", seed=7)).latex()


def test_the_ending_of_a_file_chooses_the_format(tmp_path: Path) -> None:
    tex, page = tmp_path / "methods.tex", tmp_path / "methods.md"
    assert ask("describe", "v1_grating", "--out", tex).stdout.strip() == str(tex)
    assert tex.read_text().startswith("\\documentclass")
    ask("describe", "v1_grating", "--output", page, "--set", "dt=0.5")
    assert "| 0.5 ms |" in page.read_text(encoding="utf-8")
    said = str(ask("describe", "v1_grating", "--out", tex).exception)
    assert said == f"{tex}: exists already; choose another name, or add --force"
    ask("describe", "v1_grating", "--out", tex, "--force", "--format", "markdown")
    assert tex.read_text(encoding="utf-8").startswith("# Model description")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "html"], "--format: 'html' is not one of markdown, latex"),
        (
            ["--set", "backend.threads=2"],
            "--set: backend.threads is an option of a backend, and a description is of none; leave"
            " it out",
        ),
        (["--out", "nowhere/x.md"], "nowhere: the folder does not exist; make it first"),
        (["--profile", "huge"], "profiles: there is no profile 'huge'; there are none"),
    ],
)
def test_what_is_wrong_is_one_line(words: list[str], said: str) -> None:
    assert str(ask("describe", "v1_grating", *words).exception) == said
