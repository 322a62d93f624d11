# make demo: find a critical period on real images, in minutes.   make test: run the whole suite.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test test-ray lint types format clean

help:
	@echo "make demo    find a critical period on real images that ship with critlab, and make the page"
	@echo "make test    run the whole test suite;  make test-ray: also the tests that need Ray"
	@echo "make lint    check style and format;  make types: check types;  make format: mend the format"

# pip, with the pinned constraints: the CPU build of torch, no downloads of CUDA where the platform offers both
$(READY): pyproject.toml constraints.txt
	@echo "setting up $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[report,tables,dev]'
	@touch $(READY)

demo: $(READY)
	@echo "running critlab demo; the page will be demo/index.html"
	@$(BIN)/critlab demo --store demo/store --out demo/index.html

test: $(READY)
	@echo "running the test suite"
	@$(BIN)/python -m pytest

# a simulated cluster of two nodes; apart from the suite, since Ray alone takes 214 MB
test-ray: $(READY)
	@echo "installing Ray and running its tests"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[ray]'
	@$(BIN)/python -m pytest tests_ray

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
