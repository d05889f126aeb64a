# The two commands: `make demo` and `make test`. Each does its own set-up, into .venv, from requirements.lock.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test test-all check format bench soak sample lock clean

help:
	@echo "make demo    the main job on the shipped sample: from phones' folders to a report"
	@echo "make test    the tests, but for those marked slow"
	@echo "make test-all  every test: also whole runs killed and at random, and the long lists of faults and attacks"
	@echo "make check   style and types, as CI runs them"
	@echo "make bench   speed and memory, as ratios (minutes)"
	@echo "make soak    500 random schedules against the stand-in for ODK Central (half an hour; SEEDS=20 for fewer)"
	@echo "make sample  make the shipped sample and the pictures of the form anew, with the phone's own form engine"
	@echo "make lock    resolve requirements.lock anew"
	@echo "make clean   remove .venv and data/demo"

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "laktasi needs Python 3.11, 3.12 or 3.13; this is $$($(PYTHON) --version). Next: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up .venv from requirements.lock (once; about a minute) ..."
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $(READY)

demo: $(READY)
	@$(BIN)/laktasi demo

test: $(READY)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: $(READY)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY)
	@$(BIN)/python -m benchmarks

SEEDS ?= 500
soak: $(READY)
	@$(BIN)/python -m tests.soak --seeds $(SEEDS)

sample: $(READY)
	@$(BIN)/python -m tests.engine.sample
	@$(BIN)/python -m tests.engine.back_checks
	@$(BIN)/python -m tests.engine.pictures

# No address of a registry in the file: the same lock serves a mirror, a proxy and the open network.
lock:
	uv pip compile --universal --python-version 3.11 --extra dev --generate-hashes --no-emit-index-url --no-header \
	  --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv data/demo
