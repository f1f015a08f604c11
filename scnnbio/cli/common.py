"""Shared by the commands: common options, new folders, and how scores are printed."""

from __future__ import annotations

import datetime
import itertools
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from scnnbio import backends
from scnnbio.cli.terminal import print_table
from scnnbio.experiment import EXPERIMENTS, documents
from scnnbio.validation.scores import Score

app = typer.Typer(
    # Plain help, in which brackets are not markup, on any terminal.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_STYLES = {"agrees": "green", "disagrees": "red"}


def completions(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Completion of a word, for shells."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


Experiment = Annotated[
    str,
    typer.Argument(
        metavar="EXP",
        help="A TOML file, or the name of an installed experiment.",
        autocompletion=completions(lambda: sorted(EXPERIMENTS)),
    ),
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")]
BackendName = Annotated[
    str | None,
    typer.Option(
        "--backend",
        "-b",
        metavar="NAME | STAGE=NAME,...",
        help="One backend for all stages, or one per stage; see 'scnnbio backends'. Default: the"
        " fastest that can run the experiment on this machine.",
        autocompletion=completions(backends.names),
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Number of processes for stages and trials that do not depend on one another, fits and"
        " figures; the results are those of one process. Default: one per core, for large studies.",
    ),
]
Profile = Annotated[str | None, typer.Option(help="One of the experiment's profiles.")]
Seed = Annotated[int | None, typer.Option(help="Replaces the experiment's own seed.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A dotted path into the experiment, one of its options, or backend.KEY.",
    ),
]


def split(settings: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
    """Split ``--set`` arguments into settings of the document and options of the backend."""
    ours, options = [], {}
    for text in settings:
        key, value = documents.setting(text)
        scope, dot, name = key.partition(".")
        if scope == "backend" and dot:
            options[name] = value
        else:
            ours.append(text)
    return ours, options


def default_folder(name: str, profile: str | None) -> Path:
    """Default folder for results, named after the experiment and the time; no other run has it."""
    from scnnbio.workflow.folder import drafts_of

    stamp = datetime.datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    whole = "-".join(filter(None, (name, profile, stamp)))
    for number in itertools.count(1):
        path = Path("runs", whole if number == 1 else f"{whole}-{number}")
        if not os.path.exists(path) and not drafts_of(path.absolute()):
            break
    return path


def command_line() -> list[str]:
    """The words of the command, recorded with the results."""
    return ["scnnbio", *sys.argv[1:]]


def print_scores(scores: tuple[Score, ...]) -> None:
    """Print verdicts on claims as a table; if a claim occurs twice, also the element it is on."""
    claims = [item.claim for item in scores]
    twice = len(set(claims)) < len(claims)
    rows = [
        (
            item.claim,
            *((item.about,) if twice else ()),
            "-" if item.value is None else f"{item.value:.3g}",
            verdict_text(item.verdict),
            str(item.n),
            str(sum(item.excluded.values())),
            item.reason,
        )
        for item in scores
    ]
    about = ("on",) if twice else ()
    print_table(("claim", *about, "value", "verdict", "n", "excluded", "why"), rows)


def verdict_text(verdict: str) -> Text:
    """A verdict in its colour."""
    return Text(verdict, style=_STYLES.get(verdict, "yellow"))
