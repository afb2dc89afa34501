"""Where everything lies: every pattern of a path below `results/`, once.

Rules spell their inputs and outputs out, so that a rule can be read alone; a test holds that what they
spell is what stands here. Everything else that needs a path formats one of these.
"""

import re
from collections.abc import Iterable
from pathlib import Path

RESULTS = "results"
#: Kind of entry of the registry that a wildcard names.
KINDS = {"recording": "recordings", "rdm": "rdms", "attention": "attention"}
#: What a job is about, by wildcard: a column of its tables, and the way to what is behind them.
LABELS = (*KINDS, "model", "weights")

# --- shared by all experiments --------------------------------------------------------------------
DATA = "results/data/{dataset}/{file}"
TRUTH = "results/data/{dataset}/truth.h5"
DIGITS = "results/data/{digits}/{file}"
RECORDING = "results/recordings/{recording}.h5"
STIMULI = "results/stimuli/{stimuli}.h5"
IMAGES = "results/stimuli/{stimuli}.parquet"
RDMS = "results/rdms/{rdm}.h5"
PHOTOGRAPHS = "results/attention/{attention}.parquet"
VIEWER_CEILINGS = "results/attention/{attention}.ceilings.parquet"
SPLIT = "results/attention/{attention}.split.csv"
SPLIT_SHARD = "results/attention/{attention}.{file}.parquet"
CLICKME = "results/clickme/{split}/{shard}.parquet"
CLICKME_PROBLEMS = "results/clickme/{split}/{shard}.problems.parquet"
WEIGHTS = "results/weights/{model}/{weights}.safetensors"
HISTORY = "results/weights/{model}/{weights}.parquet"
TRAINING_NOTES = "results/weights/{model}/{weights}.json"
ACTIVATIONS = "results/activations/{stimuli}/{model}/{weights}.h5"
ACTIVATIONS_NOTES = "results/activations/{stimuli}/{model}/{weights}.json"

# --- of one experiment ----------------------------------------------------------------------------
ACCURACY = "results/{experiment}/accuracy/{model}/{weights}.parquet"
ENCODING = "results/{experiment}/encoding/{recording}/{model}/{weights}.parquet"
PARTS = "results/{experiment}/divisions/{recording}/{division}.parquet"
VARIANCE = (
    "results/{experiment}/unique_variance/{recording}/{model}/{weights}/"
    "{other_model}/{other_weights}.parquet"
)
CONCEPTS = "results/{experiment}/concepts/{recording}/{model}/{weights}.h5"
CONCEPT_SCORES = "results/{experiment}/concepts/{recording}/{model}/{weights}.parquet"
VARIANT = "results/{experiment}/variants/{variant}/{recording}/{model}/{weights}.parquet"
PREDICTIONS = "results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5"
MAPPING = "results/{experiment}/mappings/{recording}/{model}/{weights}.h5"
RESPONSES = "results/{experiment}/predicted/{recording}/{model}/{weights}.parquet"
RESPONSES_CSV = "results/{experiment}/predicted/{recording}/{model}/{weights}.csv"
ORIENTATION = "results/{experiment}/orientation/{recording}/{model}/{weights}.parquet"
ALIGNMENT = "results/{experiment}/alignment/{recording}/{model}/{weights}.parquet"
CEILINGS = "results/{experiment}/ceilings/{recording}.parquet"
PREDICTED_BY_OTHERS = "results/{experiment}/recording_pairs/{recording}.parquet"
RECORDING_PAIRS = "results/{experiment}/recording_pairs/{recording}.pairs.parquet"
SHARED_IMAGES = "results/{experiment}/recording_pairs/{recording}.shared.parquet"
SITE_CURVES = "results/{experiment}/recording_pairs/{recording}.curves.parquet"
TESTED_BY_OTHERS = "results/{experiment}/recording_pairs/{recording}.predictions.h5"
RSA = "results/{experiment}/rsa/{rdm}/{model}/{weights}.parquet"
RSA_DRAWS = "results/{experiment}/rsa/{rdm}/{model}/{weights}.draws.parquet"
ATTENTION = "results/{experiment}/attention/{attention}/{model}/{weights}.parquet"
ATTENTION_EXAMPLES = "results/{experiment}/attention/{attention}/{model}/{weights}.examples.h5"
ANSWERS = "results/{experiment}/answers/{model}/{weights}.parquet"
SHORTCUT = "results/{experiment}/shortcut/{model}/{weights}.parquet"
SHORTCUT_EXAMPLES = "results/{experiment}/shortcut/{model}/{weights}.examples.h5"
CHECK = "results/{experiment}/checks/{recording}.{kind}"
CHECKED = "results/{experiment}/checks/summary.txt"
TABLE = "results/{experiment}/tables/{table}.parquet"
TABLE_CSV = "results/{experiment}/tables/{table}.csv"
MULTIVERSE = "results/{experiment}/tables/multiverse.md"
CONDITIONS = "results/{experiment}/tables/conditions.md"
FINDINGS = "results/{experiment}/tables/findings.md"
FIGURE = "results/{experiment}/figures/{figure}.{kind}"
REPORT = "results/{experiment}/report.html"
PROVENANCE = "results/{experiment}/provenance.json"

# --- what jobs leave beside their results; {job} is empty, or the job's wildcards ------------------
SHARED_LOG = "results/logs/{rule}{job}.log"
SHARED_BENCHMARK = "results/benchmarks/{rule}{job}.tsv"
LOG = "results/{experiment}/logs/{rule}{job}.log"
BENCHMARK = "results/{experiment}/benchmarks/{rule}{job}.tsv"

_SHARD = re.compile(r"(?P<split>\w+)-(?P<shard>\d+)\.tfrecords")
_PREPARED = re.compile(r"results/clickme/(?P<split>\w+)/(?P<shard>\d+)\.parquet")


def end_of(pattern: str) -> str:
    """A pattern without the folder of results, or of the experiment: the same wherever these lie."""
    return pattern.removeprefix("results/").removeprefix("{experiment}/")


def below(results: str | Path, pattern: str, **wildcards: str) -> Path:
    """A pattern's file in any folder of results."""
    return Path(results, end_of(pattern).format(**wildcards))


def prepared_clickme(shard: str) -> str:
    """The prepared file of a ClickMe shard: `train-3.tfrecords` is `results/clickme/train/3.parquet`."""
    return CLICKME.format(**_SHARD.fullmatch(shard).groupdict())


def clickme_shards(paths: Iterable[str]) -> list[str]:
    """ClickMe's shards behind prepared ones among `paths`: the inverse of `prepared_clickme`."""
    found = filter(None, map(_PREPARED.fullmatch, paths))
    return ["{split}-{shard}.tfrecords".format(**match.groupdict()) for match in found]


def photographs(name: str, entry: dict) -> list[str]:
    """Prepared photographs of a set, an entry of the registry: a file a shard of ClickMe, else one."""
    if entry["format"] != "clickme":
        return [PHOTOGRAPHS.format(attention=name)]
    return [prepared_clickme(shard) for shard in entry["files"]]


def any_of(names: Iterable[str]) -> str:
    """Wildcard constraint, a regular expression: exactly one of these names; without names, nothing."""
    return "|".join(re.escape(name) for name in sorted(set(names))) or "(?!)"
