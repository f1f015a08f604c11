"""``scnnbio list`` and ``scnnbio backends``."""

from __future__ import annotations

from scnnbio import backends
from scnnbio.backends.options import options_of
from scnnbio.cli.common import app
from scnnbio.cli.terminal import print_table
from scnnbio.errors import ScnnbioError
from scnnbio.experiment import documents, installed, models


@app.command("list")
def list_() -> None:
    """List the installed experiments and models."""
    rows = []
    for name, path in sorted(installed().items()):
        study = documents.read(path)
        parts = (", ".join(study.get(key, {})) for key in ("profiles", "options"))
        rows.append((name, str(study.get("title", "")), *parts))
    print_table(("experiment", "title", "profiles", "options"), rows)
    print_table(
        ("model", "from"), [(name, point.value) for name, point in sorted(models().items())]
    )


@app.command("backends")
def backends_() -> None:
    """List the backends, their options, and what each still needs installed."""
    rows = []
    for name in backends.names():
        try:
            backend = backends.get(name)
            options = "\n".join(map(str, options_of(type(backend)).values()))
            rows.append((name, backend.summary, options, backend.missing() or "yes"))
        except ScnnbioError as error:
            rows.append((name, "", "", error.message))
    print_table(("backend", "what it is", "options (--set backend.KEY=VALUE)", "ready"), rows)
