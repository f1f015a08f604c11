"""Saving a figure with the numbers that it shows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from scnnbio.errors import unwritable
from scnnbio.figures import style
from scnnbio.figures.numbers import numbers_text
from scnnbio.figures.report import Picture
from scnnbio.figures.spec import Drawn
from scnnbio.files import write_atomically

__all__ = ["Saved", "save", "save_all", "save_drawn"]


@dataclass(frozen=True, eq=False)
class Saved:
    """A figure that was saved, without the figure itself.

    Parameters
    ----------
    name : str
    files : tuple of Path
        PNG, PDF and CSV.
    picture : Picture
        For :func:`~scnnbio.figures.render_report`.
    """

    name: str
    files: tuple[Path, ...]
    picture: Picture


def save(figure: Figure, folder: str | os.PathLike[str], name: str) -> tuple[Path, Path, Path]:
    """Write a figure as ``name.png``, ``name.pdf``, and its numbers as ``name.csv``.

    No file holds a date or a version, so that the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    folder : str or path
        Created if it does not exist.
    name : str
        Without an ending.

    Returns
    -------
    png, pdf, csv : Path

    Raises
    ------
    SpecError
        If ``name`` is empty or contains a folder.
    DataError
        If the folder or a file cannot be written.
    """
    png, pdf = style.save(figure, folder, name)
    table = Path(folder) / f"{name}.csv"
    try:
        write_atomically(numbers_text(figure).encode(), table)
    except OSError as error:
        raise unwritable(error, folder, f"figure {name!r}") from None
    return png, pdf, table


def save_all(
    drawn: Iterable[Drawn], folder: str | os.PathLike[str]
) -> tuple[list[Path], dict[str, Picture]]:
    """Save figures, each by its name.

    Parameters
    ----------
    drawn : iterable of Drawn
    folder : str or path

    Returns
    -------
    written : list of Path
    pictures : dict from name to Picture
        For :func:`~scnnbio.figures.render_report`.
    """
    saved = [save_drawn(one, folder) for one in drawn]
    written = [file for one in saved for file in one.files]
    return written, {one.name: one.picture for one in saved}


def save_drawn(one: Drawn, folder: str | os.PathLike[str]) -> Saved:
    """Save a figure by its name.

    Parameters
    ----------
    one : Drawn
    folder : str or path

    Returns
    -------
    Saved
    """
    files = save(one.figure, folder, one.name)
    return Saved(one.name, files, Picture(files[0], one.caption, one.title, one.score))
