# Works with GNU make 3.81, which macOS brings. Needs Python 3.11 or newer and nothing else.

.DEFAULT_GOAL := help
.PHONY: help .venv .venv-trackingmore-v2 demo test bench prove lint format types imports check \
        constraints clean clean-venv

python_folders := $(wildcard src tests bench prove tools examples)
# mypy stops at a folder without Python in it.
typed_folders := src tests $(if $(wildcard bench/*.py),bench) prove $(wildcard tools/*.py)

help:
	@echo 'make demo         run the whole service on this machine; DEMO_SECONDS=30 stops by itself'
	@echo 'make test         run all tests; ARGS="tests/unit -k merge" narrows'
	@echo 'make check        lint, types and import rules'
	@echo 'make lint         ruff: rules and formatting'
	@echo 'make format       let ruff mend what it can'
	@echo 'make types        mypy, strict'
	@echo 'make imports      which room may import which (.importlinter)'
	@echo 'make bench        measure; figures go to build/bench.json'
	@echo 'make prove        throw faults at the program, count what was lost; ARGS="A1 A4 --scale 0.1"'
	@echo 'make .venv        the virtual environment that all of these use'
	@echo 'make constraints  pin the dependencies anew; ARGS=--upgrade takes the newest versions'
	@echo 'make clean        remove what was built; make clean-venv removes the environments too'

# --- environments -----------------------------------------------------------------------------

.venv: .venv/.ready
.venv-trackingmore-v2: .venv-trackingmore-v2/.ready

.venv/.ready: pyproject.toml constraints.txt tools/venv.sh
	@tools/venv.sh .venv constraints.txt --with-project

.venv-trackingmore-v2/.ready: constraints-v2-client.txt tools/venv.sh
	@tools/venv.sh .venv-trackingmore-v2 constraints-v2-client.txt

constraints: .venv/.ready
	tools/constraints.sh $(ARGS)

# --- running ----------------------------------------------------------------------------------

demo: .venv/.ready
	@.venv/bin/parcelwire demo $(ARGS)

test: .venv/.ready .venv-trackingmore-v2/.ready
	.venv/bin/python -m pytest $(ARGS)

bench: .venv/.ready
	.venv/bin/python -m bench $(ARGS)

prove: .venv/.ready
	.venv/bin/python -m prove $(ARGS)

# --- checking ---------------------------------------------------------------------------------

check: lint types imports

lint: .venv/.ready
	.venv/bin/ruff check $(python_folders)
	.venv/bin/ruff format --check $(python_folders)

format: .venv/.ready
	.venv/bin/ruff check --fix $(python_folders)
	.venv/bin/ruff format $(python_folders)

types: .venv/.ready
	.venv/bin/mypy $(typed_folders)

imports: .venv/.ready
	.venv/bin/lint-imports --no-cache

# --- leaving ----------------------------------------------------------------------------------

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

clean-venv: clean
	rm -rf .venv .venv-trackingmore-v2
