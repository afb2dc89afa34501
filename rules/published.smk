"""Scores that others published: their trends with accuracy, by range of accuracy and family."""


rule collect_published:
    """All named tables of published scores in one layout, and our own experiments that have run."""
    input:
        files=published.files,
        ours=[*published.ours.values()],
        attention=[*published.our_attention.values()],
    output:
        table="results/{experiment}/tables/published.parquet",
        table_csv="results/{experiment}/tables/published.csv",
    log:
        "results/{experiment}/logs/collect_published.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_published.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("collect_published"),
        tables=published.tables,
        titles=[*published.ours],
        attention_titles=[*published.our_attention],
    script:
        "../scripts/collect_published.py"


rule compare_published:
    """Our scores beside published ones of the same networks, by timm name."""
    input:
        published="results/{experiment}/tables/published.parquet",
        ours=[*published.ours.values()],
    output:
        pairs="results/{experiment}/tables/published_pairs.parquet",
        pairs_csv="results/{experiment}/tables/published_pairs.csv",
        comparison="results/{experiment}/tables/published_comparison.parquet",
        comparison_csv="results/{experiment}/tables/published_comparison.csv",
    log:
        "results/{experiment}/logs/compare_published.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_published.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("compare_published"),
        titles=[*published.ours],
        unnamed=published.unnamed,
        same=config["published"]["same"],
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/compare_published.py"


rule estimate_range:
    """How the trend depends on the range of accuracy, and on families; what that says in words."""
    input:
        published="results/{experiment}/tables/published.parquet",
    output:
        range_curve="results/{experiment}/tables/range_curve.parquet",
        range_curve_csv="results/{experiment}/tables/range_curve.csv",
        family_trends="results/{experiment}/tables/family_trends.parquet",
        family_trends_csv="results/{experiment}/tables/family_trends.csv",
        findings="results/{experiment}/tables/findings.md",
    log:
        "results/{experiment}/logs/estimate_range.log",
    benchmark:
        "results/{experiment}/benchmarks/estimate_range.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(60),
    params:
        code=ex.code_of("estimate_range"),
        ranges=config["published"]["ranges"],
        cut=config["published"]["cut"],
        labels=published.labels,
        bibliography=published.bibliography,
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/estimate_range.py"


rule plot_range:
    """Rank correlation over the lowest accuracy that is kept: IT in one panel, all lines a table."""
    input:
        range_curve="results/{experiment}/tables/range_curve.parquet",
    output:
        pdf="results/{experiment}/figures/range.pdf",
        png=report(
            "results/{experiment}/figures/range.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["range"]},
        ),
        rst="results/{experiment}/figures/range.rst",
        tables_pdf="results/{experiment}/figures/range_tables.pdf",
        tables_png=report(
            "results/{experiment}/figures/range_tables.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["range_tables"]},
        ),
        tables_rst="results/{experiment}/figures/range_tables.rst",
    log:
        "results/{experiment}/logs/plot_range.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_range.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_range"),
        titles={"range": TITLES["range"], "range_tables": TITLES["range_tables"]},
        captions_of={"range": CAPTIONS["range"], "range_tables": CAPTIONS["range_tables"]},
        labels=published.labels,
        main_sources=[*config["published"]["main"], *published.ours],
        cut=config["published"]["cut"],
    script:
        "../scripts/plot_range.py"


rule plot_published:
    """Published scores against accuracy: every table; alignment with people; Brain-Score's IT."""
    input:
        published="results/{experiment}/tables/published.parquet",
    output:
        pdf="results/{experiment}/figures/published.pdf",
        png=report(
            "results/{experiment}/figures/published.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["published"]},
        ),
        rst="results/{experiment}/figures/published.rst",
        alignment_pdf="results/{experiment}/figures/published_alignment.pdf",
        alignment_png=report(
            "results/{experiment}/figures/published_alignment.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["published_alignment"]},
        ),
        alignment_rst="results/{experiment}/figures/published_alignment.rst",
        it_pdf="results/{experiment}/figures/published_it.pdf",
        it_png=report(
            "results/{experiment}/figures/published_it.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["published_it"]},
        ),
        it_rst="results/{experiment}/figures/published_it.rst",
    log:
        "results/{experiment}/logs/plot_published.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_published.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_published"),
        titles={
            "published": TITLES["published"],
            "published_alignment": TITLES["published_alignment"],
            "published_it": TITLES["published_it"],
        },
        captions_of={
            "published": CAPTIONS["published"],
            "published_alignment": CAPTIONS["published_alignment"],
            "published_it": CAPTIONS["published_it"],
        },
        labels=published.labels,
        cut=config["published"]["cut"],
        lines=config["published"]["alone"],
    script:
        "../scripts/plot_published.py"


rule plot_comparison:
    """Our scores against published ones of the same networks."""
    input:
        pairs="results/{experiment}/tables/published_pairs.parquet",
        comparison="results/{experiment}/tables/published_comparison.parquet",
    output:
        pdf="results/{experiment}/figures/published_pairs.pdf",
        png=report(
            "results/{experiment}/figures/published_pairs.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["published_pairs"]},
        ),
        rst="results/{experiment}/figures/published_pairs.rst",
    log:
        "results/{experiment}/logs/plot_comparison.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_comparison.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_comparison"),
        title=TITLES["published_pairs"],
        caption=CAPTIONS["published_pairs"],
        labels=published.labels,
    script:
        "../scripts/plot_comparison.py"
