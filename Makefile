# make demo: find a critical period on real images, in minutes.   make test: run the whole suite.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUNS := $(VENV)/.runs
# one process for each core; a free process takes tests from the end of another one's list, so that tests of a module
# mostly stay together and share its fixtures
PARALLEL := --numprocesses auto --maxprocesses 8 --dist worksteal
# a hundred processes of the suite would each compile the package again, and two the tests
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-fast test-ray test-slurm test-frameworks site lint types format clean

help:
	@echo "make demo    find a critical period on the bundled images, and write the page"
	@echo "make test    run the whole test suite;  make test-fast: all but the slow tests"
	@echo "make test-ray, make test-slurm, make test-frameworks: run the tests that need Ray; Slurm; Lightning and Transformers"
	@echo "make site    build the documentation into site/; a broken link stops it"
	@echo "make lint    check style, format and words;  make types: check types;  make format: correct the format"

# pip, with the pinned constraints: the CPU build of torch, no downloads of CUDA where the platform offers both.
# What runs critlab, and no tool of a developer; pip's own lines and bars show how far the set-up is.
$(RUNS): pyproject.toml constraints.txt
	@echo "1 of 2: setting up $(VENV) with critlab and torch (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --no-compile --constraint constraints.txt --editable .
	@touch $(RUNS)

$(READY): $(RUNS)
	@echo "adding the developers' tools to $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[tables,dev]'
	@touch $(READY)

demo: $(RUNS)
	@echo "2 of 2: running critlab demo; the page will be demo/index.html"
	@$(BIN)/critlab demo --store demo/store --out demo/index.html

test: $(READY)
	@echo "running the test suite"
	@$(BIN)/python -m pytest $(PARALLEL)

test-fast: $(READY)
	@echo "running the tests that are not marked as slow"
	@$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

# a simulated cluster of two nodes; apart from the suite, since Ray alone takes 214 MB
test-ray: $(READY)
	@echo "installing Ray and running its tests"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[ray]'
	@$(BIN)/python -m pytest tests_ray

# a cluster of a controller and two nodes on this machine; apart from the suite, since pip cannot install Slurm
test-slurm: $(READY)
	@echo "running the tests on Slurm; they need its programs (Debian, Ubuntu: apt-get install slurm-wlm munge)"
	@$(BIN)/python -m pytest tests_slurm

# every test file that is skipped, whole or in part, where Lightning or Transformers is not installed; apart from the
# suite, since they are no part of the set-up
test-frameworks: $(READY)
	@echo "installing Lightning and Transformers and running the tests that need them"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[lightning,hf]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt peft
	@$(BIN)/python -m pytest $$(grep -rlE 'importorskip\("(lightning|transformers)' tests)
	@$(BIN)/python -m pytest tests/report/test_docs.py -k "lightning or transformers"

site: $(READY)
	@echo "building the documentation"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@$(BIN)/sphinx-build -q -W docs site

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python .ci/words.py

types: $(READY)
	@$(BIN)/mypy

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo site build dist .jupyter_cache jupyter_execute .pytest_cache .mypy_cache .ruff_cache .hypothesis
