"""The versions of what a result depends on besides this project."""

import importlib.metadata
import platform
from functools import cache

PACKAGES = ("numpy", "scipy", "Pillow", "soundfile", "soxr", "pyloudnorm", "torch", "transformers", "diffusers")


@cache
def versions() -> dict[str, str]:
    """Return the versions of the packages that affect the result, without importing them."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package.lower()] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
