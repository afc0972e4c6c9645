"""Read-only screens over all slices: the overview, the statement. Owns no table."""
