"""The app: a page with the picture on the left, its soundscape in the middle and the sound on the right.

`python app.py [RESULTS]` serves it at GRADIO_SERVER_NAME and GRADIO_SERVER_PORT. With RESULTS, a folder, the page also
lists the results in it. Heavy libraries are imported after the page is served.
"""

import argparse
import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.page import process

try:
    process.prepare()
    import spaces  # before torch, which it patches on ZeroGPU
except ImportError:  # it is only needed in a Space
    spaces = None
import gradio as gr

from pipeline import backends, logs
from pipeline.errors import SoundscapeError
from pipeline.page import asset, document, earlier, fit, fragments, preview, scratch, views, visitors, zero_gpu
from pipeline.page.admission import MAX_EVENTS, Door
from pipeline.page.closing import end_app
from pipeline.page.document import Origin
from pipeline.page.downloads import pack
from pipeline.page.end_points import add_end_points, word_errors
from pipeline.page.failures import job_id, worded, worded_job, words_for, words_for_page
from pipeline.page.first_sound import Sound, first_and_finished
from pipeline.page.form import (
    OTHER_BYTES,
    bytes_of,
    describes_at_once,
    example,
    examples,
    job_of,
    jobs_at_once,
    prompts_of,
    warm_up,
    wishes_of,
)
from pipeline.page.health import health_route
from pipeline.page.parts import desk, launch_options, scripted_html, shelf_part
from pipeline.page.shelf import Shelf
from pipeline.page.wiring import connect_jobs, connect_opening, connect_pictures, connect_views
from pipeline.results.manifest import report_in
from pipeline.settings import on_zero_gpu
from pipeline.soundscape import Soundscape

if TYPE_CHECKING:
    from pipeline.job import Job, Result

MODEL_WORK = "model"  # one queue for everything that runs a model
PRIVATE = {"api_visibility": "private"}
QUICK: dict[str, Any] = {**PRIVATE, "queue": False, "show_progress": "hidden"}
MODEL = {**PRIVATE, "concurrency_id": MODEL_WORK}
PROGRESS = gr.Progress()  # as a default value, it makes Gradio pass its progress tracker
ASKED: Any = None  # as a default value; Gradio passes the request

Text = str | None  # a text or the path of a picture; None if there is none
Ticket = Path | None
Values = list[Any]  # for the output components, in their order
in_words = partial(worded, gr)  # shows every error to the visitor as a sentence
job_in_words = partial(worded_job, gr)  # logs the begin and the end of the job too


# The work: done in this process, or on ZeroGPU in a forked worker that exchanges pickles -----------------------------


def work(job: "Job | None", folder: Path | None, ticket: Ticket, progress: gr.Progress) -> "Result | Soundscape | None":
    """Run the job into the folder. Without a folder, describe its picture. Without a job, score the result there.

    The work stops with an error once its ticket file is deleted. Errors become gr.Error in here, because a ZeroGPU
    worker passes on the message of no other error.
    """
    from pipeline.job import describe_picture, run

    on_progress = visitors.progress_of(ticket, progress)
    with logs.about(job=job_id(ticket)), in_words():
        if job and folder:
            return run(job, folder, on_progress, preview.writer(folder))
        if job:
            return describe_picture(job.picture, job.vision, on_progress)
        if folder:
            fit.measure(folder, on_progress)
        return None


work_on_gpu: Callable[..., Any] = spaces.GPU(duration=zero_gpu.gpu_seconds)(work) if spaces else work


def worker_for(job: "Job", ticket: Ticket, progress: gr.Progress, *, only_look: bool) -> Callable[..., Any]:
    """Return what runs the job: `work` in this process, or on a GPU of ZeroGPU if a model of the job needs one."""
    names = zero_gpu.models_of(job, only_look=only_look)
    if not names:
        return work
    zero_gpu.prepare(job, names, partial(visitors.progress_of(ticket, progress), "download"))
    return work_on_gpu


