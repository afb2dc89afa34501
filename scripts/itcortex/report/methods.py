"""The methods of a run as text that can be pasted into a paper, written from its configuration.

Every sentence follows from a setting or a table; what a run did not do is not told. Citations are those
of `references`, and the works that the text cites are its bibliography.
"""

from dataclasses import dataclass, field

import pandas as pd

from itcortex.encoding.recording_pairs import OF_RECORDING
from itcortex.report import fine_tuning, references
from itcortex.report.folds import held_out
from itcortex.report.references import Work
from itcortex.tables.condition_contrasts import are_harmonized
from itcortex.tables.summary import SITEWISE

RULES = {
    "exact": "whose weight vectors are dominant eigenvectors, solved exactly",
    "nipals_1e-4": "with the inner loop stopped at a tolerance of 1e-4",
    "nipals_1e-6": "with the inner loop stopped at a tolerance of 1e-6",
}
CEILINGS = {
    "population": "the prediction of each site from the other sites of the array",
    "best_pair": "the correlation of the best pair of sites",
    "best_pair_reference": "the correlation of the best pair of sites, as in the authors' code",
    "split_half": "the split-half reliability of trials, corrected by Spearman-Brown",
    "split_half_bound": "the square root of the split-half reliability, corrected by Spearman-Brown",
    "twin_images": "the test-retest reliability of responses to pictures that were shown twice",
    "twin_images_bound": "the square root of the test-retest reliability of responses to pictures that "
    "were shown twice",
    "other_recordings": "the prediction from the sites of all other recordings of the same pictures",
    "stated_reliability": "the reliability of each site that the file of the recording states",
    "stated_reliability_bound": "the square root of the reliability of each site that the file of the "
    "recording states",
    "truth": "what the noise-free responses, which are known in a simulation, predict",
    "internal_consistency": "the internal consistency over random halves of the trials",
    "internal_consistency_bound": "the square root of the internal consistency over random halves "
    "of the trials",
}
OTHERS = {
    "pls": "partial least squares",
    "ridge": "ridge regression with nested choice of the penalty",
    "rsa": "representational similarity analysis",
    "cka": "centred kernel alignment",
    "reverse": "the reverse regression, from sites to units",
}


@dataclass
class Text:
    """Paragraphs with their titles, and the works that they cite in the order of citation."""

    paragraphs: list[tuple[str, str]] = field(default_factory=list)
    works: dict[str, Work] = field(default_factory=dict)

    def cite(self, works: list[Work]) -> str:
        """A citation in brackets, with a space before it; empty without works."""
        self.works |= {work.key: work for work in works}
        return f" ({'; '.join(dict.fromkeys(work.short for work in works))})" if works else ""

    def named(self, *keys: str) -> str:
        """A citation of works by their keys."""
        return self.cite([references.work(key) for key in keys])


def write(settings: dict, tables: dict[str, pd.DataFrame], datasets: dict, registry: dict) -> Text:
    """The methods of a run.

    Parameters
    ----------
    settings : configuration, defaults filled in.
    tables : summary and models as the workflow writes them, and what else there is.
    datasets : the registry's datasets in use, by name.
    registry : its other entries in use, by kind and name.
    """
    text = Text()
    parts = (
        ("Aim", _aim(text)),
        ("Recordings", _recordings(text, tables["summary"], datasets, registry)),
        ("Networks", networks(text, tables)),
        ("Fine-tuning", _fine_tuning(text, settings, tables)),
        ("Mapping", _mapping(text, settings, tables["summary"])),
        ("Noise ceiling", _ceiling(settings, tables["summary"])),
        ("Controls and maps", _controls(settings, tables["summary"])),
        ("Dissimilarities", _rdms(text, settings, datasets, registry)),
        ("Concepts", _concepts(text, settings, tables)),
        ("Human attention", _attention(text, settings, datasets, registry)),
        ("Statistics", _statistics(settings)),
        ("Software", _software(text)),
    )
    text.paragraphs = [(title, paragraph) for title, paragraph in parts if paragraph]
    return text


def _aim(text: Text) -> str:
    return (
        "We asked whether networks that classify images better predict the responses of visual "
        f"cortex worse{text.named('linsley2023')}."
    )


