"""The fonts of a PDF: which face sets which character, and how wide it is."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Collection, Iterable
from functools import cache
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple
from unicodedata import normalize

import regex
from fpdf import FPDF
from fpdf.fonts import SubsetMap, TTFFont

from chalicelib.rendering.pdf_font_files import CJK_FACES, EMOJI_FACE, SCRIPT_FACES, coverage, cut_font
from chalicelib.rendering.pdf_shaping import GlyphRun, Shaper, needs_shaping


class Style(NamedTuple):
    """How a text is set, apart from its size and colour."""

    bold: bool = False
    italic: bool = False
    mono: bool = False


class Piece(NamedTuple):
    """Part of a word that one face can set; ``width`` is in thousandths of the font size.

    ``run`` has the glyphs of a text that had to be shaped.
    """

    text: str
    width: float
    face: str
    run: GlyphRun | None = None


class Word(NamedTuple):
    """A text without break opportunities; ``width`` is in thousandths of the font size."""

    pieces: tuple[Piece, ...]
    width: float


_SANS: Final = "NotoSans"
_SERIF: Final = "NotoSerif"
_MONO: Final = "CascadiaMono"
_SYMBOL_FACES: Final = ("NotoSansMath_Regular", "NotoSansSymbols2_Regular", "NotoSansSymbols_Regular")

_CJK: Final = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}\u3000-\u303f\uff01-\uffee]")
_ARABIC: Final = regex.compile(r"[\p{Arabic}\u0600-\u06ff]")
_HAN: Final = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")
# Signs that Latin fonts have too, but that stand as wide as an ideograph among ideographs.
_WIDE_AMONG_HAN: Final = frozenset("\u2018\u2019\u201c\u201d\u2014\u2026\u00b7\u2e3a")
_EMOJI: Final = regex.compile(r"\p{Emoji_Presentation}|\p{Emoji}\N{VARIATION SELECTOR-16}")
_IGNORABLE: Final = regex.compile(r"\p{Default_Ignorable_Code_Point}")

# Printable ASCII, for placeholders and what the layout adds; and joiners, which shaping looks at.
_ALWAYS: Final = frozenset((*range(0x20, 0x7F), 0xA0, 0x200C, 0x200D, 0x25CC))


@cache
def _font_directory() -> Path:
    directory = tempfile.mkdtemp(prefix="report-fonts-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


@cache
def font_file(face: str) -> Path:
    """Return a file with the whole font ``face`` of pymupdf-fonts: the package carries bytes, fpdf2 reads files."""
    path = _font_directory() / f"{face}.ttf"
    path.write_bytes(import_module(f"pymupdf_fonts.{face}").fontbuffer)
    return path


def release_glyph_caches() -> None:
    """Forget fpdf2's glyph caches.

    They are global and keep every font of every document ever written alive; what
    they hold is only a shortcut, so clearing them at any time is safe.
    """
    SubsetMap.pick.cache_clear()
    SubsetMap.get_glyph.cache_clear()


class _CutFace(NamedTuple):
    """A face as this PDF has it: with the characters of its texts only."""

    name: str
    characters: frozenset[int]
    font: TTFFont
    shaper: Shaper


class FontBook:
    """The faces of one PDF, each loaded when the first character needs it.

    ``texts`` are the texts to come: every font is cut down to what these hold. A character
    that none of them has is set all the same, at the price of another font.
    ``language`` (BCP 47) chooses between the Chinese, Japanese and Korean forms of ideographs;
    where it is another, the texts' own scripts do.
    """

    def __init__(self, pdf: FPDF, texts: Iterable[str], language: str = "", serif: bool = False) -> None:
        self._pdf = pdf
        # Composed text by text, as words are set: in a set of characters no mark stands beside its letter.
        held = set[str]().union(*(normalize("NFC", text) for text in texts))
        self._characters = _ALWAYS.union(_forms(held))
        self._family = _SERIF if serif else _SANS
        self._cjk = _cjk_faces(language, held)
        self._cut: dict[str, list[_CutFace]] = {}
        self._fonts: dict[str, _CutFace] = {}
        self._words: dict[tuple[str, Style, bool], Word] = {}
        self._faces: dict[tuple[str, Style, bool], str] = {}
        self._spaces: dict[tuple[str, bool], Piece] = {}
        self._missing: dict[str, None] = {}

    @property
    def missing_characters(self) -> tuple[str, ...]:
        """The characters that no font has, in the order in which they came up."""
        return tuple(self._missing)

    def word(self, text: str, style: Style, right_to_left: bool = False) -> Word:
        """Return ``text``, all of one direction, as the pieces that can set it; nothing visible is left out.

        A character that no face has appears as its code point: ``[U+0378]``.
        """
        key = (text, style, right_to_left)
        word = self._words.get(key)
        if word is None:
            word = self._words[key] = self._make_word(text, style, right_to_left)
        return word

    def width(self, text: str, style: Style, size: float) -> float:
        """Return the width of ``text`` in points at font size ``size``."""
        return self.word(text, style).width * size / 1000

    def space(self, face: str, right_to_left: bool) -> Piece:
        """Return a space of ``face``, in which a word beside it was shaped: a line then keeps to one font."""
        key = (face, right_to_left)
        piece = self._spaces.get(key)
        if piece is None:
            run = self._fonts[face].shaper.run(" ", right_to_left)
            assert run is not None
            piece = self._spaces[key] = Piece(" ", run.width, face, run)
        return piece

    def direction_mark(self, face: str, right_to_left: bool) -> GlyphRun:
        """Return an invisible mark of a direction in ``face``, which a word was set in."""
        return self._fonts[face].shaper.direction_mark("\u200f" if right_to_left else "\u200e")

    def parts(self, piece: Piece) -> list[tuple[str, float]]:
        """Return what ``piece`` can be cut into: texts and their widths, in thousandths of the font size."""
        if piece.run:
            return piece.run.parts()
        widths = self._fonts[piece.face].font.cw
        return [(character, widths[ord(character)]) for character in piece.text]

    def _make_word(self, text: str, style: Style, right_to_left: bool) -> Word:
        if text.isascii() and not right_to_left:
            pieces = [self._plain(text, _first_face(self._family, style))]
        else:
            pieces = self._mixed(normalize("NFC", text), style, right_to_left)
        return Word(tuple(pieces), sum(piece.width for piece in pieces))

    def _plain(self, text: str, face: str) -> Piece:
        cut = self._cut_face(face, text)
        widths = cut.font.cw
        return Piece(text, sum([widths[ord(character)] for character in text]), cut.name)

    def _mixed(self, text: str, style: Style, right_to_left: bool) -> list[Piece]:
        """Split ``text`` wherever another face has to take over, or shaping begins or ends."""
        is_complex = right_to_left or needs_shaping(text)
        clusters: Iterable[str] = regex.findall(r"\X", text) if is_complex else text
        among_han = _HAN.search(text) is not None
        arabic = "" if style.mono or not _ARABIC.search(text) else _arabic_face(text, style.bold)
        stretches: list[tuple[str, str, bool]] = []
        for cluster in clusters:
            face = arabic if arabic and _ARABIC.match(cluster) else self._face_of(cluster, style, among_han)
            shaped = bool(face) and (
                right_to_left
                or len(cluster) > 1
                or (is_complex and needs_shaping(cluster))
                or ord(cluster) not in coverage(face)  # has its parts, which shaping puts together
            )
            if stretches and face and stretches[-1][1:] == (face, shaped):
                stretches[-1] = (stretches[-1][0] + cluster, face, shaped)
            else:
                stretches.append((cluster, face, shaped))
        pieces: list[Piece] = []
        for stretch, face, shaped in stretches:
            if not face:
                pieces.extend(self._without_face(stretch, style, right_to_left))
            elif shaped:
                pieces.extend(self._shaped(stretch, face, style, right_to_left))
            else:
                pieces.append(self._plain(stretch, face))
        return pieces

    def _shaped(self, text: str, face: str, style: Style, right_to_left: bool) -> list[Piece]:
        cut = self._cut_face(face, text)
        run = cut.shaper.run(text, right_to_left)
        return [Piece(text, run.width, cut.name, run)] if run else self._without_face(text, style, right_to_left)

    def _without_face(self, text: str, style: Style, right_to_left: bool) -> list[Piece]:
        """Set ``text``, which no face can set as a whole, character by character."""
        pieces: list[Piece] = []
        for character in text:
            face = self._face_of(character, style, False) if len(text) > 1 else ""
            if face:
                pieces.extend(self._shaped(character, face, style, right_to_left))
            elif not _IGNORABLE.match(character):
                self._missing[character] = None
                pieces.append(self._plain(f"[U+{ord(character):04X}]", _first_face(self._family, style)))
        return pieces

    def _face_of(self, cluster: str, style: Style, among_han: bool) -> str:
        """Return the first face that has all of ``cluster``, or an empty string."""
        key = (cluster, style, among_han)
        face = self._faces.get(key)
        if face is None:
            face = self._faces[key] = self._find_face(cluster, style, among_han)
        return face

    def _find_face(self, cluster: str, style: Style, among_han: bool) -> str:
        visible = "".join(character for character in cluster if not _IGNORABLE.match(character))
        if not visible:
            return ""
        for form in (visible, normalize("NFD", visible)):
            codes = [*map(ord, form)]
            for face in self._candidates(cluster, style, among_han):
                covered = coverage(face)
                if all(code in covered for code in codes):
                    return face
        return ""

    def _candidates(self, cluster: str, style: Style, among_han: bool) -> Iterable[str]:
        weight = "_Bold" if style.bold else "_Regular"
        if _EMOJI.match(cluster):
            yield EMOJI_FACE + weight
        if among_han and cluster in _WIDE_AMONG_HAN and not style.mono:
            yield self._cjk[0] + weight
        first = _first_face(self._family, style)
        yield first
        upright = style._replace(mono=False)
        yield _first_face(self._family, upright)
        yield _first_face(_SANS, upright)
        if _CJK.match(cluster):
            yield from (face + weight for face in self._cjk)
        yield from (face + weight for face in SCRIPT_FACES)
        yield from _SYMBOL_FACES
        yield EMOJI_FACE + weight
        yield from (face + weight for face in self._cjk)

    def _cut_face(self, face: str, text: str) -> _CutFace:
        """Return ``face`` cut so that it has all of ``text``."""
        cuts = self._cut.setdefault(face, [])
        for cut in cuts:
            if cut.characters.issuperset(map(ord, text)):
                return cut
        return self._cut_anew(face, text, cuts)

    def _cut_anew(self, face: str, text: str, cuts: list[_CutFace]) -> _CutFace:
        covered = coverage(face)
        for cut in cuts:
            if cut.characters.issuperset(code for code in map(ord, text) if code in covered):
                return cut
        wanted = self._characters.union(_forms(text))
        name = f"{face}{len(cuts) or ''}"
        cut = self._load(name, face, frozenset(code for code in wanted if code in covered))
        cuts.append(cut)
        self._fonts[name] = cut
        return cut

    def _load(self, name: str, face: str, characters: frozenset[int]) -> _CutFace:
        content = cut_font(face, characters)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / f"{name}.ttf"
            path.write_bytes(content)
            self._pdf.add_font(name, "", path)
        font = self._pdf.fonts[name.lower()]
        assert isinstance(font, TTFFont)
        font.name = name
        return _CutFace(name, characters, font, Shaper(font, content))


def has_every_ideograph(characters: Iterable[str]) -> bool:
    """Tell whether all of ``characters`` are ideographs, kana and the like that any text shows, bold or not.

    False says nothing: marks, and whatever may change beside others, are not looked at.
    """
    return all(
        _CJK.match(one)
        and normalize("NFC", one) == one
        and not (needs_shaping(one) or _IGNORABLE.match(one))
        and all(any(ord(one) in coverage(face + weight) for face in CJK_FACES) for weight in ("_Regular", "_Bold"))
        for one in characters
    )


def _forms(characters: Collection[str]) -> frozenset[int]:
    """Return ``characters``, and what shaping may take each apart into or put together.

    Each by itself, so that nothing depends on the order of a set.
    """
    parts = (normalize(form, character) for character in characters for form in ("NFC", "NFD", "NFKD"))
    return frozenset(map(ord, chain(characters, chain.from_iterable(parts))))


def _arabic_face(word: str, bold: bool) -> str:
    """Return the face for the Arabic letters of ``word`` if one has them all, as it must for them to join.

    FiraGO has each letter as one glyph, so that every reader finds it again; Noto Sans Arabic, which has more
    letters, puts their dots on as glyphs of their own.
    """
    letters = [ord(character) for character in word if _ARABIC.match(character)]
    for name in ("FiraGO", "NotoSansArabic"):
        face = f"{name}_{'Bold' if bold else 'Regular'}"
        if all(letter in coverage(face) for letter in letters):
            return face
    return ""


def _first_face(family: str, style: Style) -> str:
    weight = "Bold" if style.bold else ""
    slant = "Italic" if style.italic else ""
    return f"{_MONO if style.mono else family}_{weight + slant or 'Regular'}"


def _cjk_faces(language: str, characters: Collection[str]) -> tuple[str, ...]:
    """Return the faces for ideographs, the one in the form that ``language`` or the ``characters`` ask for first."""
    japanese, korean, simplified, traditional, hong_kong = CJK_FACES
    parts = language.lower().replace("_", "-").split("-")
    if parts[0] == "ja":
        first = japanese
    elif parts[0] == "ko":
        first = korean
    elif parts[0] in ("zh", "yue"):
        is_hong_kong = parts[0] == "yue" or "hk" in parts or "mo" in parts
        is_traditional = "tw" in parts or "hant" in parts
        first = hong_kong if is_hong_kong else traditional if is_traditional else simplified
    elif any("\u3041" <= character <= "\u30ff" for character in characters):
        first = japanese
    elif any("\uac00" <= character <= "\ud7a3" for character in characters):
        first = korean
    else:
        first = simplified
    return (first, *(face for face in CJK_FACES if face != first))
