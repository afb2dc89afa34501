"""What all rules share: checked settings, tables, names of files, and code fingerprints."""

import os
import re
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

sys.path.append(str(Path(workflow.basedir) / "scripts"))
from itcortex.data import registry as catalogue
from itcortex.downloads import pins
from itcortex.errors import UserError
from itcortex.networks.builders import builder_digest
from itcortex.networks.network import Network
from itcortex.running import devices, orphans, partitions
from itcortex.tables import benchmarks
from itcortex.training import cost
from itcortex.training.recipe import recipe_of
from itcortex.workflow import missing, model_table, schemas, settings, trainings
from itcortex.workflow.fingerprint import fingerprint

try:
    schemas.load_yaml("config.yaml")  # says which line is no YAML; `configfile` does not
except UserError as error:
    raise WorkflowError(str(error))


configfile: "config.yaml"


def checked_settings():
    """Registry, model table and configuration, or one message that says what is wrong with them."""
    base = Path(workflow.basedir)
    folder = base / "rules" / "schemas"
    schema = {
        name: schemas.load_yaml(folder / f"{name}.schema.yaml")
        for name in ("config", "models", "datasets")
    }
    schemas.check(config, schema["config"], "config")
    registry = schemas.load_yaml(config["datasets"])
    schemas.check(registry, schema["datasets"], config["datasets"])
    registry = catalogue.expanded(registry)
    catalogue.check(registry, config["datasets"])
    pins.read(config["lock"])
    models = model_table.read_models(config["models"], schema["models"])
    models = trainings.expand_models(models, config["training"])
    settings.check_experiment(config, registry, models)
    settings.check_results("results")
    return registry, models.set_index(["model", "weights"], drop=False)


if config["mirror"]:
    os.environ.update(ITCORTEX_MIRROR=config["mirror"])  # downloads are local jobs: they inherit it

try:
    REGISTRY, MODELS = checked_settings()
    MISSING = missing.missing(MODELS.to_dict("records"), REGISTRY["datasets"], "results")
    MISSING |= trainings.missing(MODELS.to_dict("records"), config["training"], "results")
except UserError as error:
    raise WorkflowError(str(error))

fingerprint_once = cache(fingerprint)
EXPERIMENT = config["experiment"]
FETCHED = MODELS[MODELS["training"] == ""]
TRAINED = MODELS[(MODELS["training"] != "") & ~MODELS.index.isin([*MISSING])]  # by the workflow
# Networks trained on digits are a study apart; all others are scored as any network.
SIMULATED_ARRAYS = {about["recording"]: about for about in config["digits"].values()}
ON_DIGITS = [name for name, about in config["training"].items() if "digits" in about]
STUDIED = TRAINED[TRAINED["training"].isin(ON_DIGITS)]
SCORED = MODELS[~MODELS.index.isin([*MISSING, *STUDIED.index])]
RECORDINGS = config["recordings"]
RDMS = config["rdms"]
ATTENTION = config["attention"]["sets"]
TABLES = ["scores", "summary", "models", "alignment", "ceilings", "orientation", "tradeoff"]
TABLES += ["rsa", "rsa_ceilings"] if RDMS else []
TABLES += ["attention"] if ATTENTION else []
FIGURES = ["tradeoff", "layers", "maps", "timecourse"]
FIGURES += ["rsa"] if RDMS else []
FIGURES += ["attention"] if ATTENTION else []
TABLES += ["shortcut"] if len(STUDIED) else []
FIGURES += ["shortcut"] if len(STUDIED) else []
FIGURES += [f"training_{model}" for model in TRAINED["model"].unique()]
READABLE = [
    name
    for name in TABLES
    if name in ("summary", "models", "tradeoff", "rsa", "attention", "shortcut")
]

if workflow.is_main_process and "--unlock" not in sys.argv and (locked := orphans.advice(Path())):
    logger.warning(locked)  # before Snakemake's own words, which recommend --unlock

for reason in dict.fromkeys(MISSING.values()):
    names = ", ".join(" ".join(key) for key, why in MISSING.items() if why == reason)
    logger.warning(f"left out: {names}: {reason}")


def any_of(names):
    """Wildcard constraint: exactly one of these names; without names, nothing."""
    return "|".join(re.escape(name) for name in sorted(set(names))) or "(?!)"


wildcard_constraints:
    experiment=re.escape(EXPERIMENT),
    dataset=any_of(REGISTRY["datasets"]),
    recording=any_of(REGISTRY["recordings"]),
    stimuli=any_of(REGISTRY["stimuli"]),
    model=any_of(MODELS["model"]),
    weights=any_of(MODELS["weights"]),
    rdm=any_of(REGISTRY["rdms"]),
    attention=any_of(REGISTRY["attention"]),
    digits=any_of(config["digits"]),
    split="train|val",
    shard="[0-9]+",
    file="[^/]+",
