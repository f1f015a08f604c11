"""The figures of a study: what each needs, that all are drawn, what captions say."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from scnnbio.errors import DataError, SpecError
from scnnbio.figures import FIGURES, draw, draw_all
from scnnbio.figures.scores import short_source
from scnnbio.figures.style import save
from scnnbio.validation import CLAIMS

STAGES = ("learn", "control", "gratings")


@pytest.fixture(scope="module")
def drawn(results):
    return draw_all(results)


@pytest.mark.slow
def test_all_figures_of_a_whole_study_are_drawn(drawn):
    figures, left_out = drawn
    names = [n for n, spec in FIGURES.items() if spec.needs[0].split(".")[0] in STAGES]
    assert [figure.name for figure in figures] == [n for n in names if n not in left_out]
    # The synthetic learning stage recorded no input spikes.
    assert list(left_out) == ["raster_learning"]
    assert "lgn" in left_out["raster_learning"]


def test_every_figure_has_named_axes_and_text_of_8_points(drawn):
    for drawing in drawn[0]:
        shown = [axes for axes in drawing.figure.axes if axes.axison and axes.get_visible()]
        assert shown
        for axes in shown:
            sides = drawing.figure.get_supxlabel() + axes.get_xlabel() + axes.get_ylabel()
            shared = not axes.get_subplotspec() or not axes.get_subplotspec().is_first_col()
            assert sides or shared or axes.get_ylabel(), drawing.name
            for text in (axes.xaxis.label, axes.yaxis.label, axes.title, *axes.texts):
                assert text.get_fontsize() >= 8.0
            for tick in axes.xaxis.get_major_ticks():
                assert tick.label1.get_fontsize() >= 8.0


def test_figures_are_a_column_or_a_page_wide(drawn):
    for drawing in drawn[0]:
        assert 80.0 < drawing.figure.get_size_inches()[0] * 25.4 <= 180.0 + 1e-6


def test_captions_say_what_was_left_out(drawn):
    captions = {drawing.name: drawing.caption for drawing in drawn[0]}
    # Of eight kernels one is noise and one empty; of eight cells the last is silent.
    assert "the other 2 carry a cross" in captions["kernels"]
    assert "1 (empty kernels), 1 (R^2 <= 0.7)" in captions["shapes"]
    assert "1 (below 1 Hz at every grating)" in captions["tuning"]
    for name in ("shapes", "orientation", "distributions"):
        assert "doi:10." in captions[name]


def test_every_figure_can_be_saved(drawn, tmp_path):
    drawing = drawn[0][0]
    png, pdf = save(drawing.figure, tmp_path, drawing.name)
    assert png.stat().st_size > 1000
    assert pdf.read_bytes().startswith(b"%PDF")


def test_figures_of_other_studies_are_not_missed(synthetic):
    drawn, left_out = draw_all(synthetic.results("learn"))
    assert {"kernels", "shapes"} <= {figure.name for figure in drawn}
    assert list(left_out) == ["raster_learning"]


@pytest.mark.parametrize("name", list(FIGURES))
def test_absent_stages_leave_figures_out(synthetic, name):
    with pytest.raises(DataError, match="was not run"):
        draw(name, synthetic.results())


def test_silent_cells_leave_the_tuning_out_with_a_reason(synthetic):
    results = synthetic.results("gratings")
    strict = dataclasses.replace(results.evidence["gratings"], min_rate=1e6)
    results = SimpleNamespace(evidence={"gratings": strict}, claims=(), scores=())
    with pytest.raises(DataError, match="no cell fires at"):
        draw("tuning", results)
    assert "n = 0" in draw("distributions", results).figure.axes[0].get_title(loc="left")


def test_unknown_figure_is_refused(results):
    with pytest.raises(SpecError, match="no figure 'kernel'"):
        draw("kernel", results)


def test_distributions_hold_the_claims_values(results):
    figure = draw("distributions", results).figure
    claim = CLAIMS["ringach2002_circular_variance"]
    values = claim.measured(results.evidence["gratings"]).values
    wanted = np.histogram(values, claim.observation.edges)[0] / len(values)
    published, model = (patch.get_data().values for patch in figure.axes[0].patches)
    np.testing.assert_allclose(model, wanted)
    np.testing.assert_allclose(published, claim.observation.counts / claim.observation.counts.sum())
    assert "insufficient data" in figure.axes[0].get_title(loc="left")  # 7 cells, 20 are needed


def test_sources_are_shortened_to_authors_and_year():
    shortened = {name: short_source(c.observation.source) for name, c in CLAIMS.items()}
    assert shortened["ringach2002_nx_ny"] == "Ringach 2002"
    assert shortened["ringach2002_circular_variance"] == "Ringach et al. 2002"
    assert shortened["fano_factor"] == "Ecker et al. 2010"
    assert shortened["devalois1982_cardinal"] == "De Valois et al. 1982"
    assert shortened["noise_control"] == "published"


@pytest.mark.slow
def test_drawing_makes_no_figure_of_pyplot():
    """PyNN loads pyplot itself where sPyNNaker brings csa; ours never enter its global state."""
    code = (
        "import numpy as np, matplotlib.pyplot as plt; from scnnbio.figures import kernel_grid;"
        " kernel_grid(np.random.default_rng(0).random((4, 2, 5, 5)));"
        " assert plt.get_fignums() == []"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
