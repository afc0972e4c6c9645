"""Measurements: `make bench`, or `make bench ARGS="clicks --short"`. Ratios of interleaved runs count, never absolutes."""
