"""The shape of the package: no import circles, and files that a reader can hold in mind."""

from __future__ import annotations

import ast
import graphlib
import re
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("scnnbio", "models", "benchmarks", "tests")
MOST_LINES = 400
#: What a longer file's docstring says.
REASON = re.compile(r"\bLonger than 400 lines because [^.]{20,}\.")


def test_no_module_imports_itself_by_way_of_others() -> None:
    # Imports for types alone count: who needs another's types depends on it.
    graph = grimp.build_graph("scnnbio", exclude_type_checking_imports=False)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    # A package's __init__ gathers names for users; modules inside import one another directly.
    list(graphlib.TopologicalSorter(imports).static_order())  # raises CycleError, with the circle


def too_long(path: Path) -> bool:
    """Whether a file is long without a reason in its docstring."""
    text = path.read_text(encoding="utf-8")
    if len(text.splitlines()) <= MOST_LINES:
        return False
    said = " ".join((ast.get_docstring(ast.parse(text)) or "").split())
    return not REASON.search(said)


def test_no_file_is_long_without_a_reason() -> None:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 300
    long = sorted(str(path.relative_to(ROOT)) for path in files if too_long(path))
    assert not long, f"{', '.join(long)}: split, or say why in the docstring"


@pytest.mark.parametrize(
    ("docstring", "lines", "expected"),
    [
        ("What it is.", 400, False),
        ("What it is.", 401, True),
        ("Longer than 400 lines because.", 401, True),
        ("Longer than 400 lines because one table\nof fifty rows has to stay whole.", 401, False),
    ],
)
def test_a_long_file_needs_a_whole_reason(
    docstring: str, lines: int, expected: bool, tmp_path: Path
) -> None:
    file = tmp_path / "some.py"
    text = f'"""{docstring}"""\n'
    file.write_text(text + "x = 1\n" * (lines - text.count("\n")))
    assert too_long(file) is expected


def test_the_workflow_stays_small() -> None:
    """It only joins what others do, and finishes or resumes what a killed process began."""
    files = (ROOT / "scnnbio" / "workflow").rglob("*.py")
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) <= 1200
