"""Learned weights in files, and the files that a document can name.

A file of weights is a numpy archive with one array per kernel or threshold: ``lgn_v1``, or
``learn/lgn_v1`` in the ``weights.npz`` of a run with several stages. Reading one runs no code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.archives import arrays_of
from scnnbio.errors import DataError, SpecError, unwritable
from scnnbio.experiment.documents import as_text, check_keys, join, require
from scnnbio.experiment.sources import Source
from scnnbio.files import check_readable, foreign_kind
from scnnbio.network import Network

Weights = dict[str, NDArray[np.float64]]

#: Name of the text array in a file of weights that describes their origin.
PROVENANCE = "provenance"
#: Largest unpacked size in bytes: an archive of a few kilobytes can hold gigabytes of zeros.
_LARGEST = 2**30


def write_weights(path: Path, weights: Mapping[str, Mapping[str, Any]]) -> None:
    """Write weights by stage, for :func:`read_weights`.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    arrays: dict[str, Any] = {
        f"{stage}/{name}": values
        for stage, learned in weights.items()
        for name, values in learned.items()
    }
    try:
        np.savez_compressed(path, **arrays)
    except OSError as error:
        raise unwritable(error, path) from None


def read_weights(path: Path) -> Weights:
    """Read all weights of a file, by their names in it.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    return weights_of(_content(path), path)


def weights_of(content: bytes, path: Path) -> Weights:
    """Weights in the content of a file, without the text on their origin."""
    if kind := foreign_kind(content):
        raise DataError(
            f"is {kind}, not an archive of weights as numpy.savez makes it", where=str(path)
        )
    try:
        found = arrays_of(content, _LARGEST, wanted=lambda name: name != PROVENANCE)
        if 8 * sum(array.size for array in found.values()) > _LARGEST:
            raise ValueError(f"more than {_LARGEST:,} bytes as numbers of double precision")
        return {name: np.asarray(array, dtype=np.float64) for name, array in found.items()}
    except ValueError as error:
        raise DataError(
            f"is damaged or truncated, or not an archive of weights ({error}); write it again",
            where=str(path),
        ) from None


def _content(path: Path) -> bytes:
    check_readable(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=str(path)) from None


@dataclass
class DocumentFolder:
    """The folder of a document, the only folder from which its files are read.

    Parameters
    ----------
    path : Path, optional
        None for a document that is not a file, which cannot name files.

    Attributes
    ----------
    contents : dict of str to bytes
        Contents that were read, by their names in the document.
    read_files : list of Source
        The files that were read.
    """

    path: Path | None = None
    contents: dict[str, bytes] = field(default_factory=dict)
    read_files: list[Source] = field(default_factory=list)

    def read(self, name: str, where: str) -> Path:
        """Read a file in this folder, or in one below it, once; return its path.

        Raises
        ------
        SpecError
            If the name points outside the folder.
        DataError
            If there is no such file, or it cannot be read.
        """
        if self.path is None:
            raise SpecError(
                f"{name!r} is a file, but this document was not read from a file and has no"
                f" folder; load the"
                " document from a file, or use network.with_weights",
                where=where,
            )
        folder = self.path.resolve()
        try:
            path = (folder / PurePosixPath(name)).resolve()
            inside = path.is_relative_to(folder) and path != folder
        except (OSError, ValueError, RuntimeError):  # NUL in the name, or circular links
            inside = False
        if not inside:
            raise SpecError(
                f"{name!r} is not a file in the folder of the document; put it beside the document,"
                " and name it relative to it",
                where=where,
            )
        if name not in self.contents:
            self.contents[name] = _content(path)
            self.read_files.append(Source.of(path, self.contents[name], "weights"))
        return path


def with_file(network: Network, value: Any, where: str, folder: DocumentFolder) -> Network:
    """Load the weights of a file that a document names into a network.

    Parameters
    ----------
    network : Network
    value : str or mapping
        The file; or ``file`` and ``stage``, for a file with several stages, such as that of a run.
    where : str
        Path of the value.
    folder : DocumentFolder

    Returns
    -------
    Network

    Raises
    ------
    SpecError
        If the weights do not fit this network.
    DataError
        If the file is missing or damaged.
    """
    prefix = ""
    if isinstance(value, Mapping):
        check_keys(value, ("file", "stage"), where)
        if "stage" in value:
            prefix = as_text(value["stage"], join(where, "stage")) + "/"
        value, where = require(value, "file", where), join(where, "file")
    name = as_text(value, where)
    path = folder.read(name, where)
    found = weights_of(folder.contents[name], path)
    chosen = {
        key.removeprefix(prefix): values
        for key, values in found.items()
        if key.startswith(prefix) and "/" not in key.removeprefix(prefix)
    }
    if not chosen:
        stages = sorted({key.partition("/")[0] for key in found if "/" in key})
        held = f"it has stages {', '.join(stages)}" if stages else f"it has {', '.join(found)}"
        wanted = f"of stage {prefix[:-1]!r}" if prefix else "without a stage"
        raise DataError(f"holds no weights {wanted}; {held or 'it is empty'}", where=str(path))
    try:
        return network.with_weights(chosen)
    except SpecError as error:
        raise SpecError(f"{name!r} does not fit the network: {error}", where=where) from None


def with_arrays(parameters: Any, where: str, folder: DocumentFolder) -> Any:
    """Parameters of a model, with the arrays of the files that they name.

    Parameters
    ----------
    parameters : mapping
        One with a ``file`` in it stands for an array: ``{ file = "kernels.npz", array =
        "learn/lgn_v1" }``.
    where : str
        Path of the parameters.
    folder : DocumentFolder

    Raises
    ------
    SpecError
        If a value is not of that form.
    DataError
        If a file is missing or damaged, or has no such array.
    """
    if not isinstance(parameters, Mapping):
        return parameters
    return {
        name: _array(value, join(where, name), folder)
        if isinstance(value, Mapping) and "file" in value
        else value
        for name, value in parameters.items()
    }


def _array(value: Mapping[str, Any], where: str, folder: DocumentFolder) -> NDArray[np.float64]:
    check_keys(value, ("file", "array"), where)
    wanted = as_text(require(value, "array", where), join(where, "array"))
    where = join(where, "file")
    name = as_text(value["file"], where)
    path = folder.read(name, where)
    found = weights_of(folder.contents[name], path)
    if wanted not in found:
        raise DataError(f"holds no array {wanted!r}; it has {', '.join(found)}", where=str(path))
    return found[wanted]


def rename_file(table: dict[str, Any], old: str, new: str) -> None:
    """Rename a file of weights wherever a document names it."""
    for part in (table, *table["stages"].values()):
        network = part.get("network", {})
        if network.get("weights") == old:
            network["weights"] = new
        named = (network.get("weights"), *network.get("parameters", {}).values())
        for value in named:
            if isinstance(value, dict) and value.get("file") == old:
                value["file"] = new
