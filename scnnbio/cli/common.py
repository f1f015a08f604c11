"""What the commands share: their options, where experiments are found, bars of progress."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from scnnbio.errors import FilesSkipped, SpecError
from scnnbio.experiment import Report, documents
from scnnbio.validation.scores import Score

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True)

_python_shows = warnings.showwarning

#: Exit code of a claim or promise that is not met.
FAILED = 4
STYLES = {"agrees": "green", "disagrees": "red"}

Experiment = Annotated[
    str, typer.Argument(metavar="EXP", help="A TOML file, or an installed name.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")]
BackendName = Annotated[
    str,
    typer.Option(
        "--backend",
        "-b",
        metavar="NAME | STAGE=NAME,...",
        help="See 'scnnbio backends'; for all stages, or one a stage.",
    ),
]
Profile = Annotated[str | None, typer.Option(help="One of the experiment's profiles.")]
Seed = Annotated[int | None, typer.Option(help="Instead of the experiment's own seed.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A dotted path into the experiment, one of its options, or backend.KEY.",
    ),
]


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning of scnnbio's own as one line; any other as Python does."""
    if issubclass(category, FilesSkipped):
        errors.print(Text(f"warning: {message}", style="yellow"), soft_wrap=True)
    else:
        _python_shows(message, category, filename, lineno, file, line)


def installed() -> dict[str, Path]:
    """Experiments that come with scnnbio, by name."""
    try:
        folder = resources.files("scnnbio_experiments")
    except ModuleNotFoundError:
        return {}
    files = [Path(str(item)) for item in folder.iterdir() if item.name.endswith(".toml")]
    return {file.stem: file for file in files}


def find(exp: str) -> Path:
    """The file of an experiment, given as such or by the name of an installed one."""
    known = installed()
    if Path(exp).exists() or exp.endswith(".toml"):
        return Path(exp)
    if exp in known:
        return known[exp]
    raise SpecError(f"there is no file or experiment {exp!r}; {documents.hint(exp, known)}")


def split(settings: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
    """Settings of the document, and options of the backend."""
    ours, options = [], {}
    for text in settings:
        key, value = documents.setting(text)
        scope, dot, name = key.partition(".")
        if scope == "backend" and dot:
            options[name] = value
        else:
            ours.append(text)
    return ours, options


def fresh_folder(name: str, profile: str | None) -> Path:
    """A folder for results, named after the experiment and the time."""
    stamp = datetime.datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return Path("runs", "-".join(filter(None, (name, profile, stamp))))


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        """Rate where things are counted; empty where only a share is known."""
        if task.speed is None or not task.total or task.total <= 1:
            return Text("")
        return Text(f"{task.speed:.0f}/s", style="progress.data.speed")


@contextmanager
def progress() -> Iterator[Report]:
    """Bars on standard error, one a phase, with rate and time left."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        TaskProgressColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=errors)
    tasks: dict[str, TaskID] = {}

    def report(phase: str, done: float, total: float) -> None:
        if phase not in tasks:
            tasks[phase] = progress.add_task(phase, total=total)
        progress.update(tasks[phase], completed=done, total=total)

    progress.start()
    try:
        yield report
    except BaseException:
        # Of a failure the user should see the one line that says why, and nothing else.
        progress.live.transient = True
        progress.live.stop()
        raise
    progress.stop()


def print_scores(scores: tuple[Score, ...]) -> None:
    """Print verdicts on claims as a table."""
    table = Table("claim", "value", "verdict", "n", "left out", "why", box=None)
    for item in scores:
        table.add_row(
            item.claim,
            "-" if item.value is None else f"{item.value:.3g}",
            Text(item.verdict, style=STYLES.get(item.verdict, "yellow")),
            str(item.n),
            str(sum(item.excluded.values())),
            item.reason,
        )
    console.print(table)
