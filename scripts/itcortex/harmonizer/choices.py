"""Options of the harmonizer's loss, in a module of their own: settings are checked without torch."""

#: What is added to the standard deviation of a map: the published constant, or a share of it.
EPSILONS = ("reference", "relative")
#: How a gradient over colour becomes a map.
SALIENCIES = ("mean", "max_abs")
