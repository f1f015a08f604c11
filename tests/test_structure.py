"""The shape of the package: no import circles."""

from __future__ import annotations

import graphlib

import grimp


def test_no_module_imports_itself_by_way_of_others() -> None:
    # Imports for types alone count: who needs another's types depends on it.
    graph = grimp.build_graph("scnnbio", exclude_type_checking_imports=False)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    # A package's __init__ gathers names for users; modules inside import one another directly.
    list(graphlib.TopologicalSorter(imports).static_order())  # raises CycleError, with the circle
