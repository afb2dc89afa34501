"""What the rules of the benchmarks need to know of all others."""


def benchmark_patterns(_wildcards):
    """Path of the benchmark files of every rule, by its name."""
    return {rule.name: str(rule.benchmark) for rule in workflow.rules if rule.benchmark}


def names_in_use():
    """Names by wildcard that the experiment uses of what experiments share."""
    recordings = RECORDINGS + studied_recordings()
    stimuli = {entry["stimuli"] for entry in entries_in_use() if "stimuli" in entry}
    stimuli |= {REGISTRY["recordings"][name]["stimuli"] for name in recordings}
    names = {"recording": recordings, "rdm": RDMS, "attention": ATTENTION}
    return names | {"stimuli": sorted(stimuli)}
