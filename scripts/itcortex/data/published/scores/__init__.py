"""Scores of networks that others published: one reader a table, one tidy frame for all of them.

May import `numerics`, `formats`, `running` and `errors`."""
