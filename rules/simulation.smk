"""Worlds whose answer is known (SIMULATED): arrays that read a network, and the digits study."""


ruleorder: simulate_recordings > simulate_digits > download_data


rule simulate_recordings:
    """SIMULATED arrays, in the archive format of the published recordings, and their truth."""
    input:
        weights=teacher.weights,
    output:
        archive="results/data/arcaro2020_simulated/Arcaro2020_simulated.zip",
        truth="results/data/arcaro2020_simulated/truth.h5",
    log:
        "results/logs/simulate_recordings.log",
    benchmark:
        "results/benchmarks/simulate_recordings.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=ex.code_of("simulate_recordings"),
        network=teacher.network,
        arrays=teacher.arrays,
        repeats=config["simulation"]["repeats"],
        size_px=config["simulation"]["size_px"],
        seed=config["seed"],
    script:
        "../scripts/simulate_recordings.py"


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
        code=ex.code_of("simulate_digits"),
        settings=study.of_digits("settings"),
        counts=study.of_digits("images"),
        sites=study.of_digits("sites"),
        repeats=study.of_digits("repeats"),
        name=study.of_digits("recording"),
        seed=config["seed"],
    script:
        "../scripts/simulate_digits.py"


rule score_shortcut:
    """Whether one network reads the object or the shortcut, and where it looks."""
    input:
        unpack(study.images),
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
        gpu=ex.gpus,
    params:
        code=ex.code_of_network("score_shortcut"),
        labels=ex.labels,
        network=ex.network_of,
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
        scores=ex.per_model(
            "results/{experiment}/shortcut/{model}/{weights}.parquet", ex.studied.index
        ),
        encoding=study.per_model(
            "results/{experiment}/encoding/{recording}/{model}/{weights}.parquet"
        ),
        ceilings=expand(
            "results/{{experiment}}/ceilings/{recording}.parquet", recording=ex.studied_recordings
        ),
    output:
        table="results/{experiment}/tables/shortcut.parquet",
        table_csv="results/{experiment}/tables/shortcut.csv",
    log:
        "results/{experiment}/logs/collect_shortcut.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_shortcut.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("collect_shortcut"),
        networks=study.networks,
        mapping=config["encoding"]["mappings"][0],
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/collect_shortcut.py"


rule plot_shortcut:
    """What networks read, over the strength of the harmonization, and where they look."""
    input:
        table="results/{experiment}/tables/shortcut.parquet",
        examples=study.examples,
    output:
        pdf="results/{experiment}/figures/shortcut.pdf",
        png=report(
            "results/{experiment}/figures/shortcut.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["shortcut"]},
        ),
        rst="results/{experiment}/figures/shortcut.rst",
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
        code=ex.code_of("plot_shortcut"),
        title=TITLES["shortcut"],
        caption=CAPTIONS["shortcut"],
        n_images=config["figures"]["images"],
        base=study.base,
    script:
        "../scripts/plot_shortcut.py"
