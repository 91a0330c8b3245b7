"""Outside formats: one file each, both directions where a format has two."""
