"""Judging orders."""
