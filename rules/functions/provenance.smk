"""What stands behind the tables of an experiment."""


def entries_behind_tables():
    """Entries of the registry that jobs read, by kind and name."""
    recordings = [*RECORDINGS, *studied_recordings()]
    shown = [REGISTRY["recordings"][name] for name in recordings]
    shown += [REGISTRY["rdms"][name] for name in RDMS]
    names = {
        "recordings": recordings,
        "rdms": RDMS,
        "attention": ATTENTION,
        "stimuli": sorted({entry["stimuli"] for entry in shown}),
    }
    return {kind: {name: REGISTRY[kind][name] for name in some} for kind, some in names.items()}


def data_behind_tables():
    """Published and simulated files that jobs read."""
    kinds = entries_behind_tables().values()
    entries = [entry for by_name in kinds for entry in by_name.values()]
    pairs = {pair for entry in entries for pair in catalogue.files_of(entry)}
    return [f"results/data/{dataset}/{file}" for dataset, file in sorted(pairs)]


def activations_behind_tables():
    """Activations of every network on what it was shown: those of the study, on its own images."""
    path = "results/activations/{stimuli}/{model}/{weights}.h5"
    shown = [REGISTRY["recordings"][name] for name in RECORDINGS]
    shown += [REGISTRY["rdms"][name] for name in RDMS]
    found = per_model(path, stimuli=sorted({entry["stimuli"] for entry in shown}))
    for key in STUDIED.index:
        recording = config["digits"][digits_of(key)]["recording"]
        found += per_model(path, [key], stimuli=REGISTRY["recordings"][recording]["stimuli"])
    return found
