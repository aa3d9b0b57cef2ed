"""The end points for programs, and what makes every error of an event a sentence.

As in parts.py, the functions take Gradio as `gr`.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from .admission import add_refusal
from .arguments import read
from .failures import worded, words_for, words_for_page
from .form import USUAL_DURATION_S
from .parts import picture_file

PHOTO = "photo.jpg"
EXAMPLE = r"{\"sources\": [{\"name\": \"river\"}]}"  # a document, as the API page puts it between quotation marks


def add_end_points(
    gr: ModuleType,
    describe: Callable[..., Any],
    render: Callable[..., Any],
    image_to_soundscape: Callable[..., Any],
    queue_name: str,
    jobs_at_once: int,
) -> None:
    """Add the end points for programs. Their hidden components are separate from the page, which may change freely."""
    with gr.Column(visible=False):
        picture = picture_file(gr, label="picture")
        soundscape = gr.Textbox(label="soundscape_json")
        vision, audio = gr.Textbox("", label="vision_backend"), gr.Textbox("", label="audio_backend")
        duration_s, seed = gr.Number(USUAL_DURATION_S, label="duration_s"), gr.Number(label="seed", precision=0)
        files = [gr.Audio(label="mix"), gr.File(label="bundle"), gr.JSON(label="report")]
        button = gr.Button()
    photo = {"path": PHOTO, "url": PHOTO, "orig_name": PHOTO, "meta": {"_type": "gradio.FileData"}}
    for component, value in ((picture, photo), (soundscape, EXAMPLE), (seed, 7)):
        component.example_payload = lambda value=value: value  # what the API page shows
    wishes, queue = [audio, duration_s, seed], {"concurrency_id": queue_name, "concurrency_limit": jobs_at_once}
    button.click(describe, [picture, vision], soundscape, api_name="describe", **queue)
    button.click(render, [soundscape, *wishes], files, api_name="render", **queue)
    both = {"inputs": [picture, vision, *wishes], "outputs": [soundscape, *files]}
    button.click(image_to_soundscape, **both, api_name="image_to_soundscape", **queue)
    add_refusal(gr)


def word_errors(gr: ModuleType, demo: Any) -> None:
    """Read the arguments of the end points before Gradio does, and show every error of an event as a sentence.

    Gradio answers with an empty error for what goes wrong before or after a handler.
    """
    process = demo.process_api  # called for each event of the page and of programs

    async def process_api(block_fn: Any, inputs: list[Any], *rest: Any, **options: Any) -> Any:
        is_public = getattr(block_fn, "api_visibility", "") == "public"
        with worded(gr, words_for if is_public else words_for_page):
            values = read(block_fn.api_name, inputs) if is_public else inputs
            return await process(block_fn, values, *rest, **options)

    demo.process_api = process_api
