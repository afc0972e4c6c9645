"""Partners and their applications."""
