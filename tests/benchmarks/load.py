"""How the app serves many visitors at once: python -m tests.benchmarks.load [--clients 100] [--limit 3]

Each visitor asks for a sound of 5 s of the same document, with a seed of their own, all at the same moment. The table
shows the times until the answer, as ratios to the time of one visitor alone, and to the least that so many jobs take:
their number by the jobs at once, times the time of one alone. Fairness is the slowest job by the fastest, counted from
when the queue admits it to a worker. Then jobs are cancelled at different moments of their work, by a request and by
closing the tab. The last lines show how long their workers stay busy, and the processor time of the app meanwhile,
which depends less on what else the machine does. The exit status is 1 if a visitor got no sound, or
the fairness exceeds the limit.
"""

import argparse
import asyncio
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from ..support.page_server import RIVER, serve, server_pid

AT_ONCE = 2
DURATION_S = 5
ALONE = 5  # jobs of the baseline
EIGHT = ("rain", "stream", "waves", "fire", "crowd", "wind", "crickets", "traffic")
LONG = json.dumps({"sources": [{"name": name} for name in EIGHT]})
STOPS = 8  # of each way


@dataclass(frozen=True)
class Served:
    """What a visitor saw: the moments of the request, the start and the end of the job, and its error if it failed."""

    asked: float
    begun: float
    done: float
    error: str

    @property
    def waited_s(self) -> float:
        return self.done - self.asked

    @property
    def worked_s(self) -> float:
        return self.done - self.begun


def fairness(served: Sequence[Served]) -> float:
    worked = [each.worked_s for each in served]
    return max(worked) / min(worked)


class Visitor:
    """A program with a session of its own, as a browser has."""

    def __init__(self, http: httpx.AsyncClient, fn_index: int) -> None:
        self._http, self._fn_index = http, fn_index
        self.session = secrets.token_hex(5)

    async def ask(self, document: str, duration_s: float, seed: int) -> str:
        """Ask for a sound and return the id of the job."""
        body = {"data": [document, "procedural", duration_s, seed], "fn_index": self._fn_index}
        answer = await self._http.post("/gradio_api/queue/join", json=body | {"session_hash": self.session})
        return str(answer.raise_for_status().json()["event_id"])

    async def served(self, seed: int, duration_s: float = DURATION_S) -> Served:
        """Ask for a short sound and wait for it."""
        asked = begun = time.perf_counter()
        await self.ask(RIVER, duration_s, seed)
        async with self._http.stream("GET", f"/gradio_api/queue/data?session_hash={self.session}") as stream:
            async for line in stream.aiter_lines():
                message = json.loads(line.removeprefix("data: ")) if line else {"msg": ""}
                if message["msg"] == "process_starts":
                    begun = time.perf_counter()
                if message["msg"] == "process_completed":
                    error = "" if message["success"] else str(message["output"].get("error"))
                    return Served(asked, begun, time.perf_counter(), error)
        return Served(asked, begun, time.perf_counter(), "The stream ended.")


def connect(address: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    return httpx.AsyncClient(base_url=address, timeout=600, limits=limits)


async def function_of(http: httpx.AsyncClient, name: str) -> int:
    config = (await http.get("/config")).json()
    return next(int(each["id"]) for each in config["dependencies"] if each["api_name"] == name)


async def alone_s(address: str) -> float:
    """Return the median time of one visitor alone, after a first one that is not counted."""
    async with connect(address) as http:
        function = await function_of(http, "render")
        served = [await Visitor(http, function).served(seed) for seed in range(ALONE + 1)]
    return statistics.median(each.waited_s for each in served[1:])


async def crowd(address: str, clients: int, duration_s: float = DURATION_S) -> list[Served]:
    """Let so many visitors ask at the same moment."""
    async with connect(address) as http:
        function = await function_of(http, "render")
        asked = (Visitor(http, function).served(1000 + number, duration_s) for number in range(clients))
        return await asyncio.gather(*asked)


# Stopping -------------------------------------------------------------------------------------------------------------


async def stopped_s(address: str, after_s: float, seed: int, *, by_leaving: bool) -> tuple[float, float]:
    """Stop a long job so many seconds after it began. Return how long its worker stays busy, and the processor time."""
    async with connect(address) as http:
        function = await function_of(http, "render")
        visitor = Visitor(http, function)
        tab = asyncio.create_task(_stay(http, visitor.session))
        event = await visitor.ask(LONG, 20, seed)
        await _until_running(http, 1)
        await asyncio.sleep(after_s)
        begin, computed_s = time.perf_counter(), processor_s()
        if by_leaving:
            tab.cancel()
        else:
            body = {"session_hash": visitor.session, "fn_index": function, "event_id": event}
            await http.post("/gradio_api/cancel", json=body)
        await _until_running(http, 0)
        seconds = time.perf_counter() - begin, processor_s() - computed_s
        tab.cancel()
        return seconds


def processor_s() -> float:
    """Return the processor time that the app has used."""
    fields = Path(f"/proc/{server_pid()}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _stay(http: httpx.AsyncClient, session: str) -> None:
    """Keep the connection by which the app knows that a tab is open."""
    async with http.stream("GET", f"/gradio_api/heartbeat/{session}") as stream:
        async for _ in stream.aiter_lines():
            pass


async def _until_running(http: httpx.AsyncClient, count: int) -> None:
    while (await http.get("/health")).json()["queue"]["running"] != count:
        await asyncio.sleep(0.02)


# Output ---------------------------------------------------------------------------------------------------------------


def report(served: Sequence[Served], one_s: float) -> None:
    waited = sorted(each.waited_s for each in served)
    least_s = len(served) / AT_ONCE * one_s
    print(f"one visitor alone: {one_s:.2f} s; {len(served)} visitors at once:")
    print(f"{'':<8} {'s':>8} {'by one alone':>13} {'by the least':>13}")
    for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0)):
        seconds = waited[max(0, round(share * len(waited)) - 1)]
        print(f"{name:<8} {seconds:>8.1f} {seconds / one_s:>13.1f} {seconds / least_s:>13.2f}")
    print(f"slowest by fastest, from admission: {fairness(served):.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=100, help="visitors at once (default: 100)")
    parser.add_argument("--limit", type=float, default=3.0, help="greatest slowest by fastest (default: 3)")
    arguments = parser.parse_args()
    os.environ["STEM_CACHE_GB"] = "0"
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "log.txt") as address:
        one_s = asyncio.run(alone_s(address))
        served = asyncio.run(crowd(address, arguments.clients))
        report(served, one_s)
        for by_leaving, name in ((False, "cancelled"), (True, "tab closed")):
            moments = [0.2 + 0.25 * number for number in range(STOPS)]
            seeds = range(5000 + STOPS * by_leaving, 5000 + STOPS * (1 + by_leaving))
            taken = [
                asyncio.run(stopped_s(address, after_s, seed, by_leaving=by_leaving))
                for after_s, seed in zip(moments, seeds)
            ]
            seconds, computed_s = zip(*taken)
            print(
                f"{name}: worker free after {statistics.median(seconds):.2f} s (most: {max(seconds):.2f} s), ", end=""
            )
            print(f"{statistics.median(computed_s):.2f} s of processor time (most: {max(computed_s):.2f} s)")
    errors = {each.error for each in served if each.error}
    print(f"visitors without a sound: {sum(bool(each.error) for each in served)} {errors or ''}")
    return int(bool(errors) or fairness(served) > arguments.limit)


if __name__ == "__main__":
    sys.exit(main())
