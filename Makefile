# Thin: each target is one command. Needs Python 3.11 (or a late 3.12) and make; all else is installed into .venv.

SHELL := /bin/sh
# The first interpreter that has wheels of every requirement (3.11 and 3.12), can make virtual environments, and
# nests calls deep enough: EVM calls nest to 1024, and some releases of 3.12 stop C calls at a fixed 1500.
USABLE := import ensurepip, sys; sys.setrecursionlimit(100000); \
  deep = lambda n: n and max((n,), key=lambda _: deep(n - 1)); deep(8000); \
  sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
PYTHON ?= $(shell for name in python3.11 python3.12 python3; do \
  $$name -c '$(USABLE)' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --only-binary :all:

.PHONY: run status test test-long tools fuzz lint format bench shell configuration requirements clean

run: $(VENV)/.runtime ## start the node; Ctrl-C stops it
	@exec $(BIN)/python manage.py up

status: $(VENV)/.runtime ## what runs
	@exec $(BIN)/python manage.py status

test: tools ## the test suite on its own embedded servers
	@exec $(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile --max-worker-restart 1

test-long: tools ## the tests that need minutes
	@exec $(BIN)/python -m pytest -m long

tools: $(VENV)/.dev ## programs of tests that are not in wheels: Chromium, promtool
	@exec $(BIN)/python -m tests.tools.install

fuzz: $(VENV)/.dev ## a minute of coverage-guided fuzzing of every decoder
	@exec $(BIN)/python -m tests.fuzz.decoders

lint: $(VENV)/.dev ## style, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## rewrite the format
	$(BIN)/ruff format .

bench: $(VENV)/.dev ## the benchmarks of bench/, results on standard output
	@for file in bench/[a-z]*.py; do echo "== $$file"; PYTHONPATH=. $(BIN)/python $$file || exit 1; done

shell: $(VENV)/.runtime ## a Python shell inside the node's settings
	@exec $(BIN)/python manage.py shell

configuration: $(VENV)/.runtime ## generate docs/operations/configuration.md
	@exec $(BIN)/python manage.py configuration --write

requirements: $(VENV)/.dev ## compile the pins
	cd $(CURDIR) && for name in requirements requirements-dev; do \
	  $(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    --pip-args "--only-binary :all:" --output-file $$name.txt $$name.in || exit 1; done

clean: ## remove the virtual environment and caches; the data folder stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# a mark holds the hash of what was installed: an unchanged file installs nothing, whatever its time says
$(VENV)/.runtime: $(VENV)/bin/python FORCE
	@hash=$$(cksum < requirements.txt); if [ "$$hash" != "$$(cat $@ 2>/dev/null)" ]; then \
	  echo "installing requirements.txt"; $(PIP) -r requirements.txt && echo "$$hash" > $@; fi

$(VENV)/.dev: $(VENV)/.runtime FORCE
	@hash=$$(cksum < requirements-dev.txt); if [ "$$hash" != "$$(cat $@ 2>/dev/null)" ]; then \
	  echo "installing requirements-dev.txt"; $(PIP) -r requirements-dev.txt && echo "$$hash" > $@; fi

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 (or a late 3.12) with venv is needed; name it by make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)

.PHONY: FORCE
FORCE:
