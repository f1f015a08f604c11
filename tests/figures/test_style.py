"""Saving: the same bytes every time, clear errors, and nothing global left behind."""

from __future__ import annotations

import matplotlib
import pytest
from fontTools import subset

from scnnbio.errors import DataError, SpecError
from scnnbio.figures.learning import learning_curve
from scnnbio.figures.style import save, style


def drawn(synthetic):
    return learning_curve(synthetic.learning(), kernel="lgn_v1", threshold="v1")


@pytest.fixture
def figure(synthetic):
    return drawn(synthetic)


@pytest.mark.slow
def test_files_are_the_same_byte_for_byte(synthetic, tmp_path):
    first = save(
        drawn(synthetic),
        tmp_path / "a",
        "learning",
    )
    again = save(
        drawn(synthetic),
        tmp_path / "b",
        "learning",
    )
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert b"Software" not in first[0].read_bytes()
    assert b"CreationDate" not in first[1].read_bytes()


def test_png_has_200_dots_an_inch(figure, tmp_path):
    png, _ = save(figure, tmp_path, "learning")
    width = int.from_bytes(png.read_bytes()[16:20], "big")
    assert width == pytest.approx(180 / 25.4 * 200, abs=1)


def test_a_png_is_that_of_savefig_and_the_figure_stays_as_it_is(synthetic, figure, tmp_path):
    """``savefig`` draws a figure twice for each file, here it is laid out once and drawn."""
    canvas, engine, dpi = figure.canvas, figure.get_layout_engine(), figure.dpi
    png, pdf = save(figure, tmp_path, "learning")
    assert (figure.canvas, figure.get_layout_engine(), figure.dpi) == (canvas, engine, dpi)
    with style():
        drawn(synthetic).savefig(tmp_path / "its.png", dpi=200, metadata={"Software": None})
        figure.savefig(tmp_path / "its.pdf", dpi=300)  # laid out for the text of a PDF
    assert png.read_bytes() == (tmp_path / "its.png").read_bytes()
    # The same glyphs without the tables that set text.
    assert 0.5 < pdf.stat().st_size / (tmp_path / "its.pdf").stat().st_size < 1.0
    assert b"/FontFile2" in pdf.read_bytes()
    assert "GSUB" not in subset.Options().drop_tables


@pytest.mark.slow
def test_a_users_own_settings_change_nothing(synthetic, figure, tmp_path):
    plain, _ = save(figure, tmp_path, "plain")
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black", "savefig.dpi": 50}):
        other, _ = save(drawn(synthetic), tmp_path, "other")
        assert matplotlib.rcParams["font.size"] == 20
    assert plain.read_bytes() == other.read_bytes()


def test_unwritable_folder_is_one_line(figure, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written") as caught:
        save(figure, tmp_path / "file", "learning")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden"])
def test_a_name_holds_no_folder(figure, tmp_path, name):
    with pytest.raises(SpecError, match="name of a figure"):
        save(figure, tmp_path, name)
