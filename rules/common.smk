"""What all rules share: the experiment, the parts of it that jobs ask by wildcards, and constraints."""

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# The workflow's own folder, also where it is a module of another one.
HERE = Path(str(workflow.current_basedir)).parent
sys.path.append(str(HERE / "scripts"))
from itcortex.running import orphans
from itcortex.errors import UserError
from itcortex.workflow.schemas import load_yaml
from itcortex.workflow.analysis import Analysis
from itcortex.workflow.attention_sets import AttentionSets
from itcortex.workflow.benchmark_files import BenchmarkFiles
from itcortex.workflow.data_files import DataFiles
from itcortex.workflow.experiment import Experiment
from itcortex.workflow.limits import require_alone, require_gpus, require_network, require_time
from itcortex.workflow.model_checks import ModelChecks
from itcortex.workflow.paths import any_of
from itcortex.workflow.products import BENCHMARKS, CAPTIONS, CHECK_CAPTION, CHECK_TITLE, TITLES
from itcortex.workflow.published_scores import PublishedScores
from itcortex.workflow.requests import Requests
from itcortex.workflow.resources import rising
from itcortex.workflow.scheduling import without_default_limit
from itcortex.workflow.settings import check_overlays
from itcortex.workflow.simulations import DigitsStudy, Teacher
from itcortex.workflow.training_jobs import TrainingJobs

try:
    load_yaml("config.yaml")  # says which line is no YAML; `configfile` does not
    check_overlays(workflow.overwrite_configfiles, workflow.config_settings.overwrite_config)
except UserError as error:
    raise WorkflowError(str(error))


configfile: "config.yaml"


if config["mirror"]:
    os.environ.update(ITCORTEX_MIRROR=config["mirror"])  # downloads are local jobs: they inherit it

checking = any(word.endswith("check_models") for word in sys.argv)  # it says what is wrong
try:
    ex = Experiment.read(config, HERE, checking)
except UserError as error:
    raise WorkflowError(str(error))

analysis, data, attention = Analysis(ex), DataFiles(ex), AttentionSets(ex)
teacher, study, training = Teacher(ex), DigitsStudy(ex), TrainingJobs(ex)
request, measured = Requests(ex), BenchmarkFiles(workflow, data)
published, checks = PublishedScores(ex), ModelChecks(ex)

if workflow.is_main_process and "--unlock" not in sys.argv and (locked := orphans.advice(Path())):
    logger.warning(locked)  # before Snakemake's own words, which recommend --unlock

for line in ex.left_out:
    logger.warning(line)

try:
    if workflow.is_main_process and (changed := ex.made_otherwise):
        logger.warning(changed)
except UserError as error:
    raise WorkflowError(str(error))


wildcard_constraints:
    experiment=any_of([ex.name]),
    dataset=any_of(ex.registry["datasets"]),
    recording=any_of(ex.registry["recordings"]),
    stimuli=any_of(ex.registry["stimuli"]),
    model=any_of(ex.models["model"]),
    weights=any_of(ex.models["weights"]),
    rdm=any_of(ex.registry["rdms"]),
    attention=any_of(ex.registry["attention"]),
    digits=any_of(ex.settings["digits"]),
    variant=any_of([*ex.variants, *ex.splits]),
    other_model=any_of(ex.models["model"]),
    other_weights=any_of(ex.models["weights"]),
    division=any_of(label for _, label in ex.divided),
    split="train|val",
    shard="[0-9]+",
    file="[^/]+",