def _recordings(text: Text, summary: pd.DataFrame, datasets: dict, registry: dict) -> str:
    sentences = []
    for name, rows in summary.groupby("recording", observed=True, sort=False):
        row = rows[rows["main_window"].astype(bool)].iloc[0]
        entry = registry["recordings"][str(name)]
        cited = text.cite(references.of_dataset(entry["dataset"], datasets[entry["dataset"]]))
        what = "SIMULATED responses" if row["simulated"] else "responses"
        sentence = f"{name}: {what} of {row['n_sites']} sites in {row['area']} of {row['monkey']}"
        if pd.notna(row["window_start"]):
            sentence += (
                f", averaged from {row['window_start']:g} to {row['window_stop']:g} ms after "
                "stimulus onset"
            )
        sentences.append(sentence + cited + ".")
    return " ".join(sentences)


def networks(text: Text, tables: dict[str, pd.DataFrame]) -> str:
    named = tables["summary"][["model", "weights"]].drop_duplicates().astype(str)
    models = tables["models"].merge(named, on=["model", "weights"])
    works = [work for row in models.to_dict("records") for work in references.of_model(row)]
    untrained = int((models["category"] == "untrained").sum())
    harmonized = int(are_harmonized(models).sum())
    controls = int((models["category"] == "harmonized").sum()) - harmonized
    sentence = (
        f"We compared {fine_tuning.count(len(models), 'network')} of "
        f"{fine_tuning.count(models['family'].nunique(), 'family', 'families')}"
    )
    parts = [f"{untrained} of them untrained"] if untrained else []
    parts += [f"{harmonized} harmonized{text.named('fel2022')}"] if harmonized else []
    parts += [f"{controls} trained with other maps, as controls"] if controls else []
    sentence += f" ({', '.join(parts)})" if parts else ""
    ours = models["condition"].fillna("") != ""
    unknown = (models["top1"].isna() & ours).any()
    sentence += ", counting every strength and seed" if ours.any() else ""
    of_ours = "; of networks that were trained here it was not measured" if unknown else ""
    return (
        f"{sentence}. Their accuracy is the published top-1 accuracy on ImageNet"
        f"{text.named('deng2009')}{of_ours}. Images were resized whole to the input size of each "
        "network. "
        f"Architectures and trainings:{text.cite([*dict.fromkeys(works)])}."
    )


def _fine_tuning(text: Text, settings: dict, tables: dict[str, pd.DataFrame]) -> str:
    models = tables["models"]
    scored = models[models["missing"].fillna("") == ""]
    told = fine_tuning.sentences(settings, scored, tables.get("conditions"))
    if not told:
        return ""
    cited = text.named("fel2022")
    return " ".join(filter(None, told)) + f" The loss is that of the neural harmonizer{cited}."


def _mapping(text: Text, settings: dict, summary: pd.DataFrame) -> str:
    encoding, protocol = settings["encoding"], settings["encoding"]["protocol"]
    layers = settings["activations"]["layers"]
    main, *others = [str(name) for name in summary["mapping"].unique()]
    sentences = [
        f"About {layers} layers of a network, spread evenly over its depth, were compared with each "
        "recording; where a recording has a grid of positions, a layer's map was resampled to it.",
        *words_of_reduction(**settings["reduce"]),
    ]
    if main == "pls":
        sentences.append(
            "Each layer was mapped to the sites by partial least squares"
            f"{text.named('wold2001', 'dayal1997')} of at most {encoding['components']} components, "
            + (
                RULES[encoding["rule"]]
                if protocol == "corrected"
                else f"in the protocol {protocol}"
            )
            + "."
        )
    else:
        sentences.append(f"Each layer was mapped to the sites by {OTHERS[main]}.")
    if others:
        cited = text.named("kornblith2019") if "cka" in others else ""
        sentences.append(f"Beside it: {', '.join(OTHERS[name] for name in others)}{cited}.")
    sentences.append(
        "Predictivity is Pearson's r of predicted and recorded responses to held-out images: the "
        f"median over sites, then the mean over folds. {held_out(encoding['folds'])}"
    )
    sentences.append(
        "As in the authors' code, the layer is the one that is best on the test images."
        if protocol == "reference"
        else "The layer was chosen for each fold without its images."
    )
    return " ".join(sentences)


