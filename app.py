"""The app: a picture on the left, what would be heard there in the middle, its sound on the right.

`python app.py [RESULTS]` serves it, with the results of a folder below if one is named; GRADIO_SERVER_NAME and
GRADIO_SERVER_PORT say where. Nothing heavy is imported before the page is served.
"""

import argparse
import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
try:
    import spaces  # before torch, which it patches on ZeroGPU
except ImportError:  # of use in a Space only
    spaces = None
import gradio as gr

from pipeline import backends
from pipeline.errors import Cancelled, SoundscapeError
from pipeline.page import asset, document, fit, fragments, opening, scratch, views, visitors
from pipeline.page.document import Origin
from pipeline.page.failures import words_for
from pipeline.page.form import (
    OTHER_BYTES,
    bytes_of,
    example,
    examples,
    gpu_seconds,
    job_of,
    jobs_at_once,
    needs_gpu,
    prompts_of,
    refusal,
    warm_up,
    wishes_of,
)
from pipeline.page.manifest import report_in
from pipeline.page.parts import (
    end_point_parts,
    launch_options,
    picture_column,
    scripted_html,
    shelf_part,
    sound_column,
    soundscape_column,
)
from pipeline.page.shelf import Shelf
from pipeline.results.result import write_bundle
from pipeline.settings import on_zero_gpu
from pipeline.soundscape import Soundscape

if TYPE_CHECKING:
    from pipeline.job import Job, Result

TITLE = "Image to Soundscape"
SWEPT_EVERY_S = 1800
MODEL_WORK = "model"  # one queue for everything that runs a model
TOAST = {"duration": 5, "print_exception": False}
PRIVATE = {"api_visibility": "private"}
QUICK = {**PRIVATE, "queue": False, "show_progress": "hidden"}
PROGRESS = gr.Progress()  # as the default of an argument it tells Gradio that the function reports progress


@contextmanager
def in_words() -> Iterator[None]:
    """Show every error to the visitor as a sentence."""
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        raise gr.Error(words_for(error), **TOAST) from None


# The work: done here, or on ZeroGPU in a forked worker that gets and gives pickles -----------------------------------


def work(
    job: "Job | None", folder: Path | None, ticket: Path | None, progress: gr.Progress
) -> "Result | Soundscape | None":
    """Run the job into the folder. Without a folder describe its picture, without a job measure what lies there.

    It goes on while its ticket is there.

    Errors are told in words here, inside: of a worker on ZeroGPU nothing but gr.Error keeps its message.
    """
    from pipeline.job import describe_picture, run

    context = copy_context()

    def on_progress(stage: str, done: int, total: int) -> None:
        if ticket and not ticket.exists():
            raise Cancelled
        # Downloads tell of theirs from other threads, which do not know for whom they work.
        context.copy().run(progress, (done, total), desc=fragments.STAGES.get(stage, stage), unit="")

    with in_words():
        if job is None:
            return fit.measure(folder, on_progress)
        return run(job, folder, on_progress) if folder else describe_picture(job.picture, job.vision, on_progress)


work_on_gpu = spaces.GPU(duration=gpu_seconds)(work) if spaces else work


def look(job: "Job", ticket: str | None, progress: gr.Progress) -> Soundscape:
    """Describe the picture of the job."""
    worker = work_on_gpu if needs_gpu(job, only_look=True) else work
    return worker(job, None, Path(ticket) if ticket else None, progress)


def sound(job: "Job", request: gr.Request, ticket: str | None, progress: gr.Progress) -> "Result":
    """Do the whole job in a fresh folder of the visitor, and pack the bundle."""
    worker = work_on_gpu if needs_gpu(job, only_look=False) else work
    with scratch.own().room_for(bytes_of(job)):
        folder = visitors.new_result(request.session_hash)
        result = worker(job, folder, Path(ticket) if ticket else None, progress)
        result.write_bundle()
    return result


def measure(folder: Path | None, ticket: str | None, progress: gr.Progress) -> Path:
    """Let CLAP and CLIP score the result in the folder, pack its bundle anew and return that."""
    if not folder or not folder.is_dir():
        raise SoundscapeError("This sound is no longer kept here. Make it again.")
    worker = work_on_gpu if on_zero_gpu() else work
    with scratch.own().room_for(scratch.bytes_in(folder) + OTHER_BYTES):
        worker(None, folder, Path(ticket) if ticket else None, progress)
        return write_bundle(folder, folder.with_name(f"{folder.name}.zip"))


