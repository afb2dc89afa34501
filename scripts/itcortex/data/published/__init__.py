"""Readers of published data, one module for each format.

May import what `itcortex.data` may."""
