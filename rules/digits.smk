"""Networks of known use: digits on photographs, with a shortcut in the background (SIMULATED)."""


rule simulate_digits:
    """SIMULATED: digits on photographs with a shortcut, and an array of sites that read the digit only."""
    output:
        train="results/data/{digits}/train.parquet",
        validation="results/data/{digits}/validation.parquet",
        intact="results/data/{digits}/intact.parquet",
        broken="results/data/{digits}/broken.parquet",
        responses="results/data/{digits}/responses.npy",
        images="results/data/{digits}/images.zip",
        truth="results/data/{digits}/truth.h5",
    log:
        "results/logs/simulate_digits/{digits}.log",
    benchmark:
        "results/benchmarks/simulate_digits/{digits}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=code_of("simulate_digits"),
        settings=lambda wildcards: config["digits"][wildcards.digits]["settings"],
        counts=lambda wildcards: config["digits"][wildcards.digits]["images"],
        sites=lambda wildcards: config["digits"][wildcards.digits]["sites"],
        repeats=lambda wildcards: config["digits"][wildcards.digits]["repeats"],
        name=lambda wildcards: config["digits"][wildcards.digits]["recording"],
        seed=config["seed"],
    script:
        "../scripts/simulate_digits.py"


ruleorder: simulate_digits > download_data


rule score_shortcut:
    """Whether one network reads the object or the shortcut, and where it looks."""
    input:
        unpack(shortcut_images),
        weights="results/weights/{model}/{weights}.safetensors",
    output:
        scores="results/{experiment}/shortcut/{model}/{weights}.parquet",
        examples="results/{experiment}/shortcut/{model}/{weights}.examples.h5",
    log:
        "results/{experiment}/logs/score_shortcut/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/score_shortcut/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(60),
        gpu=int(config["device"].startswith("cuda")),
    params:
        code=code_of_network("score_shortcut"),
        labels=lambda wildcards: {key: wildcards[key] for key in ("model", "weights")},
        network=network_of,
        n_aligned=config["shortcut"]["images"],
        patch=config["shortcut"]["patch"],
        stride=config["shortcut"]["stride"],
        n_examples=config["shortcut"]["examples"],
        device=config["device"],
    script:
        "../scripts/score_shortcut.py"


rule collect_shortcut:
    """What every network of the digits study reads, in one tidy table."""
    input:
        scores=per_model("results/{experiment}/shortcut/{model}/{weights}.parquet", STUDIED.index),
        encoding=studied_scores(),
        ceilings=expand(
            f"results/{EXPERIMENT}/ceilings/{{recording}}.parquet", recording=studied_recordings()
        ),
    output:
        table="results/{experiment}/tables/shortcut.parquet",
        table_csv="results/{experiment}/tables/shortcut.csv",
    log:
        "results/{experiment}/logs/collect_shortcut.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_shortcut.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=code_of("collect_shortcut"),
        families=dict(zip(STUDIED["model"], STUDIED["family"])),
        mapping=config["encoding"]["mappings"][0],
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/collect_shortcut.py"


rule plot_shortcut:
    """What networks read, over the strength of the harmonization, and where they look."""
    input:
        table="results/{experiment}/tables/shortcut.parquet",
        examples=studied_examples,
    output:
        pdf="results/{experiment}/figures/shortcut.pdf",
        png=report(
            "results/{experiment}/figures/shortcut.png",
            caption="report/shortcut.rst",
            category="Figures",
        ),
    log:
        "results/{experiment}/logs/plot_shortcut.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_shortcut.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=code_of("plot_shortcut"),
        n_images=config["figures"]["images"],
        base=next(iter(STUDIED["model"]), ""),
    script:
        "../scripts/plot_shortcut.py"


rule harmonizer_study:
    """Only the digits study of the experiment: its table and its figures."""
    input:
        f"results/{EXPERIMENT}/tables/shortcut.parquet",
        f"results/{EXPERIMENT}/figures/shortcut.pdf",
        expand(
            f"results/{EXPERIMENT}/figures/training_{{model}}.pdf",
            model=sorted(set(STUDIED["model"])),
        ),