# What the visitor does ------------------------------------------------------------------------------------------------


def begin(request: gr.Request) -> list[Any]:
    """Hand out a ticket. No second job begins while it is held."""
    with in_words():
        ticket = visitors.new_ticket(request.session_hash)
    return [str(ticket), *[gr.Button(interactive=False)] * 4, "", "", gr.Button(visible=True)]


def end(ticket: str | None) -> list[Any]:
    """Take the ticket back: whatever still runs on it stops at its next step."""
    if ticket:
        Path(ticket).unlink(missing_ok=True)
    return [None, *[gr.Button(interactive=True)] * 4, *[gr.Button(visible=False)] * 2]


def on_stop(ticket: str | None) -> list[Any]:
    return [*end(ticket), fragments.notice("Stopped.", "quiet")]


def on_hear(picture, text, origin, vision, ticket, request: gr.Request, progress=PROGRESS, *wishes):
    """Make the sound of what is written for this very picture, or else of what is described now."""
    with in_words():
        written = text if document.is_for(picture, text, origin) else None
        job = job_of(picture, written, vision=vision, **wishes_of(*wishes))
        result = sound(job, request, ticket, progress)
        same = [gr.skip()] * 7
        shown = same if written else views.replaced(gr, result.soundscape, picture, text, origin)
        return shown + views.made(gr, result)


def on_describe(picture, text, origin, vision, ticket, progress=PROGRESS):
    with in_words():
        return views.replaced(gr, look(job_of(picture, vision=vision), ticket, progress), picture, text, origin)


def on_make(picture, text, origin, ticket, request: gr.Request, progress=PROGRESS, *wishes):
    """Make the sound of what is written. A picture that it was not written for is no part of the result."""
    with in_words():
        own = None if document.is_for_another(picture, text, origin) else picture
        return views.made(gr, sound(job_of(own, text or "", **wishes_of(*wishes)), request, ticket, progress))


def on_measure(folder: Path | None, ticket, progress=PROGRESS) -> list[Any]:
    """Let the models that are here say how well the shown result fits."""
    with in_words():
        bundle = measure(folder, ticket, progress)
        return [str(bundle), *views.fitting(gr, folder, report_in(folder), is_open=True)]


def on_upload(picture: str | None) -> list[Any]:
    """Take no picture that cannot be read, and say why."""
    why = refusal(picture)
    return [None, fragments.notice(why, "refusal")] if why else [gr.skip(), ""]


def on_bring_back(picture, text, origin, kept) -> list[Any]:
    """Swap the document with the one that was kept, which is kept in turn if it was edited."""
    again = document.is_edited(text, origin)
    values = [kept[0], *document.typed(kept[0], {"json": ""}), kept[1], (text, origin) if again else None]
    return [*values, gr.Button(visible=again), document.note(picture, *kept)]


def on_prompts(text: str, audio: str) -> str:
    """Show what the audio model would be asked for, one line a source."""
    with in_words():
        return "\n".join(prompts_of(text or "", audio))


def on_load() -> list[Any]:
    return views.models(gr)


def leave(request: gr.Request) -> None:
    visitors.forget(request.session_hash)


def on_example(text, origin, chosen: gr.EventData) -> list[Any]:
    with in_words():
        path, soundscape = example(chosen.index)
    columns = [gr.Column(visible=True), gr.Column(visible=False)]
    return [str(path), *views.replaced(gr, soundscape, str(path), text, origin), "", *columns]


def on_open(given: list[str] | None, text, origin, request: gr.Request) -> list[Any]:
    """Show an earlier result that the visitor hands back, or say why it cannot be read."""
    with in_words():
        try:
            return [None, "", *opened_values(given or [], text, origin, request)]
        except SoundscapeError as error:
            return [None, fragments.notice(str(error), "refusal"), *[gr.skip()] * views.OPENED]


