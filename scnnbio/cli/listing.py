"""``scnnbio list`` and ``scnnbio backends``."""

from __future__ import annotations

from rich.table import Table

from scnnbio import backends
from scnnbio.backends.options import options_of
from scnnbio.cli.common import app, console, installed
from scnnbio.errors import ScnnbioError
from scnnbio.experiment import documents, models


@app.command("list")
def list_() -> None:
    """List the installed experiments and models."""
    table = Table("experiment", "title", "profiles", "options", box=None)
    for name, path in sorted(installed().items()):
        study = documents.read(path)
        table.add_row(
            name,
            str(study.get("title", "")),
            ", ".join(study.get("profiles", {})),
            ", ".join(study.get("options", {})),
        )
    console.print(table)
    rows = Table("model", "from", box=None)
    for name, point in sorted(models().items()):
        rows.add_row(name, point.value)
    console.print(rows)


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
    console.print(table)
