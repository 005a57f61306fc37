# Two commands for a fresh machine with Python 3.11 or newer: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
FRONT_END := jupyter_datasphere/labextension/package.json
ARGS ?=
# One more than there are cores: a test often waits for what runs in other processes.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')

# Node.js comes with the virtual environment: the machine needs none.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: openapi demo test dev lint types unit proto quickstart screenshots clean

demo: $(INSTALLED) $(FRONT_END)  ## open the quickstart in JupyterLab, on the emulator; ARGS="--check" runs it without a screen
	$(BIN)/jupyter datasphere demo $(ARGS)

test: lint types unit  ## everything that must hold

dev: $(INSTALLED) $(FRONT_END)  ## an editable install with all tools

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	cd labextension && jlpm lint

types: $(INSTALLED) $(FRONT_END)  # building the front end checks its types
	$(BIN)/mypy

unit: $(INSTALLED) $(FRONT_END)
	cd labextension && jlpm test
	$(BIN)/pytest --numprocesses=$(WORKERS) --dist=loadfile $(ARGS)

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	jupyter-builder develop --overwrite .  # a link instead of a copy: what is built again is seen
	touch $@

# The install above has built it already; this is for what changed since.
$(FRONT_END): labextension/package.json labextension/yarn.lock $(shell find labextension/src labextension/style -type f) | $(INSTALLED)
	cd labextension && jlpm install && jlpm build

quickstart: $(INSTALLED)  ## run the quickstart and save the outputs that --check compares with
	$(BIN)/python -m jupyter_datasphere.demo.save

screenshots: $(INSTALLED) $(FRONT_END)  ## have the tests take the pictures of the README anew, with Debian's chromium
	DATASPHERE_SCREENSHOTS=1 $(BIN)/pytest --timeout=300 tests/ui/test_pictures.py

proto: $(INSTALLED)  ## generate the messages of project files anew
	$(BIN)/python -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. \
		jupyter_datasphere/datasphere/project_files.proto

openapi: $(INSTALLED)  ## write the description of the HTTP API anew
	$(BIN)/python -m jupyter_datasphere.server.openapi

clean:
	rm -rf $(VENV) build dist jupyter_datasphere/labextension labextension/lib labextension/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
