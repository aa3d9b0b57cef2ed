"""The end of the app on SIGTERM: running and waiting jobs end with a message, and nothing is left."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
from gradio_client import Client
from gradio_client.exceptions import AppError

from ..support.page_server import RIVER, serve

# The app with short times. A job takes long enough to be stopped.
APP = "from pipeline.page import closing; closing.GRACE_S, closing.LINGER_S = 0.3, 1.0; import app; app.main()"
LONG = json.dumps({"sources": [{"name": name} for name in ("rain", "waves", "crowd", "wind", "fire", "traffic")]})


def running(address):
    return httpx.get(f"{address}/health", timeout=30).json()["queue"]


def error_of(job):
    try:
        return f"no error: {job.result(60)}"
    except AppError as error:
        return str(error)


def test_a_service_that_is_stopped_returns_its_jobs(tmp_path):
    with serve(tmp_path / "log.txt", sys.executable, "-c", APP) as address:
        clients = [Client(address, verbose=False, download_files=False) for _ in range(3)]
        clients[0].predict(RIVER, "", 2, 1, api_name="/render")  # everything is imported
        jobs = [client.submit(LONG, "", 60, number, api_name="/render") for number, client in enumerate(clients)]
        while (queue := running(address))["running"] < 2 or not queue["waiting"]:
            time.sleep(0.02)
        assert queue == {"running": 2, "waiting": 1, "wait_s": queue["wait_s"]}
        errors = ThreadPoolExecutor(3).map(error_of, jobs)
        begin = time.monotonic()
    assert time.monotonic() - begin < 12, "`serve` sent SIGTERM and waited for the end"
    assert all("being restarted" in error for error in errors)
    assert not list((tmp_path / "gradio").glob("image-to-soundscape-*"))
