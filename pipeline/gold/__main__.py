"""`python -m pipeline.gold FOLDER`, the same as `python -m pipeline gold FOLDER`."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
