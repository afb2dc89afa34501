"""Options of the harmonizer's loss, apart from it so that settings can be checked without torch."""

#: What is added to a map's standard deviation: the reference's constant, or a share of it.
EPSILONS = ("reference", "relative")
#: How a gradient over colour becomes a map.
SALIENCIES = ("mean", "max_abs")
