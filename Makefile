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
# What you bring because nobody may pass it on: a folder or file for each place of the settings
comma  := ,
PLACES  = $(strip $(if $(THINGS),things: "$(THINGS)"$(comma)) $(if $(NSD),nsd: "$(NSD)"$(comma)) $(if $(TRIPLEN),triplen: "$(TRIPLEN)"))
CONFIG  = $(if $(MIRROR)$(PLACES),--config $(if $(MIRROR),mirror="$(MIRROR)") $(if $(PLACES),'places={$(PLACES)}'))

# pip and Snakemake write the path into command lines and first lines of scripts without quoting it.
ifneq ($(words $(CURDIR)),1)
$(error The path of this folder, "$(CURDIR)", has a space in it, and Snakemake cannot run there: move the folder)
endif

# Snakemake and the hub's library keep caches in the home folder; where that cannot be written, beside
# the results.
ifeq ($(shell mkdir -p "$${XDG_CACHE_HOME:-$$HOME/.cache}" 2>/dev/null && test -w "$${XDG_CACHE_HOME:-$$HOME/.cache}" && echo yes),)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
endif

where   = printf '\nReport:  results/%s/report.html\nFigures: results/%s/figures/\nTables:  results/%s/tables/ (summary.csv first)\n\n' $(1) $(1) $(1)

.PHONY: help install docs demo pictures published macaque macaque-harmonized tvsd triplen paper paper-plan import-recording check-recordings status check-models cancel-orphans benchmarks harmonizer-study harmonizer-search stage test test-fast test-slow test-slurm lint bench bench-gpu format lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

install: $(STAMP) ## make the virtual environment .venv from the pinned lock

$(STAMP): envs/requirements.txt scripts/itcortex/networks/torchvision_operators.py
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"Python >= 3.11 is needed, {sys.executable} is {v[0]}.{v[1]}; choose another: make PYTHON=python3.12 ...")'
	@echo "Installing the pinned packages into $(VENV) (a few minutes the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -r envs/requirements.txt
	@$(BIN)/python scripts/itcortex/networks/torchvision_operators.py
	@touch $@

demo: $(STAMP) ## run the demo: simulated arrays, real photographs and networks; downloads no data
	$(RUN) $(CONFIG)
	@$(call where,demo)

harmonizer-study: $(STAMP) ## run the digits study at length (simulated); docs/speed.md says how long it takes
	$(RUN) harmonizer_study --configfile experiments/harmonizer_study.yaml $(CONFIG)
	@printf '\nFigures: results/harmonizer_study/figures/\nTable:   results/harmonizer_study/tables/shortcut.csv\n\n'

harmonizer-search: $(STAMP) ## search eighty regimes of the digits study (simulated; hours, resumable)
	$(RUN) --configfile experiments/harmonizer_search.yaml $(CONFIG) -- results/harmonizer_search/tables/shortcut.csv

published: $(STAMP) ## compare hundreds of networks that others scored; 2.3 MB of downloads, about a minute
	$(RUN) --configfile experiments/published.yaml $(CONFIG)
	@cat results/published/tables/findings.md
	@printf '\nFigures: results/published/figures/range.png first\nTables:  results/published/tables/ (findings.md first)\n\n'

macaque: $(STAMP) ## run on real neurons, dissimilarities and human attention; MIRROR=folder gives its files
	$(RUN) --configfile experiments/macaque.yaml $(CONFIG)
	@$(call where,macaque)

macaque-harmonized: $(STAMP) ## train networks to look where people look, then ask V4; MIRROR=folder, 90 minutes on 2 cores
	$(RUN) --configfile experiments/macaque_harmonized.yaml $(CONFIG)
	@$(call where,macaque_harmonized)

tvsd: $(STAMP) ## run on TVSD (22,248 images, V1, V4, IT of two monkeys): THINGS=folder object_images; needs a GPU
	$(RUN) --configfile experiments/tvsd.yaml $(CONFIG)
	@$(call where,tvsd)

triplen: $(STAMP) ## run on Triple-N (28,000 units): TRIPLEN=its netCDF file NSD=folder of images; needs a GPU
	$(RUN) --configfile experiments/triplen.yaml $(CONFIG)
	@$(call where,triplen)

paper: $(STAMP) ## run the paper: 135 networks, three arrays, ClickMe; needs a GPU and much time; first make stage EXPERIMENT=paper
	$(RUN) --configfile experiments/paper.yaml $(CONFIG)
	@$(call where,paper)

pictures: demo ## draw the README's picture from a run of the demo
	cp results/demo/figures/tradeoff.png docs/pictures/demo_tradeoff.png

import-recording: $(STAMP) ## look at your FILE=responses and STIMULI=pictures; print the settings to paste
	@$(BIN)/python scripts/describe_recording.py "$(FILE)" "$(STIMULI)"

