"""What the page shows, in this order; each section is a template of its own."""

from typing import NamedTuple


class Section(NamedTuple):
    """A section: its anchor, title and template.

    `short` is its name in the contents, where that is not the title; `needs` what must not be empty for
    it to stand there.
    """

    name: str
    title: str
    template: str
    short: str = ""
    needs: str = ""


SECTIONS = (
    Section("summary", "In short", "summary.html"),
    Section("explore", "Explore", "explore.html"),
    Section("compare", "Two networks side by side", "compare.html", short="Compare"),
    Section("findings", "What this run found", "findings.html", short="Findings"),
    Section("figures", "Figures", "figures.html"),
    Section("recordings", "The recordings", "recordings.html", needs="checks"),
    Section("models", "Models", "models.html"),
    Section("ceilings", "Noise ceilings", "ceilings.html", short="Ceilings"),
    Section("tradeoff", "Accuracy against predictivity", "tradeoff.html", short="Trade-off"),
    Section("alignment", "Alignment of maps", "alignment.html", short="Maps"),
    Section("rsa", "Similarity with published dissimilarities", "rsa.html", "RSA", "rsa"),
    Section("concepts", "Concepts of the layers that predict the sites", "concepts.html", "Concepts",
            "concepts"),
    Section("attention", "Human attention", "attention.html", "Attention", "attention"),
    Section("conditions", "What human maps change", "conditions.html", "Human maps", "conditions"),
    Section("shortcut", "What harmonization changes (SIMULATED digits)", "shortcut.html",
            "Harmonization", "shortcut"),
    Section("methods", "Methods", "methods.html"),
    Section("licences", "Data and their licences", "licences.html", short="Licences"),
    Section("deviations", "Deviations and limits", "deviations.html", short="Limits"),
    Section("glossary", "What the columns mean", "glossary.html", short="Glossary"),
    Section("settings", "Settings", "settings.html"),
)  # fmt: skip
