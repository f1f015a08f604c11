"""Reference of everything public: one page per package, generated from the docstrings.

``docs/conf.py`` calls :func:`write` before each build, so that the pages are never out of date.
Public are the names in a package's ``__all__``, and those that its modules define, if neither the
module nor the name begins with an underscore.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer

FOLDER = Path(__file__).parent / "reference" / "api"
_TOP = "scnnbio"
#: Parts of scnnbio that describe no interface: the program itself, and the commands, which have a
#: page of their own.
_LEFT_OUT = ("scnnbio.__main__", "scnnbio.cli")


def write(folder: Path = FOLDER) -> None:
    """Write the pages whose content has changed, and remove those of packages that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {f"{name}.rst": text for name, text in pages().items()}
    for path in folder.glob("*.rst"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


@functools.cache
def pages() -> dict[str, str]:
    """Text of each page, by the name of its package."""
    found = {_TOP: "\n".join(_front())}
    for package, modules in packages().items():
        found[package] = "\n".join(_page(package, modules))
    return found


@functools.cache
def packages() -> dict[str, tuple[str, ...]]:
    """Public modules of each package; a module directly in scnnbio has a page of its own."""
    root = importlib.import_module(_TOP)
    found: dict[str, list[str]] = {}
    for item in pkgutil.walk_packages(root.__path__, f"{_TOP}."):
        parts = item.name.split(".")
        hidden = any(part.startswith("_") for part in parts)
        if hidden or any(f"{item.name}.".startswith(f"{name}.") for name in _LEFT_OUT):
            continue
        if item.ispkg or len(parts) == 2:
            found.setdefault(item.name, [])
        else:
            found[".".join(parts[:-1])].append(item.name)
    return {package: tuple(modules) for package, modules in sorted(found.items())}


@functools.cache
def documented() -> dict[int, str]:
    """Name under which the reference has an object, by its identity; the package's name wins."""
    found: dict[int, str] = {}
    for package, modules in packages().items():
        for module in (package, *modules):
            for name in _names(module):
                found.setdefault(
                    id(getattr(importlib.import_module(module), name)), f"{module}.{name}"
                )
    return found


def _names(module: str) -> list[str]:
    """Public names of a module: its ``__all__``, and what it defines itself."""
    loaded = importlib.import_module(module)
    named = [
        n for n in getattr(loaded, "__all__", ()) if not isinstance(getattr(loaded, n), ModuleType)
    ]
    own = [
        name
        for name, value in vars(loaded).items()
        if callable(value) and getattr(value, "__module__", None) == module
    ]
    found = dict.fromkeys([*named, *own, *_commented(module)])
    return [name for name in found if not name.startswith("_")]


@functools.cache
def _commented(module: str) -> dict[str, str]:
    """Constants of a module with the comment ``#:`` above each."""
    try:
        analyser = ModuleAnalyzer.for_module(module)
        comments = analyser.find_attr_docs()
    except PycodeError:
        return {}
    return {
        name: "\n".join(lines).strip()
        for (scope, name), lines in comments.items()
        if not scope and not name.startswith("_")
    }


def _front() -> Iterator[str]:
    """The page of the package itself: its names, and where each is described."""
    yield from _title(_TOP)
    yield f".. automodule:: {_TOP}\n"
    yield "Each name is described on the page of the package that defines it.\n"
    yield ".. list-table::\n   :header-rows: 1\n\n   * - name\n     - what it is"
    top = importlib.import_module(_TOP)
    for name in top.__all__:
        value = getattr(top, name)
        if name.startswith("_"):
            continue
        role, target = ("mod", value.__name__) if isinstance(value, ModuleType) else (
            "obj", documented()[id(value)]
        )  # fmt: skip
        first = _first_line(value) if callable(value) or role == "mod" else _comment_of(target)
        yield f"   * - :py:{role}:`{name} <{target}>`\n     - {first}"
    yield ""


def _first_line(value: Any) -> str:
    first = (inspect.getdoc(value) or "").partition("\n\n")[0].replace("\n", " ")
    return first.removesuffix("::").removesuffix(":")


def _comment_of(target: str) -> str:
    """First line of the comment on a constant, or what kind of value it is."""
    package, _, name = target.rpartition(".")
    comment = _comment(package, name)
    first = comment.partition("\n")[0].rstrip(":")
    return first or f"A {type(_value(target)).__name__}."


def _value(target: str) -> Any:
    module, _, name = target.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _comment(module: str, name: str) -> str:
    """Comment on a constant, which a package may gather from one of its modules."""
    for place in (module, *packages().get(module, ())):
        if name in _commented(place):
            return _commented(place)[name]
    return ""


def _title(name: str) -> Iterator[str]:
    yield f"{name}\n{'=' * len(name)}\n"


def _page(package: str, modules: tuple[str, ...]) -> Iterator[str]:
    yield from _title(package)
    yield f".. automodule:: {package}\n"
    here = list(_own(package))
    if len(here) > 1:
        yield " · ".join(f":py:obj:`{name} <{package}.{name}>`" for name in here) + "\n"
    yield from _entries(package)
    for module in modules:
        entries = list(_entries(module))
        if entries:
            yield f"{module}\n{'-' * len(module)}\n"
            yield from _module(package, module)
            yield from entries


def _module(package: str, module: str) -> Iterator[str]:
    """Docstring of a module; without an entry in the index if a function has the same name."""
    name = module.removeprefix(f"{package}.")
    yield f".. automodule:: {module}"
    if not isinstance(getattr(importlib.import_module(package), name, None), ModuleType):
        yield "   :no-index:"
    yield ""


def _own(module: str) -> Iterator[str]:
    """Names of a module that no package above it has described, in the order of the alphabet."""
    for name in sorted(_names(module), key=str.lower):
        value = getattr(importlib.import_module(module), name)
        known = documented()[id(value)]
        # Equal numbers may be one object: a constant is known by its name as well.
        if known == f"{module}.{name}" or not (callable(value) or known.rpartition(".")[2] == name):
            yield name


def _entries(module: str) -> Iterator[str]:
    """Directives of a module's names."""
    for name in _own(module):
        value = getattr(importlib.import_module(module), name)
        full = f"{module}.{name}"
        if inspect.isclass(value):
            yield f".. autoclass:: {full}\n   :members:\n"
        elif inspect.isroutine(value):
            yield f".. autofunction:: {full}\n"
        else:
            yield from _constant(module, name, value)


def _constant(module: str, name: str, value: Any) -> Iterator[str]:
    kind = type(value).__name__
    comment = _comment(module, name) or f"A {kind}."
    indented = "\n".join(f"   {line}".rstrip() for line in comment.splitlines())
    yield f".. py:data:: {name}\n   :type: {kind}\n\n{indented}\n"
