"""Orders and their facts."""
