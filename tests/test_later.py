"""Stand-ins for modules, on packages of our own: who sees one, and how it becomes the real one."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from scnnbio import _later
from scnnbio._later import Later, later

#: A package whose module imports the other one; a third finds its modules when they are asked for.
FILES = {
    "lt_heavy/__init__.py": "from lt_heavy import part\nloaded = True\n",
    "lt_heavy/part.py": "class Thing: ...\n",
    "lt_user.py": "import lt_heavy, lt_shelf.book as book\nfrom lt_shelf import book as same\n",
    "lt_greedy.py": "from lt_heavy import loaded\n",
    "lt_inside.py": "import lt_heavy\nfrom lt_heavy.part import Thing\n",
    "lt_shelf/__init__.py": (
        "import importlib\n"
        "def __getattr__(name):\n"
        "    if name == 'book':\n"
        "        return importlib.import_module('lt_shelf.book')\n"
        "    raise AttributeError(name)\n"
    ),
    "lt_shelf/book.py": "title = 'A'\n",
    "lt_plain/__init__.py": "",
    "lt_plain/book.py": "title = 'B'\n",
    "lt_broken.py": "import no_such_module_of_anybody\n",
}


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(_later, "_process_is_ours", True)
    yield
    for name in [name for name in sys.modules if name.startswith("lt_")]:
        del sys.modules[name]


def load(name: str) -> ModuleType:
    return importlib.import_module(name)


def test_who_imports_meanwhile_waits_and_others_do_not() -> None:
    with later("lt_heavy", "lt_shelf.book"):
        user = load("lt_user")
    assert "lt_heavy" not in sys.modules
    assert "lt_shelf.book" not in sys.modules
    assert isinstance(user.lt_heavy, Later)
    assert isinstance(user.book, Later)
    assert user.same is user.book
    heavy = load("lt_heavy")
    assert type(heavy) is ModuleType
    assert user.lt_heavy.part.Thing is heavy.part.Thing


def test_a_process_of_somebody_else_gets_the_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_later, "_process_is_ours", False)
    with later("lt_heavy", "lt_shelf.book", hollow=("lt_heavy",)):
        user = load("lt_user")
    assert type(user.lt_heavy) is type(user.book) is ModuleType
    assert sys.modules["lt_heavy"] is user.lt_heavy


def test_a_stand_in_imports_the_module_itself() -> None:
    with later("lt_heavy"):
        user = load("lt_user")
    assert user.lt_heavy.loaded
    assert sys.modules["lt_heavy"].part is user.lt_heavy.part
    with pytest.raises(AttributeError, match="'lt_heavy' has no attribute 'nothing'"):
        _ = user.lt_heavy.nothing


def test_threads_that_ask_a_stand_in_at_once_get_the_module() -> None:
    for _ in range(50):
        with later("lt_heavy"):
            user = load("lt_user")
            barrier, found = threading.Barrier(4), []

            def ask(barrier=barrier, found=found, heavy=user.lt_heavy) -> None:
                barrier.wait(10)
                found.append(heavy.part.Thing)

            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(10)
        assert found == [load("lt_heavy").part.Thing] * 4
        for name in [name for name in sys.modules if name.startswith("lt_")]:
            del sys.modules[name]


def test_what_is_asked_for_at_once_is_imported_at_once() -> None:
    with later("lt_heavy"):
        assert load("lt_greedy").loaded
        assert type(sys.modules["lt_heavy"]) is ModuleType
    assert "lt_heavy.part" in sys.modules


def test_a_module_inside_imports_the_package_first() -> None:
    with later("lt_heavy"):
        inside = load("lt_inside")
    assert sys.modules["lt_heavy"].part.Thing is inside.Thing


def test_modules_of_a_hollow_package_do_not_import_it() -> None:
    with later(hollow=("lt_heavy",)):
        inside = load("lt_inside")
        assert "loaded" not in vars(inside.lt_heavy)
    assert not {"lt_heavy", "lt_heavy.part"} & set(sys.modules)
    # As if it had never been touched: ``import a.b`` binds b in a only where it imports it.
    assert load("lt_heavy.part") is load("lt_heavy").part
    assert inside.lt_heavy.loaded


def test_a_package_that_finds_its_modules_itself_does_so_again() -> None:
    with later("lt_shelf.book"):
        load("lt_user")
    assert type(load("lt_shelf").book) is ModuleType


def test_a_package_that_does_not_keeps_the_stand_in_until_somebody_imports_it() -> None:
    with later("lt_plain.book"):
        plain = load("lt_plain")
    assert isinstance(plain.book, Later)
    assert plain.book.title == "B"
    assert load("lt_plain.book") is plain.book
    assert type(plain.book) is ModuleType


def test_what_is_loaded_or_absent_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    heavy = load("lt_heavy")
    monkeypatch.setitem(sys.modules, "lt_blocked", None)
    with later("lt_heavy", "lt_none", "lt_none.at_all", "lt_blocked", "lt_blocked.part"):
        assert load("lt_heavy") is heavy
        for name in ("lt_none", "lt_none.at_all", "lt_blocked"):
            with pytest.raises(ImportError):
                load(name)


def test_a_module_that_cannot_be_imported_says_so_when_it_is_used() -> None:
    with later("lt_broken"):
        broken = load("lt_broken")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="no_such_module_of_anybody"):
            _ = broken.anything
