"""Figures: data frames in, a matplotlib Figure out.

May import `tables`, `encoding`, `attention`, `data`, `numerics` and `itcortex.files`."""
