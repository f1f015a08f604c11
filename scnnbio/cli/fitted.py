"""The folder of a fit: ``fit.json``, the neuron as a document, and the figure."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

from scnnbio.experiment.sources import Source
from scnnbio.fitting import Fit
from scnnbio.workflow.folder import new_folder, write_json

#: File that identifies the folder of a fit.
MARKER = "fit.json"


def write_fit(
    fit: Fit,
    folder: Path,
    *,
    files: Sequence[Path] = (),
    command: Sequence[str] = (),
    replace: bool = False,
) -> None:
    """Write a fit.

    Parameters
    ----------
    fit : Fit
    folder : Path
        Written whole or not at all: ``fit.json`` with every number, the settings and the origin,
        ``neuron.toml``, and ``figures/fit.png``, ``.pdf`` and ``.csv``.
    files : sequence of Path
        Recordings that were read, named in ``fit.json`` with their digests.
    command : sequence of str
        Words of the command line.
    replace : bool
        Replace the folder of an older fit.

    Raises
    ------
    DataError
        If the folder exists or cannot be written.
    """
    with new_folder(folder, replace=replace, marker=MARKER) as draft:
        fill_fit(draft, fit, files=files, command=command)


def fill_fit(
    draft: Path, fit: Fit, *, files: Sequence[Path] = (), command: Sequence[str] = ()
) -> None:
    """Write the files of a fit into a folder that is new; see :func:`write_fit`."""
    from scnnbio.backends.versions import versions
    from scnnbio.figures import save
    from scnnbio.figures.fitting import fit_caption, fit_figure

    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    origin = {
        "date": now.isoformat(),
        "command": list(command),
        "files": [vars(Source.read(str(path.absolute()), "recording")) for path in files],
        "versions": versions(()),
        "caption": fit_caption(fit),
    }
    write_json(draft / MARKER, {**fit.report(), **origin})
    fit.save(draft / "neuron.toml")
    save(fit_figure(fit), draft / "figures", "fit")
