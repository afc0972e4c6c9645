"""Background work: arq's wiring, and one thin file per slice whose functions are one service call each."""
