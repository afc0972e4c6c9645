"""Worked examples that run: `tandem scenario FILE…`."""
