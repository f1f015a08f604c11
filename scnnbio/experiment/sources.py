"""The files of an experiment: their paths, digests and roles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scnnbio.errors import DataError
from scnnbio.files import no_device
from scnnbio.inputs import Input
from scnnbio.stimuli import Stimulus


@dataclass(frozen=True)
class Source:
    """A file that was read, with its role.

    Parameters
    ----------
    path : str
        Absolute path.
    sha256 : str
        Hexadecimal digest of its content.
    role : str
        ``"document"``, ``"weights"``, ``"stimulus"`` or ``"recording"``, of a claim.
    """

    path: str
    sha256: str
    role: str

    @classmethod
    def of(cls, path: Path, content: bytes, role: str) -> Source:
        """Describe a file by its path and content."""
        return cls(str(path.absolute()), hashlib.sha256(content).hexdigest(), role)

    @classmethod
    def read(cls, path: str, role: str) -> Source:
        """Describe a file that may be large, by its content.

        Raises
        ------
        DataError
            If it cannot be read.
        """
        try:
            with no_device(Path(path)).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror})", where=path) from None
        return cls(path, digest, role)


class Here(str):
    """Text from a command or a call: relative paths in it start at the folder of the command.

    Relative paths in a document start at the folder of the document.
    """

    folder = Path()


def from_here(value: Any, folder: Path | None = None) -> Any:
    """Mark all text in a value as :class:`Here`, of this folder or of the working folder."""
    if isinstance(value, str):
        text = Here(value)
        text.folder = folder or Path()
        return text
    if isinstance(value, Mapping):
        return {key: from_here(item, folder) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [from_here(item, folder) for item in value]
    return value


def locate(
    stimulus: Any,
    kinds: Mapping[str, type[Stimulus]] | Mapping[str, type[Input]],
    folder: Path | None,
) -> None:
    """Make paths in a stimulus's or an input's table absolute, independent of the working folder.

    Parameters
    ----------
    stimulus : object
        Table of the document; anything else is left unchanged, and refused when it is read.
    kinds : mapping of str to type
        Registry of stimuli or of inputs.
    folder : Path or None
        Folder at which relative paths of the document start; the working folder if None.
    """
    if not isinstance(stimulus, dict) or not isinstance(stimulus.get("kind"), str):
        return
    kind = kinds.get(stimulus["kind"])
    if kind is None:
        return
    for name in kind.paths:
        value = stimulus.get(name)
        if isinstance(value, str) and value and value not in kind.no_paths:
            base = value.folder if isinstance(value, Here) else folder or Path()
            stimulus[name] = str((base / Path(value).expanduser()).absolute())
