"""/health: whether the app can take jobs, for containers and for those who watch a service. It tells no secrets."""

from typing import Any

from ..backends.revision import revision_of
from . import visitors
from .admission import Door


def facts(door: Door) -> dict[str, Any]:
    """Return the revision of the code, the models that can run here with the default first, and the queue."""
    from .. import backends

    running, waiting = door.counts()
    return {
        "status": "closing" if visitors.are_refused() else "ok",
        "version": revision_of("."),
        "models": {
            "vision": _ready(backends.VISION, backends.default_vision()),
            "audio": _ready(backends.AUDIO, backends.default_audio()),
        },
        "queue": {"running": running, "waiting": waiting, "wait_s": round(door.wait_s(), 1)},
    }


def _ready(names: Any, default: str) -> list[str]:
    from .. import backends

    ready = [name for name in names if not backends.card(name).reason]
    return sorted(ready, key=lambda name: name != default)


def health_route(door: Door) -> Any:
    """Return the route for the app. The status of the answer is 503 while the app is closing."""
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def health(request: Any) -> JSONResponse:
        found = facts(door)
        return JSONResponse(found, 200 if found["status"] == "ok" else 503, {"cache-control": "no-store"})

    return Route("/health", health, methods=["GET"])
