"""The fonts of a PDF: which face sets which character, and how wide it is."""

from __future__ import annotations

import atexit
import io
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple
from unicodedata import category, normalize

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.fonts import SubsetMap, TTFFont

from chalicelib.rendering.pdf_symbols import truetype_subset

# The subsetter warns of every table it does not know: such tables only help to draw the whole font.
logging.getLogger("fontTools.subset").setLevel(logging.ERROR)


class Style(NamedTuple):
    """How a text is set, apart from its size and colour."""

    bold: bool = False
    italic: bool = False
    mono: bool = False


class Piece(NamedTuple):
    """Part of a word that one face can set; ``width`` is in thousandths of the font size."""

    text: str
    width: float
    face: str


class Word(NamedTuple):
    """A text without break opportunities; ``width`` is in thousandths of the font size."""

    pieces: tuple[Piece, ...]
    width: float


_TEXT_FACES: Final = {
    (False, False): "NotoSans_Regular",
    (True, False): "NotoSans_Bold",
    (False, True): "NotoSans_Italic",
    (True, True): "NotoSans_BoldItalic",
}
_MONO_FACES: Final = {
    (False, False): "CascadiaMono_Regular",
    (True, False): "CascadiaMono_Bold",
    (False, True): "CascadiaMono_Italic",
    (True, True): "CascadiaMono_BoldItalic",
}
_SYMBOL_FACES: Final = ("NotoSansMath_Regular", "NotoSansSymbols2_Regular", "NotoSansSymbols_Regular")
_FALLBACKS: Final = ("NotoSans_Regular", *_SYMBOL_FACES, "FiraGO_Regular")
_VARIATION_SELECTORS: Final = frozenset(map(chr, range(0xFE00, 0xFE10)))


@cache
def _font_directory() -> Path:
    directory = tempfile.mkdtemp(prefix="report-fonts-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


def _font_bytes(face: str) -> bytes:
    content: bytes = import_module(f"pymupdf_fonts.{face}").fontbuffer
    return content


@cache
def font_file(face: str) -> Path:
    """Return a file with the font ``face``: the package carries bytes, fpdf2 reads files."""
    path = _font_directory() / f"{face}.ttf"
    path.write_bytes(_font_bytes(face))
    return path


@cache
def _symbols_of(face: str) -> frozenset[int]:
    """Return the code points that the symbol font ``face`` has."""
    with TTFont(io.BytesIO(_font_bytes(face)), lazy=True) as font:
        return frozenset(font.getBestCmap())


@contextmanager
def _symbol_file(face: str, characters: frozenset[int]) -> Iterator[Path]:
    """Yield a file with those ``characters`` of the symbol font ``face``."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"{face}.ttf"
        path.write_bytes(truetype_subset(_font_bytes(face), characters))
        yield path


def release_glyph_caches() -> None:
    """Forget fpdf2's glyph caches.

    They are global and keep every font of every document ever written alive; what
    they hold is only a shortcut, so clearing them at any time is safe.
    """
    SubsetMap.pick.cache_clear()
    SubsetMap.get_glyph.cache_clear()


class FontBook:
    """The faces of one PDF, each loaded when the first character needs it.

    ``texts`` are the texts to come: symbol fonts are cut down to what these hold.
    """

    def __init__(self, pdf: FPDF, texts: Iterable[str]) -> None:
        self._pdf = pdf
        self._characters = frozenset(map(ord, set().union(*(normalize("NFC", text) for text in texts))))
        self._fonts: dict[str, TTFFont] = {}
        self._words: dict[tuple[str, Style], Word] = {}

    def word(self, text: str, style: Style) -> Word:
        """Return ``text`` as the pieces that can set it; nothing visible is left out.

        A character that no face has appears as its code point: ``[U+4E2D]``.
        """
        key = (text, style)
        word = self._words.get(key)
        if word is None:
            word = self._words[key] = self._make_word(text, style)
        return word

    def width(self, text: str, style: Style, size: float) -> float:
        """Return the width of ``text`` in points at font size ``size``."""
        return self.word(text, style).width * size / 1000

    def letters(self, piece: Piece) -> list[float]:
        """Return the width of each character of ``piece``, in thousandths of the font size."""
        widths = self._font(piece.face).cw
        return [widths[ord(character)] for character in piece.text]

    def _make_word(self, text: str, style: Style) -> Word:
        faces = _MONO_FACES if style.mono else _TEXT_FACES
        first = faces[style.bold, style.italic]
        pieces = [self._piece(text, first)] if text.isascii() else self._mixed(normalize("NFC", text), first)
        return Word(tuple(pieces), sum(piece.width for piece in pieces))

    def _piece(self, text: str, face: str) -> Piece:
        widths = self._font(face).cw
        return Piece(text, sum([widths[ord(character)] for character in text]), face)

    def _mixed(self, text: str, first: str) -> list[Piece]:
        """Split ``text`` wherever another face has to take over."""
        stretches: list[tuple[str, str]] = []
        for character in text:
            face = self._face_of(character, first)
            shown = character if face else _placeholder(character)
            face = face or first
            if stretches and stretches[-1][1] == face:
                stretches[-1] = (stretches[-1][0] + shown, face)
            elif shown:
                stretches.append((shown, face))
        return [self._piece(shown, face) for shown, face in stretches]

    def _face_of(self, character: str, first: str) -> str:
        """Return the first face that has ``character``, or an empty string."""
        if _is_ignorable(character):
            return ""
        code = ord(character)
        return next((face for face in (first, *_FALLBACKS) if self._has(face, code)), "")

    def _has(self, face: str, code: int) -> bool:
        if face in _SYMBOL_FACES:
            return code in self._characters and code in _symbols_of(face)
        return code in self._font(face).cmap

    def _font(self, face: str) -> TTFFont:
        font = self._fonts.get(face)
        if font is None:
            font = self._fonts[face] = self._load(face)
        return font

    def _load(self, face: str) -> TTFFont:
        if face in _SYMBOL_FACES:
            with _symbol_file(face, self._characters & _symbols_of(face)) as path:
                self._pdf.add_font(face, "", path)
        else:
            self._pdf.add_font(face, "", font_file(face))
        font = self._pdf.fonts[face.lower()]
        assert isinstance(font, TTFFont)
        return font


def _is_ignorable(character: str) -> bool:
    """Tell whether ``character`` only steers how others look: joiners, soft hyphens, selectors."""
    return character in _VARIATION_SELECTORS or category(character) == "Cf"


def _placeholder(character: str) -> str:
    return "" if _is_ignorable(character) else f"[U+{ord(character):04X}]"
