"""Alignment of predicted with recorded maps."""


rule align_maps:
    """Spearman rho between predicted and recorded maps, at full, half and quarter grid."""
    input:
        recording="results/recordings/{recording}.h5",
        predictions="results/{experiment}/encoding/{recording}/{model}/{weights}.predictions.h5",
    output:
        alignment="results/{experiment}/alignment/{recording}/{model}/{weights}.parquet",
    log:
        "results/{experiment}/logs/align_maps/{recording}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/align_maps/{recording}/{model}/{weights}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=code_of("align_maps"),
        method=config["alignment"]["surrogates"],
        draws=config["alignment"]["draws"],
        seed=config["seed"],
        labels=lambda wildcards: {key: wildcards[key] for key in ("recording", "model", "weights")},
    script:
        "../scripts/align_maps.py"
