"""What exists when: every table and figure of an experiment, what it needs, and captions of figures.

Title and caption of a figure stand here alone. Its rule hands them to its script, which adds what the
paper found and what the tables say (`itcortex.figures.captions`) and writes the whole into the files;
both reports take it from there.
"""

from typing import NamedTuple


class Table(NamedTuple):
    """A table.

    `needs` names the properties of an `Experiment` that must not be empty, with spaces between them.
    A `readable` table is short enough to be read, and so written as CSV too.
    """

    name: str
    needs: str
    readable: bool = False


class Figure(NamedTuple):
    """A figure, by the name of its files.

    One with {model} in its name comes once for every trained model, one with {recording} once for every
    recording whose networks' concepts are looked for.

    `needs` as of a table. The caption is plain text, whole sentences.
    """

    name: str
    title: str
    caption: str
    needs: str


TABLES = (
    Table("scores", needs="recordings"),
    Table("summary", needs="recordings", readable=True),
    Table("models", needs="recordings", readable=True),
    Table("alignment", needs="recordings"),
    Table("ceilings", needs="recordings"),
    Table("orientation", needs="recordings"),
    Table("images", needs="recordings", readable=True),
    Table("kinds", needs="recordings", readable=True),
    Table("tradeoff", needs="recordings", readable=True),
    Table("tradeoff_ranges", needs="recordings", readable=True),
    Table("tradeoff_families", needs="recordings", readable=True),
    Table("tradeoff_partial", needs="recordings", readable=True),
    Table("ceiling_effects", needs="recordings", readable=True),
    Table("recording_pairs", needs="paired", readable=True),
    Table("shared_images", needs="paired", readable=True),
    Table("site_counts", needs="paired", readable=True),
    Table("model_pairs", needs="recordings"),
    Table("harmonized", needs="recordings", readable=True),
    Table("network_site_counts", needs="recordings"),
    Table("multiverse", needs="recordings", readable=True),
    Table("multiverse_influence", needs="recordings", readable=True),
    Table("unique_variance", needs="pairs recordings", readable=True),
    Table("unique_variance_sites", needs="pairs recordings"),
    Table("concepts", needs="concepts", readable=True),
    Table("concept_encoding", needs="concepts", readable=True),
    Table("generalisation", needs="splits recordings", readable=True),
    Table("conditions", needs="compared_conditions", readable=True),
    Table("condition_seeds", needs="compared_conditions"),
    Table("rsa", needs="rdms", readable=True),
    Table("rsa_ceilings", needs="rdms"),
    Table("attention", needs="attention", readable=True),
    Table("shortcut", needs="studied", readable=True),
    Table("published", needs="published", readable=True),
    Table("published_pairs", needs="published", readable=True),
    Table("published_comparison", needs="published", readable=True),
    Table("range_curve", needs="published", readable=True),
    Table("family_trends", needs="published", readable=True),
)
FIGURES = (
    Figure(
        "tradeoff",
        "Predictivity against ImageNet accuracy",
        "Each panel is a recording, each marker a network; bars are 95 % bootstrap intervals "
        "over images and sites. Untrained networks stand at chance accuracy, left of the break "
        "in the axis; the grey band repeats their range. The dotted line is the control with "
        "shuffled images. A thick grey line is the convex upper frontier; it is drawn where "
        "there are at least five trained networks. Where a network was trained here with "
        "several seeds, dots are the seeds and the large marker is their mean; arrows run from the "
        "baseline through rising strengths of the harmonization. A network that was fine-tuned with "
        "its own answers as labels has no accuracy that is known: it stands at that of the network it "
        "starts from, a little to the right and on a ground of its own, one place for strength 0 and "
        "one for each condition; what training changed of it is drawn in the figure `changes`, without "
        "accuracies. Grey dots, where the experiment names the paper's figure among its published "
        "tables, are the points read off it.",
        needs="recordings",
    ),
    Figure(
        "recordings",
        "The recordings",
        "Photographs spread over the file and, under each, the activity that was recorded as it stood "
        "at each position: mean over sites, each in standard deviations, from the lowest (0 %) to the "
        "highest (100 %) of the recording. A recording without a grid of positions shows photographs "
        "from the weakest to the strongest mean response (z) instead.",
        needs="recordings",
    ),
    Figure(
        "alignment",
        "Alignment of maps against ImageNet accuracy",
        "Spearman's ρ over positions between recorded and predicted maps of activity, averaged over "
        "sites, at the full grid, half and a quarter of its side: mean over images of each network, "
        "with 95 % intervals over images. The dotted line is what 95 % of smooth maps of chance stay "
        "below, on average. Under the title, the rank correlation with accuracy over networks trained "
        "for accuracy alone, with its interval from families drawn with replacement.",
        needs="recordings_with_maps",
    ),
    Figure(
        "layers",
        "Predictivity of every layer",
        "Pearson r against the layer's relative depth in the network: mean over folds with its "
        "standard error. Dots mark the layers that were chosen without the test images; the "
        "larger a dot, the more folds chose its layer. The dashed line is the noise ceiling.",
        needs="recordings",
    ),
    Figure(
        "recording_pairs",
        "Networks and other recordings as predictors",
        "Each panel is a recording and another one that was shown some of the same pictures. Markers "
        "are networks, scored on the shared pictures alone; the line is what the sites of the other "
        "recording predict there, with the same mapping, folds and metric. Bars and bands are 95 % "
        "bootstrap intervals over images and sites. The line is no upper bound: networks may lie above "
        "it. Sessions of one animal are an optimistic ceiling for another animal.",
        needs="paired",
    ),
    Figure(
        "site_counts",
        "Recording predicts recording, by the number of sites",
        "How well another recording predicts a recording, over the number of its sites that are "
        "drawn at random: mean over draws, with the range of the draws. The last point is all "
        "sites. A curve that still rises there says that a larger array would predict better: "
        "the other recording is then a low estimate of what can be predicted.",
        needs="paired",
    ),
    Figure(
        "network_site_counts",
        "Scores by the number of sites",
        "What the score of a network would have been with fewer sites, drawn at random, the same for "
        "all networks: mean over draws, with their range. Every site has a fit of its own, so that the "
        "mean hardly depends on their number; the range says how many sites it takes to tell two "
        "networks apart. The last point is all sites.",
        needs="recordings",
    ),
    Figure(
        "maps",
        "Recorded and predicted responses",
        "Maps over the photograph, for images from the best to the worst predicted one, so that "
        "nobody chose them. Each map is drawn in standard deviations from its mean; ρ is the "
        "rank correlation of the maps averaged over sites. A recording without a grid of "
        "positions shows single sites instead, where each point is an image.",
        needs="recordings",
    ),
    Figure(
        "kinds",
        "Kinds of image",
        "Images of the recordings whose images are of several kinds: a row for each kind, with how "
        "many there are. Kinds are named by a table, or found by clustering simple statistics of "
        "the pixels; look whether they are what they should be, above all the images that are "
        "farthest from the others of their kind. Scores within kinds stand in the tables.",
        needs="kinds",
    ),
    Figure(
        "timecourse",
        "Predictivity over time",
        "Pearson r in every time window, drawn at the window's centre, with 95 % bootstrap "
        "bands. The yellow window is the one of all other results; the dashed line is the noise "
        "ceiling. The grey area is the mean response, on a scale of its own. A recording "
        "without a time axis has no course.",
        needs="recordings",
    ),
    Figure(
        "multiverse",
        "Specification curve",
        "Rank correlation of ImageNet accuracy and predictivity under every combination of "
        "analysis choices, from the lowest to the highest, with 95 % intervals from families "
        "drawn with replacement; coloured where the interval leaves out zero. Below, which "
        "choices each specification made; choices are in the order of how much they move the "
        "answer while all others stay, which the number behind a name says. Diamonds are the main "
        "analysis. Specifications share data and are no independent tests.",
        needs="recordings ranked",
    ),
    Figure(
        "unique_variance",
        "What two networks explain, alone and together",
        "Shares of the variance of held-out responses: what the first network of a pair explains beyond "
        "the second, the second beyond the first, and what either would explain. Means over sites, with "
        "95 % intervals from images and sites drawn with replacement, the same for both networks. One "
        "ridge regression has the chosen layers of both, each with a penalty of its own. Noise is part "
        "of the variance. Where networks were trained here by condition, a line is a condition of a "
        "network, and the second network is strength 0 of the same seed: large markers are means over "
        "seeds, bars the mean of the intervals of the seeds, which does not hold what differs between "
        "seeds; thin marks are the seeds.",
        needs="pairs recordings",
    ),
    Figure(
        "concepts_{recording}",
        "Concepts of networks on {recording}",
        "Parts of photographs that the layer answers to that predicts the sites (CRAFT): concepts are "
        "found by non-negative matrix factorisation of the layer's activations to crops, and crops are "
        "those that answer most to each, one of an image. The importance is the total Sobol index of "
        "the concept for the network's own answer: mean over photographs, with 95 % intervals over "
        "them. Then what the concept predicts of the sites alone, and what all concepts lose without "
        "it (Pearson r on held-out images, median over sites, mean over folds), with 95 % intervals "
        "over folds and sites. Concepts stand in the order of their importance. Concepts of two "
        "networks are found apart: equal numbers are not the same concept.",
        needs="concepts",
    ),
    Figure(
        "divisions",
        "Images in parts",
        "Images of the recordings as the features of one network divide them, with how many there "
        "are. Clusters are groups of images that look alike to it, and the distance is that to the "
        "mean of their group; a far test set is as far from all training images as a set of its size "
        "can be, and the distance is that to the nearest image of the other part. The network is the "
        "same for all networks that are scored.",
        needs="divided recordings",
    ),
    Figure(
        "generalisation",
        "Scores on new kinds of image",
        "Left: predictivity where what is held out is new (clusters of images, values of a column, a "
        "far test set) against that on the folds of the main analysis, with the diagonal dotted. "
        "Right: what is lost, against ImageNet accuracy. Bars are 95 % intervals over folds and "
        "sites; a division of one test set has no folds to draw, and its interval is over sites alone. "
        "Rank correlations are over networks trained for accuracy alone, with intervals from families "
        "drawn with replacement.",
        needs="splits recordings",
    ),
    Figure(
        "reverse",
        "Units predicted from sites, and their bound",
        "The reverse direction: how well the sites of a recording predict the units of each network "
        "(median over units of Pearson r, mean over folds), against ImageNet accuracy, with 95 % "
        "intervals over folds. The sites that predict have noise, so that r cannot reach 1: a grey "
        "line above a network is the highest r that this noise leaves, from predictions by either half "
        "of the repeats, with its 95 % interval over folds and units. A low marker under a high line "
        "says that the network holds what these sites do not carry. Where test images have no repeats "
        "there is no bound. Rank correlations are over networks trained for accuracy alone, with "
        "intervals from families drawn with replacement.",
        needs="reversed",
    ),
    Figure(
        "conditions",
        "What human maps change",
        "A panel for every measure. Networks trained with human maps, with the maps of other "
        "photographs and with the mean map of all photographs, each minus strength 0 of the same "
        "model and seed; below, human maps minus either control. Predictivity is compared within "
        "sites. Coloured markers are models (mean over seeds), diamonds their mean, all with 95 % "
        "intervals over images and sites (photographs, images of RDMs) and seeds; the models are not "
        "drawn. What human maps explain is what both lower lines leave on one side of zero. Where "
        "there are several strengths, the mean over models is drawn by strength. Crosses stand over "
        "means that collapsed trainings are part of.",
        needs="compared_conditions",
    ),
    Figure(
        "changes",
        "Change of predictivity against change of agreement with people",
        "Arrows run from strength 0 (where both lines cross) to the mean over networks and seeds of "
        "each condition; crosses are 95 % intervals of both changes, over images and sites "
        "(photographs) and seeds. Small markers are single seeds of a network, and thin "
        "arrows their means where there are several networks. A panel for each area or recording, kind "
        "of human map, and kind of saliency: the gradient, which is trained, and maps of covering, "
        "which are not. Human maps would break the trade-off with an arrow up and to the right, "
        "farther than those of controls. Crosses in ink stand over means that collapsed trainings are "
        "part of.",
        needs="conditioned attention recordings",
    ),
    Figure(
        "conditions_gallery",
        "Where a network looks, before training and after",
        "Photographs that were held out of training, with where people looked, and the saliency of "
        "one network before training and after it, by the maps that it was trained with (first "
        "seed). Photographs are those whose saliency is kept, evenly spaced in the order of the set: no "
        "score chose them. They stand in the order of what human maps change of ρ against strength 0, "
        "which is under their names, with its place among all held-out photographs. Maps are ranks, and "
        "saliency is smoothed.",
        needs="one_by_condition attention",
    ),
    Figure(
        "rsa",
        "Geometry of layers, neurons and voxels",
        "Spearman's ρ between the dissimilarities of images in layers and in neurons or voxels. "
        "Left: every layer by its depth. Right, against ImageNet accuracy: the layer that half "
        "of the images chose, scored on the other half, with 95 % intervals over images; hollow "
        "markers are the last layer. Networks that were fine-tuned here stand beside their start, on a "
        "ground of their own, since their accuracy was not measured: large markers are means over "
        "seeds, and controls have colours of their own on both sides. The grey band is the noise "
        "ceiling over subjects; the macaque RDM is one RDM of a group and has none. The dotted line is "
        "the other species' RDM, which is a context and no ceiling.",
        needs="rdms",
    ),
    Figure(
        "attention",
        "What networks and people look at",
        "Agreement of networks' saliency with maps of human attention, against ImageNet "
        "accuracy: mean Spearman's ρ over photographs, with 95 % intervals. Above, as it is; "
        "below, with the mean map of the other photographs partialled out, since people and "
        "some networks like the centre of any picture. The dashed line is what people reach "
        "among themselves, the dotted one what the nearness to the centre reaches alone. At the "
        "bottom, photographs with the maps.",
        needs="attention",
    ),
    Figure(
        "people",
        "Predictivity against agreement with people",
        "Each marker is a network: the mean rank correlation of its saliency with human maps, and its "
        "predictivity of a recording, with 95 % intervals. A panel for each recording and kind of "
        "human map. Where networks were trained here by condition, arrows run from strength 0 to each "
        "condition, at the mean over seeds (dots), and panels show the range of these points: bars that "
        "are longer leave the panel. Arrows are of the published score, a median over sites, and have "
        "no interval: `conditions` says what training changes within sites, and how surely. Under the "
        "title, the rank correlation of the two over networks trained for accuracy alone, with its "
        "interval from families drawn with replacement.",
        needs="attention recordings",
    ),
    Figure(
        "shortcut",
        "What harmonization changes: digits with a shortcut (SIMULATED)",
        "Digits on photographs, with a shortcut in the background that tells the digit in most "
        "training images. Above: test images with the place of the digit, and the maps of a "
        "baseline and of the network of strength 1, or nearest to it, by gradient and by "
        "covering. Below, over the strength of the harmonization, with one point for each seed: "
        "correct answers with the shortcut as in training and with it broken, agreement of the "
        "maps with the place of the digit, and predictivity of simulated sites that read the "
        "digit only. Where there are several trainings, each factor has a row of panels: grey "
        "is the base, coloured ones differ from it in this factor alone. It says what these "
        "networks use, and nothing about the brain.",
        needs="studied",
    ),
    Figure(
        "range",
        "Rank correlation over the range of accuracy",
        "Spearman's ρ of ImageNet top-1 and predictivity of macaque IT among the networks whose "
        "top-1 is at least the value on the abscissa, for published tables of scores, with 95 % "
        "bands from families drawn with replacement. Below: how many networks are left. The "
        "sign depends on the range of accuracy. Each band holds for one range at a time, and is "
        "a rough guide where a table has few families.",
        needs="published",
    ),
    Figure(
        "range_tables",
        "Rank correlation over the range of accuracy, table by table",
        "As in the figure before, with a panel for each published table and all of its regions "
        "and benchmarks. Bands are drawn for the first three lines of a panel. Points of "
        "Linsley et al. (2023) were read off the figure and have no names: their bands take "
        "networks as independent.",
        needs="published",
    ),
    Figure(
        "published",
        "Published scores against ImageNet accuracy",
        "A panel for each table and benchmark, with least-squares lines over all networks and "
        "over those of at least the accuracy that the setting published: cut names. Scores are "
        "normalised as their publishers chose: heights of two panels do not compare.",
        needs="published",
    ),
    Figure(
        "published_alignment",
        "Published alignment with people against ImageNet accuracy",
        "Alignment of networks' saliency with human maps, over the ceiling between people, "
        "against ImageNet top-1: networks of timm, scored by the authors' lab.",
        needs="published",
    ),
    Figure(
        "published_it",
        "Published predictivity of IT against ImageNet accuracy",
        "Predictivity of macaque IT on Brain-Score's leaderboard of about 2021 against ImageNet "
        "top-1, with the convex upper frontier: what the paper's first figure shows, from "
        "published scores.",
        needs="published",
    ),
    Figure(
        "published_pairs",
        "Our scores and published ones of the same networks",
        "Each panel holds a recording of ours against a published table of the same region, each "
        "point a network that both have. Bars are the 95 % prediction interval of a network from "
        "the line through all others; a point outside is coloured. Heights need not agree, ranks "
        "should. Points that were read off a figure have no names: there the abscissa is accuracy "
        "and the bar what the figure shows at it.",
        needs="published",
    ),
    Figure(
        "training_{model}",
        "Learning curves of {model}",
        "One colour for each strength of the harmonization, one line for each seed; strength 0 "
        "is the baseline with the same recipe. Trainings with the maps of other photographs and with "
        "the mean map have colours of their own. Solid lines are of validation images, dashed ones of "
        "training images; dots mark the epoch whose weights are kept. Epoch 0 is the network before the "
        "first step, where that was measured; the dotted line is the share of photographs that must "
        "keep their first class for an epoch to be chosen.",
        needs="trained",
    ),
)
#: Of the figure of one recording before any network is run.
CHECK_TITLE = "A recording before any network is run"
CHECK_CAPTION = (
    "From left to right: responses to all images, every site in its own standard deviations; mean and "
    "standard deviation of every site, those that stand out in another colour and by name; split-half "
    "reliability of every site, with the median dashed; and the mean response over time after onset, or "
    "over the session how far responses are from the mean of their image. Below, the pictures with the "
    "strongest and the weakest mean response, and where there is a grid of positions the maps over them."
)
BENCHMARKS = (
    "Wall-clock time summed over jobs, and the peak of resident memory of each job, by rule and model. "
    "The paper gives neither."
)
#: Of every figure, by its name.
TITLES = {figure.name: figure.title for figure in FIGURES}
CAPTIONS = {figure.name: figure.caption for figure in FIGURES}
