"""Write the corpus into a folder: `python -m tests.corpus FOLDER`."""

import argparse
from pathlib import Path

from . import build

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print(f"{len(build(folder))} files are in {folder}.")
