"""Similarity of layers with published dissimilarities of neurons and voxels (RSA)."""


rule prepare_rdms:
    """Published dissimilarities of one set of images, in one form."""
    input:
        source=lambda wildcards: data_file(REGISTRY["rdms"][wildcards.rdm]),
    output:
        rdms="results/rdms/{rdm}.h5",
    log:
        "results/logs/prepare_rdms/{rdm}.log",
    benchmark:
        "results/benchmarks/prepare_rdms/{rdm}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=code_of("prepare_rdms"),
        entry=lambda wildcards: REGISTRY["rdms"][wildcards.rdm],
    script:
        "../scripts/prepare_rdms.py"


rule compare_rdms:
    """RSA of every layer of one model with one published set of RDMs."""
    input:
        activations=activations_of_rdm,
        rdms="results/rdms/{rdm}.h5",
    output:
        comparison="results/{experiment}/rsa/{rdm}/{model}/{weights}.parquet",
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
        code=code_of("compare_rdms"),
        labels=lambda wildcards: {key: wildcards[key] for key in ("rdm", "model", "weights")},
        splits=config["rsa"]["splits"],
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/compare_rdms.py"


rule collect_rsa:
    """RSA of all models with all published RDMs, and what could be reached at best."""
    input:
        comparisons=per_model("results/{experiment}/rsa/{rdm}/{model}/{weights}.parquet", rdm=RDMS),
        rdms=expand("results/rdms/{rdm}.h5", rdm=RDMS),
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
        code=code_of("collect_rsa"),
        names=RDMS,
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
            caption="report/rsa.rst",
            category="Figures",
        ),
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
        code=code_of("plot_rsa"),
        pattern=config["rsa"]["pattern"],
    script:
        "../scripts/plot_rsa.py"
