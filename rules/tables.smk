"""Tables of the whole experiment, and statistics of the trade-off."""


rule collect_models:
    """Every network of the experiment: what it is, its accuracy, and why it is missing if it is."""
    input:
        histories=[*ex.histories.values()],
    output:
        table="results/{experiment}/tables/models.parquet",
        table_csv="results/{experiment}/tables/models.csv",
    log:
        "results/{experiment}/logs/collect_models.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_models.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("collect_models"),
        models=ex.all_models,
        trained=[*ex.histories],
    script:
        "../scripts/collect_models.py"


rule collect_scores:
    """Raw scores, ceilings and alignment of all models and recordings as tidy tables."""
    input:
        encoding=ex.per_model(
            "results/{experiment}/encoding/{recording}/{model}/{weights}.parquet",
            recording=ex.recordings,
        ),
        alignments=ex.per_model(
            "results/{experiment}/alignment/{recording}/{model}/{weights}.parquet",
            recording=ex.recordings,
        ),
        orientations=ex.per_model(
            "results/{experiment}/orientation/{recording}/{model}/{weights}.parquet",
            recording=ex.recordings,
        ),
        ceiling=expand(
            "results/{{experiment}}/ceilings/{recording}.parquet", recording=ex.recordings
        ),
        models="results/{experiment}/tables/models.parquet",
    output:
        scores="results/{experiment}/tables/scores.parquet",
        summary="results/{experiment}/tables/summary.parquet",
        summary_csv="results/{experiment}/tables/summary.csv",
        alignment="results/{experiment}/tables/alignment.parquet",
        ceilings="results/{experiment}/tables/ceilings.parquet",
        orientation="results/{experiment}/tables/orientation.parquet",
    log:
        "results/{experiment}/logs/collect_scores.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_scores.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(60),
    params:
        code=ex.code_of("collect_scores"),
        recordings=data.attributes,
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/collect_scores.py"


rule estimate_tradeoff:
    """Does predictivity fall as ImageNet accuracy rises? Bootstraps clustered by model family."""
    input:
        summary="results/{experiment}/tables/summary.parquet",
    output:
        tradeoff="results/{experiment}/tables/tradeoff.parquet",
        tradeoff_csv="results/{experiment}/tables/tradeoff.csv",
    log:
        "results/{experiment}/logs/estimate_tradeoff.log",
    benchmark:
        "results/{experiment}/benchmarks/estimate_tradeoff.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(60),
    params:
        code=ex.code_of("estimate_tradeoff"),
        score=config["statistics"]["score"],
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/estimate_tradeoff.py"
