"""Progress: bars that a notebook draws in place; terminals and pipes are in test_command_line."""

from __future__ import annotations

import io
import sys
import types

import pytest
from rich.console import Console

from scnnbio import progress as module
from scnnbio.progress import progress


class Handle:
    """What IPython's ``display`` returns: the pictures that were shown in one place."""

    def __init__(self) -> None:
        self.pictures: list[str] = []

    def update(self, shown: object) -> None:
        self.pictures.append(picture(shown))


def picture(shown: object) -> str:
    """What a notebook makes of an object."""
    return shown._repr_mimebundle_((), ())["text/html"]  # type: ignore[attr-defined]


@pytest.fixture
def handles(monkeypatch: pytest.MonkeyPatch) -> list[Handle]:
    made: list[Handle] = []

    def display(shown: object, *, display_id: bool) -> Handle:
        assert display_id
        made.append(Handle())
        made[-1].update(shown)
        return made[-1]

    stand_in = types.ModuleType("IPython.display")
    stand_in.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", stand_in)
    return made


def test_a_notebook_has_a_bar_for_each_phase_in_one_place(handles: list[Handle]) -> None:
    with progress(Console(force_jupyter=True)) as report:
        for trial in range(101):
            report("simulating [test]", trial, 100)
        report("drawing", 1, 1)
    (handle,) = handles
    # One when the first phase begins and one at the end; those between are at most one each 0.2 s.
    assert "simulating [test]" in handle.pictures[0]
    assert "0%" in handle.pictures[0]
    assert "drawing" not in handle.pictures[0]
    assert "drawing" in handle.pictures[-1]
    assert handle.pictures[-1].count("100%") == 2
    assert 2 <= len(handle.pictures) < 50


def test_bars_of_a_notebook_move_with_time(
    handles: list[Handle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REDRAW_INTERVAL", 0.0)
    with progress(Console(force_jupyter=True)) as report:
        for quarter in range(5):
            report("simulating", quarter, 4)
    shown = [[s for s in ("0%", "25%", "50%", "75%", "100%") if f" {s}" in p or f">{s}" in p]
             for p in handles[0].pictures]  # fmt: skip
    assert [s[-1] for s in shown] == ["0%", "25%", "50%", "75%", "100%", "100%"]


def test_a_run_that_fails_in_a_notebook_leaves_its_bars(handles: list[Handle]) -> None:
    def cut_off() -> None:
        with progress(Console(force_jupyter=True)) as report:
            report("simulating", 1, 4)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert "25%" in handles[0].pictures[-1]


def test_a_notebook_in_which_nothing_is_reported_shows_nothing(handles: list[Handle]) -> None:
    with progress(Console(force_jupyter=True)):
        pass
    assert handles == []


def test_a_pipe_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    with progress(Console(file=out)) as report:
        report("simulating", 0, 2)
        report("simulating", 2, 2)
    first, second = out.getvalue().splitlines()
    assert first == "simulating"
    assert second.startswith("simulating: done")
