"""Names of variables that a backend cannot use, each with the reason for the error message.

A state variable keeps its name in Brian2 and in the C++ that Brian2 generates; a parameter and the
trace of a rule get a prefix there, as states do in NESTML. So more names are forbidden for states
than for others. ``tests/neurons/test_names.py`` compares the lists with the packages they come
from.
"""

from __future__ import annotations

import keyword
import re

from scnnbio.errors import SpecError
from scnnbio.neurons.arithmetic import FUNCTIONS

#: Names with another meaning in an equation, or in its translation for a backend.
_MEANINGS = {
    **dict.fromkeys(FUNCTIONS, "a function that equations may call"),
    **dict.fromkeys(
        ("rand", "randn", "poisson", "timestep", "log1p", "expm1"), "a function of Brian2"
    ),
    **dict.fromkeys(("pi", "e", "inf"), "a constant of Brian2"),
    **dict.fromkeys(
        ("t", "dt", "i", "N", "lastspike", "refractory", "not_refractory", "t_in_timesteps"),
        "a variable of Brian2",
    ),
    **dict.fromkeys(("free_at", "channel"), "a variable of the generated program"),
}

_CPP = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t
char32_t class co_await co_return co_yield compl concept const const_cast consteval constexpr
constinit continue decltype default delete do double dynamic_cast else enum explicit export extern
false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr
operator or or_eq private protected public register reinterpret_cast requires return short signed
sizeof static static_assert static_cast struct switch template this thread_local throw true try
typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
"""
#: Functions and types in the generated code around a state variable.
_CPP_LIBRARY = """
acos asin atan fabs fmod pow trunc copysign size_t ssize_t int8_t int16_t int32_t int64_t uint8_t
uint16_t uint32_t uint64_t int_ std brian scnnbio alloca errno offsetof stdin stdout stderr
"""
#: Attributes of Brian2's groups, and of the groups that scnnbio creates.
_GROUP = """
active add_attribute add_dependency add_to_magic_network after_run assign_id before_run
check_variable_write clock code_objects codeobj_class contained_objects custom_operation equations
event_codes events get_states id indices invalidates_magic_network method_choice name namespace
order resetter resolve_all run run_at run_on_clock run_on_event run_regularly runner
set_event_schedule set_states
sleep sleeper spikes start state state_updater stop subexpression_updater thresholder updaters
user_equations variables when
"""
_STATES = {
    **dict.fromkeys(_CPP.split(), "a word of C++"),
    **dict.fromkeys(_CPP_LIBRARY.split(), "used by the generated C++"),
    **dict.fromkeys(_GROUP.split(), "an attribute of Brian2's groups"),
    "held_steps": "a variable of the generated program",
}

_UNIT = re.compile(
    r"(da|[yzafpnumcdhkMGTPEZY])?"
    r"(amp(ere)?|becquerel|candle|coulomb|farad|gram(me)?|gray|henry|hertz|joule|katal|kelvin"
    r"|kilogram(me)?|lit(er|re)|lumen|lux|met(er|re)|mol(ar|e)?|newton|ohm|pascal|radian|second"
    r"|siemens|sievert|steradian|tesla|volt|watt|weber)[23]?"
    r"|[cmu]m[23]?|[kM]?Hz|[mu]s|[unpm]A|[unp]F|[un]S|[mun]M|mV"
)
#: Macros of the C++ library: capitals with a '_' or a digit, and some others.
_MACRO = re.compile(
    r"(ADJ|AIO|BC|CHAR|CHARCLASS|CLOCK|CLONE|COLL|CPU|EXIT|EXPR|FD|FILENAME|FOPEN|FP|HOST|HUGE|INT"
    r"|INT\d+|INTMAX|INTPTR|IOV|LC|LINE|LLONG|LOGIN|LONG|MATH|MAX|MB|MOD|M|NAME|NL|PATH|PIPE"
    r"|PTHREAD|PTRDIFF|RAND|RE|RENAME|RTSIG|SCHAR|SCHED|SEEK|SEM|SHRT|SIG|SIZE|SSIZE|STATX|STA|S"
    r"|TIMER|TIME|TMP|TTY|UCHAR|UINT|UINT\d+|UINTMAX|UINTPTR|ULLONG|ULONG|USHRT|UTIME|WCHAR|WINT"
    r"|WORD|XATTR|BIG|LITTLE|PDP|BYTE|BOOL|AT|DELAYTIMER|CLOCKS|NGROUPS|MQ)_[A-Za-z0-9_]+"
    r"|E[A-Z0-9]{3,}|EIO|S?NAN[FL]?[0-9X]*|NULL|INFINITY|EOF|WEOF|BUFSIZ|NZERO|MAXFLOAT|NFDBITS"
    r"|ACCESSPERMS|ALLPERMS|DEFFILEMODE|CSIGNAL|W[A-Z]{6,}|S_[A-Z]+|P_tmpdir|L_[a-z]+"
    r"|(be|le)\d\dtoh|hto[bl]e\d\d|issubnormal|math_errhandling|pthread_\w+|sched_priority"
    r"|st_[acm]time"
)
#: Names that backends derive from the names of states: constants of sleeping neurons.
_DERIVED = re.compile(r"near_\d+|(mid|half)_\d+_\w+")


def check_variable(name: str, where: str) -> None:
    """Raise if the name of a variable has another meaning in an equation.

    Parameters
    ----------
    name : str
        A name of letters, digits and underscores.
    where : str
        Path into the document, for error messages.

    Raises
    ------
    SpecError
        If equations, or some backends, cannot use the name.
    """
    reason = _MEANINGS.get(name)
    if keyword.iskeyword(name):
        reason = "a word of Python"
    elif name == "xi" or name.startswith("xi_"):
        reason = "white noise in Brian2"
    _refuse(name, reason, where)


def check_noise(name: str, where: str) -> None:
    """Refuse ``xi``, Brian2's white noise, in an equation, with what takes its place.

    Raises
    ------
    SpecError
        If the name is ``xi`` or begins with ``xi_``.
    """
    if name == "xi" or name.startswith("xi_"):
        raise SpecError(
            f"{name!r} is white noise in Brian2, which backends draw differently; leave it out and"
            " give the population an OrnsteinUhlenbeckNoise or a PoissonNoise, which are the same"
            " on every backend",
            where=where,
        )


def check_state(name: str, where: str) -> None:
    """Raise if a backend needs the name of a state variable for itself.

    Parameters
    ----------
    name : str
        A name that :func:`check_variable` accepts.
    where : str
        Path into the document, for error messages.

    Raises
    ------
    SpecError
        If Brian2, or the C++ that it generates, cannot use the name.
    """
    reason = _STATES.get(name)
    if _UNIT.fullmatch(name):
        reason = "a unit of Brian2"
    elif name.endswith(("_pre", "_post")):
        reason = "a suffix by which Brian2 marks a variable at one end of a synapse"
    elif _MACRO.fullmatch(name):
        reason = "a macro of C++"
    elif _DERIVED.fullmatch(name) or name.startswith(("par_", "init_", "home_")):
        reason = "a variable of the generated program"
    _refuse(name, reason, where)


def _refuse(name: str, reason: str | None, where: str) -> None:
    if reason is not None:
        raise SpecError(
            f"the name {name!r} is reserved: it is {reason}; choose another", where=where
        )
