"""A remote file system for tests, shared by several processes: folder://a/b is $FOLDER_STORE/a/b."""

import os
from pathlib import Path

from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem


class FolderStore(DirFileSystem):
    """Behaves like a server: a folder must exist before a file is written into it."""

    protocol = "folder"
    sep = "/"

    def __init__(self, **options) -> None:
        super().__init__(path=os.environ["FOLDER_STORE"], fs=LocalFileSystem(auto_mkdir=False), **options)


def install(folder: Path) -> None:
    """Write the metadata of an installed package, so that every process with `folder` on its path knows folder://."""
    metadata = folder / "folder_store-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: folder-store\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[fsspec.specs]\nfolder = tests.support.folder_store:FolderStore\n")