check-recordings: $(STAMP) ## look at the recordings of EXPERIMENT=... before anything is run on them
	$(RUN) $(OVERLAY) $(CONFIG) -- check_recordings
	@cat results/$(EXPERIMENT)/checks/summary.txt

status: $(STAMP) ## show what of EXPERIMENT=... is done, running, failed (with logs) or left out; also during a run
	@$(BIN)/python scripts/status.py $(OVERLAY) $(CONFIG) $(ARGS)

check-models: $(STAMP) ## check the models of EXPERIMENT=... before any job: built, run, layers, weights, costs; no download
	@$(RUN) --quiet host progress reason rules $(OVERLAY) $(CONFIG) -- check_models

cancel-orphans: $(STAMP) ## after a run was killed: cancel its Slurm jobs, if it had any, and unlock the folder
	@$(BIN)/python scripts/cancel_orphans.py $(ARGS)

benchmarks: $(STAMP) ## draw where time and memory went, in results/EXPERIMENT/figures/benchmarks.png
	$(RUN) $(OVERLAY) $(CONFIG) -- benchmarks

paper-plan: $(STAMP) ## estimate what the paper's trainings cost, by type of GPU; nothing is trained
	$(RUN) --configfile experiments/paper.yaml $(CONFIG) -- results/paper/tables/training_plan.csv
	@sed '/^#/d' results/paper/logs/plan_training.log

stage: $(STAMP) ## download all data and weights of EXPERIMENT=..., on a machine with internet access
	$(RUN) $(OVERLAY) $(CONFIG) -- stage_data

# Two processes more than cores, because Slurm's tests mostly wait: 4 to 6.
test: WORKERS = $(shell $(PYTHON) -c 'import os; print(max(4, min(6, 2 + (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2))))')
test: $(STAMP) lint test-fast ## check the code's style and run all tests: the fast ones, then all others
	$(BIN)/python -m pytest -m "not fast" --numprocesses $(WORKERS) --no-loadscope-reorder

test-fast: $(STAMP) ## run the tests on arrays and small files: no network is built, no process started
	$(BIN)/python -m pytest -m fast --numprocesses 2

test-slow: $(STAMP) ## run the tests that count long, build networks or start processes, without workflow and Slurm
	$(BIN)/python -m pytest -m "not fast and not workflow and not slurm" --numprocesses 2

test-slurm: $(STAMP) ## run the workflow and its faults on a real Slurm (Debian: apt-get install slurm-wlm munge)
	$(BIN)/python -m pytest tests/slurm

lint: $(STAMP) ## ruff, snakefmt, codespell, import contracts, snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/codespell
	PYTHONPATH=scripts $(BIN)/lint-imports
	$(BIN)/snakemake --lint

# --quick is all that the eight have in common; each has more options of its own (--help)
bench: $(STAMP) ## measure speed and memory of encoding, ridge, extraction, harmonizer, planning, short jobs, collectors, big recordings and report (hours; ARGS=--quick is short)
	PYTHONPATH=scripts $(BIN)/python benchmarks/encoding.py $(ARGS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/ridge.py $(ARGS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/extraction.py $(ARGS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/harmonizer.py $(ARGS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/scaling.py $(ARGS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/overhead.py $(ARGS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/collectors.py $(ARGS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/big_recordings.py $(ARGS)
	PYTHONPATH=scripts $(BIN)/python benchmarks/report_page.py $(ARGS)
	@printf '\nTables in results/bench/: encoding.csv encoding_ratios.csv claims.csv ridge.csv ridge_ratios.csv ridge_claims.csv\n'
	@printf 'harmonizer.csv harmonizer_ratios.csv loader.csv loader_rates.csv harmonizer_claims.csv extraction.csv scaling.csv\n'
	@printf 'overhead.csv overhead_medians.csv collectors.csv big_recordings.csv report_page.csv; machine.json says on what\n'

bench-gpu: $(STAMP) ## measure what is asked of a GPU and run the tests that need one, in five minutes (results/bench/gpu/)
	PYTHONPATH=scripts $(BIN)/python benchmarks/gpu.py $(ARGS)

docs: $(STAMP) ## make these pages a site, with settings, licences and the API: docs/_build/index.html
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q docs docs/_build
	@printf '\nDocumentation: docs/_build/index.html\n\n'

format: $(STAMP) ## format all code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

lock: ## choose new package versions: write envs/requirements.txt from envs/requirements.in
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet -r envs/requirements.in
	$(PYTHON) envs/lock.py .venv-lock/bin/python > envs/requirements.txt
	$(PYTHON) envs/conda.py
	rm -rf .venv-lock

clean: ## remove the results of the demo; downloads, weights and activations stay
	rm -rf results/demo
