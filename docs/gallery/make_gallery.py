"""Draws the pictures of this folder: pages of a report that has everything.

python docs/gallery/make_gallery.py    (needs pdftoppm, Debian package poppler-utils)
"""

# ruff: noqa: RUF001 - a minus is a minus

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from PIL import Image

from chalicelib.domain.document import Document, Reference, Section
from chalicelib.rendering.citations import with_citations
from chalicelib.rendering.parse_markdown import parse_with_footnotes
from chalicelib.rendering.render_pdf import render_pdf

HERE = Path(__file__).parent
DOTS_PER_INCH = 76
MOST_BYTES = 150_000

SUMMARY = """
Regional grids carried **12.4 % more renewable energy** in 2025 than the year before, and for the
first time storage, not generation, decided how much of it reached a customer.[^scope] Operators who
had invested in four-hour batteries sold three quarters of their surplus; the others switched turbines
off. This report compares five operators, explains what they did differently, and recommends what to
do next.

- Storage capacity grew fastest where *connection fees* had been waived.
- Forecast errors fell by a third once weather and market data were combined.
  - Most of that came from better wind forecasts.
  - Solar forecasts were good already.
- Two of the five operators still bill their customers by estimate; see `metering.md`.

> The cheapest kilowatt-hour is the one that nobody has to throw away.

### How to read this report

Figures are for calendar years unless they say otherwise. Prices are without tax. Sources are numbered
in brackets and listed at the end, with the pages that cite them.

[^scope]: Five transmission operators in three countries, together 61 % of the installed capacity of the
    region. Municipal utilities are not included.
"""

MARKET = """
Generation is no longer what limits the market. In every quarter but the first, more energy was offered
than the lines could carry [1], and the difference grew with every turbine that went on line.

Three things changed within the year. Wind passed hydro power in every country of the region, solar power
delivered more in May than in the whole first quarter of 2021, and storage, which had been an experiment
five years ago, moved more energy than the smallest operator delivers in all.

1. **Lines.** Two of the four planned connections went into service, both of them late and both at half of
   their capacity, because transformers were missing.
2. **Rules.** Storage no longer pays grid fees twice, which had made every second project unprofitable.
3. **Weather.** The year was windier than the mean of the last thirty, by about four percent. The figures
   below are not corrected for that.

What a year of calm would look like is an open question; the last one was 2021, and the market of that year
no longer exists.

```chart
{"type": "stacked_bar", "title": "Energy delivered by source", "unit": "TWh",
 "labels": ["2021", "2022", "2023", "2024", "2025"],
 "series": [{"name": "Wind", "values": [41.2, 44.8, 49.1, 55.0, 63.7]},
            {"name": "Solar", "values": [18.4, 22.9, 28.3, 35.6, 41.9]},
            {"name": "Hydro", "values": [22.0, 21.1, 23.4, 22.8, 22.5]},
            {"name": "Storage", "values": [0.8, 1.9, 4.2, 8.8, 17.3]}]}
```

Figure: Storage delivers little energy, but it delivers it in the evening, when prices are highest.

### Prices

Evening prices fell in the second half of the year, as the first large batteries came into the market.
Morning prices did not move.

```chart
{"type": "line", "title": "Average price at the day-ahead auction", "unit": "EUR per MWh",
 "labels": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
 "series": [{"name": "06:00 to 09:00", "values": [92, 88, 84, 79, 75, 71, 70, 72, 78, 83, 88, 94]},
            {"name": "18:00 to 21:00", "values": [148, 141, 133, 126, 119, 108, 97, 93, 96, 99, 104, 109]}]}
```

Figure: The evening peak has lost a quarter of its height within a year.
"""

