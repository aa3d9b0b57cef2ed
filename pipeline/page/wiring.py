"""The events of the page, connected with their handlers: jobs, a new picture, and the views of the document.

The options `quick` are those of events that take no time, `model` those of events that run a model.
"""

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from . import asset, document

Handler = Callable[..., Any]


def connect_jobs(
    page: SimpleNamespace,
    jobs: Iterable[tuple[Any, Handler, list[Any], list[Any], SimpleNamespace]],
    begin: Handler,
    end: Handler,
    on_stop: Handler,
    quick: dict[str, Any],
    model: dict[str, Any],
) -> None:
    """Connect the buttons that start a job, and those that stop it.

    A job is its button, task, inputs and outputs, and the column that shows its progress.
    """
    running = []
    for button, task, inputs, outputs, column in jobs:
        ready = button.click(begin, None, [*page.controls, *page.statuses, column.stop], **quick)
        done = ready.then(task, inputs, outputs, js=asset("job.js"), show_progress_on=column.status, **model)
        for ended in (done.success, done.failure):  # .then is not called after an error
            ended(end, page.ticket, page.buttons, **quick)
        running.append(done)
    for column in (page.look, page.made):
        column.stop.click(on_stop, page.ticket, [*page.buttons, column.status], cancels=running, **quick)


def connect_pictures(
    page: SimpleNamespace,
    on_picture: Handler,
    on_capture: Handler,
    on_describe: Handler,
    quick: dict[str, Any],
    model: dict[str, Any],
) -> None:
    """Connect what brings a picture. A new picture is described at once; the next one cancels that.

    Pictures come through opening.js, except those of the camera and of the clipboard button, which come from the
    picture component.
    """
    look = page.look
    latest = {"trigger_mode": "always_last"}
    shown = [look.picture, look.refusal]
    brought = look.opening.upload(on_picture, None, shown, **latest, **quick)
    captured = look.picture.upload(on_capture, look.picture, shown, **latest, **quick)
    look.picture.clear(lambda: "", None, look.refusal, **quick)
    _say_when_it_has_arrived(brought, quick)
    options = {"js": asset("job.js"), "show_progress_on": look.status, **model}
    described = [
        ready.success(on_describe, [*page.written, look.vision], page.document, **options)
        for ready in (brought, captured)
    ]
    for event in (look.opening.upload, look.picture.input):
        event(None, cancels=described, **quick)


def connect_opening(
    page: SimpleNamespace, opened: Iterable[Any], player: Handler, quick: dict[str, Any], model: dict[str, Any]
) -> None:
    """Give an earlier result its dry stems in the background, once it is shown."""
    for each in opened:
        _say_when_it_has_arrived(each, quick)
        each.success(player, page.made.folder, page.made.mix, show_progress="hidden", **model)


def _say_when_it_has_arrived(brought: Any, quick: dict[str, Any]) -> None:
    for done in (brought.success, brought.failure):
        done(None, js="() => window.fileHasArrived()", **quick)


def connect_views(page: SimpleNamespace, quick: dict[str, Any]) -> None:
    """Connect the rows, the JSON editor and the note with the document, which is kept by desk/state.js."""
    look, text, made = page.look, page.text, page.made
    shown = [text.editor, text.origin, text.problems, text.redo]
    text.sources.input(None, None, shown, js=asset("editor.js"), **quick)
    latest = {"trigger_mode": "always_last", **quick}  # by default, what happens during a request would be passed over
    another = text.sources.select(None, None, shown, js=asset("editor.js"), **latest)  # a document for another picture
    another.then(document.note, page.written, text.note, **latest)
    text.editor.input(None, text.editor, None, js="(text) => globalThis.desk.state.write(text)", **quick)
    text.editor.input(document.typed, text.editor, [text.sources, text.problems], **latest)
    look.picture.change(document.note, page.written, text.note, **quick)
    for wish in (made.duration_s, made.seed, made.surprise):
        wish.input(None, js="() => { document.body.dataset.wished = '' }", **quick)
