"""Inputs and params that depend on tables, settings and wildcards, by name."""


def row(wildcards):
    """The row of the model table for a job's model and weights."""
    return MODELS.loc[(wildcards.model, wildcards.weights)].to_dict()


def recording_entry(wildcards):
    """The registry's entry of a job's recording."""
    return REGISTRY["recordings"][wildcards.recording]


def stimuli_entry(wildcards):
    """The registry's entry of a job's stimuli."""
    return REGISTRY["stimuli"][wildcards.stimuli]


def data_file(entry):
    """Path of the downloaded or simulated file that a registry entry reads."""
    return f"results/data/{entry['dataset']}/{entry['file']}"


def image_table_of(wildcards):
    """The table of the images of a recording whose file does not name them itself."""
    entry = recording_entry(wildcards)
    return [data_file(entry | {"file": entry["table"]})] if "table" in entry else []


def per_model(pattern, keys=SCORED.index, **names):
    """Paths for every model that is scored, or those of `keys` (and every value of `names`)."""
    return [
        path
        for model, weights in keys
        for path in expand(pattern, model=model, weights=weights, experiment=EXPERIMENT, **names)
    ]


def window(wildcards):
    """Main window of a recording, ms after stimulus onset."""
    windows = config["encoding"]["window"]
    return windows.get(wildcards.recording, windows["default"])


def folds(wildcards):
    """Folds over the images of a recording: `image`, or how many."""
    study = SIMULATED_ARRAYS.get(wildcards.recording)
    return study["folds"] if study else config["encoding"]["folds"]


def protocol(wildcards):
    """Analysis choices for a recording; the digits study always has ours."""
    studied = wildcards.recording in SIMULATED_ARRAYS
    return "corrected" if studied else config["encoding"]["protocol"]


def network_of(wildcards):
    """The network of a job's model, as JSON values."""
    return Network.of_row(row(wildcards)).asdict()


def code_of(rule):
    """Fingerprint of a rule's code; made when a job asks, so that a job's own process makes one."""
    return lambda wildcards: fingerprint_once(rule)


def code_of_network(rule):
    """Fingerprint of a rule's code, and what the code of a job's builder is known by."""
    return lambda wildcards: (
        f"{fingerprint_once(rule)} {builder_digest(row(wildcards)['builder'])}".strip()
    )


def weights_file(wildcards):
    """The file that a model's weights are read from, if it is the user's or a dataset's."""
    kind, _, rest = row(wildcards)["source"].partition(":")
    return {"file": rest, "data": f"results/data/{rest}"}.get(kind, [])


def all_models():
    """Every row of the model table, with what is missing and why, as records."""
    columns = ["model", "weights", "architecture", "source", "category", "family", "top1"]
    reasons = [MISSING.get(key, "") for key in MODELS.index]
    told = MODELS[[*columns, "baseline", "training", "strength", "seed"]]
    return told.assign(missing=reasons).to_dict("records")


def entries_in_use():
    """Entries of the registry that the experiment reads."""
    recordings = [REGISTRY["recordings"][name] for name in RECORDINGS]
    rdms = [REGISTRY["rdms"][name] for name in RDMS]
    stimuli = {entry["stimuli"] for entry in recordings + rdms}
    shown = [REGISTRY["stimuli"][name] for name in sorted(stimuli)]
    return recordings + rdms + shown + [REGISTRY["attention"][name] for name in ATTENTION]


def datasets_in_use():
    """Names of the datasets that the experiment reads."""
    trained_on = {digits_of(key) for key in STUDIED.index}
    trained_on |= {"clickme"} if shards_of_trainings() else set()
    return sorted({entry["dataset"] for entry in entries_in_use()} | trained_on)


def files_in_use():
    """Downloads that the experiment needs, weights aside."""
    files = {file for entry in entries_in_use() for file in catalogue.files_of(entry)}
    files |= {("clickme", file) for file in shards_of_trainings()}
    simulated = {n for n, dataset in REGISTRY["datasets"].items() if dataset.get("simulated")}
    return [f"results/data/{d}/{file}" for d, file in sorted(files) if d not in simulated]


def ceiling_used(wildcards):
    """The ceiling that scores of a recording are divided by; in the digits study the truth."""
    if wildcards.recording in SIMULATED_ARRAYS:
        return "truth"
    name = config["ceiling"]["name"]
    return name if isinstance(name, str) else name.get(wildcards.recording, name["default"])


def data_entry(wildcards):
    """The registry's entry of a file."""
    return REGISTRY["datasets"][wildcards.dataset]["files"][wildcards.file]


def named_layers(wildcards):
    """Layers that the model table names; none means the layer rule."""
    return [name for name in row(wildcards)["layers"].split(";") if name]


def stimuli_of(wildcards):
    """The stimuli that a recording was made with."""
    return recording_entry(wildcards)["stimuli"]


def activations_of(wildcards):
    """A model's activations on the stimuli of a recording."""
    path = "results/activations/{stimuli}/{model}/{weights}.h5"
    return path.format(stimuli=stimuli_of(wildcards), **wildcards)


def activations_of_rdm(wildcards):
    """A model's activations on the stimuli of published RDMs."""
    stimuli = REGISTRY["rdms"][wildcards.rdm]["stimuli"]
    path = "results/activations/{stimuli}/{model}/{weights}.h5"
    return path.format(stimuli=stimuli, model=wildcards.model, weights=wildcards.weights)


def shown_models():
    """Rows of the model table whose maps are drawn."""
    return SCORED[SCORED["model"].isin(config["figures"]["models"])]


def shown_predictions(wildcards):
    """Predictions of every shown model on every recording, recordings outermost."""
    return [
        f"results/{wildcards.experiment}/encoding/{recording}/{model}/{weights}.predictions.h5"
        for recording in RECORDINGS
        for model, weights in shown_models().index
    ]


def fingerprints():
    """Fingerprint of the code behind every rule that makes results."""
    others = {"render_report", "collect_benchmarks", "plot_benchmarks", "status", "cancel_orphans"}
    scripts = {path.stem for path in (Path(workflow.basedir) / "scripts").glob("*.py")}
    return {name: fingerprint_once(name) for name in sorted(scripts - others)}
