"""A user's own recordings: one reader a form of file, and what brings each into our layout.

May import what `data` may.
"""