def describe(job: "Job", ticket: Ticket, progress: gr.Progress) -> Soundscape:
    """Describe the picture of the job."""
    with job_in_words("describe", ticket), visitors.watched(ticket):
        worker = worker_for(job, ticket, progress, only_look=True)
        return cast(Soundscape, worker(job, None, ticket, progress))


def results(job: "Job", request: gr.Request, ticket: Ticket, progress: gr.Progress) -> Iterator[Sound]:
    """Run the whole job. Yield its result as soon as it can be heard, and again when its files are there."""
    folder = visitors.new_result(request.session_hash)
    preview.prepare(folder)
    return first_and_finished(job, folder, lambda seeded: render(seeded, folder, ticket, progress))


def render(job: "Job", folder: Path, ticket: Ticket, progress: gr.Progress) -> "Result":
    """Run the whole job in a new folder of the visitor and pack the bundle."""
    with job_in_words("render", ticket), scratch.own().room_for(bytes_of(job)), visitors.watched(ticket, folder):
        worker = worker_for(job, ticket, progress, only_look=False)
        result = cast("Result", worker(job, folder, ticket, progress))
        pack(folder)
    return result


def measure(folder: Path, ticket: Ticket, progress: gr.Progress) -> Path:
    """Score the result in the folder with CLAP and CLIP, pack its bundle again and return the bundle's path."""
    worker = work_on_gpu if on_zero_gpu() else work
    room = scratch.own().room_for(scratch.bytes_in(folder) + OTHER_BYTES)
    with job_in_words("measure", ticket), room, visitors.watched(ticket):
        worker(None, folder, ticket, progress)
        return pack(folder)


# Handlers of the page ------------------------------------------------------------------------------------------------


def begin(request: gr.Request) -> Values:
    """Create a ticket, disable the buttons that start a job, and show Stop."""
    with in_words():
        ticket = visitors.new_ticket(request.session_hash)
    return [ticket, *[gr.Button(interactive=False)] * 4, "", "", gr.Button(visible=True)]


def end(ticket: Ticket) -> Values:
    """Delete the ticket, which stops its job at the next step, and enable the buttons again."""
    if ticket:
        visitors.end_ticket(ticket)
    return [None, *[gr.Button(interactive=True)] * 4, *[gr.Button(visible=False)] * 2]


def on_stop(ticket: Ticket) -> Values:
    return [*end(ticket), fragments.notice("Stopped.", "quiet")]


def on_hear(
    picture: Text,
    text: Text,
    origin: Origin,
    vision: str,
    ticket: Ticket,
    request: gr.Request,
    progress: gr.Progress = PROGRESS,
    *wishes: Any,
) -> Iterator[Values]:
    """Make the sound of the picture. Describe the picture first, unless the document was written for it."""
    with in_words():
        written = text if document.is_for(picture, text, origin) else None
        asked = wishes_of(*wishes, is_new=not written)
        job = job_of(picture, written, origin, vision=vision, **asked)
        shown = [gr.skip()] * views.REPLACED
        for sound in results(job, request, ticket, progress):
            described = None if written else views.described(sound.result.soundscape, picture, vision)
            written = sound.result.soundscape.to_json()  # shown by now
            yield (described or shown) + views.made(gr, *sound)


def on_describe(picture: Text, vision: str, ticket: Ticket, progress: gr.Progress = PROGRESS) -> Values:
    with in_words():
        described = describe(job_of(picture, vision=vision), ticket, progress)
        return views.described(described, picture, vision)


async def on_described(
    picture: Text, text: Text, origin: Origin, vision: str, request: gr.Request, progress: gr.Progress = PROGRESS
) -> Any:
    """Describe a new picture at once, if the embedded model does it and no edit of the visitor would be replaced."""
    is_kept = document.is_for(picture, text, origin) or document.is_edited(text, origin)  # also if another was refused
    if not picture or is_kept or not describes_at_once(vision):
        return [gr.skip()] * views.REPLACED

    def task(ticket: Path) -> Values:
        return on_describe(picture, vision, ticket, progress)

    return await until_cancelled(task, request)


