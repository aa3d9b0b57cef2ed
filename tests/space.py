"""Play the start of a Space on this machine, from the installation to the calls of visitors.

    python -m tests.space [--python PYTHON] [--environment FOLDER]

It installs what a Space installs into a fresh environment, starts the app with the variables that a Space sets, and
calls it as through the Hub's proxy: with the embedded models, without a token, with a wrong one, with a full disk and
without a hub. Each check prints one line, "ok" or "FAILED". The exit status is 1 if a check failed. It takes minutes
and gigabytes: on Linux, the default torch brings the CUDA libraries. It needs no GPU.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import soundfile

from .support.card import problems_of, read_card
from .support.checkpoints.hub import serve as serve_hub
from .support.page_server import ROOT
from .support.space import HOST, Environment, Space, running, small_disk

PICTURE = ROOT / "examples/forest_stream.jpg"
MODEL = "Salesforce/blip-image-captioning-base"  # stands for every model: the smallest that is not gated
GATED = "stable-audio-open"
TOKEN = "hf_" + "wrong" * 6
CALLS = 3
MEMORY_MB = 1000
WEIGHTS_MB, DISK_MB = 8, 4
PAGE_S, CALL_S = 60, 60
NOISE = ("BaseEventLoop.__del__",)  # of gradio: it drops event loops without closing them


class Report:
    """Prints one line per check and counts the failures."""

    def __init__(self) -> None:
        self.failed = 0

    @contextmanager
    def check(self, what: str) -> Iterator[list[str]]:
        """Print "ok" with the notes that the block appends, or "FAILED" with the words of the error it raises."""
        notes: list[str] = []
        try:
            yield notes
        except Exception as error:  # every failure is a line of the report
            self.failed += 1
            print(f"FAILED: {what}: {' '.join(str(error).split()) or type(error).__name__}", flush=True)
        else:
            end = f" ({', '.join(notes)})" if notes else ""
            print(f"ok: {what}{end}", flush=True)


def main() -> int:
    """Run every check; return the exit status."""
    parser = argparse.ArgumentParser(description="Play the start of a Space on this machine.")
    parser.add_argument("--python", help="interpreter of the environment; default: the version of the card, if found")
    parser.add_argument("--environment", type=Path, help="folder of an environment to use again, or to make and keep")
    arguments = parser.parse_args()
    report = Report()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="space-")))
        check_card(report)
        environment = Environment(arguments.environment or folder / "environment")
        if not is_installed(report, environment, arguments.python):
            return 1
        for what, check in (
            ("without secrets and without a hub", check_visits),
            ("with a wrong token", check_wrong_token),
            ("on a small disk", check_full_disk),
        ):
            (folder / check.__name__).mkdir()
            with report.check(f"the app ran {what} to the end"):
                check(report, environment, folder / check.__name__)
    print(f"{report.failed or 'no'} checks failed", flush=True)
    return min(report.failed, 1)


def check_card(report: Report) -> None:
    with report.check("the card is valid"):
        problems = problems_of(read_card(ROOT / "README.md"), ROOT)
        if problems:
            raise AssertionError("; ".join(problems))


# Installation ---------------------------------------------------------------------------------------------------------


def is_installed(report: Report, environment: Environment, python: str | None) -> bool:
    """Install what a Space installs, unless the folder has an environment. Return False if that fails."""
    card, failed = read_card(ROOT / "README.md"), report.failed
    if not Path(environment.python).exists():
        with report.check("a Space's packages resolve together and install") as notes:
            begin_s = time.monotonic()
            python = python or interpreter(card["python_version"])
            subprocess.run([python, "-m", "venv", environment.folder], check=True)
            environment.install(card["sdk_version"])
            notes.append(f"{time.monotonic() - begin_s:.0f} s")
    if report.failed == failed:
        with report.check("the installed packages agree with each other") as notes:
            if environment.conflicts():
                raise AssertionError("; ".join(environment.conflicts()))
            versions = environment.versions()
            notes.append(environment.run("-V").strip())
            notes += [f"{name} {versions[name]}" for name in ("gradio", "pydantic", "torch", "transformers", "spaces")]
    return report.failed == failed


def interpreter(version: str) -> str:
    """Return an interpreter of this version, or else the running one, and say so."""
    found = shutil.which(f"python{version}")
    if found and not subprocess.run([found, "-V"], capture_output=True).returncode:
        return found
    print(f"note: there is no Python {version} here; Python {sys.version.split()[0]} takes its place", flush=True)
    return sys.executable


# Visits ---------------------------------------------------------------------------------------------------------------


def check_visits(report: Report, environment: Environment, folder: Path) -> None:
    """A Space on CPU Basic without secrets, whose hub cannot be reached."""
    with running(environment, folder) as space:
        with report.check("the page is served through the Hub's proxy") as notes:
            page = space.page()
            assert f'"root":"https://{HOST}"' in page, "the page does not name the address of the Space"
            assert space.start_s < PAGE_S, f"it took {space.start_s:.0f} s"
            notes.append(f"{space.start_s:.1f} s after the start")
        with report.check("a domain of the owner's is served too"):
            space.page(host="sound.example.com")
        with report.check("/image_to_soundscape answers with a sound") as notes:
            for _ in range(CALLS):
                begin_s = time.monotonic()
                check_sound(*space.call(PICTURE))
                notes.append(f"{time.monotonic() - begin_s:.1f} s")
        with report.check(f"the embedded models stay below {MEMORY_MB} MB") as notes:
            check_memory(space, is_for_cpu=environment.versions()["torch"].endswith("+cpu"), notes=notes)
        check_words(report, "a gated model without a token", space, audio=GATED, expected="HF_TOKEN")
        check_words(report, "a hub that cannot be reached", space, vision="blip", expected="could not be reached")
        check_traces(report, space)


def check_sound(document: str, mix_path: str, bundle_path: str, manifest: dict[str, object]) -> None:
    samples, rate_hz = soundfile.read(mix_path, always_2d=True)
    assert json.loads(document)["sources"], "the document names no source"
    assert (rate_hz, samples.shape) == (44_100, (441_000, 2)), f"the mix is {samples.shape} at {rate_hz} Hz"
    assert 0.01 < abs(samples).max() <= 1, "the mix is silent or clips"
    assert Path(bundle_path).stat().st_size > Path(mix_path).stat().st_size / 4, "the bundle is empty"
    assert manifest["seed"] == 7, "the report names another seed"


def check_memory(space: Space, *, is_for_cpu: bool, notes: list[str]) -> None:
    """Compare with the limit the resident memory, or with CUDA libraries the part that is no file.

    The kernel counts the CUDA libraries, of which a CPU uses nothing, but drops them when memory is needed.
    """
    resident_mb, own_mb = space.memory_mb()
    notes.append(f"{resident_mb:.0f} MB resident, of which {resident_mb - own_mb:.0f} MB are files")
    measured_mb = resident_mb if is_for_cpu else own_mb
    assert measured_mb < MEMORY_MB, f"it takes {measured_mb:.0f} MB"


# Failures, which a visitor reads as a sentence ------------------------------------------------------------------------


def check_wrong_token(report: Report, environment: Environment, folder: Path) -> None:
    """A token that the hub does not know, as after it was revoked."""
    repository = fake_model(folder / "model")
    with (
        serve_hub({MODEL: repository}, refused=(TOKEN,)) as hub,
        running(environment, folder, HF_ENDPOINT=hub, HF_TOKEN=TOKEN, VISION_BACKEND="blip") as space,
    ):
        check_words(report, "a wrong token", space, expected="valid token")
        check_traces(report, space)


def check_full_disk(report: Report, environment: Environment, folder: Path) -> None:
    """A disk that is full before the weights are there."""
    repository = fake_model(folder / "model")
    with (
        small_disk(folder / "disk", DISK_MB) as disk,
        serve_hub({MODEL: repository}) as hub,
        running(environment, folder, HF_ENDPOINT=hub, HF_HOME=str(disk), VISION_BACKEND="blip") as space,
    ):
        check_words(report, "a disk that is full at the download", space, expected="disk is too full")
        check_traces(report, space)


def fake_model(folder: Path) -> Path:
    """Make a repository whose download is as real as any; it is never loaded."""
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(bytes(WEIGHTS_MB * 10**6))
    return folder


def check_words(report: Report, what: str, space: Space, *, expected: str, **wishes: str) -> None:
    """The call must fail with a sentence that says what to do, and the next call must be answered."""
    with report.check(f"{what} is answered in words") as notes:
        begin_s = time.monotonic()
        words = space.refusal(PICTURE, **wishes)
        assert expected in words, f"the words are: {words}"
        assert str(space.app.parent) not in words and TOKEN not in words, f"they name a path or the token: {words}"
        assert time.monotonic() - begin_s < CALL_S, "it took too long"
        notes.append(f"{time.monotonic() - begin_s:.1f} s: {words}")
        check_sound(*space.call(PICTURE, vision="tagger"))


def check_traces(report: Report, space: Space) -> None:
    with report.check("the log has no error, no token and no progress bar, and the app's folder is as it was"):
        log = space.log()
        errors = [line for line in log.splitlines() if "Traceback" in line or line.startswith(("ERROR", "Error"))]
        ignored = sum(log.count(noise) for noise in NOISE)
        assert len(errors) <= ignored, f"the log has {errors[0]!r}: {log[-2000:]}"
        assert TOKEN not in log, "the log has the token"
        assert "it/s]" not in log and "B/s]" not in log, "the log has a progress bar"
        assert not space.written(), f"it wrote {space.written()[0]}"


if __name__ == "__main__":
    sys.exit(main())
