"""The cache of compiled programs: once each, whole or not at all, and damage is mended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from scnnbio.backends import _cache, _scratch
from scnnbio.backends.brian2 import compiling, quicker
from scnnbio.errors import BackendMissing, DataError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCNNBIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "brian2"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder of sources; no compiler is asked."""
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "main.cpp").write_text("int main() { return 0; }\n")
    return folder


def test_a_program_is_compiled_once(sources: Path, made: list[Path], cache: Path) -> None:
    assert compiling.compile_project(sources).fresh
    first = (sources / "main").read_bytes()
    (sources / "main").unlink()
    assert not compiling.compile_project(sources).fresh
    assert (sources / "main").read_bytes() == first
    assert made == [sources]
    assert len(list(cache.iterdir())) == 1


def test_other_sources_are_compiled(sources: Path, made: list[Path]) -> None:
    compiling.compile_project(sources)
    (sources / "code_objects").mkdir()
    for path in (sources / "code_objects" / "a.cpp", sources / "b.h", sources / "makefile"):
        path.write_text("more")
        assert compiling.compile_project(sources).fresh
    # The same bytes, cut into files elsewhere.
    (sources / "makefile").write_text("mo")
    assert compiling.compile_project(sources).fresh
    assert len(made) == 5


def test_another_compiler_compiles_again(
    sources: Path, made: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiling.compile_project(sources)
    compiler = tmp_path / "other"
    compiler.write_text("#!/bin/sh\necho version 99 >&2\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    assert compiling.compile_project(sources).fresh
    assert len(made) == 2


def test_other_flags_and_another_brian2_compile_again(
    sources: Path, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import brian2 as b2

    compiling.compile_project(sources)
    monkeypatch.setattr(b2, "__version__", "99")
    assert compiling.compile_project(sources).fresh
    before = b2.prefs["codegen.cpp.extra_compile_args_gcc"]
    try:
        b2.prefs["codegen.cpp.extra_compile_args_gcc"] = ["-O1", "-march=x86-64"]
        assert compiling.compile_project(sources).fresh
    finally:
        b2.prefs["codegen.cpp.extra_compile_args_gcc"] = before


@pytest.mark.parametrize("damage", [b"", b"compiled int", b"something else altogether"])
def test_a_damaged_program_is_compiled_again(
    sources: Path, made: list[Path], cache: Path, damage: bytes
) -> None:
    compiling.compile_project(sources)
    whole = (sources / "main").read_bytes()
    (home,) = cache.iterdir()
    (home / "main").write_bytes(damage)
    assert compiling.compile_project(sources).fresh
    assert (sources / "main").read_bytes() == whole
    assert not compiling.compile_project(sources).fresh
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("lost", ["main", "sha256"])
def test_a_program_that_lost_a_file_is_compiled_again(
    sources: Path, made: list[Path], cache: Path, lost: str
) -> None:
    compiling.compile_project(sources)
    (home,) = cache.iterdir()
    (home / lost).unlink()
    assert compiling.compile_project(sources).fresh
    assert not compiling.compile_project(sources).fresh


@pytest.mark.parametrize("locks", [True, False])
def test_two_that_compile_at_once_both_get_the_program(
    locks: bool, sources: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one waits for the first; where a file system has no locks, both compile."""
    at_work, twin, compiled = (
        threading.Barrier(1 if locks else 2, timeout=30),
        tmp_path / "twin",
        [],
    )
    twin.mkdir()
    (twin / "main.cpp").write_bytes((sources / "main.cpp").read_bytes())

    def make(folder: Path) -> None:
        (folder / "main").write_bytes(b"compiled")
        compiled.append(folder)
        at_work.wait()
        time.sleep(0.1)

    def no_locks(*_: object, **__: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(compiling, "_make", make)
    if not locks:
        monkeypatch.setattr(compiling, "locked", no_locks)
    both = [threading.Thread(target=compiling.compile_project, args=(f,)) for f in (sources, twin)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert [(f / "main").read_bytes() for f in (sources, twin)] == [b"compiled"] * 2
    assert len(compiled) == (1 if locks else 2)
    assert len(list(cache.iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(
    sources: Path, made: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCNNBIO_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"set SCNNBIO_CACHE"):
        compiling.compile_project(sources)
    assert made == []


def test_a_full_disk_leaves_no_program(
    sources: Path, made: list[Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = compiling.shutil.copy2

    def full(source: Path, target: Path) -> object:
        if "build-" in str(target):
            raise OSError(28, "No space left on device")
        return real(source, target)

    monkeypatch.setattr(compiling.shutil, "copy2", full)
    with pytest.raises(DataError, match=r"No space left on device.*free some space"):
        compiling.compile_project(sources)
    assert list(cache.iterdir()) == []


# The module by its file, which imports nothing but the standard library.
_BUILD_AND_DIE = """
import os, runpy, signal, sys
from pathlib import Path

scratch_folder = runpy.run_path(sys.argv[1])["scratch_folder"]
with scratch_folder("build-", Path(sys.argv[2])) as work:
    (work / "half").write_text("a program")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("clock", [-7200.0, 7200.0])
def test_what_a_killed_process_was_building_goes_and_what_a_living_one_builds_stays(
    sources: Path, made: list[Path], cache: Path, clock: float
) -> None:
    """Whether the clock says that both are two hours old, or two hours of the future."""
    cache.mkdir(parents=True)
    words = [sys.executable, "-c", _BUILD_AND_DIE, _scratch.__file__, str(cache)]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    (left,) = cache.iterdir()
    assert (left / "half").exists()
    with _cache.new_folder(cache, "a program") as living:
        (living / "half").touch()
        assert left.exists()  # so young that its process might be about to lock it
        for folder in (left, living):
            os.utime(folder, (time.time() + clock,) * 2)
        compiling.compile_project(sources)
        assert not left.exists()
        assert (living / "half").exists()
    assert len(list(cache.iterdir())) == 1


def test_a_cache_is_private(sources: Path, made: list[Path], cache: Path) -> None:
    compiling.compile_project(sources)
    assert cache.stat().st_mode & 0o777 == 0o700
    cache.chmod(0o777)
    assert not compiling.compile_project(sources).fresh
    assert cache.stat().st_mode & 0o777 == 0o700


def test_a_cache_of_another_user_is_refused(
    sources: Path, made: list[Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiling.compile_project(sources)
    mine = os.geteuid()
    monkeypatch.setattr(_cache.os, "geteuid", lambda: mine + 1)
    with pytest.raises(DataError, match=r"belongs to another user.*set SCNNBIO_CACHE") as caught:
        compiling.compile_project(sources)
    assert caught.value.where == str(cache)


def test_a_program_that_another_user_put_there_is_not_run(
    sources: Path, made: list[Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiling.compile_project(sources)
    (home,) = cache.iterdir()
    real = Path.stat

    def stat(self: Path, **how: bool) -> os.stat_result:
        found = real(self, **how)
        if self.parent != home:
            return found
        return os.stat_result([*found[:4], found.st_uid + 1, *found[5:]])

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", stat)
        assert compiling.compile_project(sources).fresh
    assert not compiling.compile_project(sources).fresh


@pytest.mark.slow
def test_a_compiler_that_fails_is_quoted(sources: Path, cache: Path) -> None:
    (sources / "makefile").write_text("all:\n\t@echo 'x.cpp:1: error: no bits left' >&2; false\n")
    with pytest.raises(BackendMissing, match="error: no bits left"):
        compiling.compile_project(sources)
    assert list(cache.iterdir()) == []


# -- what makes a compilation quick ---------------------------------------------------------------

_OBJECTS = """
void set_variable_by_name(std::string name) {
    if (name == "a") { std::abort();
    }
}

void _write_arrays()
{
    std::abort();
}

int kept() {
    return 7;
}
"""


def test_functions_that_no_program_calls_are_emptied() -> None:
    found = quicker.empty_unused(_OBJECTS)
    assert found.count("abort") == 0
    assert "int kept() {\n    return 7;\n}\n" in found
    assert found.count("{") == found.count("}") == 3
    assert quicker.empty_unused("int kept();\n") == "int kept();\n"


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The standard header, compiled into a cache whose path make and the shell would misread."""
    cache = tmp_path_factory.mktemp("cache $HOME #1 it's")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCNNBIO_CACHE", str(cache))
        assert quicker.standard_header(*compiler()) is not None
    return cache


def compiler() -> tuple[list[str], str]:
    import brian2 as b2

    before = dict(b2.prefs)
    for name, value in compiling.preferences().items():
        b2.prefs[name] = value
    try:
        return compiling.compiler(), compiling.compiler_identity()
    finally:
        for name in compiling.preferences():
            b2.prefs[name] = before[name]


@pytest.mark.slow
def test_a_program_takes_the_standard_header_from_the_cache(
    headers: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GCC says with -H which precompiled header it takes: "!" is one that it could use."""
    monkeypatch.setenv("SCNNBIO_CACHE", str(headers))
    words, identity = compiler()
    (sources / "makefile").write_text(
        "CXXFLAGS = -c " + " ".join(words[1:]) + "\nDEPS = made.deps\n"
        "main: main.o objects.o $(DEPS)\n\t$(CXX) main.o objects.o -o main\n"
        "made.deps:\n\ttouch made.deps\n"
        "%.o: %.cpp\n\t$(CXX) -H $(CXXFLAGS) $< -o $@ 2> $@.said\n"
    )
    (sources / "objects.cpp").write_text("int objects() { std::vector<int> a(3); return 7; }\n")
    quicker.write_rules(sources, words, identity)
    subprocess.run(["make"], cwd=sources, check=True, capture_output=True)
    assert (sources / "main").exists()
    assert not (sources / "made.deps").exists()
    for name in ("main.o.said", "objects.o.said"):
        said = (sources / name).read_text().splitlines()
        assert said[0].startswith("! "), said
        assert said[0].endswith("standard.h.gch"), said


@pytest.mark.slow
def test_a_damaged_header_is_made_again(headers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCNNBIO_CACHE", str(headers))
    (header,) = headers.rglob("standard.h.gch")
    whole = header.stat().st_size
    with header.open("r+b") as file:
        file.seek(whole // 2)
        file.write(b"damage")
    assert quicker.standard_header(*compiler()) == header.with_suffix("")
    assert (header.parent / "sha256").read_text() == _cache.digest_of(header)
    assert b"damage" not in header.read_bytes()


def test_where_there_is_no_header_a_program_compiles_all_the_same(
    sources: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCNNBIO_CACHE", str(tmp_path / "file"))
    assert quicker.standard_header(*compiler()) is None
    assert quicker.standard_header(["clang++"], "clang version 14") is None
    quicker.write_rules(sources, *compiler())
    assert (sources / "GNUmakefile").read_text() == quicker.RULES
