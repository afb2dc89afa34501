"""The report, one page: its tables and its findings.

May import `tables`."""
