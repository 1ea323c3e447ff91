"""The program that reads one document: ``python -m chalicelib.knowledge.reading_child FORMAT IN OUT``.

It limits itself before it touches the file. Whatever a file makes of a reader's library, the process that started
this one has its memory, its time and its credentials for itself.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
from pathlib import Path
from typing import Any, cast

from chalicelib.domain.honey_jar import DocumentFormat
from chalicelib.knowledge.blocks import UnreadableError
from chalicelib.knowledge.read_content import read_content


def main() -> int:
    """Read the document and write what came of it; return the exit status."""
    document_format, source, target, memory_bytes, seconds = sys.argv[1:6]
    _limit(resource.RLIMIT_AS, int(memory_bytes))
    _limit(resource.RLIMIT_CPU, int(seconds))
    _limit(resource.RLIMIT_CORE, 0)
    # Libraries warn about every oddity of a file.
    logging.disable(logging.CRITICAL)
    Path(target).write_text(json.dumps(_outcome(Path(source), cast(DocumentFormat, document_format))), "utf-8")
    return 0


def _limit(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (bound, bound))


def _outcome(source: Path, document_format: DocumentFormat) -> dict[str, Any]:
    try:
        return read_content(source.read_bytes(), document_format).to_json()
    except UnreadableError as error:
        return {"problem": error.problem, "message": str(error)}
    except MemoryError:
        return {"problem": "too_large", "message": "Reading the document takes more memory than there is for one."}
    except RecursionError:
        return {"problem": "unsafe", "message": "The document is nested too deep to be read."}


if __name__ == "__main__":
    sys.exit(main())
