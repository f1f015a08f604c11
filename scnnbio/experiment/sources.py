"""Which files an experiment was made of: their places, digests and roles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scnnbio.inputs import Input
from scnnbio.stimuli import Stimulus


@dataclass(frozen=True)
class Source:
    """A file that was read, and what for.

    Parameters
    ----------
    path : str
        Absolute.
    sha256 : str
        Hexadecimal digest of its content.
    role : str
        ``"document"``, ``"weights"`` or ``"stimulus"``.
    """

    path: str
    sha256: str
    role: str

    @classmethod
    def of(cls, path: Path, content: bytes, role: str) -> Source:
        """A file by its place and its content."""
        return cls(str(path.absolute()), hashlib.sha256(content).hexdigest(), role)


class Here(str):
    """Text that was given with a command or call: paths in it begin at the working folder.

    Paths in a document begin at the folder of the document.
    """

    __slots__ = ()


def from_here(value: Any) -> Any:
    """The value with all text in it marked as given here."""
    if isinstance(value, str):
        return Here(value)
    if isinstance(value, Mapping):
        return {key: from_here(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [from_here(item) for item in value]
    return value


def locate(
    stimulus: Any,
    kinds: Mapping[str, type[Stimulus]] | Mapping[str, type[Input]],
    folder: Path | None,
) -> None:
    """Make paths in a stimulus's or an input's table absolute: the same files from anywhere.

    Parameters
    ----------
    stimulus : object
        As the document has it; what is no table of a known kind is left for others to refuse.
    kinds : mapping of str to type
        Registry of stimuli or of inputs.
    folder : Path or None
        Where paths of the document begin; the working folder if None.
    """
    if not isinstance(stimulus, dict) or not isinstance(stimulus.get("kind"), str):
        return
    kind = kinds.get(stimulus["kind"])
    if kind is None:
        return
    for name in kind.paths:
        value = stimulus.get(name)
        if isinstance(value, str) and value and value not in kind.no_paths:
            base = Path() if isinstance(value, Here) or folder is None else folder
            stimulus[name] = str((base / Path(value).expanduser()).absolute())
