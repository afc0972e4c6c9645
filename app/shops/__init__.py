"""Keys and the API of shops."""
