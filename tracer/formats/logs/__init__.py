"""Server logs: each format has a file with a function from a line of text to a `LogLine`; `reading` opens them."""
