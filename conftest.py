"""Doctests are looked for in the whole package: not where an optional simulator is absent."""

import importlib.util

#: Module → where it is imported as soon as a file is.
_NEEDS = {
    "nest": ["scnnbio/backends/nest"],
    "torch": [
        "scnnbio/backends/torch",
        "scnnbio/conversion",
        "tests/conversion/modules.py",
        "tests/oracles/neurobench_numbers.py",
    ],
    "unicorn": ["scnnbio/backends/spinnaker/arm", "scnnbio/backends/spinnaker/binaries.py"],
}

collect_ignore = [
    place
    for module, places in _NEEDS.items()
    if not importlib.util.find_spec(module)
    for place in places
]
