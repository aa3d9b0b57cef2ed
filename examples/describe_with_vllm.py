"""Describe a folder of pictures with a vision model served by vLLM, for very many pictures.

    vllm serve Qwen/Qwen2.5-VL-7B-Instruct --max-model-len 4096 --limit-mm-per-prompt '{"image": 1, "video": 0}' \\
        --structured-outputs-config '{"backend": "guidance", "disable_any_whitespace": true}'
    python -m examples.describe_with_vllm PICTURES --out results/
    python -m pipeline PICTURES --out results/ --skip-vlm

It writes results/<name>/soundscape.json as the pipeline does, and skips pictures that already have one.
"""

import argparse
import base64
import io
import json
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from PIL import Image

from pipeline.backends.vision.answer import FULL, SHORT, Demand, answer_schema, pixels, read_answer
from pipeline.backends.vision.instruction import read_instruction
from pipeline.batch.tasks import Task, find_tasks
from pipeline.errors import SoundscapeError
from pipeline.picture import load_picture
from pipeline.results.result import SOUNDSCAPE, write_soundscape
from pipeline.soundscape import Soundscape

PATCH_PX = 28  # Qwen2.5-VL splits a picture into squares of this size; multiples of it are not resized by the model
MAX_PATCHES = 640
MAX_TOKENS = 1024
TIMEOUT_S = 600  # a busy server answers late


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.describe_with_vllm", description=__doc__.split("\n")[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--server", default="http://localhost:8000/v1")
    parser.add_argument("--model", default="Qwen/Qwen2.5-VL-7B-Instruct")
    parser.add_argument("--key", default="none", help="API key, if the server was started with --api-key")
    parser.add_argument("--requests", type=int, default=64, help="concurrent requests, which vLLM batches")
    options = parser.parse_args()
    tasks = [task for task in find_tasks([options.pictures], options.out) if not _document(task, options.out).exists()]
    failed = 0
    with ThreadPoolExecutor(options.requests) as pool:
        under_way = {pool.submit(_describe, task, options): task for task in tasks}
        for number, ended in enumerate(as_completed(under_way), 1):
            error = ended.exception()
            failed += error is not None
            print(f"[{number}/{len(tasks)}] {under_way[ended].source}: {error or 'described'}", file=sys.stderr)
    return 1 if failed else 0


def _describe(task: Task, options: argparse.Namespace) -> None:
    picture = _whole_patches(load_picture(task.path))
    soundscape = _ask(picture, FULL, options) or _ask(picture, SHORT, options)
    if soundscape is None:
        raise SoundscapeError(f"The model did not finish its answer within {MAX_TOKENS} tokens, not even a short one.")
    write_soundscape(_document(task, options.out).parent, soundscape)


def _ask(picture: Image.Image, demand: Demand, options: argparse.Namespace) -> Soundscape | None:
    """Return the model's description of the picture, None when its answer was cut off."""
    frame = pixels(*picture.size)
    instruction = read_instruction(max_sources=demand.sources, boxes=frame.words)
    parts = [{"type": "image_url", "image_url": {"url": _data_url(picture)}}, {"type": "text", "text": instruction}]
    schema = {"name": "soundscape", "schema": answer_schema(demand, frame), "strict": True}
    body = {
        "model": options.model,
        "messages": [{"role": "user", "content": parts}],
        "response_format": {"type": "json_schema", "json_schema": schema},
        "max_tokens": MAX_TOKENS,
        "temperature": 0,
    }
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {options.key}"}
    request = urllib.request.Request(f"{options.server}/chat/completions", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        raise SoundscapeError(
            f"the server answered {error.code}: {error.read().decode(errors='replace')[:500]}"
        ) from error
    (choice,) = answer["choices"]
    if choice.get("finish_reason") == "length":
        return None
    soundscape = read_answer(choice["message"]["content"] or "", frame)
    if soundscape is None:
        raise SoundscapeError("The model ended its answer before the JSON was complete.")
    return soundscape


def _whole_patches(picture: Image.Image) -> Image.Image:
    """Resize the picture to a whole number of patches in each direction, at most MAX_PATCHES in total."""
    shrink = min(1.0, (MAX_PATCHES * PATCH_PX**2 / (picture.width * picture.height)) ** 0.5)
    columns, rows = (max(1, int(side * shrink / PATCH_PX)) for side in picture.size)
    return picture.resize((columns * PATCH_PX, rows * PATCH_PX), Image.Resampling.LANCZOS)


def _data_url(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _document(task: Task, out: Path) -> Path:
    return out / task.name / SOUNDSCAPE


if __name__ == "__main__":
    sys.exit(main())