def on_make(
    picture: Text,
    text: Text,
    origin: Origin,
    ticket: Ticket,
    request: gr.Request,
    progress: gr.Progress = PROGRESS,
    *wishes: Any,
) -> Iterator[Values]:
    """Make the sound of the document. The result includes the picture only if the document was written for it."""
    with in_words():
        own = None if document.is_for_another(picture, text, origin) else picture
        job = job_of(own, text or "", origin, **wishes_of(*wishes))
        for sound in results(job, request, ticket, progress):
            yield views.made(gr, *sound)


def on_measure(folder: Path | None, ticket: Ticket, progress: gr.Progress = PROGRESS) -> Values:
    """Score the result on the page with the models of this machine."""
    with in_words():
        if not folder or not folder.is_dir():
            raise SoundscapeError("This sound has been deleted. Make it again.")
        bundle = measure(folder, ticket, progress)
        return [str(bundle), *views.fitting(gr, folder, report_in(folder), is_open=True)]


def on_picture(brought: gr.EventData) -> Values:
    """Show a picture that was uploaded. One that cannot be read leaves the picture before."""
    with in_words():
        return views.picture(scratch.own().find(brought.path), otherwise=gr.skip())


def on_capture(picture: str) -> Values:
    """Show a picture of the camera or the clipboard."""
    with in_words():
        return views.picture(Path(picture), otherwise=None)


def on_prompts(text: Text, audio: str) -> str:
    """Return the prompts for the audio model, one line per source."""
    with in_words():
        return "\n".join(prompts_of(text or "", audio))


def leave(request: gr.Request) -> None:
    visitors.forget(request.session_hash)


def on_example(chosen: gr.EventData) -> Values:
    with in_words():
        return views.example(gr, *example(chosen.index))


def on_open(brought: gr.EventData, request: gr.Request) -> Values:
    """Show an earlier result that the visitor uploaded, or say why it cannot be read."""
    with in_words():
        try:
            return ["", *views.open_files(gr, map(scratch.own().find, brought.paths), request.session_hash)]
        except SoundscapeError as error:
            return [fragments.notice(words_for_page(error), "refusal"), *[gr.skip()] * views.OPENED]


def open_from(shelf: Shelf) -> Callable[..., Values]:
    """Return the handler that opens a result of the shelf."""

    def on_shelf(request: gr.Request, chosen: gr.EventData) -> Values:
        with in_words():
            return views.open_files(gr, [shelf.folder_of(chosen.name)], request.session_hash)

    return on_shelf


# End points for programs ----------------------------------------------------------------------------------------------


async def api_describe(
    picture: Text, vision_backend: str, request: gr.Request, progress: gr.Progress = PROGRESS
) -> Any:
    """Return the soundscape of a picture as JSON text."""

    def task(ticket: Path) -> str:
        return describe(job_of(picture, vision=vision_backend), ticket, progress).to_json()

    return await until_cancelled(task, request)


async def api_render(
    soundscape_json: str,
    audio_backend: str,
    duration_s: float,
    seed: int | None = None,  # its default; those of the others are in the components
    request: gr.Request = ASKED,
    progress: gr.Progress = PROGRESS,
) -> Any:
    """Return the mix (WAV), the bundle (ZIP) and the report of a soundscape. Without a seed, a random one is used."""

    def task(ticket: Path) -> Values:
        job = job_of(None, soundscape_json, audio=audio_backend, duration_s=duration_s, seed=seed)
        return views.files(render(job, visitors.new_result(request.session_hash), ticket, progress))

    return await until_cancelled(task, request)


async def api_image_to_soundscape(
    picture: Text,
    vision_backend: str,
    audio_backend: str,
    duration_s: float,
    seed: int | None = None,
    request: gr.Request = ASKED,
    progress: gr.Progress = PROGRESS,
) -> Any:
    """Return the soundscape of a picture as JSON text, its mix (WAV), its bundle (ZIP) and its report."""
    wishes: dict[str, Any] = {"vision": vision_backend, "audio": audio_backend, "duration_s": duration_s, "seed": seed}

    def task(ticket: Path) -> Values:
        result = render(job_of(picture, **wishes), visitors.new_result(request.session_hash), ticket, progress)
        return [result.soundscape.to_json(), *views.files(result)]

    return await until_cancelled(task, request)


