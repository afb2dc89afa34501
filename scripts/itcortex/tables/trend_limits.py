"""Which networks a trend over accuracy is about, and how many it takes."""

MINIMUM_MODELS = 5  # with fewer, every rank correlation is within chance
MINIMUM_FAMILIES = 3  # two families give three different draws
# The paper's trade-off is that of networks trained for accuracy alone; users' own are held against it.
NOT_BASELINE = ("harmonized", "untrained", "own")
