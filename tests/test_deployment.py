"""What a deployment relies on: the Dockerfile, a checkout that cannot be written to, the lock, and no pickles."""

import ast
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from gradio_client import Client

from . import audit, lock
from .support.page_server import RIVER, free_port, wait_for

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
# Root without capabilities may do no more than any user: what is read-only is read-only for it too.
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.getuid() == 0 else ()


def instructions() -> list[list[str]]:
    """Return the words of each instruction of the Dockerfile."""
    joined = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [line.split() for line in joined.splitlines() if line.strip()]


def words_of(name: str) -> list[list[str]]:
    return [words[1:] for words in instructions() if words[0] == name]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The files that the image holds, which nobody may change."""
    folder = tmp_path_factory.mktemp("image")
    for *sources, target in words_of("COPY"):
        for source in sources:
            into = folder / target / source if len(sources) > 1 or target == "./" else folder / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, into)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture(scope="module")
def served(image, tmp_path_factory):
    """The app of the image, run by a user without rights and without a home folder."""
    place = tmp_path_factory.mktemp("place")
    port, log, temporary = free_port(), place / "log.txt", place / "temporary"
    temporary.mkdir()
    environment = os.environ | {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port)}
    environment |= {"TMPDIR": str(temporary), "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("XDG_CACHE_HOME", "HF_HOME", "GRADIO_TEMP_DIR"):
        environment.pop(name, None)
    with log.open("wb") as output:
        command = [*WITHOUT_RIGHTS, sys.executable, "app.py"]
        server = subprocess.Popen(command, cwd=image, env=environment, stdout=output, stderr=output)
    try:
        wait_for(f"http://127.0.0.1:{port}", server, log)
        yield f"http://127.0.0.1:{port}", log
    finally:
        server.terminate()
        server.wait(20)


def test_the_files_of_the_image_serve_the_app_to_a_user_without_rights(served):
    address, log = served
    with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:  # what HEALTHCHECK asks
        assert json.load(answer)["version"]
    mix, bundle, report = Client(address, verbose=False).predict(RIVER, "procedural", 2, 7, api_name="/render")
    assert Path(mix).stat().st_size > 100_000 and Path(bundle).is_file() and report["seed"] == 7
    assert "Traceback" not in log.read_text()


def test_the_image_runs_as_a_numbered_user_and_asks_for_health_where_it_serves():
    assert words_of("USER") == [["1000"]]
    variables = dict(word.split("=", 1) for words in words_of("ENV") for word in words)
    assert variables["GRADIO_SERVER_NAME"] == "0.0.0.0" and words_of("EXPOSE") == [[variables["GRADIO_SERVER_PORT"]]]
    (check,) = words_of("HEALTHCHECK")
    code = json.loads(" ".join(check[check.index("CMD") + 1 :]))[2]
    assert "/health" in code
    compile(code, "HEALTHCHECK", "exec")
    assert [json.loads(" ".join(words)) for words in words_of("CMD")] == [["python", "app.py"]]


def test_the_image_asks_for_the_torch_of_the_requirements():
    (torch,) = re.findall(r"^torch([<>=]\S+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    assert f'"torch{torch}"' in DOCKERFILE


def test_the_builder_gets_what_the_dockerfile_copies_and_nothing_else():
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sent = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert sent == {source for *sources, _ in words_of("COPY") for source in sources}


def test_the_dockerfile_has_no_fault_that_a_linter_knows():
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists() and not os.environ.get("CI"):
        pytest.skip("hadolint is not installed")
    found = subprocess.run([linter, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True)
    assert found.stdout + found.stderr == ""


def has_docker() -> bool:
    """Return whether a Docker daemon answers."""
    docker = shutil.which("docker")
    return bool(docker) and subprocess.run([docker, "info"], capture_output=True).returncode == 0


@pytest.mark.skipif(not has_docker(), reason="no Docker daemon answers")
def test_the_image_is_built():
    subprocess.run(["docker", "build", "--quiet", "--tag", "image-to-soundscape:test", "."], cwd=ROOT, check=True)


# Packages -------------------------------------------------------------------------------------------------------------


def test_the_lock_has_a_hash_for_every_package_and_leaves_torch_to_the_machine():
    entries = re.findall(r"^[^\s#].*(?:\n .*)*", lock.LOCK.read_text("utf-8"), re.MULTILINE)
    assert len(entries) > 80
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
    assert [entry for entry in entries if lock.OF_TORCH.match(entry)] == []


def test_the_lock_is_written_without_what_belongs_to_torch():
    one, two = "a==1 \\\n    --hash=sha256:1", "torch-extra==2 \\\n    --hash=sha256:2 \\\n    --hash=sha256:3"
    left_out = ["nvidia-cublas==1 \\\n    --hash=sha256:4", "torch==2.13.0 \\\n    --hash=sha256:5", "triton==3"]
    text = lock.locked("\n".join([one, *left_out, two]) + "\n")
    assert text.splitlines()[2:] == [
        "#   pip install torch==2.13.0",
        text.splitlines()[3],
        *f"{one}\n{two}".split("\n"),
    ]


def test_the_audit_tells_what_it_found_from_what_it_could_not_look_up():
    safe = {"name": "safe", "version": "1", "vulns": []}
    faulty = {"name": "faulty", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    hidden = {"name": "hidden", "skip_reason": "not found"}
    assert audit.judged([safe]) == (["1 of 1 packages were looked up; 0 known vulnerabilities."], 0)
    assert audit.judged([safe, hidden])[1] == audit.UNKNOWN
    lines, status = audit.judged([safe, faulty, hidden])
    assert lines == [
        "faulty 2: CVE-1, fixed in 3",
        "2 of 3 packages were looked up; 1 known vulnerabilities.",
        "Not looked up: hidden.",
    ]
    assert status == audit.FOUND


# Pickles --------------------------------------------------------------------------------------------------------------

PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
SAFELY = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


def pickles_in(code: str) -> list[str]:
    """Return what could unpickle in a module: imports, and calls without the argument that forbids it."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names if each.name.split(".")[0] in PICKLES]
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PICKLES:
            found.append(str(node.module))
        if isinstance(node, ast.Call) and (call := ast.unparse(node.func)) in SAFELY:
            given = {each.arg: getattr(each.value, "value", None) for each in node.keywords}
            name, value = SAFELY[call]
            found += [call] if given.get(name) is not value else []
    return found


def test_nothing_is_unpickled_but_weights_as_plain_arrays():
    files = [ROOT / "app.py", *(ROOT / "pipeline").rglob("*.py")]
    assert len(files) > 100
    assert {path.name: found for path in files if (found := pickles_in(path.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(p)",
    ],
)
def test_what_unpickles_is_found(code):
    assert pickles_in(code) != []


def test_the_scratch_folder_of_the_image_is_private(served):
    _, log = served
    folders = list((log.parent / "temporary").glob("image-to-soundscape-*"))
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700]
