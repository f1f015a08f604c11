"""Numbers of an experiment that its compiled program reads instead of holding them.

In generated C++ a weight, a time constant or a learning rate is the initial value of a
constant, ``const double par_tau_m = 20.0;``. Here each of them becomes an element of one array,
which the program reads when it starts. Experiments that differ only in such numbers then have the
same sources, and the program is compiled once for all of them. The constant itself is kept, so that
the compiler can hold it in a register in loops.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

#: In the folder of the program's own arrays.
_FILE = "static_arrays/numbers"
_NUMBER = r"(- ?)?(\d+\.?\d*(?:e[+-]?\d+)?)"
#: A constant of a function, as Brian2 and scnnbio's templates write it.
_CONSTANT = re.compile(rf"^(\s*const (?:double|float) \w+ = ){_NUMBER};$", re.M)
#: The number that all elements of an array begin with, as Brian2 writes it in main.cpp.
_FIRST_VALUE = re.compile(rf"^(\s*\w+\[i\] = ){_NUMBER};$", re.M)

_DECLARED = "namespace scnnbio { extern double numbers[]; }\n"


def move_numbers_to_file(folder: Path) -> None:
    """Move the numbers in generated sources to a file.

    Parameters
    ----------
    folder : Path
        Folder of the sources; ``objects.cpp`` gets the array, and ``static_arrays/numbers`` its
        content.
    """
    numbers: list[float] = []

    def taken(found: re.Match[str]) -> str:
        head, sign, number = found.groups()
        numbers.append(-float(number) if sign else float(number))
        return f"{head}scnnbio::numbers[{len(numbers) - 1}];"

    places = [(path, _CONSTANT) for path in sorted((folder / "code_objects").glob("*.cpp"))]
    for path, pattern in [*places, (folder / "main.cpp", _FIRST_VALUE)]:
        text, found = pattern.subn(taken, path.read_text())
        if found:
            path.write_text(f"{_DECLARED}{text}")
    (folder / _FILE).write_bytes(np.array(numbers).tobytes())
    with (folder / "objects.cpp").open("a") as objects:
        # An array of at least one element, since C++ has none of zero.
        objects.write(
            "namespace scnnbio {\n"
            f"extern const size_t n_numbers = {len(numbers)};\n"
            f"double numbers[n_numbers + 1];\n"
            "}\n"
        )
