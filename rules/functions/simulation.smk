"""Simulated arrays and their teacher."""


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


def truth_of(wildcards):
    """The truth file, for a simulated recording."""
    entry = recording_entry(wildcards)
    has_truth = entry.get("simulation") or entry["dataset"] in config["digits"]
    return [f"results/data/{entry['dataset']}/truth.h5"] if has_truth else []


def planted_layers():
    """Teacher and layer that simulated sites read, by recording."""
    teacher = {key: teacher_row()[key] for key in ("model", "weights")} if is_simulated() else {}
    return {
        name: teacher | {"layer": entry["simulation"]["layer"]}
        for name, entry in REGISTRY["recordings"].items()
        if name in RECORDINGS and entry.get("simulation")
    }
