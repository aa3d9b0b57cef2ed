"""The headers with which browsers protect the page and its visitors.

Gradio's page runs inline scripts and makes functions from text, so the policy must allow both. It forbids what neither
needs: everything from other sites, plug-ins, and frames around the page, except that of the Hub around a Space.
"""

from .refusals import Message

POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self' https://huggingface.co",
}
HEADERS = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), clipboard-read=(self), fullscreen=(self), geolocation=(), microphone=()",
}
_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


def add(message: Message) -> Message:
    """Return the message with the headers, if it begins an answer. Those that it already has are kept."""
    if message["type"] != "http.response.start":
        return message
    given = {name.lower() for name, _ in message["headers"]}
    return {**message, "headers": [*message["headers"], *(each for each in _HEADERS if each[0] not in given)]}
