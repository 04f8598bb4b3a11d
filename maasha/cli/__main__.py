"""Runs the command line as `python -m maasha.cli`."""

import sys

from maasha.cli.main import main

sys.exit(main())
