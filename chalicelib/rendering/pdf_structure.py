"""The structure of a PDF: a tree of elements that says what each text on the pages is.

fpdf2 has a flat list of figures for this. Here the tree is built while pages are laid out,
filled with marked content while they are drawn, and handed to fpdf2 in place of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fpdf import FPDF
from fpdf.annotations import PDFAnnotation
from fpdf.syntax import PDFObject, PDFString

from chalicelib.rendering.visible_text import visible


class Content(NamedTuple):
    """Marked content: its page, counted from 1, and its number there."""

    page: int
    number: int


class LinkAnnotation(PDFAnnotation):
    """A clickable area that knows its place in the structure."""

    def __init__(self, **fields: Any) -> None:
        super().__init__("Link", **fields)
        self.struct_parent: int | None = None


class Element:
    """An element of the structure; ``role`` is one of the standard types of PDF 1.7 (``P``, ``TR``, ``H2`` …).

    ``alt`` is read aloud instead of a picture; ``attributes`` is the source of a PDF dictionary.
    """

    __slots__ = ("alt", "attributes", "id", "kids", "role")

    def __init__(
        self, role: str, parent: Element | None = None, *, alt: str = "", attributes: str = "", identifier: str = ""
    ) -> None:
        self.role = role
        self.alt = alt
        self.attributes = attributes
        self.id = identifier
        self.kids: list[Element | Content | LinkAnnotation] = []
        if parent is not None:
            parent.kids.append(self)

    def is_empty(self) -> bool:
        """Tell whether nothing on any page belongs to this element."""
        return all(isinstance(kid, Element) and kid.is_empty() for kid in self.kids)


class StructureTree:
    """What fpdf2 asks for its structure: the objects to write, the root first.

    In the tree from content to elements pages have their index as key, and annotations the keys after those.
    """

    def __init__(self, document: Element, pdf: FPDF) -> None:
        self._pdf = pdf
        self._parents: dict[int, list[_ElementObject]] = {}
        self._annotations: list[tuple[LinkAnnotation, _ElementObject]] = []
        self._root = _Root()
        self._objects: list[PDFObject] = [self._root]
        self.doc_struct_elem = _NothingElse()
        if not document.is_empty():
            self._root.kid = self._add(document, self._root)
        for page in self._parents:
            pdf.pages[page + 1].struct_parents = page
        self._objects.insert(1, _ParentTree(self._parents, self._annotations))
        self._root.parent_tree = self._objects[1]

    def empty(self) -> bool:
        """Tell whether there is nothing to write."""
        return self._root.kid is None

    def __iter__(self) -> Iterator[PDFObject]:
        return iter(self._objects)

    def _add(self, element: Element, parent: PDFObject) -> _ElementObject:
        made = _ElementObject(element, parent)
        self._objects.append(made)
        for kid in element.kids:
            if isinstance(kid, Element):
                if not kid.is_empty():
                    made.kids.append(self._add(kid, made))
            elif isinstance(kid, Content):
                made.kids.append((self._pdf.pages[kid.page], kid.number))
                parents = self._parents.setdefault(kid.page - 1, [])
                parents.extend([made] * (kid.number + 1 - len(parents)))
                parents[kid.number] = made
            else:
                made.kids.append(kid)
                self._annotations.append((kid, made))
                kid.struct_parent = len(self._pdf.pages) + len(self._annotations) - 1
        if made.kids and isinstance(made.kids[0], tuple):
            made.page = made.kids[0][0]
        if element.id:
            self._root.identified.append(made)
        return made


class _NothingElse:
    """Stands for fpdf2's flat list of elements, which is empty."""

    k: Sequence[PDFObject] = ()


class _Root(PDFObject):
    def __init__(self) -> None:
        super().__init__()
        self.kid: PDFObject | None = None
        self.parent_tree: PDFObject | None = None
        self.identified: list[_ElementObject] = []

    def serialize(self, obj_dict: Any = None, _security_handler: Any = None) -> str:
        assert self.kid is not None
        assert self.parent_tree is not None
        names = sorted((_text_string(made.identifier), made.ref) for made in self.identified)
        tree = f"/IDTree<</Names[{' '.join(f'{name} {ref}' for name, ref in names)}]>>" if names else ""
        kids = f"/K[{self.kid.ref}]/ParentTree {self.parent_tree.ref}"
        return f"{self.id} 0 obj\n<</Type/StructTreeRoot{kids}{tree}>>\nendobj"


class _ParentTree(PDFObject):
    def __init__(
        self,
        pages: Mapping[int, Sequence[_ElementObject]],
        annotations: Sequence[tuple[LinkAnnotation, _ElementObject]],
    ) -> None:
        super().__init__()
        self._pages = pages
        self._annotations = annotations

    def serialize(self, obj_dict: Any = None, _security_handler: Any = None) -> str:
        entries = [f"{page}[{' '.join(e.ref for e in self._pages[page])}]" for page in sorted(self._pages)]
        entries += [f"{annotation.struct_parent} {element.ref}" for annotation, element in self._annotations]
        return f"{self.id} 0 obj\n<</Nums[{' '.join(entries)}]>>\nendobj"


class _ElementObject(PDFObject):
    def __init__(self, element: Element, parent: PDFObject) -> None:
        super().__init__()
        self._element = element
        self._parent = parent
        self.page: PDFObject | None = None
        self.kids: list[PDFObject | tuple[PDFObject, int]] = []
        self.identifier = element.id

    def serialize(self, obj_dict: Any = None, _security_handler: Any = None) -> str:
        element = self._element
        parts = [f"{self.id} 0 obj\n<</Type/StructElem/S/{element.role}/P {self._parent.ref}"]
        if self.page is not None:
            parts.append(f"/Pg {self.page.ref}")
        if element.alt:
            parts.append(f"/Alt {_text_string(element.alt)}")
        if element.id:
            parts.append(f"/ID {_text_string(element.id)}")
        if element.attributes:
            parts.append(f"/A<<{element.attributes}>>")
        parts.append(f"/K[{' '.join(map(self._kid, self.kids))}]>>\nendobj")
        return "".join(parts)

    def _kid(self, kid: PDFObject | tuple[PDFObject, int]) -> str:
        if isinstance(kid, tuple):
            page, number = kid
            return str(number) if page is self.page else f"<</Type/MCR/Pg {page.ref}/MCID {number}>>"
        return f"<</Type/OBJR/Obj {kid.ref}>>" if isinstance(kid, LinkAnnotation) else kid.ref


def _text_string(text: str) -> str:
    shown: str = PDFString(visible(text)).serialize()
    return shown
