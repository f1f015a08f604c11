"""The command line: ``scnnbio list | backends | explain | check | run | compare | score | figures``."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

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

from scnnbio import backends
from scnnbio.backends.options import options_of
from scnnbio.errors import ScnnbioError, SpecError, UnsupportedError
from scnnbio.experiment import Report, documents, load, models
from scnnbio.experiment.networks import neuron_from
from scnnbio.neurons import LIBRARY, NeuronModel
from scnnbio.neurons.standard import standard_cell
from scnnbio.units import plain
from scnnbio.validation.scores import Score

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_out = Console()
_err = Console(stderr=True)

_FAILED_CLAIM = 4
_STYLES = {"agrees": "green", "disagrees": "red"}

Experiment = Annotated[
    str, typer.Argument(metavar="EXP", help="A TOML file, or an installed name.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")]
BackendName = Annotated[str, typer.Option("--backend", "-b", help="See 'scnnbio backends'.")]
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


def main() -> None:
    """Run the command line; an error of scnnbio's own is one line, never a traceback."""
    try:
        app()
    except ScnnbioError as error:
        _err.print(Text("error: ", style="bold red") + Text(str(error), style=""), soft_wrap=True)
        sys.exit(error.exit_code)


def _print_version(wanted: bool) -> None:
    if wanted:
        _out.print(f"scnnbio {importlib.metadata.version('scnnbio')}", highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Spiking convolutional networks, compared with visual cortex."""


@app.command("list")
def list_() -> None:
    """List the installed experiments and models."""
    table = Table("experiment", "title", "profiles", "options", box=None)
    for name, path in sorted(_installed().items()):
        study = documents.read(path)
        table.add_row(
            name,
            str(study.get("title", "")),
            ", ".join(study.get("profiles", {})),
            ", ".join(study.get("options", {})),
        )
    _out.print(table)
    rows = Table("model", "from", box=None)
    for name, point in sorted(models().items()):
        rows.add_row(name, point.value)
    _out.print(rows)


@app.command("backends")
def backends_() -> None:
    """List the backends, their options, and what is missing for each."""
    table = Table("backend", "what it is", "options (--set backend.KEY=VALUE)", "ready", box=None)
    for name in backends.names():
        try:
            backend = backends.get(name)
            options = "\n".join(map(str, options_of(type(backend)).values()))
            table.add_row(name, backend.summary, options, backend.missing() or "yes")
        except ScnnbioError as error:
            table.add_row(name, "", "", error.message)
    _out.print(table)


@app.command()
def explain(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A neuron of the library, or a TOML file of one.")
    ],
    latex: Annotated[bool, typer.Option(help="Write formulas as LaTeX.")] = False,
) -> None:
    """Print a neuron's equations, what follows from them, and which backends run it."""
    from scnnbio.backends.targets import targets
    from scnnbio.neurons.explain import explain as told

    neuron = _neuron(model)
    for section in told(neuron, latex=latex):
        _out.print(Text(section.title, style="bold"))
        _out.print(Text("\n".join(section.blocks)), soft_wrap=True)
        _out.print()
    _out.print(Text("targets", style="bold"))
    table = Table("backend", "runs it", box=None, pad_edge=False)
    for name, lacking in targets(neuron).items():
        table.add_row(name, Text(f"no: {lacking}") if lacking else Text("yes"))
    _out.print(table)
    cell = standard_cell(neuron)
    if cell is not None:
        _out.print(f"PyNN's {cell.pynn} is declared equal, for {' and '.join(cell.receptors)}")


def _neuron(model: str) -> NeuronModel:
    if Path(model).exists() or model.endswith(".toml"):
        found = neuron_from(documents.read(Path(model)), model)
    else:
        found = documents.choose(LIBRARY, model, "neuron of the library", "MODEL")
    if not isinstance(found, NeuronModel):
        raise SpecError("a spike source has no equations", where=model)
    return found


@app.command()
def check(
    exp: Experiment,
    backend: BackendName = "brian2",
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
) -> None:
    """Say, without simulating, whether a backend can run an experiment."""
    from scnnbio import workflow

    ours, options = _split(settings or ())
    study = load(_find(exp), profile=profile, seed=seed, settings=ours)
    problems = workflow.check(study, backend, options)
    for problem in problems:
        _out.print(Text(str(problem)), soft_wrap=True)
    missing = backends.get(backend, options).missing()
    if missing:
        _out.print(Text(missing), soft_wrap=True)
    if problems or missing:
        raise typer.Exit(3)
    trials = sum(e.stimulus.n_trials for e in study.experiments)
    line = f"{study.name} can run on {backend}: {len(study.stages)} stages, {trials} trials"
    _out.print(line, soft_wrap=True)


@app.command()
def run(
    exp: Experiment,
    backend: BackendName = "brian2",
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the results.")] = None,
    force: Annotated[bool, typer.Option(help="Replace the folder if it exists.")] = False,
) -> None:
    """Run an experiment, judge it against published data, and draw the report."""
    from scnnbio import workflow

    ours, options = _split(settings or ())
    study = load(_find(exp), profile=profile, seed=seed, settings=ours)
    folder = out or _fresh_folder(study.name, profile)
    with _progress() as report:
        results = workflow.run(
            study, backend, folder, replace=force, report=report, options=options
        )
    _print_scores(results.scores)
    _out.print(f"report: {folder / 'report.html'}", soft_wrap=True)


@app.command("compare")
def compare_(
    exp: Experiment,
    names: Annotated[
        str,
        typer.Option(
            "--backends",
            metavar="A,B,...",
            help="The first is the reference; NAME:KEY=VALUE gives an option.",
        ),
    ],
    steps: Annotated[
        str, typer.Option("--dt", metavar="MS,...", help="Time steps, on the same input spikes.")
    ] = "",
    stage: Annotated[
        str | None, typer.Option(help="Only this; the reference learns what it starts from.")
    ] = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the results.")] = None,
    force: Annotated[bool, typer.Option(help="Replace an older comparison.")] = False,
    skip: Annotated[
        bool, typer.Option("--skip-unsupported", help="Leave out backends that cannot run it.")
    ] = False,
    strict: Annotated[bool, typer.Option(help="Exit with 4 if a promise is not kept.")] = False,
) -> None:
    """Run an experiment on several backends, and say whether they keep what they promise."""
    from scnnbio import workflow

    study = load(_find(exp), profile=profile, seed=seed, settings=settings or ())
    dts = [plain(word, "ms", where="--dt") for word in _words(steps)]
    plan = workflow.plan_comparison(study, _words(names), dts, stage)
    refused = workflow.refusals(plan)
    for (label, variant), reasons in refused.items():
        for reason in reasons:
            where = " at ".join(filter(None, (label, variant)))
            _out.print(Text(f"{where}: {reason}"), soft_wrap=True)
    if refused and not skip:
        raise typer.Exit(UnsupportedError.exit_code)
    folder = out or _fresh_folder(study.name, "compare")
    with _progress() as report:
        result = workflow.run_comparison(
            study, plan, folder, skip=skip, replace=force, report=report
        )
    table = Table("stage", "dt", "pair", "of", "promise", "verdict", "why", box=None)
    for pair in result.pairs:
        for kept in pair.kept:
            table.add_row(
                *(pair.stage, f"{pair.dt:g} ms", f"{pair.reference}, {pair.other}"),
                *(f"{kept.subject}: {kept.of}", kept.promise or "-"),
                Text(kept.verdict, style=_STYLES.get(kept.verdict, "yellow")),
                kept.reason,
            )
    _out.print(table)
    _out.print(f"report: {folder / 'report.html'}", soft_wrap=True)
    if strict and any(kept.verdict != "agrees" for kept in result.kept):
        raise typer.Exit(_FAILED_CLAIM)


@app.command()
def score(
    folder: Folder,
    strict: Annotated[bool, typer.Option(help="Exit with 4 if a claim is not met.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge a finished run again, and store the scores."""
    from scnnbio import workflow
    from scnnbio.workflow.folder import write_scores

    with _progress() as report:
        results = workflow.judge(workflow.load_results(folder, report))
    write_scores(results, folder)
    if as_json:
        sys.stdout.write(json.dumps([s.to_dict() for s in results.scores], indent=2) + "\n")
    else:
        _print_scores(results.scores)
    if strict and any(s.verdict != "agrees" for s in results.scores):
        raise typer.Exit(_FAILED_CLAIM)


@app.command()
def figures(
    folder: Folder,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One figure; all if not given.")
    ] = None,
) -> None:
    """Draw the figures of a finished run again."""
    from scnnbio import workflow

    with _progress() as report:
        drawn = workflow.draw(
            workflow.load_results(folder, report), folder, only=name, report=report
        )
    for path in drawn:
        _out.print(str(path), soft_wrap=True)


def _installed() -> dict[str, Path]:
    """Experiments that come with scnnbio, by name."""
    try:
        folder = resources.files("scnnbio_experiments")
    except ModuleNotFoundError:
        return {}
    files = [Path(str(item)) for item in folder.iterdir() if item.name.endswith(".toml")]
    return {file.stem: file for file in files}


def _find(exp: str) -> Path:
    installed = _installed()
    if Path(exp).exists() or exp.endswith(".toml"):
        return Path(exp)
    if exp in installed:
        return installed[exp]
    raise SpecError(f"there is no file or experiment {exp!r}; {documents.hint(exp, installed)}")


def _words(text: str) -> list[str]:
    """What stands between the commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _split(settings: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
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


def _fresh_folder(name: str, profile: str | None) -> Path:
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
def _progress() -> Iterator[Report]:
    """Bars on standard error, one a phase, with rate and time left."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        TaskProgressColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=_err)
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


def _print_scores(scores: tuple[Score, ...]) -> None:
    table = Table("claim", "value", "verdict", "n", "left out", "why", box=None)
    for item in scores:
        table.add_row(
            item.claim,
            "-" if item.value is None else f"{item.value:.3g}",
            Text(item.verdict, style=_STYLES.get(item.verdict, "yellow")),
            str(item.n),
            str(sum(item.excluded.values())),
            item.reason,
        )
    _out.print(table)
