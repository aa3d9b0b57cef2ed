"""Where models run, which of them stay in memory, and how a job that runs out of memory frees it for the next."""

import gc
import threading
import weakref

import pytest

from pipeline.backends import memory
from pipeline.backends.machine import Gpu
from pipeline.backends.memory import Placement, in_batches, placement, precision, resident
from pipeline.errors import SoundscapeError
from pipeline.settings import Settings

OUT_OF_MEMORY = RuntimeError("CUDA out of memory")


class Model:
    """An object that supports weak references."""


@pytest.fixture(autouse=True)
def nothing_loaded():
    memory.forget_others()
    yield
    memory.forget_others()


def use(name: str, load=Model, **more) -> Model:
    with resident(name, load, **more) as model:
        return model


# Which models stay -----------------------------------------------------------------------------------------------


def test_a_model_is_loaded_once():
    assert use("a") is use("a")


def test_models_stay_together_when_memory_suffices():
    first = use("a")
    use("b", needed_gb=0.001)
    assert use("a") is first


def test_a_model_makes_room_for_another_when_memory_is_short():
    first = weakref.ref(use("a"))
    use("b", needed_gb=1e9)
    gc.collect()
    assert first() is None


def test_another_variant_replaces_a_model():
    first = weakref.ref(use("a", variant="float16"))
    second = use("a", variant="float32")
    gc.collect()
    assert first() is None
    assert use("a", variant="float32") is second


def test_a_model_that_does_not_fit_beside_the_others_is_loaded_in_their_place():
    first = weakref.ref(use("a"))
    attempts = []

    def load() -> Model:
        attempts.append(first() is None)
        if len(attempts) == 1:
            raise OUT_OF_MEMORY
        return Model()

    use("b", load)
    assert attempts == [False, True]


def test_a_model_that_does_not_fit_at_all_is_told():
    def load() -> Model:
        raise MemoryError

    with pytest.raises(SoundscapeError, match="not enough memory to load a"):
        use("a", load)
    assert use("a", Model)


def test_what_a_load_raises_otherwise_goes_on():
    def load() -> Model:
        raise SoundscapeError("gated")

    with pytest.raises(SoundscapeError, match="gated"):
        use("a", load)


def test_one_job_at_a_time_has_a_model():
    inside, most = 0, 0
    counting = threading.Lock()

    def job() -> None:
        nonlocal inside, most
        for _ in range(50):
            with resident("a", Model):
                with counting:
                    inside += 1
                    most = max(most, inside)
                with counting:
                    inside -= 1

    threads = [threading.Thread(target=job) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


# When memory runs out --------------------------------------------------------------------------------------------


def test_batches_are_made_in_order():
    sizes = []
    made = in_batches(range(7), 3, lambda batch: sizes.append(len(batch)) or [2 * item for item in batch])
    assert made == [0, 2, 4, 6, 8, 10, 12]
    assert sizes == [3, 3, 1]


def test_the_batch_is_halved_once_and_what_is_made_already_stays():
    sizes = []

    def run(batch):
        sizes.append(len(batch))
        if batch[0] == 4 and len(batch) == 4:
            raise OUT_OF_MEMORY
        return list(batch)

    assert in_batches(range(10), 4, run) == list(range(10))
    assert sizes == [4, 4, 2, 2, 2]


def test_the_second_time_is_an_error_that_says_what_to_do():
    def run(batch):
        raise OUT_OF_MEMORY

    with pytest.raises(SoundscapeError, match="shorter duration"):
        in_batches([1, 2], 2, run)


def test_tensors_of_a_failed_batch_are_free_before_the_next():
    held = []

    def run(batch):
        tensors = Model()
        held.append(weakref.ref(tensors))
        if len(held) == 1:
            raise MemoryError
        assert held[0]() is None
        return list(batch)

    assert in_batches([1, 2], 2, run) == [1, 2]


def test_other_models_give_way_to_the_job():
    other = weakref.ref(use("other"))
    attempts = []

    def run(batch):
        attempts.append(other() is None)
        if len(attempts) == 1:
            raise OUT_OF_MEMORY
        return list(batch)

    with resident("own", Model) as own:
        in_batches([1], 1, run, keep="own")
        assert use("own") is own
    assert attempts == [False, True]


# Device and precision --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "half", "expected"),
    [("cuda", "float16", "float16"), ("mps", "float16", "float32"), ("cpu", "bfloat16", "float32")],
)
def test_half_precision_is_for_gpus_of_nvidia(device, half, expected):
    assert precision(device, half=half) == expected
    assert precision(device, "float32", half=half) == "float32"


