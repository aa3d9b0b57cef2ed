"""The end points for programs: defaults, and a sentence for every value that they cannot take."""

import json
import re

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, ValidationError

from pipeline.page.arguments import READERS, read

from ..support.page_server import RIVER

ROOT = "gradio_api/call"
UPLOADED = {"path": "here.jpg", "meta": {"_type": "gradio.FileData"}}

# For each argument: values of a wrong type or size, and what the answer says.
NO_FILE = "The picture must be an uploaded file"
NO_DOCUMENT = "soundscape: must be an object in braces"
NO_VISION = "The vision backend must be a name. Choices: qwen2.5-vl, blip, tagger."
NO_AUDIO = "The audio backend must be a name. Choices: stable-audio-3, audioldm2, stable-audio-open, procedural."
NO_DURATION = "The duration must be a number of seconds from 2 to 60, such as 10."
NO_SEED = "The seed must be a whole number from 0 to 4294967295, such as 7."
LIMITS = "The duration must be between 2 and 60 seconds with procedural, not "
NO_NAME = [True, False, 7, 1.5, [], ["tagger"], {}, {"a": 1}]
NO_NUMBER = [True, False, [], [2], {}, {"a": 2}, "two", "nan", "1e999", "0x10", "1_0", "2 3", "9" * 5000, 10**400]
WRONG = {
    "picture": {
        **dict.fromkeys(map(json.dumps, [None, "", "photo.jpg", 7, 1.5, True, [], [UPLOADED], {}]), NO_FILE),
        **dict.fromkeys(map(json.dumps, [{"path": None}, {"path": 7}, {"url": "https://a.example/b.jpg"}]), NO_FILE),
    },
    "soundscape_json": {
        **dict.fromkeys(map(json.dumps, [7, 1.5, True, [], [RIVER], "7", "[]"]), NO_DOCUMENT),
        **dict.fromkeys(map(json.dumps, [None, "", " "]), "There is no soundscape yet."),
        **{'"text"': "This is not JSON yet", "{}": "sources: is required", '{"a": 1}': "a: is not a known field"},
    },
    "vision_backend": {
        **dict.fromkeys(map(json.dumps, NO_NAME), NO_VISION),
        '"taggr"': "There is no vision backend 'taggr'. Did you mean 'tagger'? Choices: qwen2.5-vl, blip, tagger.",
        json.dumps("x" * 100_000): f"There is no vision backend '{'x' * 40}…'. Choices: qwen2.5-vl, blip, tagger.",
    },
    "audio_backend": {
        **dict.fromkeys(map(json.dumps, NO_NAME), NO_AUDIO),
        '"tagger"': "There is no audio backend 'tagger'.",
        json.dumps("x" * 100_000): f"There is no audio backend '{'x' * 40}…'. Choices: stable-audio-3,",
    },
    "duration_s": {
        **dict.fromkeys(map(json.dumps, [*NO_NUMBER, ""]), NO_DURATION),
        **{"-1": f"{LIMITS}-1.", "1.5": f"{LIMITS}1.5.", '"61"': f"{LIMITS}61.", "1e99": f"{LIMITS}1e+99."},
    },
    "seed": dict.fromkeys([*map(json.dumps, NO_NUMBER), "-1", "1.5", '"1.5"', "4294967296", '"1e99"'], NO_SEED),
}
CASES = [(end_point, name) for end_point in READERS for name in READERS[end_point]]


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=tmp_path_factory.mktemp("downloads"))


@pytest.fixture(scope="module")
def good(address):
    """A value that each argument takes; the picture is one that was uploaded."""
    upload = httpx.post(f"{address}/gradio_api/upload", files={"files": ("here.jpg", b"no picture")})
    picture = {"path": upload.json()[0]}
    numbers = {"duration_s": 2, "seed": 1}
    return {"picture": picture, "soundscape_json": RIVER, "vision_backend": "", "audio_backend": "", **numbers}


def answer(address, end_point: str, data: str) -> str:
    """Send the JSON text of the arguments; return the data of the answer, or the sentence of a refusal."""
    headers = {"content-type": "application/json"}
    sent = httpx.post(f"{address}/{ROOT}/{end_point}", content=f'{{"data": {data}}}', headers=headers, timeout=30)
    assert sent.status_code == 200, sent.text
    events = httpx.get(f"{address}/{ROOT}/{end_point}/{sent.json()['event_id']}", timeout=60).text
    kind, value = re.findall(r"event: (complete|error)\ndata: (.*)", events)[-1]
    found = json.loads(value)
    return found["error"] if kind == "error" else found


# Values that are refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("end_point", "name"), CASES)
def test_each_wrong_value_is_refused_in_a_sentence(address, good, end_point, name):
    for value, words in WRONG[name].items():
        parts = [value if each == name else json.dumps(good[each]) for each in READERS[end_point]]
        found = answer(address, end_point, f"[{', '.join(parts)}]")
        assert words in found and "Something went wrong" not in found, (value[:40], found)


@pytest.mark.parametrize("name", WRONG)
def test_the_python_client_shows_the_same_sentences(client, good, name):
    end_point = next(each for each, known in CASES if known == name)
    for value, words in WRONG[name].items():
        if len(value) > 1000:
            continue
        arguments = {each: good[each] for each in READERS[end_point]} | {name: json.loads(value)}
        with pytest.raises(AppError, match=re.escape(words)):
            client.predict(**arguments, api_name=f"/{end_point}")


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


def test_a_call_with_too_many_or_no_arguments_says_so(address):
    words = "/render takes at most 4 values (soundscape_json, audio_backend, duration_s, seed), not 5."
    assert answer(address, "render", '[null, "", 2, 1, 0]') == words
    assert answer(address, "render", "[]").startswith("There is no soundscape yet.")
    assert answer(address, "image_to_soundscape", "[]").startswith(NO_FILE)


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
    assert answer(address, "render", json.dumps([json.loads(RIVER)]))[2]["duration_s"] == 10
    sent = httpx.post(f"{address}/{ROOT}/v2/render", json={"soundscape_json": RIVER, "duration_s": "2", "seed": "7"})
    events = httpx.get(f"{address}/{ROOT}/render/{sent.json()['event_id']}", timeout=60).text
    assert "event: complete" in events and '"seed": 7' in events
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
    from pipeline.errors import SoundscapeError

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
