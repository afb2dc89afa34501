"""Agreement of what networks and people look at."""


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


rule prepare_clickme:
    """One TFRecord shard of ClickMe as a table; damaged records are counted and placed."""
    input:
        shard="results/data/clickme/{split}-{shard}.tfrecords",
    output:
        records="results/clickme/{split}/{shard}.parquet",
        problems="results/clickme/{split}/{shard}.problems.parquet",
    log:
        "results/logs/prepare_clickme/{split}/{shard}.log",
    benchmark:
        "results/benchmarks/prepare_clickme/{split}/{shard}.tsv"
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=1900,
        runtime=30,
    params:
        code=fingerprint("prepare_clickme"),
        max_corrupt=config["attention"]["max_corrupt"],
    script:
        "../scripts/prepare_clickme.py"


rule prepare_attention:
    """Photographs with maps of eye and mouse (OSIE), and how far their viewers agree."""
    input:
        unpack(viewing_files),
    output:
        photographs="results/attention/{attention}.parquet",
        ceilings="results/attention/{attention}.ceilings.parquet",
    log:
        "results/logs/prepare_attention/{attention}.log",
    benchmark:
        "results/benchmarks/prepare_attention/{attention}.tsv"
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=1900,
        runtime=30,
    params:
        code=fingerprint("prepare_attention"),
        name=lambda wildcards: wildcards.attention,
        sigma_px=config["attention"]["sigma_px"],
        splits=config["attention"]["splits"],
        seed=config["seed"],
    script:
        "../scripts/prepare_attention.py"


rule score_clickme:
    """Agreement of one model's saliency with maps of human attention (ClickMe, OSIE)."""
    input:
        photographs=attention_input,
        weights="results/weights/{model}/{weights}.safetensors",
    output:
        scores="results/{experiment}/attention/{attention}/{model}/{weights}.parquet",
        examples="results/{experiment}/attention/{attention}/{model}/{weights}.examples.h5",
    log:
        "results/{experiment}/logs/score_clickme/{attention}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/score_clickme/{attention}/{model}/{weights}.tsv"
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=network_mem_mb(130),
        runtime=60,
        gpu=int(config["device"].startswith("cuda")),
    params:
        code=code_of_network("score_clickme"),
        labels=lambda wildcards: {key: wildcards[key] for key in ("attention", "model", "weights")},
        data_format=attention_format,
        network=network_of,
        batch_size=config["activations"]["batch_size"],
        blur=config["attention"]["blur"],
        n_examples=config["attention"]["examples"],
        device=config["device"],
        seed=config["seed"],
    script:
        "../scripts/score_clickme.py"


rule collect_attention:
    """Every model's agreement with human attention as one tidy table."""
    input:
        scores=per_model(
            "results/{experiment}/attention/{attention}/{model}/{weights}.parquet",
            attention=ATTENTION,
        ),
        ceilings=measured_ceilings(),
        models="results/{experiment}/tables/models.parquet",
    output:
        table="results/{experiment}/tables/attention.parquet",
        table_csv="results/{experiment}/tables/attention.csv",
    log:
        "results/{experiment}/logs/collect_attention.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_attention.tsv"
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        code=fingerprint("collect_attention"),
        used={name: REGISTRY["attention"][name]["ceiling"] for name in ATTENTION},
        published={name: REGISTRY["attention"][name].get("published", {}) for name in ATTENTION},
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/collect_attention.py"


rule plot_attention:
    """Agreement with human attention against ImageNet accuracy, and examples."""
    input:
        table="results/{experiment}/tables/attention.parquet",
        photographs=lambda wildcards: attention_files(ATTENTION[0])[0],
        examples=shown_examples,
    output:
        pdf="results/{experiment}/figures/attention.pdf",
        png=report(
            "results/{experiment}/figures/attention.png",
            caption="report/attention.rst",
            category="Figures",
        ),
    log:
        "results/{experiment}/logs/plot_attention.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_attention.tsv"
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=1900,
        runtime=30,
    params:
        code=fingerprint("plot_attention"),
        data_format=lambda wildcards: REGISTRY["attention"][ATTENTION[0]]["format"],
        models=[" ".join(key) for key in shown_models().index],
        n_images=config["figures"]["images"],
        blur=config["attention"]["blur"],
        saliency="raw",
    script:
        "../scripts/plot_attention.py"
