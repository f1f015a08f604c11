"""Figures over processes: the bytes of one process, clear errors, and only what changed drawn."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from scnnbio import workflow
from scnnbio.errors import DataError
from scnnbio.figures import drawing, drawn, registry
from scnnbio.jobs import Crew, Packed
from scnnbio.workflow.folder import load_results
from scnnbio.workflow.results import Results
from tests.workflow.spoiled import Spoiled

DRAWN = drawing.drawn


@pytest.fixture(scope="module")
def results(finished: Path) -> Results:
    return workflow.judge(load_results(finished))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three figures only: two that the run has, and one that is left out."""
    names = ["kernels", "raster", "raster_learning"]
    monkeypatch.setattr(registry, "names_for", lambda _: names)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_processes_draw_the_bytes_of_one(finished: Path, results: Results, tmp_path: Path) -> None:
    """Oracle: the same figures in one process; the report and the record are equal, too."""
    found = []
    for jobs in (1, 3):
        folder = Path(shutil.copytree(finished, tmp_path / str(jobs)))
        seen: list[tuple[str, float, float]] = []
        said: list[str] = []
        workflow.draw(
            results, folder, jobs=jobs,
            report=lambda *row, seen=seen: seen.append(row),
            meanwhile=lambda said=said: said.append("written"),
        )  # fmt: skip
        found.append(contents(folder))
        assert said == ["written"]
        assert seen[-1] == ("drawing figures", 3, 3)
    one, three = found
    assert one == three
    assert {"kernels.png", "kernels.pdf", "raster.csv", "report.html", drawn.RECORD} <= set(one)
    assert list(json.loads(one[drawn.RECORD])["left_out"]) == ["raster_learning"]


@pytest.mark.slow
def test_errors_and_deaths_of_a_process(results: Results, tmp_path: Path) -> None:
    """A figure of ours that fails ends the run with its own error, as in one process."""
    assert drawing.Drawing(results=results, figure="a", folder=tmp_path).about == "figure 'a'"
    with Packed(results) as packed:
        mistaken, killed = (
            Spoiled(drawing=drawing.Drawing(results=packed, figure=name, folder=tmp_path))
            for name in ("mistaken", "killed")
        )
        with Crew(2) as crew:
            crew.start(mistaken)
            with pytest.raises(ZeroDivisionError, match="a mistake") as caught:
                crew.wait()
            assert "in _mistaken" in caught.value.__notes__[0]
            crew.start(killed)
            with pytest.raises(DataError, match="a process of figure 'killed' ended by signal 9"):
                crew.wait()


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_only_what_changed_is_drawn_again(
    finished: Path, results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    again: list[str] = []
    monkeypatch.setattr(
        drawing, "drawn", lambda r, name, place: again.append(name) or DRAWN(r, name, place)
    )

    def redrawn() -> list[str]:
        again.clear()
        workflow.draw(results, folder)
        return list(again)

    assert redrawn() == ["kernels", "raster", "raster_learning"]
    before = contents(folder)
    assert redrawn() == []
    assert contents(folder) == before
    (folder / "figures/raster.pdf").unlink()
    assert redrawn() == ["raster"]
    (folder / "figures/kernels.csv").write_text("edited")
    assert redrawn() == ["kernels"]
    assert contents(folder) == before
    # The results, the source and a version count for all figures; so does a damaged record.
    scores = folder / "scores.json"
    scores.write_bytes(scores.read_bytes() + b" ")
    assert len(redrawn()) == 3
    monkeypatch.setattr(drawn, "code_digest", lambda: "edited")
    assert len(redrawn()) == 3
    record = folder / "figures" / drawn.RECORD
    record.write_text('{"inputs": 3}')
    assert len(redrawn()) == 3
    # A record that names a file outside the folder is as good as none.
    shutil.copy(folder / "figures" / "raster.png", tmp_path / "raster.png")
    record.write_text(record.read_text().replace('"raster.png"', '"../../raster.png"'))
    assert len(redrawn()) == 3
    assert redrawn() == []


def test_results_that_cannot_be_sent_are_drawn_here(results: Results) -> None:
    """A measure of another package may keep anything; two copies share the rest."""
    assert drawing._packed(SimpleNamespace(kept=lambda: None)) is None  # type: ignore[arg-type]
    packed = drawing._packed(results)
    assert packed is not None
    with packed:
        assert packed.__reduce__()[0].__name__ == "_unpacked"