def words_of_reduction(kind: str, dimensions: int | str, seed: int) -> list[str]:
    """What was done to the units of a layer, where that is not what is usual."""
    if kind == "srp":
        how = (
            "that keeps squared distances between images to 10 %"
            if dimensions == "auto"
            else f"to {dimensions} dimensions"
        )
        return [f"Wider layers were reduced by a sparse random projection {how}."]
    if kind == "pca":
        number = "1000" if dimensions == "auto" else dimensions
        return [
            f"Each layer was reduced to at most {number} principal components of the training images."
        ]
    return []


def _ceiling(settings: dict, summary: pd.DataFrame) -> str:
    used = summary[summary["mapping"].isin(SITEWISE)][["recording", "ceiling_name"]]
    used = used.dropna().drop_duplicates()
    if used.empty:
        return ""
    told = [
        f"{' and '.join(rows['recording'].astype(str))}: {_formula(str(name))}"
        for name, rows in used.groupby("ceiling_name", observed=True, sort=False)
    ]
    splits = settings["ceiling"]["splits"]
    halves = f" Halves of the trials were drawn {splits} times."
    return (
        f"Scores were divided by a noise ceiling ({'; '.join(told)}); raw scores stand beside them."
        + (halves if any("halves" in one or "split" in one for one in told) else "")
    )


def _formula(ceiling_name: str) -> str:
    """What a ceiling is, in words."""
    if ceiling_name.startswith(OF_RECORDING):
        return f"the prediction from the sites of {ceiling_name.removeprefix(OF_RECORDING)}"
    return CEILINGS[ceiling_name]


def _controls(settings: dict, summary: pd.DataFrame) -> str:
    sentences = []
    if (summary["control"] == "shuffled_images").any():
        sentences.append(
            "As a control, the same analysis was run with the responses assigned to other images, "
            f"{settings['encoding']['permutations']} times."
        )
    one = settings["alignment"]
    sentences.append(
        "Where a recording has a grid, maps of predicted and recorded activity were compared by "
        f"Spearman's rank correlation over positions, against {one['draws']} surrogate maps of equal "
        f"smoothness ({'circular shifts' if one['surrogates'] == 'shift' else 'randomised phases'})."
    )
    return " ".join(sentences)


def _works(entries: dict, datasets: dict) -> list[references.Work]:
    """Works behind the datasets of some entries of the registry."""
    names = {entry["dataset"] for entry in entries.values()}
    return [work for name in sorted(names) for work in references.of_dataset(name, datasets[name])]


def _rdms(text: Text, settings: dict, datasets: dict, registry: dict) -> str:
    if not registry.get("rdms"):
        return ""
    works = _works(registry["rdms"], datasets)
    return (
        "Dissimilarities between images in layers were compared with those in "
        f"{', '.join(registry['rdms'])}{text.cite(works)} by Spearman's rank correlation. The layer "
        "was chosen on half of the images and scored on the other half, "
        f"{settings['rsa']['splits']} times."
    )


def _concepts(text: Text, settings: dict, tables: dict[str, pd.DataFrame]) -> str:
    if "concepts" not in tables:
        return ""
    one = settings["concepts"]
    return (
        f"Concepts of layers were found with CRAFT{text.named('fel2023')}: non-negative matrix "
        f"factorisation into {one['number']} concepts of the positive activations to "
        f"{one['crops']} crops of the images, of {one['crop']:g} of its side. Their importance is the "
        "total Sobol index for the score of the network's likeliest class, and what they predict of the "
        "sites was scored with the mapping and folds of the main analysis."
    )


def _attention(text: Text, settings: dict, datasets: dict, registry: dict) -> str:
    if not registry.get("attention"):
        return ""
    works = _works(registry["attention"], datasets)
    return (
        "The saliency of networks was compared with maps of human attention "
        f"({', '.join(registry['attention'])}){text.cite(works)} by Spearman's rank correlation over "
        "pixels, as it is and with the mean map of the other photographs partialled out."
    )


def _statistics(settings: dict) -> str:
    draws = settings["statistics"]["draws"]
    return (
        f"Intervals hold 95 % of {draws} bootstrap draws: of images and sites for a score, of whole "
        "families of networks for a statistic over networks. Untrained and harmonized networks are no "
        "part of the trend."
    )


def _software(text: Text) -> str:
    return f"The analysis is a Snakemake workflow{text.named('molder2021')}, itcortex."
