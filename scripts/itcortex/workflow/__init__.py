"""The one package that knows settings, tables and file names; rules and scripts import it.

May import every package but `figures` and `report`. Nothing else imports it."""
