#!/usr/bin/env bash
# The tests on each supported Python, one after another, each in an environment of its own.
#
#   .ci/matrix.sh                     # make test with Python 3.11, 3.12 and 3.13
#   .ci/matrix.sh quick               # another target of the Makefile
#   PYTHONS="3.11 3.13" .ci/matrix.sh # some of them
#
# An interpreter is looked for by its name (python3.12) on the PATH, then among those of pyenv.
# One that is not found counts as a failure: a matrix with a hole proves nothing.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target="${1:-test}"
failed=0
summary=""

find_python() {
  local found
  # A shim of pyenv is on the PATH also for a version that is not selected, and then fails.
  if found="$(command -v "python$1")" && "$found" -c pass 2>/dev/null; then
    echo "$found"
    return
  fi
  for found in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/"python$1"; do
    if [ -x "$found" ]; then
      echo "$found"
      return
    fi
  done
  return 1
}

for version in ${PYTHONS:-3.11 3.12 3.13}; do
  if ! python="$(find_python "$version")"; then
    summary+="Python $version: not found (python$version on the PATH, or in pyenv)"$'\n'
    failed=1
  elif make "$target" PYTHON="$python" VENV=".venv-$version"; then
    summary+="Python $version: make $target passed"$'\n'
  else
    summary+="Python $version: make $target FAILED"$'\n'
    failed=1
  fi
done
printf '\n%s' "$summary"
exit "$failed"
