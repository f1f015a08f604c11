# Two commands: `make demo` runs the main job, `make test` the whole suite. Both make their own
# .venv on first use; a repeat installs nothing unless pyproject.toml changed.
#
#   make demo PYTHON=python3.13 PROFILE=tiny BACKEND=brian2 ARGS="--seed 3"
#   make pictures ONLY="v1_features adaptation"

PYTHON  ?= python3
VENV    ?= .venv
# Of the demo: full where there is g++, else quick.
PROFILE ?=
ARGS    ?=
PYTEST_ARGS ?=
# Two processes, a file at a time: what a module of tests sets up is set up once.
SPREAD  ?= -n 2 --dist loadfile
# Of an environment whose NEST has MPI; if none is named, one is built, once.
MPI_PYTHON ?=
MPI_VENV   ?= .venv-mpi
# Of pip-audit, which shares nothing with what it audits.
AUDIT_VENV ?= .venv-audit

BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check --no-input
# pip compiles what it installs on one core. Some packages hold files that no Python 3 compiles.
COMPILE := $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib >/dev/null 2>&1 || true
CORE := $(VENV)/.installed
ALL  := $(VENV)/.installed-all
WHAT := pyproject.toml setup.py

.DEFAULT_GOAL := help
.PHONY: help demo pictures test quick validate fuzz audit test-mpi bench lint format types docs dist clean

help: ## show these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); sys.exit(0 if ok else "scnnbio needs Python 3.11 to 3.13, and this is %d.%d; use make PYTHON=python3.13" % sys.version_info[:2])'
	@echo "Creating $(VENV) from $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -f $(BIN)/python*; \
	  echo "$(PYTHON) -m venv failed: install its venv module (python3-venv on Debian), or name another with PYTHON="; exit 1; }

$(CORE): $(WHAT) | $(BIN)/python
	@echo "Installing scnnbio and what it needs into $(VENV) (about a minute, once)"
	@$(PIP) install --quiet --no-compile --editable .
	@$(COMPILE)
	@touch $@

# One installation serves both commands: the larger one counts as the smaller one too.
$(ALL): $(WHAT) | $(BIN)/python
	@echo "Installing scnnbio with every extra into $(VENV) (a few minutes, once)"
	@$(PIP) install --quiet --no-compile --editable '.[all,bench,dev,docs]'
	@$(COMPILE)
	@touch $(CORE) $@

demo: $(CORE) ## learn V1-like kernels from photographs and draw the report
	@backend="$(BACKEND)"; profile="$(PROFILE)"; \
	if command -v g++ >/dev/null 2>&1; then \
	  backend=$${backend:-brian2-standalone}; profile=$${profile:-full}; \
	elif [ -z "$$backend$$profile" ]; then \
	  echo "No g++ found: running on Brian2's numpy runtime, which is slower, and so the profile quick:"; \
	  echo "32 kernels for 64, 8000 pictures for 16000. Its numbers are not those of the README, which are"; \
	  echo "of PROFILE=full: a minute with g++; without it, that was not done after seven minutes."; \
	fi; \
	set -x; $(BIN)/scnnbio run experiments/v1_features.toml --profile "$${profile:-quick}" --backend "$${backend:-brian2}" $(ARGS)

pictures: $(ALL) ## draw the images of README and docs (ONLY="v1_features", a minute; all take longer)
	$(BIN)/python -m docs.pictures $(ONLY)

test: $(ALL) ## the whole suite: format, lint, types, import layers, tests, doctests
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest $(SPREAD) $(PYTEST_ARGS)

quick: $(ALL) ## the quick subset of the tests
	$(BIN)/python -m pytest $(SPREAD) -m "not slow and not validate" $(PYTEST_ARGS)

validate: $(ALL) ## what takes minutes or gigabytes, one at a time
	$(BIN)/python -m pytest -m validate $(PYTEST_ARGS)

fuzz: $(ALL) ## attack every reader with N=1000 hostile inputs (validate takes 10,000)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz $(or $(N),1000)

$(AUDIT_VENV)/.installed: | $(BIN)/python
	@$(BIN)/python -m venv $(AUDIT_VENV)
	@$(AUDIT_VENV)/bin/python -m pip --disable-pip-version-check --no-input install --quiet 'pip-audit>=2.7,<3'
	@touch $@

audit: $(ALL) $(AUDIT_VENV)/.installed ## look for known vulnerabilities of what is installed (needs a network)
	$(AUDIT_VENV)/bin/python .ci/audit.py "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

$(MPI_VENV)/.built: docs/how_to/build_nest_mpi.sh
	@echo "Building NEST with MPI into $(MPI_VENV) (some ten minutes, once)"
	@PYTHON="$(PYTHON)" sh docs/how_to/build_nest_mpi.sh $(MPI_VENV)
	@$(MPI_VENV)/bin/python -m pip install --quiet --editable '.[nest,mpi,dev]'
	@touch $@

test-mpi: $(if $(MPI_PYTHON),,$(MPI_VENV)/.built) ## NEST in several processes (MPI_PYTHON=..., or builds it in ten minutes)
	SCNNBIO_NEED_MPI=1 $(or $(MPI_PYTHON),$(MPI_VENV)/bin/python) -m pytest tests/backends/test_mpi.py $(PYTEST_ARGS)

bench: $(ALL) ## measure against other simulators (ten minutes; writes results, tables, a figure)
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive PYNEST_QUIET=1 $(BIN)/python -W ignore -m benchmarks

lint: $(ALL) ## format, lint, types and import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(ALL) ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dist: $(ALL) ## build a wheel and an sdist into dist
	$(BIN)/python -c "from setuptools import build_meta as b; b.build_wheel('dist'); b.build_sdist('dist')"

docs: $(ALL) ## build the documentation into docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

clean: ## remove the virtual environment and everything built
	rm -rf $(VENV) build dist docs/_build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
