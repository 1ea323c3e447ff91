"""Report templates. The built-in ones exist on every installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from chalicelib.domain.output_format import OutputFormat

Category = Literal["analysis", "system", "security", "knowledge", "compliance"]


@dataclass(frozen=True)
class Template:
    """What a report may be made of (Reports API, "List Templates")."""

    id: str
    name: str
    description: str
    category: Category
    required_role: Literal["user", "admin"]
    is_active: bool
    output_formats: tuple[OutputFormat, ...]
    requires_scrambling: bool
    max_output_tokens: int
    estimated_time_minutes: int
    # Whether a request not to scramble is refused where scrambling is required; else it is told that it stays on.
    strict_scrambling: bool = False

    def is_open_to(self, role: str) -> bool:
        """Tell whether a caller with this role may use it."""
        return self.required_role == "user" or role == "admin"


CONVERSATIONAL: Final = Template(
    id="cc030440-0005-470f-8341-6ec798d00445",
    name="Bee Conversational Report",
    description="AI-generated long-form analysis with web search context",
    category="analysis",
    required_role="user",
    is_active=True,
    output_formats=("pdf", "md", "html"),
    requires_scrambling=True,
    max_output_tokens=16384,
    estimated_time_minutes=15,
)

BUILT_IN: Final[tuple[Template, ...]] = (CONVERSATIONAL,)


def find_template(template_id: str) -> Template | None:
    """Return the active template with this id, or None."""
    wanted = template_id.lower()
    return next((t for t in BUILT_IN if t.id == wanted and t.is_active), None)


def templates_in(category: str | None, role: str) -> list[Template]:
    """Return the active templates open to ``role``, those of ``category`` alone where it is given."""
    return [t for t in BUILT_IN if t.is_active and t.is_open_to(role) and category in (None, "", t.category)]
