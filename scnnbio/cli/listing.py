"""``scnnbio list`` and ``scnnbio backends``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scnnbio import backends
from scnnbio.backends.options import options_of
from scnnbio.cli.common import app
from scnnbio.cli.terminal import print_table
from scnnbio.connectors import CONNECTORS
from scnnbio.encoding import CODES
from scnnbio.errors import ScnnbioError
from scnnbio.experiment import EXPERIMENTS, MODELS, documents
from scnnbio.inputs import INPUTS
from scnnbio.neurons import LIBRARY
from scnnbio.plasticity import RULES
from scnnbio.registry import Registry
from scnnbio.stimuli import STIMULI


def registries() -> tuple[Registry[Any], ...]:
    """Registries of everything that a user chooses by name."""
    # Imported here, since figures import matplotlib, which other commands do not need.
    from scnnbio.figures import FIGURES
    from scnnbio.validation import CLAIMS, MEASURES

    return (
        *(EXPERIMENTS, MODELS, backends.BACKENDS, LIBRARY, STIMULI, CODES, INPUTS, CONNECTORS),
        *(RULES, MEASURES, CLAIMS, FIGURES),
    )


@app.command("list")
def list_() -> None:
    """List what is installed: experiments, models, and everything else that has a name."""
    experiments = [_experiment(name) for name in sorted(EXPERIMENTS)]
    print_table(("experiment", "title", "profiles", "options"), experiments)
    models = sorted((entry.name, entry.place) for entry in MODELS.entries())
    print_table(("model", "from"), models)
    others = [kind for kind in registries() if kind not in (EXPERIMENTS, MODELS)]
    print_table(("kind", "names"), [(kind.what, ", ".join(kind)) for kind in others])
    if added := list(_added()):
        print_table(("kind", "name", "package that adds it", "ready"), added)


def _experiment(name: str) -> tuple[str, str, str, str]:
    """Name, title, profiles and options of an experiment."""
    try:
        study = documents.read(EXPERIMENTS[name])
    except ScnnbioError as error:
        return name, error.message, "", ""
    profiles, options = (", ".join(study.get(key, {})) for key in ("profiles", "options"))
    return name, str(study.get("title", "")), profiles, options


def _added() -> Iterable[tuple[str, str, str, str]]:
    """Entries of other packages; each is imported, to see whether it can be used."""
    for kind in registries():
        for entry in kind.entries():
            if not entry.ours:
                ready = kind.fault(entry.name) or "yes"
                yield kind.what, entry.name, entry.package, ready


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
