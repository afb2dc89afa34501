"""Figures of the workflow: data frames and arrays in, a matplotlib figure out, one look for all."""
