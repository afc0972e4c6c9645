"""Tandem: a self-hosted partner portal. `main.create_app()` wires it together."""
