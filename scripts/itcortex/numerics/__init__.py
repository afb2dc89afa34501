"""Numbers from numbers: metrics and their NaN policy, ranks, resampling, intervals.

May import `itcortex.errors`."""
