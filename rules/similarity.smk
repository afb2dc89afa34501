"""Similarity of layers with published dissimilarities of neurons and voxels (RSA)."""


rule compare_rdms:
    """RSA of every layer of one model with one published set of RDMs."""
    input:
        activations=ex.activations_of,
        rdms="results/rdms/{rdm}.h5",
    output:
        comparison="results/{experiment}/rsa/{rdm}/{model}/{weights}.parquet",
        resampled="results/{experiment}/rsa/{rdm}/{model}/{weights}.draws.parquet",
    log:
        "results/{experiment}/logs/compare_rdms/{rdm}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_rdms/{rdm}/{model}/{weights}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=ex.code_of("compare_rdms"),
        labels=ex.labels,
        splits=config["rsa"]["splits"],
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/compare_rdms.py"


rule collect_rsa:
    """RSA of all models with all published RDMs, and what could be reached at best."""
    input:
        comparisons=ex.per_model(
            "results/{experiment}/rsa/{rdm}/{model}/{weights}.parquet", rdm=ex.rdms
        ),
        rdms=expand("results/rdms/{rdm}.h5", rdm=ex.rdms),
        models="results/{experiment}/tables/models.parquet",
    output:
        rsa="results/{experiment}/tables/rsa.parquet",
        rsa_csv="results/{experiment}/tables/rsa.csv",
        rsa_ceilings="results/{experiment}/tables/rsa_ceilings.parquet",
    log:
        "results/{experiment}/logs/collect_rsa.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_rsa.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("collect_rsa"),
        names=ex.rdms,
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/collect_rsa.py"


rule plot_rsa:
    """Similarity of layers' geometry with published RDMs, by depth and by accuracy."""
    input:
        rsa="results/{experiment}/tables/rsa.parquet",
        rsa_ceilings="results/{experiment}/tables/rsa_ceilings.parquet",
    output:
        pdf="results/{experiment}/figures/rsa.pdf",
        png=report(
            "results/{experiment}/figures/rsa.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["rsa"]},
        ),
        rst="results/{experiment}/figures/rsa.rst",
    log:
        "results/{experiment}/logs/plot_rsa.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_rsa.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_rsa"),
        title=TITLES["rsa"],
        caption=CAPTIONS["rsa"],
        pattern=config["rsa"]["pattern"],
    script:
        "../scripts/plot_rsa.py"
