"""The report: one file, nothing from elsewhere, everything escaped."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest

from scnnbio.errors import DataError
from scnnbio.figures.report import Picture, Table, render_report
from scnnbio.figures.style import new_figure, save
from scnnbio.validation import Score

NASTY = "<script>alert('x')</script> & \"quoted\""
SCORE = Score(
    claim="ringach2002_nx_ny",
    value=0.40471,
    prediction={},
    observation={"counts": [[1]], "n": 79, "chance_limit": 0.2184, "quantity": "log10"},
    verdict="disagrees",
    reason="too far",
    n=61,
    excluded={"R^2 <= 0.7": 3, "empty kernels": 0},
    source="D. L. Ringach (2002)",
)
PROVENANCE = {
    "backend": "brian2",
    "seed": 7,
    "input_spikes": 1380000,
    "wall_seconds": {"simulating": 61.512},
    "stages": {
        "learn": {"backend": "brian2", "output_spikes": {"v1": 12}},
        "control": {"backend": "brian2", "output_spikes": {"v1": 13}},
    },
}


class Reader(HTMLParser):
    """Tags, attributes and text of a page; complains of tags that are not closed."""

    void = frozenset({"meta", "img", "br", "wbr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def picture(tmp_path) -> Picture:
    figure = new_figure(85, 60)
    figure.add_subplot()
    png, _ = save(figure, tmp_path, "empty")
    return Picture(png, f"A caption {NASTY}.", f"Title {NASTY}")


def render(tmp_path, **changes) -> str:
    given = {"title": "A study", "scores": [], "provenance": {}, "figures": {}} | changes
    path = tmp_path / "report.html"
    render_report(path, **given)
    return path.read_text(encoding="utf-8")


def test_nothing_is_loaded_from_elsewhere(tmp_path, picture):
    text = render(tmp_path, scores=[SCORE], provenance=PROVENANCE, figures={"empty": picture})
    page = Reader(text)
    assert not {"script", "link", "iframe", "object", "base"} & set(page.tags)
    assert "http:" not in text
    assert "https:" not in text
    assert not re.search(r"url\(|@import", text)
    for name, value in page.attributes:
        if name == "src":
            assert value.startswith("data:image/png;base64,")
        if name == "href":
            assert value.startswith("#")
        assert not name.startswith("on")


def test_pictures_are_inside_whole(tmp_path, picture):
    page = Reader(render(tmp_path, figures={"empty": picture}))
    (source,) = [value for name, value in page.attributes if name == "src"]
    content = base64.b64decode(source.partition(",")[2], validate=True)
    assert content == (tmp_path / "empty.png").read_bytes()


def test_all_text_is_escaped(tmp_path, picture):
    nasty = Score(NASTY, None, {}, {"quantity": NASTY}, "not applicable", NASTY, source=NASTY)
    text = render(
        tmp_path, title=NASTY, scores=[nasty], figures={"empty": picture},
        provenance={NASTY: NASTY, "stages": {NASTY: {NASTY: NASTY}}},
        tables=[Table(NASTY, [NASTY], [[NASTY]], NASTY)], left_out={NASTY: NASTY},
    )  # fmt: skip
    page = Reader(text)
    assert "script" not in page.tags
    assert page.text.count("alert('x')") >= 14


def test_a_score_is_a_row_and_json_gives_the_same(tmp_path):
    text = render(tmp_path, scores=[SCORE])
    assert text == render(tmp_path, scores=[SCORE.to_dict()])
    words = Reader(text).text
    assert "1 claim: 1 disagrees." in words
    for part in (
        "0.405 (total variation distance) too far", "histogram; n = 79", "✗ disagrees",
        "61 R^2 <= 0.7: 3 D. L. Ringach (2002)",
    ):  # fmt: skip
        assert part in words
    assert "empty kernels" not in words


def test_provenance_is_told_once_and_by_stage(tmp_path):
    words = Reader(render(tmp_path, provenance=PROVENANCE)).text
    assert words.count("brian2") == 1
    assert "input spikes 1,380,000" in words
    assert "wall seconds: simulating 61.51" in words
    assert "learn control output spikes: v1 12 13" in words


def test_without_scores_or_figures_it_says_so(tmp_path):
    words = Reader(render(tmp_path)).text
    assert "No claim was judged." in words
    assert "Figures" not in words


def test_bad_pictures_and_places_are_one_line_errors(tmp_path):
    (tmp_path / "no.png").write_bytes(b"GIF89a")
    with pytest.raises(DataError, match="not a PNG"):
        render(tmp_path, figures={"x": Picture(tmp_path / "no.png", "")})
    with pytest.raises(DataError, match="cannot be read"):
        render(tmp_path, figures={"x": Picture(tmp_path / "absent.png", "")})
    with pytest.raises(DataError, match="cannot be written"):
        render_report(tmp_path / "a" / "b", title="", scores=[], provenance={}, figures={})


def test_files_are_named_with_the_reason_that_they_were_skipped(tmp_path):
    read = [{"path": f"/photos/{k}.png", "sha256": "0" * 64} for k in range(11)]
    skipped = [{"path": "/photos/._0.png", "reason": "hidden file"}]
    stages = {"learn": {"files_read": read, "files_skipped": skipped}, "control": {"trials": 3}}
    page = tmp_path / "report.html"
    render_report(page, title="t", scores=(), provenance={"stages": stages}, figures={})
    text = page.read_text(encoding="utf-8")
    assert "0.png, 1.png" in text
    assert "7.png, and 3 more" in text
    assert "._0.png (hidden file)" in text
    # Digests, which no cell could hold, are in run.json.
    assert "0" * 64 not in text
