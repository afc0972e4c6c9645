"""Programs and their terms."""
