"""The end points for programs: defaults, and a sentence for every value that they cannot take."""

import asyncio
import json
import math
import re
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio.state_holder import SessionState
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, ValidationError
from PIL import Image

import app
from pipeline.errors import SoundscapeError
from pipeline.page import scratch
from pipeline.page.arguments import READERS, read

from ..support.page_server import RIVER

ROOT = "gradio_api/call"
UPLOADED = {"path": "here.jpg", "meta": {"_type": "gradio.FileData"}}

# For each argument: what the answer says, and the values of a wrong type or size for which it does.
NO_FILE = "The picture must be an uploaded file"
NO_NAME = [True, False, 7, 1.5, [], ["tagger"], {}, {"a": 1}]
NO_NUMBER = [True, False, [], [2], {}, {"a": 2}, "two", "nan", math.nan, math.inf, "1e999", "0x10", "1_0", "2 3"]
NO_NUMBER += ["9" * 5000, 10**400]
NO_UPLOAD = [None, "", "photo.jpg", 7, 1.5, True, [], [UPLOADED], {}, {"path": None}, {"path": 7}, {"url": "a.jpg"}]
WRONG = {
    "picture": {NO_FILE: NO_UPLOAD},
    "soundscape_json": {
        "must be an object": [7, 1.5, True, [], [RIVER], "7", "[]"],
        "There is no soundscape yet.": [None, "", " "],
        "JSON": ["text"],
        "sources: is required": [{}],
        "a: is not a known field": [{"a": 1}, '{"a": 1}'],
    },
    "vision_backend": {
        "The vision backend must be a name. Choices: qwen2.5-vl, blip, tagger.": NO_NAME,
        "There is no vision backend 'taggr'. Did you mean 'tagger'? Choices: qwen2.5-vl, blip, tagger.": ["taggr"],
        f"There is no vision backend '{'x' * 40}…'. Choices: qwen2.5-vl, blip, tagger.": ["x" * 100_000],
    },
    "audio_backend": {
        "The audio backend must be a name. Choices: stable-audio-3, audioldm2, stable-audio-open, procedural.": NO_NAME,
        "There is no audio backend 'tagger'. Choices: stable-audio-3,": ["tagger"],
        f"There is no audio backend '{'x' * 40}…'. Choices: stable-audio-3,": ["x" * 100_000],
    },
    "duration_s": {
        "The duration must be a number of seconds from 2 to 60, such as 10.": [*NO_NUMBER, ""],
        "The duration must be between 2 and 60 seconds with procedural, not ": [-1, 1.5, "61", 1e99],
    },
    "seed": {
        "The seed must be a whole number from 0 to 4294967295, such as 7.": [*NO_NUMBER, -1, 1.5, "1.5", 2**32, "1e99"],
    },
}
CASES = [(end_point, name) for end_point in READERS for name in READERS[end_point]]


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The app without a server, with a scratch folder of this module."""
    own = scratch.Scratch(tmp_path_factory.mktemp("scratch"), 1_000_000_000)
    own.visitors.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scratch, "own", lambda: own)
        patch.setenv("GRADIO_TEMP_DIR", str(own.folder))
        yield app.create_demo()


@pytest.fixture(scope="module")
def good(demo):
    """A value that each argument takes."""
    path = scratch.own().folder / "picture.jpg"
    Image.new("RGB", (60, 40), (90, 140, 230)).save(path)
    values = {"soundscape_json": RIVER, "vision_backend": "", "audio_backend": "", "duration_s": 2, "seed": 1}
    return {"picture": {"path": str(path)}} | values


def refused(demo, end_point: str, arguments: list) -> str:
    """Call an end point as Gradio's queue does, and return the sentence of its refusal."""
    (event,) = [each for each in demo.fns.values() if each.api_name == end_point]
    request = gr.Request(session_hash="a visitor")
    with pytest.raises(gr.Error) as caught:
        asyncio.run(demo.process_api(event, arguments, SessionState(demo), request))
    assert not caught.value.print_exception, "it is in the log once"
    return caught.value.message


def answer(address, end_point: str, *arguments) -> list:
    """Call an end point over HTTP and return what it gives, or its error."""
    sent = httpx.post(f"{address}/{ROOT}/{end_point}", json={"data": arguments}, timeout=30)
    assert sent.status_code == 200, sent.text
    return event_of(address, end_point, sent)


def event_of(address, end_point: str, sent: httpx.Response) -> Any:
    events = httpx.get(f"{address}/{ROOT}/{end_point}/{sent.json()['event_id']}", timeout=60).text
    kind, value = re.findall(r"event: (complete|error)\ndata: (.*)", events)[-1]
    return json.loads(value)["error"] if kind == "error" else json.loads(value)


