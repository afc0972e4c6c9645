"""`python -m tests.faults [--rounds 20] [--seed N]`: kill -9 at random moments, and the proof after each round."""

import sys

from tests.faults.campaign import main

sys.exit(main(sys.argv[1:]))
