"""What a PDF says about itself: title, author, subject, keywords, language, dates, and the meaning of its colours."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Final
from xml.sax.saxutils import escape

from fpdf.enums import OutputIntentSubType
from fpdf.output import PDFICCProfile
from fpdf.prefs import ViewerPreferences
from fpdf.util import builtin_srgb2014_bytes

from chalicelib.domain.document import Document
from chalicelib.domain.language import language_tag
from chalicelib.rendering.front_matter import created
from chalicelib.rendering.pdf_paint import TaggedPdf
from chalicelib.rendering.visible_text import one_line

_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
_PRODUCER: Final = "fpdf2"

_XMP: Final = """\
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
{fields}
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>"""


def describe(pdf: TaggedPdf, document: Document, title: str) -> None:
    """Write title, author, subject, keywords, language and dates of ``document`` into ``pdf``."""
    author = one_line(document.author) or one_line(document.model)
    subject = one_line(document.subject) or one_line(document.description)
    keywords = ", ".join(filter(None, map(one_line, document.keywords)))
    language = language_tag(document.language)
    moment = (created(document) or _UNDATED).astimezone(UTC)
    pdf.set_title(title)
    if author:
        pdf.set_author(author)
    if subject:
        pdf.set_subject(subject)
    if keywords:
        pdf.set_keywords(keywords)
    pdf.set_lang(language)
    pdf.set_creation_date(moment)
    pdf.set_producer(_PRODUCER)
    pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
    pdf.set_xmp_metadata(_xmp(title, author, subject, keywords, language, moment))
    _keep_to_the_archive_format(pdf)


def _keep_to_the_archive_format(pdf: TaggedPdf) -> None:
    """Say what the colours mean, and in which version of PDF the file is written."""
    pdf.pdf_version = "1.7"
    pdf.add_output_intent(
        OutputIntentSubType.PDFA,
        output_condition_identifier="sRGB",
        registry_name="http://www.color.org",
        dest_output_profile=PDFICCProfile(contents=_srgb(), n=3, alternate="DeviceRGB"),
        info="sRGB2014",
    )


@cache
def _srgb() -> bytes:
    content: bytes = builtin_srgb2014_bytes()
    return content


def _xmp(title: str, author: str, subject: str, keywords: str, language: str, moment: datetime) -> str:
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = [
        "<dc:format>application/pdf</dc:format>",
        f"<dc:title>{_alternatives(title)}</dc:title>",
        f"<dc:language><rdf:Bag><rdf:li>{escape(language)}</rdf:li></rdf:Bag></dc:language>",
        f"<xmp:CreateDate>{stamp}</xmp:CreateDate>",
        f"<pdf:Producer>{_PRODUCER}</pdf:Producer>",
    ]
    if author:
        fields.append(f"<dc:creator><rdf:Seq><rdf:li>{escape(author)}</rdf:li></rdf:Seq></dc:creator>")
    if subject:
        fields.append(f"<dc:description>{_alternatives(subject)}</dc:description>")
    if keywords:
        fields.append(f"<pdf:Keywords>{escape(keywords)}</pdf:Keywords>")
    return _XMP.format(fields="\n".join(fields))


def _alternatives(text: str) -> str:
    return f'<rdf:Alt><rdf:li xml:lang="x-default">{escape(text)}</rdf:li></rdf:Alt>'