def opened_values(given: list[str | Path], text, origin, request: gr.Request) -> list[Any]:
    with scratch.own().room_for(2 * opening.MAX_BYTES):  # the files, and their bundle
        opened = opening.open_result(given, visitors.new_result(request.session_hash))
        return views.opened(gr, opened, text, origin)


def open_from(shelf: Shelf) -> Callable[..., list[Any]]:
    """Return the handler that opens a result of the shelf."""

    def on_shelf(text, origin, request: gr.Request, chosen: gr.EventData) -> list[Any]:
        with in_words():
            return opened_values([shelf.folder_of(chosen.name)], text, origin, request)

    return on_shelf


# End points for programs ----------------------------------------------------------------------------------------------


async def api_describe(picture, vision_backend, request: gr.Request, progress=PROGRESS):
    """Return what would be heard in the picture, as the JSON text of a Soundscape."""

    def task(ticket: str) -> str:
        return look(job_of(picture, vision=vision_backend or ""), ticket, progress).to_json()

    return await until_cancelled(task, request)


async def api_render(soundscape_json, audio_backend, duration_s, seed, request: gr.Request, progress=PROGRESS):
    """Return the mix (WAV), the bundle (ZIP) and the report of a Soundscape. No seed means a random one."""

    def task(ticket: str) -> list[Any]:
        job = job_of(None, soundscape_json or "", audio=audio_backend or "", duration_s=duration_s, seed=seed)
        return views.files(sound(job, request, ticket, progress))

    return await until_cancelled(task, request)


async def api_image_to_soundscape(
    picture, vision_backend, audio_backend, duration_s, seed, request: gr.Request, progress=PROGRESS
):
    """Return the soundscape of a picture as JSON text, its mix (WAV), its bundle (ZIP) and its report."""
    wishes = {"vision": vision_backend or "", "audio": audio_backend or "", "duration_s": duration_s, "seed": seed}

    def task(ticket: str) -> list[Any]:
        result = sound(job_of(picture, **wishes), request, ticket, progress)
        return [result.soundscape.to_json(), *views.files(result)]

    return await until_cancelled(task, request)


async def until_cancelled(task: Callable[[str], Any], request: gr.Request) -> Any:
    """Run the task in a thread. When its caller cancels, its ticket is taken back and it stops at its next step."""
    with in_words():
        ticket = visitors.new_ticket(request.session_hash)
        try:
            return await asyncio.to_thread(task, str(ticket))
        finally:
            ticket.unlink(missing_ok=True)


# The page -------------------------------------------------------------------------------------------------------------