# Values that are refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("end_point", "name"), CASES)
def test_each_wrong_value_is_refused_in_a_sentence(demo, good, end_point, name):
    for words, values in WRONG[name].items():
        for value in values:
            found = refused(demo, end_point, [value if each == name else good[each] for each in READERS[end_point]])
            assert words in found and "Something went wrong" not in found, (str(value)[:40], found)


@pytest.mark.parametrize("name", ["soundscape_json", "audio_backend", "duration_s", "seed"])
def test_http_and_the_python_client_give_the_same_sentences(address, client, good, name):
    words, (value, *_) = next(iter(WRONG[name].items()))
    arguments = {each: good[each] for each in READERS["render"]} | {name: value}
    assert words in answer(address, "render", *arguments.values())
    with pytest.raises(AppError, match=re.escape(words)):
        client.predict(**arguments, api_name="/render")


def test_the_python_client_shows_why_a_request_is_refused(client):
    """It reads no other answers than events and refusals of single values."""
    for picture, words in (
        (handle_file("https://a.example/b.jpg"), "does not fetch files from web addresses"),
        ({"path": "/etc/passwd"}, "This file was not uploaded"),
    ):
        with pytest.raises(ValidationError, match=words):
            client.predict(picture, api_name="/describe")
    with pytest.raises(ValidationError, match="The request is too long"):
        client.predict("x" * 1_000_001, api_name="/render")


def test_a_call_with_too_many_or_no_arguments_says_so(demo):
    words = "/render takes at most 4 values (soundscape_json, audio_backend, duration_s, seed), not 5."
    assert refused(demo, "render", [RIVER, "", 2, 1, 0]) == words
    assert refused(demo, "render", []).startswith("There is no soundscape yet.")
    assert refused(demo, "image_to_soundscape", []).startswith(NO_FILE)


@pytest.mark.parametrize("body", ["{}", '{"data": null}', '{"data": {}}', "[]", "7", '"x"'])
def test_a_request_that_is_no_call_is_refused_in_a_sentence(address, body):
    sent = httpx.post(f"{address}/{ROOT}/render", content=body, headers={"content-type": "application/json"})
    assert sent.status_code == 422 and sent.json()["detail"].startswith("The request must be a JSON object")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"seed": 1}, "No value provided for required argument: soundscape_json."),
        ({"soundscape_json": RIVER, "sed": 1}, "Parameter `sed` is not a valid key-word argument."),
    ],
)
def test_named_arguments_that_do_not_fit_are_refused_in_a_sentence(address, body, words):
    sent = httpx.post(f"{address}/{ROOT}/v2/render", json=body)
    assert (sent.status_code, sent.json()["detail"]) == (422, words)


# Values that are taken ------------------------------------------------------------------------------------------------


def test_a_document_alone_is_enough(address, client):
    """With each way to call an end point. The document may be an object."""
    assert answer(address, "render", json.loads(RIVER))[2]["duration_s"] == 10
    sent = httpx.post(f"{address}/{ROOT}/v2/render", json={"soundscape_json": RIVER, "duration_s": "2", "seed": "7"})
    assert event_of(address, "render", sent)[2]["seed"] == 7
    assert client.predict(RIVER, duration_s="2.0", api_name="/render")[2]["duration_s"] == 2


def test_a_missing_value_is_the_default():
    nothing = {"vision_backend": "", "audio_backend": "", "duration_s": 10, "seed": None}
    for end_point, parameters in READERS.items():
        first = UPLOADED if end_point != "render" else RIVER
        rest = [nothing[name] for name in list(parameters)[1:]]
        assert read(end_point, [first]) == read(end_point, [first, *[None] * len(rest)]) == [first, *rest]


@pytest.mark.parametrize("seed", ["7", " 7 ", "7.0", "+7", 7, 7.0, "7e0"])
def test_a_number_may_be_sent_as_text(seed):
    assert read("render", [RIVER, " procedural ", "2.5", seed]) == [RIVER, "procedural", 2.5, 7]


def test_no_digit_of_a_seed_is_lost():
    assert read("render", [RIVER, "", 2, "4294967295.0"])[3] == 2**32 - 1
    with pytest.raises(SoundscapeError, match="whole number"):
        read("render", [RIVER, "", 2, "4294967294.99999999999999"])


def test_programs_see_what_is_required(client):
    found = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    for end_point, parameters in READERS.items():
        shown = found[f"/{end_point}"]["parameters"]
        assert [each["parameter_name"] for each in shown] == list(parameters)
        assert [each["parameter_has_default"] for each in shown] == [False] + [True] * (len(parameters) - 1)
        defaults = dict(zip(parameters, [each["parameter_default"] for each in shown]))
        assert read(end_point, [shown[0]["example_input"], *list(defaults.values())[1:]])
    document = next(each for each in found["/render"]["parameters"] if each["label"] == "soundscape_json")
    assert json.loads(json.loads(f'"{document["example_input"]}"'))["sources"], "it is pasted between quotation marks"
