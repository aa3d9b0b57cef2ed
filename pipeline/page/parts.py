"""The components of the page, and the options with which the app is served.

Only app.py imports Gradio, so that the pipeline can be used without it. The functions here take it as `gr`.
"""

import os
from types import ModuleType, SimpleNamespace
from typing import Any

from ..errors import SoundscapeError
from ..settings import read_settings
from . import asset, scratch, scripts, theme
from .document import read_origin, usual
from .form import (
    EXAMPLES,
    MAX_CANDIDATES,
    MAX_DURATION_S,
    MAX_GUIDANCE,
    MAX_STEPS,
    MIN_DURATION_S,
    PRECISIONS,
    USUAL_DURATION_S,
)
from .guard import Guard, hosts_of
from .refusals import handlers
from .shelf import Shelf

ADVANCED = "For models that make sound from text. At 0 or left empty, a setting has the model's default value."
ANEW = "With Random, Make sound makes every sound anew. Render, in the player, keeps them and writes your changes."
MAX_UPLOAD = "100mb"  # enough for the ZIP of eight stems of 60 s


def desk(gr: ModuleType) -> SimpleNamespace:
    """Three columns, the state of the visit, and lists of components for the handlers.

    Each list is in the order of the values that the handlers in app.py and the functions in views.py take and return.
    """
    with gr.Row(elem_id="desk", equal_height=False):
        look, text, made = picture_column(gr), soundscape_column(gr), sound_column(gr)
    ticket = gr.State(None)
    written = [look.picture, text.editor, text.origin]
    document = [text.sources, text.note]
    sound = [made.mix, made.mix_file, made.bundle, made.stems, made.report, made.nothing, made.result]
    sound += [made.folder, made.fit, made.measure, made.terms]
    measured = [made.bundle, made.fit, made.measure]
    made_now = [*sound, made.seed, made.prompts]
    wishes = [look.audio, made.duration_s, made.seed, made.surprise]
    wishes += [made.steps, made.guidance, made.negative, made.candidates, made.precision, made.prompts, text.redo]
    example = [look.picture, *document, look.refusal, made.nothing, made.result]
    opened = [look.picture, *document, *sound, *wishes]
    controls = [ticket, look.hear, look.describe, made.make, made.measure]
    buttons = [*controls, look.stop, made.stop]
    statuses = [look.status, made.status]
    models = [look.vision, look.vision_notes, look.audio, look.audio_notes, made.advanced]
    return SimpleNamespace(**locals())


def picture_column(gr: ModuleType) -> SimpleNamespace:
    """The picture, its two buttons, the choice of models, and the way to an earlier result."""
    with gr.Column(elem_id="picture-column", min_width=260):
        gr.HTML("<h2>Picture</h2>")
        ways = {"sources": ["upload", "clipboard", "webcam"], "buttons": ["fullscreen"]}
        words = {"label": "Picture", "alt_text": "The picture whose sound is made"}
        words["placeholder"] = "Drop or paste a picture, or click to choose one"
        picture = picture_file(gr, show_label=False, elem_id="picture", **ways, **words)
        refusal = gr.HTML(elem_id="refusal")
        hear = gr.Button("Hear this picture", variant="primary", size="lg", elem_id="hear")
        with gr.Row(elem_classes="pair"):
            describe = gr.Button("Describe", elem_id="describe")
            stop = gr.Button("Stop", variant="stop", visible=False, elem_id="stop")
        status = gr.HTML(elem_id="status", elem_classes="status")
        with gr.Accordion("Models", open=False, elem_id="models"):
            vision = gr.Dropdown([("Automatic", "")], value="", label="Describes the picture", elem_id="vision")
            vision_notes = gr.HTML()
            audio = gr.Dropdown([("Automatic", "")], value="", label="Makes the sound", elem_id="audio")
            audio_notes = gr.HTML()
        opening = scripted_html(gr, None, "opening", html_template=asset("opening.html"))
    return SimpleNamespace(**locals())


def soundscape_column(gr: ModuleType) -> SimpleNamespace:
    """Two views of the document: a list to edit, and its JSON."""
    with gr.Column(elem_id="soundscape-column", min_width=300):
        scripted_html(gr, None, "steps", html_template=asset("steps.html"))
        note = gr.HTML(elem_id="note")
        problems = gr.HTML(elem_id="problems")
        origin = gr.Textbox("", visible="hidden", elem_id="origin")
        origin.preprocess = read_origin
        redo = gr.Textbox("", visible="hidden", elem_id="redo")
        with gr.Tabs(elem_id="views"):
            with gr.Tab("Sounds", render_children=True):
                drawn = {"html_template": asset("sources.html"), "server_functions": [usual]}
                sources = scripted_html(gr, {"json": ""}, "sources", **drawn)
            with gr.Tab("JSON", render_children=True):
                size = {"lines": 18, "max_lines": 36, "wrap_lines": True}
                name = {"label": "Soundscape as JSON", "show_label": False, "elem_id": "editor"}
                editor = gr.Code(language="json", interactive=True, **name, **size)
    return SimpleNamespace(**locals())


