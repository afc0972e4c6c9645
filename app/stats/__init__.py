"""Daily counts."""
