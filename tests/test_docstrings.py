"""Public functions describe what they take and return, as numpydoc checks it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

import pytest

pytest.importorskip("numpydoc", reason="pip install 'scnnbio[docs]' brings what this test needs")

from numpydoc.validate import validate

from docs.api_pages import packages
from scnnbio.errors import BackendMissing

#: A parameter without a description, one that the function does not take, parameters in another
#: order, no section on what is returned.
CODES = {"PR01", "PR02", "PR03", "RT01"}
#: Decorators and one-liners for authors of figures.
LEFT_OUT = {"scnnbio.figures.new_figure", "scnnbio.figures.styled"}


def names() -> Iterator[str]:
    for package in packages():
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            try:
                value = getattr(module, name)
            except BackendMissing:  # what needs torch, where there is none
                continue
            if inspect.isfunction(value) and f"{package}.{name}" not in LEFT_OUT:
                yield f"{package}.{name}"


def test_public_functions_describe_every_parameter_and_what_they_return() -> None:
    wrong = [
        f"{name}: {message}"
        for name in sorted(names())
        for code, message in validate(name)["errors"]
        if code in CODES
    ]
    assert len(list(names())) > 120
    assert not wrong, "\n".join(wrong)
