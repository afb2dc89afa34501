"""The report, one page: its tables and its findings.

May import `tables`, and `store` for the pictures of recordings."""
