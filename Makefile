# `make demo` and `make test` do all of their own set-up in .venv; nothing else is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
CORES  ?= 2
# Anything after ARGS= goes to Snakemake: make demo ARGS="--dry-run"
ARGS   ?=
MIRROR ?=
EXPERIMENT ?= demo
# Bars of all rules on a terminal, plain lines elsewhere
RUN     = $(BIN)/snakemake --cores $(CORES) $$( [ -t 2 ] && echo --logger rich ) $(ARGS)
OVERLAY = $(if $(filter-out demo,$(EXPERIMENT)),--configfile experiments/$(EXPERIMENT).yaml)
CONFIG  = $(if $(MIRROR),--config mirror="$(MIRROR)")

where   = printf '\nReport:  results/%s/report.html\nFigures: results/%s/figures/\nTables:  results/%s/tables/ (summary.csv first)\n\n' $(1) $(1) $(1)

.PHONY: help install demo macaque paper paper-plan status cancel-orphans benchmarks harmonizer-study stage test test-fast test-slurm lint bench format lock clean

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

harmonizer-study: $(STAMP) ## the digits study at length (simulated): about 45 minutes on 2 cores
	$(RUN) harmonizer_study --configfile experiments/harmonizer_study.yaml $(CONFIG)
	@printf '\nFigures: results/harmonizer_study/figures/\nTable:   results/harmonizer_study/tables/shortcut.csv\n\n'

macaque: $(STAMP) ## real neurons, RDMs and human attention (MIRROR=folder without internet)
	$(RUN) --configfile experiments/macaque.yaml $(CONFIG)
	@$(call where,macaque)

paper: $(STAMP) ## the paper: 135 networks, three arrays, ClickMe; needs `make stage`, a GPU, patience
	$(RUN) --configfile experiments/paper.yaml $(CONFIG)
	@$(call where,paper)

status: $(STAMP) ## what is done, running, failed (with logs), left out: EXPERIMENT=..., also while a run works
	@$(BIN)/python scripts/status.py $(OVERLAY) $(CONFIG) $(ARGS)

cancel-orphans: $(STAMP) ## after kill -9: cancel the dead run's Slurm jobs, if it had any, and unlock the folder
	@$(BIN)/python scripts/cancel_orphans.py $(ARGS)

benchmarks: $(STAMP) ## where time and memory went: results/EXPERIMENT/figures/benchmarks.png
	$(RUN) $(OVERLAY) $(CONFIG) -- benchmarks

paper-plan: $(STAMP) ## what the paper's trainings cost, by type of GPU (estimates; nothing is trained)
	$(RUN) --configfile experiments/paper.yaml $(CONFIG) -- results/paper/tables/training_plan.csv
	@sed '/^#/d' results/paper/logs/plan_training.log

stage: $(STAMP) ## download all data and weights of EXPERIMENT=..., on a machine with internet
	$(RUN) $(OVERLAY) $(CONFIG) -- stage_data

test: $(STAMP) lint ## all tests, two processes side by side
	$(BIN)/python -m pytest --numprocesses 2 --no-loadscope-reorder

test-fast: $(STAMP) ## unit tests only
	$(BIN)/python -m pytest -m "not workflow and not slurm"

test-slurm: $(STAMP) ## the line and its faults on a real Slurm (Debian: apt-get install slurm-wlm munge)
	$(BIN)/python -m pytest tests/slurm

lint: $(STAMP) ## ruff, snakefmt, codespell, snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/codespell
	$(BIN)/snakemake --lint

# --quick is all that the four have in common; each has more options of its own (--help)
bench: $(STAMP) ## speed and memory of encoding, harmonizer, planning, short jobs: 4 to 5 hours; ARGS=--quick: 20 minutes
	PYTHONPATH=scripts $(BIN)/python benchmarks/encoding.py $(ARGS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/harmonizer.py $(ARGS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/scaling.py $(ARGS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/overhead.py $(ARGS)
	@printf '\nTables in results/bench/: encoding.csv encoding_ratios.csv claims.csv harmonizer.csv\n'
	@printf 'harmonizer_ratios.csv loader.csv loader_rates.csv harmonizer_claims.csv scaling.csv\n'
	@printf 'overhead.csv overhead_medians.csv; machine.json says on what\n'

format: $(STAMP) ## format everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

lock: ## write envs/requirements.txt anew from envs/requirements.in, in a fresh environment
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet -r envs/requirements.in
	$(PYTHON) envs/lock.py .venv-lock/bin/python > envs/requirements.txt
	$(PYTHON) envs/conda.py
	rm -rf .venv-lock

clean: ## remove results of the demo, keep downloads, weights and activations
	rm -rf results/demo
