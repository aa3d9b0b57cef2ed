"""The events that keep the views of the document in step. They run no model."""

from types import SimpleNamespace
from typing import Any

from . import asset, document


def connect_views(page: SimpleNamespace, quick: dict[str, Any]) -> None:
    """Connect the rows, the JSON editor and the note with the document, which is kept by desk/state.js.

    `quick` are the options of events that take no time.
    """
    look, text, made = page.look, page.text, page.made
    shown = [text.editor, text.origin, text.problems]
    text.sources.input(None, None, shown, js=asset("editor.js"), **quick)
    latest = {"trigger_mode": "always_last", **quick}  # by default, what happens during a request would be passed over
    another = text.sources.select(None, None, shown, js=asset("editor.js"), **latest)  # a document for another picture
    another.then(document.note, page.written, text.note, **latest)
    text.editor.input(None, text.editor, None, js="(text) => globalThis.desk.state.write(text)", **quick)
    text.editor.input(document.typed, text.editor, [text.sources, text.problems], **latest)
    look.picture.change(document.note, page.written, text.note, **quick)
    for wish in (made.duration_s, made.seed, made.surprise):
        wish.input(None, js="() => { document.body.dataset.wished = '' }", **quick)
    made.report.change(None, js=asset("sound_ready.js"), **quick)
    look.given.change(None, js="() => window.sayOfOpening('')", **quick)
