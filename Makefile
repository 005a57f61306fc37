# Two commands for a fresh machine with Python 3.11 or newer: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ARGS ?=

.PHONY: demo test dev lint types unit quickstart clean

demo: $(INSTALLED)  ## open the quickstart in JupyterLab, on the emulator; ARGS="--check" runs it without a screen
	$(BIN)/jupyter datasphere demo $(ARGS)

test: lint types unit  ## everything that must hold

dev: $(INSTALLED)  ## an editable install with all tools

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(INSTALLED)
	$(BIN)/mypy

unit: $(INSTALLED)
	$(BIN)/pytest $(ARGS)

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

quickstart: $(INSTALLED)  ## run the quickstart and save the outputs that --check compares with
	$(BIN)/python -m jupyter_datasphere.demo.save

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
