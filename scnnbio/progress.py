"""Progress of a run: bars on a terminal and in a notebook, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from scnnbio.experiment import Report

#: Seconds between two lines of progress, without bars.
_LINE_INTERVAL = 10.0
#: Seconds between two updates of the bars in a notebook.
_REDRAW_INTERVAL = 0.2


@contextmanager
def progress(console: Console | None = None) -> Iterator[Report]:
    """Show the progress of each phase of a run.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where to show it; standard error by default.

    Yields
    ------
    callable
        ``report(phase, done, total)``. On a terminal and in a notebook each phase gets a bar.
        Elsewhere a phase gets a line when it begins, every ten seconds, and when it ends.
    """
    if console is None:
        console = Console(markup=False, emoji=False, highlight=False, stderr=True)
    if console.is_jupyter:
        with _in_notebook(console) as report:
            yield report
    elif console.is_terminal and not console.is_dumb_terminal:
        with _on_terminal(console) as report:
            yield report
    else:
        yield _Lines(console)


@contextmanager
def _on_terminal(console: Console) -> Iterator[Report]:
    bars = _Bars(console)
    bars.progress.start()
    try:
        yield bars.set
    except BaseException:
        # After a failure, only the error message should remain on the terminal.
        bars.progress.live.transient = True
        bars.progress.live.stop()
        raise
    bars.progress.stop()


@contextmanager
def _in_notebook(console: Console) -> Iterator[Report]:
    """Bars in the output of a cell, redrawn in place; rich's own bars would need ipywidgets."""
    from IPython.display import display  # every notebook kernel has IPython

    bars = _Bars(console)
    shown: Any = None
    drawn = 0.0
    drawing = threading.Lock()

    def draw() -> None:
        nonlocal shown, drawn
        drawn = time.monotonic()
        if shown is None:
            shown = display(bars.progress, display_id=True)
        else:
            shown.update(bars.progress)

    def report(phase: str, done: float, total: float) -> None:
        with drawing:
            bars.set(phase, done, total)
            if shown is None or time.monotonic() - drawn >= _REDRAW_INTERVAL:
                draw()

    try:
        yield report
    finally:
        with drawing:
            if shown is not None:
                draw()


class _Bars:
    """One bar per phase."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            TextColumn("{task.description:<34}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def set(self, phase: str, done: float, total: float) -> None:
        """Set the bar of a phase; create it at the phase's first report."""
        if phase not in self._tasks:
            self._tasks[phase] = self.progress.add_task(phase, total=total)
        self.progress.update(self._tasks[phase], completed=done, total=total)


class _Rate(ProgressColumn):
    """Column with the rate per second."""

    def render(self, task: Task) -> Text:
        """Rate of counted items; empty where only a fraction is reported."""
        if task.speed is None or not task.total or task.total <= 1:
            return Text("")
        return Text(f"{task.speed:.0f}/s", style="progress.data.speed")


class _Lines:
    """Progress in lines: when a phase begins, every ten seconds, and when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began: dict[str, float] = {}
        self._last_line: dict[str, float] = {}
        self._ended: set[str] = set()
        # A backend may report from a monitoring thread.
        self._lock = threading.Lock()

    def __call__(self, phase: str, done: float, total: float) -> None:
        now = time.monotonic()
        with self._lock:
            if phase not in self._began:
                self._began[phase] = self._last_line[phase] = now
                if done < total:
                    self._print(phase)
            if phase in self._ended:
                return
            if done >= total:
                self._ended.add(phase)
                took = now - self._began[phase]
                self._print(f"{phase}: done in {took:.1f} s" if took > 0 else f"{phase}: done")
            elif now - self._last_line[phase] >= _LINE_INTERVAL:
                self._last_line[phase] = now
                self._print(f"{phase}: {done / total:.0%}")

    def _print(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)
