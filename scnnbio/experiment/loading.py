"""Studies from files, and from the experiments that are installed with scnnbio."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from scnnbio.errors import SpecError, hint
from scnnbio.experiment import documents
from scnnbio.experiment.sources import Source
from scnnbio.experiment.study import Study, study_from
from scnnbio.registry import Entry, Registry, instances


def _document(entry: Entry) -> Path:
    """The document of an experiment: ``NAME.toml`` in the package that its entry names."""
    path = Path(str(resources.files(entry.module))) / f"{entry.name}.toml"
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file {path}")
    return path


def _own_documents() -> dict[str, str]:
    """The documents that ship with scnnbio, with their packages."""
    package = "scnnbio_experiments"
    try:
        folder = resources.files(package)
    except ModuleNotFoundError:
        return {}
    files = sorted(item.name for item in folder.iterdir() if item.name.endswith(".toml"))
    return {name.removesuffix(".toml"): package for name in files}


#: Documents of experiments by name. An entry point names the package that holds ``NAME.toml``.
EXPERIMENTS: Registry[Path] = Registry(
    "experiment", "scnnbio.experiments", _own_documents, instances(Path), load=_document
)


def find(path: str | Path) -> Path:
    """The file of an experiment, given by its path or by the name of an installed experiment.

    Raises
    ------
    SpecError
        If there is no such file or installed experiment.
    DataError
        If the package that adds the experiment is broken.
    """
    if isinstance(path, Path) or path.endswith(".toml"):
        return Path(path)
    # A results folder can have the name of its experiment.
    if path in EXPERIMENTS and not os.path.isfile(path):
        return EXPERIMENTS[path]
    if os.path.exists(path):
        return Path(path)
    raise SpecError(f"there is no file or experiment {path!r}; {hint(path, EXPERIMENTS)}")


def load(
    path: str | Path,
    *,
    profile: str | None = None,
    seed: int | None = None,
    settings: Iterable[str] = (),
    here: Path | None = None,
) -> Study:
    """Load a study from a TOML file, or an installed one.

    Parameters
    ----------
    path : str or Path
        The file; or, as a str, the name of an experiment that comes with scnnbio:
        ``"v1_features"``. ``scnnbio list`` lists the names.
    profile : str, optional
        One of the document's ``profiles``, whose settings are applied first.
    seed : int, optional
        Replaces the seed of the document.
    settings : iterable of str
        ``"key=value"``: a dotted path into the document, or one of its ``options``; the value is
        read as TOML, and as text where it is not TOML.
    here : pathlib.Path, optional
        At which relative paths in the settings start; the working folder by default.

    Returns
    -------
    Study

    Raises
    ------
    DataError
        If the file cannot be read.
    SpecError
        If there is no such file or installed experiment, or the file is not a study; the message
        names the path in the document.

    Examples
    --------
    >>> study = load("v1_features", profile="quick")
    >>> [stage.name for stage in study.stages]
    ['learn', 'control', 'gratings']
    """
    path = find(path)
    content = documents.read_bytes(path)
    study = study_from(
        documents.parse(content, path),
        profile=profile,
        seed=seed,
        settings=settings,
        folder=path.parent,
        here=here,
    )
    document = Source.of(path, content, "document")
    return dataclasses.replace(study, described_by=(document, *study.described_by))