def sound_column(gr: ModuleType) -> SimpleNamespace:
    """Length, seed and advanced settings, and the result."""
    with gr.Column(elem_id="sound-column", min_width=260):
        gr.HTML("<h2>Sound</h2>")
        lengths = (MIN_DURATION_S, MAX_DURATION_S, USUAL_DURATION_S)
        with gr.Row(elem_id="wishes"):
            duration_s = gr.Slider(*lengths, step=1, label="Length in seconds", elem_id="duration")
            seed = gr.Textbox(label="Seed", placeholder="chosen for you", elem_id="seed")
            surprise = gr.Checkbox(True, label="Random", container=False, elem_id="random")
        with gr.Accordion("Advanced", open=False, visible=False, elem_id="advanced") as advanced:
            gr.HTML(f"<p class='quiet'>{ADVANCED}</p>")
            steps = gr.Slider(0, MAX_STEPS, 0, step=1, label="Steps", elem_id="steps")
            guidance = gr.Slider(0, MAX_GUIDANCE, 0, step=0.5, label="Guidance", elem_id="guidance")
            best = {"label": "Candidates per sound (the best is kept)", "elem_id": "candidates"}
            candidates = gr.Slider(1, MAX_CANDIDATES, 1, step=1, **best)
            choices = [("Automatic", ""), *PRECISIONS]
            precision = gr.Dropdown(choices, value="", label="Precision", elem_id="precision")
            negative = gr.Textbox(label="Sounds to avoid", elem_id="negative")
            prompts = gr.Textbox(label="Prompts for this run, one line per sound", lines=3, elem_id="prompts")
            show_prompts = gr.Button("Show the prompts", size="sm", elem_id="show-prompts")
        with gr.Row(elem_classes="pair"):
            make = gr.Button("Make sound", elem_id="make")
            stop = gr.Button("Stop", variant="stop", visible=False, elem_id="stop-making")
        gr.HTML(f"<p class='quiet'>{ANEW}</p>", elem_id="anew")
        status = gr.HTML(elem_id="sound-status", elem_classes="status")
        with gr.Column() as nothing:
            gr.HTML(asset("empty_sound.html"))
        with gr.Column(visible=False, elem_id="result") as result:
            mix = scripted_html(gr, None, "mix", html_template=asset("mix.html"))
            scripted_html(gr, None, "lanes", html_template=asset("lanes.html"))
            with gr.Row(elem_classes="pair"):
                mix_file = gr.DownloadButton("Mix (WAV)", elem_id="mix-file")
                bundle = gr.DownloadButton("Everything (ZIP)", elem_id="bundle")
            terms = gr.HTML(elem_id="terms")
            folder = gr.State(None)
            fit = gr.HTML(elem_id="fit")
            measure = gr.Button(visible=False, size="sm", elem_id="measure")
            report = gr.HTML(elem_id="report")
            with gr.Accordion("Each sound separately", open=False, elem_id="stems-fold"):
                stems = scripted_html(gr, [], "stems", html_template="<ul class='stems'></ul>")
    return SimpleNamespace(**locals())


def shelf_part(gr: ModuleType, shelf: Shelf) -> Any:
    """The list of the results on this machine, with a search field."""

    def look(asked: Any) -> dict[str, Any]:  # Gradio sets an attribute on the function, which a method does not allow
        return shelf.look(asked)

    return scripted_html(gr, None, "shelf", html_template=asset("shelf.html"), server_functions=[look])


def launch_options(gr: ModuleType, *routes: Any) -> dict[str, Any]:
    """Arguments for `launch`: theme, style, limits, middleware, and further routes."""
    from starlette.middleware import Middleware

    return {
        "theme": _style(gr),
        "head": f"<style>{asset('style.css')}{asset('desk.css')}{asset('player.css')}</style>{scripts.head()}",
        "allowed_paths": [str(EXAMPLES)],
        "max_file_size": MAX_UPLOAD,
        "show_error": False,
        "enable_monitoring": False,
        "state_session_capacity": 500,  # visits whose values Gradio keeps in memory
        "run_history": False,
        "ssr_mode": False,
        "footer_links": ["api", "settings"],
        "app_kwargs": {
            "middleware": [Middleware(Guard, hosts=_hosts())],
            "exception_handlers": handlers(),
            "routes": list(routes),
        },
    }


def _hosts() -> frozenset[str] | None:
    """Return the host names of the app, None for any. Reads the variables that tell Gradio where to serve it."""
    given = os.environ.get
    is_shared = bool(given("SPACE_ID") or given("GRADIO_ROOT_PATH")) or given("GRADIO_SHARE", "").lower() == "true"
    server_name = os.environ.get("GRADIO_SERVER_NAME", "")
    return hosts_of(read_settings().allowed_hosts, server_name, is_shared=is_shared)


def _style(gr: ModuleType) -> Any:
    """The theme of the page. Its colours are CSS variables."""
    base = gr.themes.Base(
        font=["Inter", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Cantarell", "Noto Sans", "sans-serif"],
        font_mono=["ui-monospace", "SF Mono", "Cascadia Mono", "Menlo", "Consolas", "Liberation Mono", "monospace"],
        radius_size=gr.themes.sizes.radius_md,
    )
    return base.set(**theme(vars(base)))


def scripted_html(gr: ModuleType, value: Any, name: str, **options: Any) -> Any:
    """A component that the script `{name}.js` draws."""
    return gr.HTML(value, js_on_load=asset(f"{name}.js"), apply_default_css=False, elem_id=name, **options)


def picture_file(gr: ModuleType, **options: Any) -> Any:
    """A gr.Image whose value is the path of the upload. Gradio alone would open the file before limits are checked.

    It refuses every file that was not uploaded, even if the request got past the guard.
    """

    def preprocess(payload: Any) -> str | None:
        try:
            return str(scratch.own().find(payload.path)) if payload else None
        except SoundscapeError as error:
            raise gr.Error(str(error), print_exception=False) from None

    picture = gr.Image(type="filepath", **options)
    picture.preprocess = preprocess
    return picture
