"""Doctests are looked for in the whole package: not where an optional simulator is absent."""

import importlib.util

collect_ignore = [] if importlib.util.find_spec("nest") else ["scnnbio/backends/nest"]