async def until_cancelled(task: Callable[[Path], Any], request: gr.Request) -> Any:
    """Run the task in a thread. If the caller cancels, delete its ticket, which stops it at the next step."""
    with in_words(words_for):
        ticket = visitors.new_ticket(request.session_hash)
        try:
            return await asyncio.to_thread(task, ticket)
        finally:
            visitors.end_ticket(ticket)


# The page -------------------------------------------------------------------------------------------------------------


def create_demo(shelf: Shelf | None = None) -> gr.Blocks:
    """Build the page, with the results of the shelf if there is one. No model is loaded."""
    scratch.own()  # before Gradio looks up the folder of its uploads
    cache = (scratch.TIDIED_EVERY_S, scratch.KEPT_S)
    demo = gr.Blocks(title="Image to Soundscape", analytics_enabled=False, fill_width=True, delete_cache=cache)
    with demo:
        gr.HTML(asset("header.html"))
        page = desk(gr)
        look, text, made, ticket, written = page.look, page.text, page.made, page.ticket, page.written
        if shelf:
            on_this_machine = shelf_part(gr, shelf)
        gr.HTML("<h2 class='begin'>Or start with an example</h2>", visible=bool(examples()))
        gallery = scripted_html(gr, fragments.gallery(examples()), "gallery")

        jobs = (
            (look.hear, on_hear, [*written, look.vision, ticket, *page.wishes], page.document + page.made_now, look),
            (look.describe, on_describe, [look.picture, look.vision, ticket], page.document, look),
            (made.make, on_make, [*written, ticket, *page.wishes], page.made_now, made),
            (made.measure, on_measure, [made.folder, ticket], page.measured, made),
        )
        connect_jobs(page, jobs, begin, end, on_stop, QUICK, MODEL)
        connect_views(page, QUICK)
        connect_pictures(page, on_picture, on_capture, on_described, QUICK, MODEL)
        gallery.select(on_example, None, page.example, **QUICK)
        options = {"show_progress_on": look.status, **PRIVATE}
        opened = [
            look.opening.select(on_open, None, [look.refusal, *page.opened], trigger_mode="always_last", **options)
        ]
        if shelf:
            opened.append(on_this_machine.select(open_from(shelf), None, page.opened, **options))
        connect_opening(page, opened, partial(earlier.player, gr), QUICK, MODEL)
        made.show_prompts.click(on_prompts, [text.editor, look.audio], made.prompts, **MODEL)
        demo.load(partial(views.models, gr), None, page.models, **QUICK)
        demo.load(None, js=asset("page.js"), **QUICK)
        demo.unload(leave)
        add_end_points(gr, api_describe, api_render, api_image_to_soundscape, MODEL_WORK, jobs_at_once())
    word_errors(gr, demo)
    demo.queue(default_concurrency_limit=4, max_size=MAX_EVENTS, api_open=False)  # or programs could pass it by
    return demo


def main() -> None:
    """Serve the app; the optional argument is a folder of results to list on the page."""
    parser = argparse.ArgumentParser(description="Serve the app.")
    parser.add_argument("results", nargs="?", type=Path, help="folder of results to list on the page")
    folder = parser.parse_args().results
    try:
        scratch.own()
        visitors.job_limit_s()
        shelf = Shelf(folder) if folder else None
    except (SoundscapeError, OSError) as error:
        parser.error(str(error))
    if on_zero_gpu():
        backends.load_at_start()
    demo = create_demo(shelf)
    door = Door(demo, MODEL_WORK, jobs_at_once())
    signal.signal(signal.SIGTERM, partial(end_app, door))  # sent by containers and services
    demo.launch(prevent_thread_lock=True, **launch_options(gr, health_route(door)))
    for task in (warm_up, preview.spaces_here, scratch.keep_tidy, *([shelf.warm_up] if shelf else [])):
        threading.Thread(target=task, daemon=True).start()
    demo.block_thread()


if __name__ == "__main__":
    main()
