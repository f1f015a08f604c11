"""The numbers behind a figure are those that were drawn, and a file of them lies beside it."""

from __future__ import annotations

import csv
import io

import numpy as np

from scnnbio.figures import save
from scnnbio.figures.numbers import COLUMNS, drawn_numbers, numbers_text
from scnnbio.figures.style import new_figure


def drawn():
    figure = new_figure(85, 60)
    left, right = figure.subplots(1, 2)
    left.set_xlabel("time\n(ms)")
    left.plot([1.0, 2.0, 3.0], [0.5, np.nan, 1 / 3], label="rate")
    left.axhline(7.0, label="bound")
    left.scatter([4.0, 5.0], [6.0, 7.0], c=[0.1, 0.9])
    left.errorbar([8.0], [9.0], yerr=[0.25])
    left.text(0.5, 0.5, "corner", transform=left.transAxes)
    right.stairs([2.0, 3.0], [0.0, 1.0, 4.0])
    right.bar([10.0], [5.0], width=2.0)
    right.imshow(np.array([[1.0, 2.0], [3.0, 4.0]]), extent=(0, 2, 0, 2))
    right.pcolormesh([0.0, 1.0, 3.0], [0.0, 1.0], [[0.25, 0.75]])
    right.text(1.5, 2.5, "here")
    return figure


def test_all_that_is_drawn_in_the_units_of_the_axes_has_a_row() -> None:
    rows = list(drawn_numbers(drawn()))
    found = {(panel, kind): [] for panel, _, _, kind, *_ in rows}
    for panel, _, _, kind, series, *numbers in rows:
        found[panel, kind].append((series, *numbers))
    line = found[1, "line"]
    assert line[0] == ("rate", 1.0, 0.5, "", "", "")
    assert np.isnan(line[1][2])
    # A line across the panel has one coordinate alone.
    assert ("bound", "", 7.0, "", "", "") in line
    assert [point[1:] for point in found[1, "point"]] == [
        (4.0, 6.0, "", "", 0.1), (5.0, 7.0, "", "", 0.9),
    ]  # fmt: skip
    assert found[1, "segment"] == [("", 8.0, 8.75, 8.0, 9.25, "")]
    assert (1, "text") not in found  # "corner" stands at a place of the panel, not of its units
    assert [bin_[1:5] for bin_ in found[2, "bin"]] == [(0.0, 2.0, 1.0, 0.0), (1.0, 3.0, 4.0, 0.0)]
    assert found[2, "bar"] == [("", 9.0, 0.0, 11.0, 5.0, "")]
    # Rows of a picture run from the top.
    assert [pixel[1:] for pixel in found[2, "pixel"]] == [
        (0.5, 1.5, "", "", 1.0), (1.5, 1.5, "", "", 2.0),
        (0.5, 0.5, "", "", 3.0), (1.5, 0.5, "", "", 4.0),
    ]  # fmt: skip
    assert [cell[1:] for cell in found[2, "cell"]] == [
        (0.0, 0.0, 1.0, 1.0, 0.25), (1.0, 0.0, 3.0, 1.0, 0.75),
    ]  # fmt: skip
    assert found[2, "text"] == [("here", 1.5, 2.5, "", "", "")]
    assert {row[1] for row in rows if row[0] == 1} == {"time (ms)"}


def test_a_saved_figure_is_a_picture_a_page_and_its_numbers(tmp_path) -> None:
    files = save(drawn(), tmp_path, "one")
    assert [file.name for file in files] == ["one.png", "one.pdf", "one.csv"]
    text = files[2].read_bytes().decode()
    assert text == numbers_text(drawn())
    head, *rows = csv.reader(io.StringIO(text))
    assert tuple(head) == COLUMNS
    assert rows[2][6] == "0.3333333333"