# A language model of 9 GB in bfloat16, on machines that are common.
@pytest.mark.parametrize(
    ("device", "free_gb", "computes_bfloat16", "expected"),
    [
        pytest.param("cuda", 24, True, "bfloat16", id="RTX 3090"),
        pytest.param("cuda", 80, True, "bfloat16", id="H100"),
        pytest.param("cuda", 16, False, "float16", id="T4"),
        pytest.param("cuda", 32, False, "float16", id="V100"),
        pytest.param("mps", 16, False, "bfloat16", id="Mac with 16 GB"),
        pytest.param("mps", 24, False, "bfloat16", id="Mac with 24 GB"),
        pytest.param("mps", 128, False, "bfloat16", id="Mac with 128 GB"),
        pytest.param("cpu", 16, False, "bfloat16", id="PC with 16 GB"),
        pytest.param("cpu", 32, False, "float32", id="PC with 32 GB"),
    ],
)
def test_a_language_model_takes_the_precision_of_its_training_where_it_can(
    monkeypatch, device, free_gb, computes_bfloat16, expected
):
    monkeypatch.setattr(memory, "free_gb", lambda device: free_gb)
    monkeypatch.setattr(memory, "_computes_bfloat16", lambda: computes_bfloat16)
    assert precision(device, half="bfloat16", size_gb=9, per_token=True) == expected
    assert precision(device, "float32", half="bfloat16", size_gb=9, per_token=True) == "float32"


@pytest.mark.parametrize(("free_gb", "expected"), [(6, "bfloat16"), (24, "float32")])
def test_an_audio_model_on_a_mac_takes_float32_unless_memory_is_short(monkeypatch, free_gb, expected):
    monkeypatch.setattr(memory, "free_gb", lambda device: free_gb)
    assert precision("mps", size_gb=3) == expected
    assert precision("mps") == "float32", "without a size, memory is no reason"


@pytest.mark.parametrize(
    ("capability", "half", "is_noted"),
    [
        (7.0, "bfloat16", True),
        (7.5, "bfloat16", True),
        (7.5, "float16", False),
        (8.0, "bfloat16", False),
        (0, "", False),
    ],
)
def test_the_card_says_when_a_gpu_does_not_compute_in_bfloat16(monkeypatch, capability, half, is_noted):
    monkeypatch.setattr(memory, "gpu", lambda: Gpu("a GPU", 16.0, capability))
    assert ("float16" in memory.precision_note("cuda", half=half)) == is_noted
    assert memory.precision_note("cpu", half=half) == memory.precision_note("mps", half=half) == ""


def test_an_unknown_precision_is_refused_with_the_nearest():
    with pytest.raises(SoundscapeError, match="Did you mean 'float16'"):
        precision("cpu", "flaot16")


@pytest.fixture
def gpu(monkeypatch):
    """A simulated NVIDIA GPU. Returns a function that sets its memory."""
    monkeypatch.setattr(memory, "accelerator", lambda settings: "cuda")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    return lambda size_gb: monkeypatch.setattr(memory, "memory_gb", lambda device: size_gb)


def test_a_small_gpu_keeps_parts_in_main_memory_and_the_reason_is_told(gpu):
    gpu(8.6)
    small = placement(Settings())
    assert small.offload
    assert "The GPU has 9 GB, less than 12" in small.reason
    gpu(16)
    assert placement(Settings()) == Placement("cuda")


def test_a_gpu_that_torch_does_not_see_is_not_used(monkeypatch):
    monkeypatch.setattr(memory, "accelerator", lambda settings: settings.device or "cuda")
    assert placement(Settings()) == Placement("cpu")
    with pytest.raises(SoundscapeError, match="DEVICE is cuda, but torch finds no such device"):
        placement(Settings(device="cuda"))
