"""Which words say the same, and which the opposite, when a sentence is compared with the source that it cites."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Final

from chalicelib.knowledge.words import words_of

# One line for each meaning. A word may stand in several: then they are compared by all of them.
_SAME: Final = """
rise rose risen increase grow grew grown climb raise higher up gain
fall fell fallen decrease decline drop shrink lower down reduce reduction loss cut
large larger larg big bigger great greater
small smaller little minor tiny
buy bought purchase acquire acquisition takeover
sell sold sale
begin began begun start launch commence
end finish stop terminate cease complete
need require necessary demand requirement
allow permit let permissible allowed permission
forbid forbidden prohibit ban disallow
use utilise utilize employ usage apply application
show indicate demonstrate reveal display
make produce generate manufacture create made
give gave given provide supply offer deliver
get got obtain receive
keep kept retain hold held store stay remain preserve maintain
find found discover detect identify
fast quick rapid speed accelerate faster
slow slower gradual
check verify test examine inspect review
inform tell told notify report announce
answer reply respond response
delete remove erase
firm company business enterprise
staff employee worker personnel
person people individual
patient case
child children kid
help assist support aid
protect secure safeguard protection
safe secure security
danger risk hazard threat
important significant relevant major main key chief mainly
approve accept agree adopt
reject refuse decline deny
choose chose chosen select pick
build built construct erect
change alter modify amend modification
replace substitute exchange
include contain comprise cover inclusion
exclude omit except exception
enable activate
disable deactivate
open opened
close closed shut
fix repair correct mend resolve
break broke broken damage destroy
leave left depart quit
enter join
arrive come came
send sent transmit transfer
pay paid fund finance bear borne
cost price expense fee
money fund
year annual
month monthly
week weekly
day daily
night nightly
hour hourly
home house
town city municipality
car vehicle automobile
lorry truck
road street
begin beginning early
middle mid
limit cap restrict maximum limited
average mean typical
about around approximately roughly nearly almost circa
postpone delay defer
journey trip travel ride
mix blend combine
exceed surpass above
share proportion percent part
half fifty
poor bad weak
good well
lack absence missing
mistake error fault
crash failure fail outage
attack attacker intrusion
password passphrase
encrypt cipher encryption
document paper file
rule regulation policy
law statute legal
contract agreement
penalty fine
support back
survive live
method technique approach procedure
goal aim objective purpose
prove proof evidence
unite merge join combine union
kilogram kg kilo
seat headquarters
prescribe prescription
dizzy dizziness
lend lent loan
reuse repeat again
"""

# What cannot both hold of the same thing.
_OPPOSITE: Final = """
rise / fall
more / less fewer
most / least
large largest / small smallest
long / short
high highest higher / low lowest lower
above over / below under
early / late
begin continue / end
allow / forbid block
should must require / forbid
include / exclude
enable / disable
open / close
approve / reject refuse
buy / sell
fast / slow
first / last
always / never
much / little
all every / none
inside / outside
internal / external
public / private
minimum / maximum
lock / unlock
win won gain / lose lost
mild / severe serious
normal / abnormal elevated
hardware / software
import / export
easy / difficult hard
strong / weak
heavy heavier / light lighter
confirm admit / deny
wide / narrow
thick / thin
young younger / old older
rich / poor
full / empty
valid / invalid
complete / incomplete
active / inactive
secure / insecure
legal / illegal
connect / disconnect
cheap cheaper / expensive
double doubled / halve halved
wet / dry
warm hot / cold
north / south
east / west
mandatory / optional voluntary
send / receive
ascend / descend
positive / negative
success succeed pass / fail
before / after afterwards
"""

# What sentences say about their sources, and what every text says.
OF_NO_WEIGHT: Final = frozenset(
    words_of(
        "according source document text passage section state says said mention describe note explain however "
        "additionally furthermore moreover overall thus therefore hence example instance namely both each one thing "
        "way well also between within during until while although though since because among per via being get "
        "himself itself themselves whose regard respectively various certain specific particular several available "
        "after before over against across near yet still already just even once based following above below place "
        "take taken put set own kind type case long instead rather much"
    )
)

_ENDINGS: Final = (
    *("ization", "isation", "ational", "ations", "ation", "itions", "ition", "ments", "ment", "nesses", "ness"),
    *("ities", "ity", "ances", "ance", "ences", "ence", "ively", "ive", "fully", "ful", "ably", "able", "ibly", "ible"),
    *("ising", "izing", "ised", "ized", "ise", "ize", "ally", "al", "ally", "ion", "ions", "ous", "ier", "ies"),
    *("ers", "er", "ors", "or", "est", "ly", "ing", "ed", "es", "e", "y", "s", "d"),
)
_FEWEST_LEFT: Final = 4


@lru_cache(maxsize=100_000)
def meanings(stem: str) -> frozenset[str]:
    """Return what a word's stem is compared by: its root, and the meanings that it has."""
    root = _root(stem)
    return frozenset({root, *_groups().get(root, ())})


@lru_cache(maxsize=200_000)
def are_opposite(one: str, other: str) -> bool:
    """Tell whether two stems say opposite things."""
    opposites = _opposites()
    return any(opposites.get(a, frozenset()) & meanings(other) for a in meanings(one))


@lru_cache(maxsize=100_000)
def has_opposite(stem: str) -> bool:
    """Tell whether there is anything that says the opposite of a stem."""
    return any(one in _opposites() for one in meanings(stem))


def _root(stem: str) -> str:
    """Return a word without its derivation: ``encryption`` and ``encrypted`` share theirs."""
    if not stem.isascii() or not stem.isalpha():
        return stem
    for ending in _ENDINGS:
        left = stem.removesuffix(ending)
        if left != stem and len(left) >= _FEWEST_LEFT:
            return _root(left) if len(ending) > 1 else left
    return re.sub(r"(.)\1$", r"\1", stem) if len(stem) > _FEWEST_LEFT else stem


@cache
def _groups() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in filter(None, _SAME.splitlines()):
        name = f"={line.split()[0]}"
        for word in _stems(line):
            found.setdefault(word, set()).add(name)
    return {word: frozenset(names) for word, names in found.items()}


@cache
def _opposites() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in filter(None, _OPPOSITE.splitlines()):
        one, _, other = line.partition("/")
        ones, others = _all_meanings(one), _all_meanings(other)
        for word in ones:
            found.setdefault(word, set()).update(others)
        for word in others:
            found.setdefault(word, set()).update(ones)
    return {word: frozenset(words) for word, words in found.items()}


def _all_meanings(words: str) -> set[str]:
    """Return the roots of some words, and the groups that these words begin: others they may belong to say more."""
    found = set(_stems(words))
    return found | {f"={word}" for word in words.split()}


def _stems(words: str) -> Iterator[str]:
    # One at a time, as common words ("up", "more") would be left out.
    return (_root(next(words_of(word), word)) for word in words.split())
