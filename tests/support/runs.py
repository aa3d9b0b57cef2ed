"""Runs over small pictures, and the files that they leave."""

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.batch.run import run_batch
from pipeline.batch.stage import Plan
from pipeline.batch.tasks import find_tasks

OVERVIEW = ("index.html", "summary.csv", "results.parquet")  # contain the recorded seconds


def paint(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.random.default_rng(seed).integers(0, 255, (2, 3, 3), np.uint8)
    Image.fromarray(colours).resize((90, 60), Image.Resampling.BICUBIC).save(path)
    return path


def paint_all(folder: Path) -> Path:
    for number, name in enumerate(("lake.jpg", "dog/001.jpg", "cat/001.jpg", "cat/001.png")):
        paint(folder / name, number)
    return folder


def go(pictures: Path, plan: Plan, **how) -> list[dict]:
    rows = []
    run_batch(find_tasks([pictures], plan.out), plan, rows.append, **how)
    return rows


def made(rows: list[dict]) -> list[str]:
    return sorted(row["name"] for row in rows if "unchanged" not in row and "error" not in row)


def tree(out: Path) -> dict[str, object]:
    """Return the hash of every file, and the content of JSON files without the recorded seconds."""
    files: dict[str, object] = {}
    for path in sorted(out.rglob("*")):
        if path.is_file() and path.name not in OVERVIEW and path.suffix != ".js":
            data = path.read_bytes()
            found: object = hashlib.sha256(data).hexdigest()
            if path.name == "manifest.json" or ".descriptions" in path.parts:
                found = {key: value for key, value in json.loads(data).items() if key not in ("seconds", "stems")}
            files[path.relative_to(out).as_posix()] = found
    return files
