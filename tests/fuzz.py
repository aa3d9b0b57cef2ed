"""Search for input that makes a reader fail in another way than with a sentence: `python -m tests.fuzz --seconds 600`.

The search is guided by coverage (atheris, for Linux and Python 3.11 to 3.13). It begins with the corpus and goes on for
as long as it is told, an equal time per reader. What breaks a reader is written to `--findings`; then the exit status
is 1.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from . import corpus

ROOT = Path(__file__).parents[1]
SLOW_S = 10  # one input that takes longer is a finding
MEMORY_MB = 3000  # as is one that takes more
MAX_BYTES = 200_000
INSTRUMENTED = ("pipeline", "PIL", "json5", "pyjson5", "zipfile")


def read_picture(data: bytes) -> None:
    from pipeline.picture import load_picture

    load_picture(_file(data, "picture.jpg"))


def read_document(data: bytes) -> None:
    from pipeline.soundscape import Soundscape

    soundscape = Soundscape.from_json(data)
    if Soundscape.from_json(soundscape.to_json()) != soundscape:
        raise AssertionError("what was read and written is read differently")


def read_bundle(data: bytes) -> None:
    from pipeline.page.opening import bytes_of, open_result

    path = _file(data, "result.zip")
    with tempfile.TemporaryDirectory() as place:
        bytes_of([path])
        open_result([path], Path(place) / "opened")
        if any(not each.resolve().is_relative_to(Path(place).resolve()) for each in Path(place).rglob("*")):
            raise AssertionError("a file came out of the bundle that leads elsewhere")


def read_manifest(data: bytes) -> None:
    from pipeline.page.form import remembered, titles
    from pipeline.page.fragments import report, terms
    from pipeline.results.manifest import report_in

    path = _file(data, "manifest.json")
    (path.parent / "soundscape.json").write_text(corpus.documents.TEXT)
    found = report_in(path.parent)
    remembered(found)
    shown = f"{report(found, titles(found))}{terms(found, titles(found))}"
    if "<script" in shown.lower():
        raise AssertionError("markup of a manifest reached the page")


READERS: dict[str, Callable[[bytes], None]] = {
    "pictures": read_picture,
    "documents": read_document,
    "bundles": read_bundle,
    "manifests": read_manifest,
}


def _file(data: bytes, name: str) -> Path:
    """Write the input to a file of this process, and return its path."""
    folder = Path(tempfile.gettempdir()) / f"fuzz-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(data)
    return path


def check(reader: Callable[[bytes], None], data: bytes) -> None:
    """Read the input. A SoundscapeError is an answer; this is the closed list of allowed exceptions."""
    from pipeline.errors import SoundscapeError

    try:
        reader(data)
    except SoundscapeError as error:
        if not str(error).strip() or str(ROOT) in str(error) or "Traceback" in str(error):
            raise AssertionError(f"this is no sentence for a person: {error}") from error


def search(kind: str, seconds: float, findings: Path) -> int:
    """Search with one reader in a process of its own, which libFuzzer ends. Return its exit status."""
    with tempfile.TemporaryDirectory() as place:
        begin = Path(place)
        for name, make in corpus.KINDS[kind].items():
            if len(data := make()) <= MAX_BYTES:
                (begin / name).write_bytes(data)
        options = [f"-max_total_time={max(1, round(seconds))}", f"-timeout={SLOW_S}", f"-rss_limit_mb={MEMORY_MB}"]
        options += [f"-max_len={MAX_BYTES}", f"-artifact_prefix={findings}/{kind}-", "-print_final_stats=1", str(begin)]
        command = [sys.executable, "-m", "tests.fuzz", "--worker", kind, *options]
        return subprocess.run(command, cwd=ROOT, env=os.environ | {"TMPDIR": place}).returncode


def work(kind: str, options: list[str]) -> None:
    """Give the reader to libFuzzer. Does not return."""
    import atheris

    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        import pipeline.job
        import pipeline.page.opening  # noqa: F401  instrumented before its first use
    reader = READERS[kind]
    atheris.Setup([sys.argv[0], *options], lambda data: check(reader, data))
    atheris.Fuzz()


def main() -> int:
    """Search with each reader for an equal time."""
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="time for all readers together (default: 60)")
    parser.add_argument("--only", choices=READERS, help="search with one reader")
    parser.add_argument("--findings", type=Path, default=Path("findings"), help="folder for inputs that break a reader")
    chosen = parser.parse_args()
    chosen.findings.mkdir(parents=True, exist_ok=True)
    kinds = [chosen.only] if chosen.only else list(READERS)
    begin = time.monotonic()
    failed = [kind for kind in kinds if search(kind, chosen.seconds / len(kinds), chosen.findings.resolve())]
    print(f"{len(kinds)} readers, {time.monotonic() - begin:.0f} s. ", end="")
    print(f"Findings of {', '.join(failed)} are in {chosen.findings}." if failed else "Nothing was found.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
