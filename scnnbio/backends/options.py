"""Options of a backend: the arguments of its constructor, read from a table and checked."""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from scnnbio.errors import SpecError, not_one_of
from scnnbio.experiment.documents import choose
from scnnbio.units import In, plain

#: Most threads of one process.
MAX_THREADS = 512


@dataclass(frozen=True)
class Option:
    """One argument of a backend's constructor.

    Parameters
    ----------
    name : str
    annotation : type
        Its type: int, float, bool, str, None, a Literal, or a union of these.
    default : object
    """

    name: str
    annotation: Any
    default: Any

    def __str__(self) -> str:
        kinds = " | ".join(map(_word, self._choices()))
        return f"{self.name} = {kinds}" + (
            f" ({self.unit})" if self.unit not in (None, "1") else ""
        )

    def checked(self, value: Any) -> Any:
        """The value, converted to a float for float options; raises a SpecError if wrong."""
        if self.unit is not None and value is not None:
            return plain(value, self.unit, where=f"backend.{self.name}")
        for kind in self._choices():
            if isinstance(kind, type):
                # In Python True is an int, but it is not a valid number here.
                if type(value) is kind and _is_finite(value):
                    return value
                if kind is float and type(value) is int:
                    return float(value)
            elif value == kind and type(value) is type(kind):
                return value
        raise SpecError(
            not_one_of(value, map(_word, self._choices())), where=f"backend.{self.name}"
        )

    @property
    def unit(self) -> str | None:
        """The unit that its annotation declares, if any."""
        parts = [self.annotation, *get_args(self.annotation)]
        declared = [m for part in parts for m in getattr(part, "__metadata__", ())]
        return next((mark.unit for mark in declared if isinstance(mark, In)), None)

    def _choices(self) -> list[Any]:
        return list(_flat(self.annotation))


def checked_threads(threads: int) -> int:
    """The number of threads; raises a SpecError if it is out of range.

    With more than 512, NEST delivers spikes to wrong neurons, as it has nine bits for the thread.
    """
    if not 1 <= threads <= MAX_THREADS:
        raise SpecError(
            f"{threads} is not a number of threads; use 1 to {MAX_THREADS}, and no more than the"
            " machine has cores",
            where="backend.threads",
        )
    return threads


def _flat(annotation: Any) -> Iterator[Any]:
    """Types, and values of a Literal, that an annotation allows, without None."""
    if get_origin(annotation) is Annotated:
        yield from _flat(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _flat(part)
    elif get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif annotation not in (None, types.NoneType):
        yield annotation


def _is_finite(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _word(choice: Any) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return names.get(choice, str(choice))


def options_of(backend: type) -> dict[str, Option]:
    """Options of a class of backends, by name.

    Parameters
    ----------
    backend : type

    Returns
    -------
    dict of str to Option
        Empty if its constructor has no arguments.
    """
    if backend.__init__ is object.__init__:  # type: ignore[misc]
        return {}
    parameters = inspect.signature(backend, eval_str=True).parameters
    return {name: Option(name, p.annotation, p.default) for name, p in parameters.items()}


def checked(backend: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Check options, and convert them to arguments of a backend's constructor.

    Parameters
    ----------
    backend : type
    values : mapping of str to object
        As given by the user.

    Returns
    -------
    dict of str to object

    Raises
    ------
    SpecError
        If there is no such option, or a value has the wrong type.
    """
    known = options_of(backend)
    return {
        name: choose(known, name, "option", "backend").checked(value)
        for name, value in values.items()
    }
