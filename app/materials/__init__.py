"""Banners and texts."""
