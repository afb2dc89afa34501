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


def per_model(pattern, **names):
    """Paths for every row of the model table (and every value of `names`)."""
    return [
        path
        for key in MODELS.index
        for path in expand(pattern, model=key[0], weights=key[1], experiment=EXPERIMENT, **names)
    ]


def window(wildcards):
    """Main window of a recording, ms after stimulus onset."""
    windows = config["encoding"]["window"]
    return windows.get(wildcards.recording, windows["default"])


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


def truth_of(wildcards):
    """The truth file, for a simulated recording."""
    simulated = recording_entry(wildcards).get("simulation")
    return ["results/data/arcaro2020_simulated/truth.h5"] if simulated else []


def shown_models():
    """Rows of the model table whose maps are drawn."""
    return MODELS[MODELS["model"].isin(config["figures"]["models"])]


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
