"""Requests for money."""
