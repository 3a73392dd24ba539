"""`python -m regimax`."""

import sys

from regimax.cli import main

sys.exit(main())
