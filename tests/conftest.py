"""Fixtures that tests of several parts share."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator

import pytest

from scnnbio import cli


def pytest_collection_finish() -> None:
    """Exempt all that was imported from garbage collection, which Brian2 asks for in each run."""
    gc.freeze()


@pytest.fixture
def invoke(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The entry point itself, which is where errors become exit codes."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["scnnbio", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        captured = capsys.readouterr()
        code = caught.value.code
        return (0 if code is None else int(code)), captured.out, captured.err

    return call


@pytest.fixture(autouse=True, scope="module")
def empty_nest_after_a_module() -> Iterator[None]:
    """An oracle's network stays in NEST, where a run of the backend would not remove it."""
    yield
    if "nest" in sys.modules:
        from scnnbio.backends.nest import kernel

        with kernel.own_threads():
            sys.modules["nest"].ResetKernel()
