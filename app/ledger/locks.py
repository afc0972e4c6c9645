"""Advisory locks of the ledger; they last as long as their transaction, so poolers are no danger."""

WRITING = 7101
"""With the program's id: shared by whoever writes entries, taken alone for a moment by who seals them."""
