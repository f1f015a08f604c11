"""Small installed packages, written by hand as pip leaves them: no network, no build."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

#: Group → name → place.
Points = Mapping[str, Mapping[str, str]]


def metadata(folder: Path, name: str, points: Points, version: str = "1.0") -> Path:
    """The metadata of an installed package, in a folder that is on the path."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [
        f"[{group}]\n" + "".join(f"{entry} = {place}\n" for entry, place in entries.items())
        for group, entries in points.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return info


def package(
    folder: Path, name: str, points: Points, code: str | None = "", version: str = "1.0"
) -> None:
    """A package of one module of the same name; without the module if ``code`` is None."""
    metadata(folder, name, points, version)
    if code is not None:
        (folder / f"{name.replace('-', '_')}.py").write_text(code)
