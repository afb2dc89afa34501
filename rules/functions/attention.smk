"""Sets of photographs with maps of human attention."""


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


def viewing_files(wildcards):
    """Photographs, fixations and mouse positions of a set, in the registry's order."""
    entry = REGISTRY["attention"][wildcards.attention]
    paths = [data_file(entry | {"file": file}) for file in entry["files"]]
    return dict(zip(("stimuli", "fixations", "mouse"), paths, strict=True))


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
