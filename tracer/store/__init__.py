"""Where a trace is kept: one SQLite database, private and temporary, or a file of its own."""
