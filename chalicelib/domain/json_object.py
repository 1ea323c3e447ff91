"""JSON of unknown origin, read field by field with its path, so that what is wrong is named."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from chalicelib.domain.finding import MAX_SUMMARY
from chalicelib.domain.finding_import import ImportIssue, ImportProblemError, WrongValueError

_HALVES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class JsonObject:
    """One object of a JSON file. A field that is absent, or null, is empty; one of a wrong kind is an error."""

    fields: Mapping[str, Any]
    path: str

    def has(self, name: str) -> bool:
        """Tell whether there is a value."""
        return self.fields.get(name) is not None

    def at(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def text(self, name: str) -> str:
        """Return a text.

        Raises:
            WrongValueError: it is none, or is too long.
        """
        value = self.fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise WrongValueError(self.at(name), "must be a text")
        if len(value) > MAX_SUMMARY:
            raise WrongValueError(self.at(name), f"must be at most {MAX_SUMMARY:,} characters")
        return storable(value)

    def whole(self, name: str) -> int | None:
        """Return a whole number from -1 on, or None.

        Raises:
            WrongValueError: it is none.
        """
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value <= 2**31:
            raise WrongValueError(self.at(name), "must be a whole number")
        return value

    def object(self, name: str) -> JsonObject:
        """Return an object; an empty one where there is none.

        Raises:
            WrongValueError: it is something else.
        """
        value = self.fields.get(name)
        if value is None:
            return JsonObject({}, self.at(name))
        if not isinstance(value, dict):
            raise WrongValueError(self.at(name), "must be an object")
        return JsonObject(value, self.at(name))

    def items(self, name: str) -> list[Any]:
        """Return a list's items.

        Raises:
            WrongValueError: it is no list.
        """
        value = self.fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise WrongValueError(self.at(name), "must be a list")
        return value

    def objects(self, name: str) -> list[JsonObject]:
        """Return a list of objects.

        Raises:
            WrongValueError: it is no list, or has something else in it.
        """
        return [self._element(name, number, value) for number, value in enumerate(self.items(name))]

    def _element(self, name: str, number: int, value: Any) -> JsonObject:
        path = f"{self.at(name)}[{number}]"
        if not isinstance(value, dict):
            raise WrongValueError(path, "must be an object")
        return JsonObject(value, path)

    def texts(self, name: str) -> list[str]:
        """Return those items of a list that are texts."""
        value = self.fields.get(name)
        return [storable(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []


def storable(text: str) -> str:
    """Return ``text`` without what UTF-8 cannot hold: halves of surrogate pairs become replacement characters."""
    return text if text.isascii() else _HALVES.sub("\N{REPLACEMENT CHARACTER}", text)


def read_json(text: str) -> JsonObject:
    """Return the object that a JSON file holds.

    Raises:
        ImportProblemError: it is not JSON, no object, or nested too deeply.
    """
    try:
        parsed = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise _problem("must not be nested that deeply") from None
    except json.JSONDecodeError as error:
        raise _problem(f"must be JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise _problem("must be JSON with numbers of ordinary size") from None
    if not isinstance(parsed, dict):
        raise _problem("must be a JSON object")
    return JsonObject(parsed, "")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _problem(message: str) -> ImportProblemError:
    return ImportProblemError([ImportIssue("file", message)])
