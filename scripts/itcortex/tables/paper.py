"""Numbers of Linsley et al. (NeurIPS 2023) that ours are held against."""

#: Spearman's correlation of accuracy and predictivity, read off the main figure.
RANK = {"m1_pl": -0.07, "m1_ml": -0.21, "m2_ml": 0.11}
#: Mean predictivity of harmonized networks minus that of the best other network, read off there.
GAIN = {"m1_pl": 0.042, "m1_ml": 0.048, "m2_ml": 0.045}
#: Of networks of the authors' lab: accuracy and alignment with ClickMe, and how many they are.
LAB_ALIGNMENT, LAB_NETWORKS = -0.65, 551
