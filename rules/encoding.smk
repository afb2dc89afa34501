"""From activations to sites: cross-validated predictions, and what they could reach at best."""


rule fit_encoding:
    """All layers, folds and windows of one model on one recording."""
    input:
        activations=activations_of,
        recording="results/recordings/{recording}.h5",
    output:
        scores="results/{experiment}/encoding/{recording}/{model}/{weights}.parquet",
        predictions="results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5",
        orientation="results/{experiment}/orientation/{recording}/{model}/{weights}.parquet",
    log:
        "results/{experiment}/logs/fit_encoding/{recording}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/fit_encoding/{recording}/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=encoding_mem_mb,
        runtime=encoding_runtime,
    params:
        code=code_of("fit_encoding"),
        labels=lambda wildcards: {key: wildcards[key] for key in ("recording", "model", "weights")},
        kinds=config["encoding"]["mappings"],
        protocol=protocol,
        components=config["encoding"]["components"],
        rule=config["encoding"]["rule"],
        folds=folds,
        pool=config["encoding"]["pool"],
        window=window,
        sweep=config["encoding"]["sweep"],
        seed=config["seed"],
    script:
        "../scripts/fit_encoding.py"


rule estimate_ceiling:
    """Every noise ceiling that one recording allows."""
    input:
        recording="results/recordings/{recording}.h5",
        truth=truth_of,
    output:
        ceilings="results/{experiment}/ceilings/{recording}.parquet",
    log:
        "results/{experiment}/logs/estimate_ceiling/{recording}.log",
    benchmark:
        "results/{experiment}/benchmarks/estimate_ceiling/{recording}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(60),
    params:
        code=code_of("estimate_ceiling"),
        name=lambda wildcards: wildcards.recording,
        protocol=protocol,
        folds=folds,
        window=window,
        sweep=config["encoding"]["sweep"],
        used=ceiling_used,
        splits=config["ceiling"]["splits"],
        seed=config["seed"],
    script:
        "../scripts/estimate_ceiling.py"
