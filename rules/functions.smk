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


def per_model(pattern, **names):
    """Paths for every model whose weights can be had (and every value of `names`)."""
    return [
        path
        for key in MODELS.index
        if key not in MISSING
        for path in expand(pattern, model=key[0], weights=key[1], experiment=EXPERIMENT, **names)
    ]


def window(wildcards):
    """Main window of a recording, ms after stimulus onset."""
    windows = config["encoding"]["window"]
    return windows.get(wildcards.recording, windows["default"])


def network_of(wildcards):
    """The network of a job's model, as JSON values."""
    return Network.of_row(row(wildcards)).asdict()


def code_of_network(rule):
    """Fingerprint of a rule's code, and what the code of a job's builder is known by."""

    def code(wildcards):
        return f"{fingerprint(rule)} {builder_digest(row(wildcards)['builder'])}".strip()

    return code


def weights_file(wildcards):
    """The file that a model's weights are read from, if it is the user's or a dataset's."""
    kind, _, rest = row(wildcards)["source"].partition(":")
    return {"file": rest, "data": f"results/data/{rest}"}.get(kind, [])


def stated(value, otherwise):
    """A number of the model table, or what to take where its cell is empty (NaN)."""
    return value if value == value else otherwise


def fetching_mem_mb(wildcards, attempt):
    """Memory to fetch weights: two copies of them, as measured, and half as much to spare."""
    return int(max(1900, 700 + 12 * stated(row(wildcards)["params_m"], 30)) * attempt)


def activations_mem_mb(wildcards, attempt):
    """Memory to run a network: two copies of its weights, and maps by batch and image area."""
    known = row(wildcards)
    area = (stated(known["input_size"], 224) / 224) ** 2
    maps_mb = 80 * config["activations"]["batch_size"] * area
    return int(max(1900, 600 + 8 * stated(known["params_m"], 30) + maps_mb) * attempt)


def saliency_mem_mb(wildcards, attempt):
    """Memory for gradients with respect to images: as for activations, with all maps kept."""
    known = row(wildcards)
    area = (stated(known["input_size"], 224) / 224) ** 2
    maps_mb = 130 * config["activations"]["batch_size"] * area
    return int(max(1900, 600 + 8 * stated(known["params_m"], 30) + maps_mb) * attempt)


def model_columns():
    """What tables say of every model, as records."""
    scored = MODELS[[key not in MISSING for key in MODELS.index]]
    return scored[["model", "weights", "category", "family", "top1", "baseline"]].to_dict("records")


def all_models():
    """Every row of the model table, with what is missing and why, as records."""
    told = MODELS[["model", "weights", "architecture", "source", "category", "family", "top1"]]
    reasons = [MISSING.get(key, "") for key in MODELS.index]
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
    return sorted({entry["dataset"] for entry in entries_in_use()})


def files_in_use():
    """Downloads that the experiment needs, weights aside."""
    files = {file for entry in entries_in_use() for file in catalogue.files_of(entry)}
    simulated = {n for n, dataset in REGISTRY["datasets"].items() if dataset.get("simulated")}
    return [f"results/data/{d}/{file}" for d, file in sorted(files) if d not in simulated]


def ceiling_used(wildcards):
    """The ceiling that scores of a recording are divided by."""
    name = config["ceiling"]["name"]
    return name if isinstance(name, str) else name.get(wildcards.recording, name["default"])


def data_entry(wildcards):
    """The registry's entry of a file."""
    return REGISTRY["datasets"][wildcards.dataset]["files"][wildcards.file]


def simulated_arrays():
    """Name and properties of every simulated array of the registry, in order."""
    return [
        {"name": name, "folder": REGISTRY["stimuli"][entry["stimuli"]]["folder"]}
        | entry["options"]
        | entry["simulation"]
        for name, entry in REGISTRY["recordings"].items()
        if entry.get("simulation")
    ]


def is_simulated():
    """True if a recording of the experiment is simulated."""
    return any(REGISTRY["recordings"][name].get("simulation") for name in RECORDINGS)


def teacher_row():
    """Row of the model table for the network that simulated sites read."""
    simulation = config["simulation"]
    return MODELS.loc[(simulation["teacher"], simulation["teacher_weights"])]


def teacher_network():
    """The network that simulated sites read, as JSON values; none where nothing is simulated."""
    return Network.of_row(teacher_row().to_dict()).asdict() if is_simulated() else {}


def teacher(_wildcards):
    """Weights that simulated sites read."""
    return "results/weights/{model}/{weights}.safetensors".format(**teacher_row())


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


def attention_files(name):
    """Prepared photographs of a set: one file a shard of ClickMe, one file of others."""
    entry = REGISTRY["attention"][name]
    if entry["format"] != "clickme":
        return [f"results/attention/{name}.parquet"]
    shards = [re.fullmatch(r"(\w+)-(\d+)\.tfrecords", file).groups() for file in entry["files"]]
    return [f"results/clickme/{split}/{shard}.parquet" for split, shard in shards]


def attention_input(wildcards):
    """Prepared photographs of a job's set."""
    return attention_files(wildcards.attention)


def attention_format(wildcards):
    """Reader of a job's set."""
    return REGISTRY["attention"][wildcards.attention]["format"]


def measured_ceilings():
    """Files with the ceilings of the sets whose viewers are known one by one."""
    measured = [name for name in ATTENTION if REGISTRY["attention"][name]["format"] != "clickme"]
    return [f"results/attention/{name}.ceilings.parquet" for name in measured]


def shown_examples(wildcards):
    """Saliency of the shown models on the first set."""
    path = "results/{experiment}/attention/{name}/{model}/{weights}.examples.h5"
    return [
        path.format(
            experiment=wildcards.experiment, name=ATTENTION[0], model=key[0], weights=key[1]
        )
        for key in shown_models().index
    ]


def truth_of(wildcards):
    """The truth file, for a simulated recording."""
    simulated = recording_entry(wildcards).get("simulation")
    return ["results/data/arcaro2020_simulated/truth.h5"] if simulated else []


def shown_models():
    """Rows of the model table whose maps are drawn."""
    scored = MODELS[[key not in MISSING for key in MODELS.index]]
    return scored[scored["model"].isin(config["figures"]["models"])]


def shown_predictions(wildcards):
    """Predictions of every shown model on every recording, recordings outermost."""
    return [
        f"results/{wildcards.experiment}/encoding/{recording}/{model}/{weights}.predictions.h5"
        for recording in RECORDINGS
        for model, weights in shown_models().index
    ]


def planted_layers():
    """Teacher and layer that simulated sites read, by recording."""
    teacher = {key: teacher_row()[key] for key in ("model", "weights")} if is_simulated() else {}
    return {
        name: teacher | {"layer": entry["simulation"]["layer"]}
        for name, entry in REGISTRY["recordings"].items()
        if name in RECORDINGS and entry.get("simulation")
    }


def fingerprints():
    """Fingerprint of the code behind every rule."""
    scripts = sorted((Path(workflow.basedir) / "scripts").glob("*.py"))
    return {path.stem: fingerprint(path.stem) for path in scripts if path.stem != "render_report"}
