"""Many held-out linear fits at once: partial least squares and ridge regression.

May import `numerics` and `itcortex.errors`."""