def create_demo(shelf: Shelf | None = None) -> gr.Blocks:
    """Build the page, with the results of a shelf if there is one; nothing is loaded and no model runs."""
    scratch.own()  # before Gradio looks for the folder of its uploads
    cache = (SWEPT_EVERY_S, scratch.KEPT_S)
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=cache) as demo:
        gr.HTML(asset("header.html"))
        with gr.Row(elem_id="desk", equal_height=False):
            look, text, made = picture_column(gr), soundscape_column(gr), sound_column(gr)
        if shelf:
            on_this_machine = shelf_part(gr, shelf)
        gr.HTML("<h2 class='begin'>Or begin with one of these</h2>", visible=bool(examples()))
        gallery = scripted_html(gr, fragments.gallery(examples()), "gallery")

        ticket, origin, kept = gr.State(None), gr.State(Origin()), gr.State(None)
        written = [look.picture, text.editor, origin]
        documents = [text.editor, text.sources, text.problems, origin, kept, text.bring_back, text.note]
        fitting = [made.fit, made.measure]
        shown = [made.mix, made.mix_file, made.bundle, made.stems, made.report, made.nothing, made.result]
        shown += [made.folder, *fitting]
        results = [*shown, made.seed, made.prompts]
        advanced = [made.steps, made.guidance, made.negative, made.candidates, made.precision, made.prompts]
        wishes = [look.audio, made.duration_s, made.seed, made.surprise, *advanced]
        controls, stops = [ticket, look.hear, look.describe, made.make, made.measure], [look.stop, made.stop]
        words = [look.status, made.status]
        running = []
        for button, task, inputs, outputs, column in (
            (look.hear, on_hear, [*written, look.vision, ticket, *wishes], documents + results, look),
            (look.describe, on_describe, [*written, look.vision, ticket], documents, look),
            (made.make, on_make, [*written, ticket, *wishes], results, made),
            (made.measure, on_measure, [made.folder, ticket], [made.bundle, *fitting], made),
        ):
            told = {"show_progress_on": column.status, "concurrency_id": MODEL_WORK, **PRIVATE}
            ready = button.click(begin, None, [*controls, *words, column.stop], **QUICK)
            done = ready.then(task, inputs, outputs, **told)
            for ended in (done.success, done.failure):  # .then is not called after an error
                ended(end, ticket, controls + stops, **QUICK)
            running.append(done)
        for column in (look, made):
            column.stop.click(on_stop, ticket, [*controls, *stops, column.status], cancels=running, **QUICK)

        text.sources.input(None, text.sources, text.editor, js=asset("editor.js"), **QUICK)
        for edited in (text.sources.input, text.editor.input):
            edited(None, js="() => { document.body.dataset.edited = '' }", **QUICK)
        for wished in (made.duration_s, made.seed, made.surprise):
            wished.input(None, js="() => { document.body.dataset.wished = '' }", **QUICK)
        made.report.change(None, js=asset("sound_ready.js"), **QUICK)
        both = [text.sources, text.problems]
        text.editor.input(document.typed, [text.editor, text.sources], both, trigger_mode="always_last", **QUICK)
        look.picture.upload(on_upload, look.picture, [look.picture, look.refusal], **QUICK)
        look.picture.change(document.note, written, text.note, **QUICK)
        text.bring_back.click(on_bring_back, [*written, kept], documents, **QUICK)
        begun = [look.picture, *documents, look.refusal, made.nothing, made.result]
        gallery.select(on_example, written[1:], begun, **QUICK)
        opened, told = [look.picture, *documents, *shown, *wishes], {"show_progress_on": look.status, **PRIVATE}
        given = [look.given, *written[1:]]
        look.given.upload(on_open, given, [look.given, look.refusal, *opened], **told)
        look.given.change(None, js="() => window.sayOfOpening('')", **QUICK)
        if shelf:
            on_this_machine.select(open_from(shelf), written[1:], opened, **told)
        asked = [text.editor, look.audio]
        made.show_prompts.click(on_prompts, asked, made.prompts, concurrency_id=MODEL_WORK, **PRIVATE)
        models = [look.vision, look.vision_notes, look.audio, look.audio_notes, made.advanced]
        demo.load(on_load, None, models, **QUICK)
        demo.load(None, js=asset("page.js"), **QUICK)
        demo.unload(leave)
        add_end_points()
    demo.queue(default_concurrency_limit=4, max_size=64)
    return demo


def add_end_points() -> None:
    """Add /describe, /render and /image_to_soundscape, apart from the page so that its changes are not theirs."""
    part = end_point_parts(gr)
    wishes, files = [part.audio_backend, part.duration_s, part.seed], [part.mix, part.bundle, part.report]
    for task, inputs, outputs in (
        (api_describe, [part.picture, part.vision_backend], part.soundscape_json),
        (api_render, [part.soundscape_json, *wishes], files),
        (api_image_to_soundscape, [part.picture, part.vision_backend, *wishes], [part.soundscape_json, *files]),
    ):
        name, queue = task.__name__.removeprefix("api_"), {"concurrency_limit": jobs_at_once()}
        part.button.click(task, inputs, outputs, api_name=name, concurrency_id=MODEL_WORK, **queue)


def main() -> None:
    """Serve the app. Its one argument, a folder of results, puts these on the page."""
    parser = argparse.ArgumentParser(description="Serve the app.")
    parser.add_argument("results", nargs="?", type=Path, help="folder of results to be shown on the page and opened")
    folder = parser.parse_args().results
    try:
        shelf = Shelf(folder) if folder else None
    except SoundscapeError as error:
        parser.error(str(error))
    if on_zero_gpu():
        backends.load_real_models()
    demo = create_demo(shelf)
    demo.launch(prevent_thread_lock=True, **launch_options(gr))
    for task in (warm_up, *([shelf.warm_up] if shelf else [])):
        threading.Thread(target=task, daemon=True).start()
    demo.block_thread()


if __name__ == "__main__":
    main()
