# `make demo` and `make test` do all of their own set-up in .venv; nothing else is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
CORES  ?= 2
# Anything after ARGS= goes to Snakemake: make demo ARGS="--dry-run"
ARGS   ?=
MIRROR ?=
# Bars of all rules on a terminal, plain lines elsewhere
RUN     = $(BIN)/snakemake --cores $(CORES) $$( [ -t 2 ] && echo --logger rich ) $(ARGS)
CONFIG  = $(if $(MIRROR),--config mirror="$(MIRROR)")

where   = printf '\nReport:  results/%s/report.html\nFigures: results/%s/figures/\nTables:  results/%s/tables/ (summary.csv first)\n\n' $(1) $(1) $(1)

.PHONY: help install demo macaque test test-fast lint bench format lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## virtual environment from the pinned lock

$(STAMP): envs/requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"Python >= 3.11 is needed, {sys.executable} is {v[0]}.{v[1]}; choose another: make PYTHON=python3.12 ...")'
	@echo "Installing the pinned packages into $(VENV) (a few minutes the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements.txt
	@touch $@

demo: $(STAMP) ## the embedded experiment: simulated arrays, real photographs and networks
	$(RUN) $(CONFIG)
	@$(call where,demo)

macaque: $(STAMP) ## real macaque V4 neurons (MIRROR=folder where there is no internet)
	$(RUN) --configfile experiments/macaque.yaml $(CONFIG)
	@$(call where,macaque)

test: $(STAMP) lint ## all tests
	$(BIN)/python -m pytest

test-fast: $(STAMP) ## unit tests only
	$(BIN)/python -m pytest -m "not workflow"

lint: $(STAMP) ## ruff, snakefmt, codespell, snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/codespell
	$(BIN)/snakemake --lint

bench: $(STAMP) ## speed and memory beside scikit-learn and ikpls: an hour, or ARGS=--quick: 3 minutes
	PYTHONPATH=scripts $(BIN)/python benchmarks/encoding.py $(ARGS)
	@printf '\nTables: results/bench/encoding.csv encoding_ratios.csv claims.csv\n'

format: $(STAMP) ## format everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

lock: ## write envs/requirements.txt anew from envs/requirements.in, in a fresh environment
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet -r envs/requirements.in
	$(PYTHON) envs/lock.py .venv-lock/bin/python > envs/requirements.txt
	rm -rf .venv-lock

clean: ## remove results of the demo, keep downloads, weights and activations
	rm -rf results/demo
