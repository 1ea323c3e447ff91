"""Answers of a SearXNG instance: those that its JSON API documents, and those that it gives in practice."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from tests.support.scripted_receiver import ReceivedRequest


def page(number: int = 1, **fields: Any) -> dict[str, Any]:
    """Return one result with all the fields that an instance gives it."""
    url = f"https://pages.example/{number}"
    return {
        "url": url,
        "title": f"Page {number}",
        "content": f"Statement number {number} on swarms.",
        "thumbnail": "",
        "engine": "duckduckgo",
        "template": "default.html",
        "parsed_url": ["https", "pages.example", f"/{number}", "", "", ""],
        "img_src": "",
        "priority": "",
        "engines": ["duckduckgo", "qwant"],
        "positions": [number, number + 1],
        "score": 2.0 / number,
        "category": "general",
        "publishedDate": None,
    } | fields


def answer(*results: Any, **fields: Any) -> bytes:
    """Return the body of an answer."""
    body = {
        "query": "swarms",
        "number_of_results": 0,
        "results": list(results),
        "answers": [],
        "corrections": [],
        "infoboxes": [],
        "suggestions": ["swarms of bees"],
        "unresponsive_engines": [["brave", "too many requests"]],
    } | fields
    return json.dumps(body).encode()


def form_of(request: ReceivedRequest) -> dict[str, str]:
    """Return the fields of the form that was sent."""
    return {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