OPERATORS = """
The five operators differ less in what they built than in when they built it. The table lists what was
measured [1, 2]; the columns are explained below it.

| Operator | Capacity (MW) | Storage (MWh) | Curtailed | Result (million EUR) | Remarks |
|:--|--:|--:|--:|--:|:--|
| Nordlicht Netz | 4,120 | 1,850.5 | 3.2 % | 118.40 | Four-hour batteries at every large substation since 2023 |
| Gridworks East | 3,874.5 | 920 | 7.9 % | 61.05 | Storage bought as a service, paid by the cycle |
| Compañía del Sur | 5,260 | 2,410.25 | 2.75 % | 154.9 | Waived connection fees; longest queue of applicants |
| Vistula Power | 1,980 | 210 | 14.1 % | −8.2 | Two projects delayed by permits |
| Île Énergie | 640.75 | 388 | 5 % | 12.75 | Island grid: storage is used for frequency first |

Table: Five operators in 2025. *Curtailed* is the share of offered energy that was refused.

```chart
{"type": "donut", "title": "Who owns the storage", "unit": "MWh",
 "labels": ["Compañía del Sur", "Nordlicht Netz", "Gridworks East", "Île Énergie", "Vistula Power"],
 "series": [{"name": "Storage", "values": [2410.25, 1850.5, 920, 388, 210]}]}
```

```chart
{"type": "bar", "title": "What applicants named as their main obstacle", "unit": "%",
 "labels": ["Waiting for a connection to the grid", "Cost of capital", "Permits and objections of neighbours",
            "Delivery of transformers", "Rules for double charging of grid fees"],
 "series": [{"name": "Share", "values": [38, 24, 19, 12, 7]}]}
```

Figure: Answers of 214 applicants; one answer each.

### The calculation

1. Take the energy that was offered in every quarter of an hour.
2. Subtract what the lines carried, in this order:
   1. contracts that cannot be interrupted,
   2. the auction,
   3. balancing energy.
3. What is left was curtailed.

```python
def curtailed(offers: list[Offer], capacity: float) -> float:
    accepted = 0.0
    for offer in sorted(offers, key=lambda offer: offer.priority):
        accepted += min(offer.energy, capacity - accepted)
    return sum(offer.energy for offer in offers) - accepted
```
"""

ADVICE = """
Three steps are worth taking now, and none of them needs a new law. They are ordered by what they return
for each euro spent.[^order]

### Bring storage to where the surplus is

Batteries behind the bottleneck relieve the line; batteries before it only relieve the operator's
conscience. The [method of the regulator](https://example.org/method) names 41 substations where both
are true.

### Publish forecasts with their errors

A forecast without an error is a guess. Operators who published both saw bids come closer to what was
delivered within two quarters.

### Meter every quarter of an hour

Estimated bills hide who causes a peak [2]. The cost of a meter is earned back in 14 months.

[^order]: Returns are discounted at 6 % over ten years. At 4 % the first two change places.
"""


def report() -> Document:
    """Return a report with everything that a report can have."""
    parts = [("Executive Summary", SUMMARY), ("The Market in 2025", MARKET), ("Five Operators", OPERATORS)]
    parts += [("What to Do", ADVICE)]
    parsed = [parse_with_footnotes(text, f"{number}-") for number, (_, text) in enumerate(parts)]
    return Document(
        report_id="7d0c9a52-2f0e-4a55-8f0a-3b1f5f4a9c11",
        title="Renewable energy and the grids that carry it",
        description="What five operators did with their surplus in 2025, and what the others can learn from it",
        template_name="Bee Conversational Report",
        style="analysis",
        created_at="2026-01-20T15:30:00Z",
        model="a large model",
        keywords=("grids", "storage"),
        sections=tuple(
            Section(id=f"part-{number}", title=title, blocks=with_citations(part.blocks, {1, 2}))
            for number, ((title, _), part) in enumerate(zip(parts, parsed, strict=True))
        ),
        footnotes=tuple(note for part in parsed for note in part.footnotes),
        references=(
            Reference(number=1, title="Annual report on congestion", href="https://example.org/congestion",
                      detail="Regional regulator, 2026, p. 14"),
            Reference(number=2, title="Storage survey", detail="Institute for Grids, 2025"),
        ),
    )  # fmt: skip


def main() -> None:
    """Write a picture of every page, small enough for a repository."""
    with tempfile.TemporaryDirectory() as directory:
        pdf = Path(directory, "report.pdf")
        pdf.write_bytes(render_pdf(report()).content)
        command = ["pdftoppm", "-r", str(DOTS_PER_INCH), "-png", str(pdf), f"{directory}/page"]
        subprocess.run(command, check=True)  # noqa: S603
        for old in HERE.glob("page-*.png"):
            old.unlink()
        for number, path in enumerate(sorted(Path(directory).glob("page*.png")), start=1):
            target = HERE / f"page-{number}.png"
            with Image.open(path) as picture:
                picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(target, optimize=True)
            assert target.stat().st_size <= MOST_BYTES, f"{target.name} is too large"


if __name__ == "__main__":
    main()
