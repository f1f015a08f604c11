"""Fixtures that several tests of backends share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, so that no board that a developer has is found."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "nowhere"))
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch uses one thread, and afterwards as many as before."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders in which make was called for a program of Brian2; no compiler is asked."""
    from scnnbio.backends.brian2 import compiling

    calls: list[Path] = []

    def make(folder: Path) -> None:
        calls.append(folder)
        (folder / "main").write_bytes(b"compiled " + (folder / "main.cpp").read_bytes())

    monkeypatch.setattr(compiling, "_make", make)
    return calls
