"""``scnnbio describe``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from scnnbio.cli.common import Experiment, Profile, Seed, Settings, app, split
from scnnbio.cli.terminal import console
from scnnbio.errors import DataError, SpecError, not_one_of, unwritable
from scnnbio.experiment import load
from scnnbio.files import check_folder, write_atomically

#: Format → endings of the names of its files.
_FORMATS = {"markdown": (".md", ".markdown"), "latex": (".tex", ".latex")}


@app.command()
def describe(
    exp: Experiment,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="markdown | latex",
            help="Default: as the name of the file ends; else markdown.",
        ),
    ] = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "--output", metavar="FILE", help="Write into this file, not to the terminal."
        ),
    ] = None,
    force: Annotated[bool, typer.Option(help="Replace the file if it exists.")] = False,
) -> None:
    """Describe an experiment by the tables of a methods section, with equations and values."""
    from scnnbio.description import describe as described

    chosen = _format(form, out)
    ours, options = split(settings or ())
    if options:
        first = min(options)
        raise SpecError(
            f"backend.{first} is an option of a backend, and a description is of none; leave it"
            " out",
            where="--set",
        )
    found = described(load(exp, profile=profile, seed=seed, settings=ours))
    text = found.markdown() if chosen == "markdown" else found.latex()
    if out is None:
        sys.stdout.write(text)
        return
    _write(text, out, force)
    console.print(str(out), soft_wrap=True)


def _format(form: str | None, out: Path | None) -> str:
    """The format that is named, or that the ending of the file names."""
    if form is None:
        ending = out.suffix.lower() if out is not None else ""
        return next((name for name, ends in _FORMATS.items() if ending in ends), "markdown")
    if form not in _FORMATS:
        raise SpecError(not_one_of(form, _FORMATS), where="--format")
    return form


def _write(text: str, out: Path, force: bool) -> None:
    check_folder(out)
    if os.path.exists(out) and not force:
        raise DataError("exists already; choose another name, or add --force", where=str(out))
    try:
        write_atomically(text.encode(), out)
    except OSError as error:
        raise unwritable(error, out) from None
