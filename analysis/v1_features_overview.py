"""Kernels beside their shapes, as one picture, from the folder of a finished run.

python analysis/v1_features_overview.py RUN_FOLDER OUT.png
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

_HEIGHT = 720
_GAP = 24


def main(folder: Path, out: Path) -> None:
    """Put two of the run's figures side by side on white."""
    parts = []
    for name in ("kernels", "shapes"):
        with Image.open(folder / "figures" / f"{name}.png") as image:
            size = (round(image.width * _HEIGHT / image.height), _HEIGHT)
            parts.append(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    width = sum(part.width for part in parts) + _GAP * (len(parts) + 1)
    page = Image.new("RGB", (width, _HEIGHT + 2 * _GAP), "white")
    left = _GAP
    for part in parts:
        page.paste(part, (left, _GAP))
        left += part.width + _GAP
    page.save(out, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
