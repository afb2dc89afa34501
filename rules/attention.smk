"""Agreement of what networks and people look at."""


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
        "../envs/networks.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=code_of("prepare_clickme"),
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
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=code_of("prepare_attention"),
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
        "../envs/networks.yaml"
    resources:
        mem_mb=network_mem_mb(130),
        runtime=saliency_runtime,
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
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=code_of("collect_attention"),
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
        "../envs/networks.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=code_of("plot_attention"),
        data_format=lambda wildcards: REGISTRY["attention"][ATTENTION[0]]["format"],
        models=[" ".join(key) for key in shown_models().index],
        n_images=config["figures"]["images"],
        blur=config["attention"]["blur"],
        saliency="raw",
    script:
        "../scripts/plot_attention.py"
