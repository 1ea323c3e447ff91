"""Where moto does the same work again and again, done once in the process that hosts moto.

``apply_shortcuts()`` changes moto's classes once; what moto answers stays the same. It saves

* parsing an update expression three times for each call, copying the tree of it with all that the tree points to,
  and asking of each node, class after class and ten times, whether a visitor is concerned;
* adding up what an item holds anew for each attribute it is made of, and coding each text to see how long it is;
* listing the methods of a service for each call.
"""

from __future__ import annotations

import copy
from functools import cache, lru_cache
from typing import Any, Final

import moto.core.responses
from moto.core.utils import method_names_from_class
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.utilities import bytesize
from moto.dynamodb.parsing import ast_nodes, expressions

_EXPRESSIONS: Final = 512
"""How many update expressions are kept; the service has fewer."""

# Modules without types.
_nodes: Any = ast_nodes
_parser: Any = expressions.UpdateExpressionParser  # type: ignore[attr-defined]

# Where moto itself draws the line, between the 409 and 410 KB it was seen at.
_ITEM_BYTES: Final = 405_000

_moto_parse: Any = _parser.make
_moto_size: Any = DynamoType.size


def apply_shortcuts() -> None:
    """Make moto faster in this process; a second call changes nothing."""
    # Typed as Any: assigning to another class's methods is the purpose here.
    traverser: Any = _nodes.DepthFirstTraverser
    responses: Any = moto.core.responses
    item: Any = Item
    value: Any = DynamoType
    if traverser.traverse is _traverse:
        return
    _nodes.Node.__deepcopy__ = _copy_node
    _nodes.Node.find_clauses = _find_clauses
    traverser.traverse = _traverse
    _parser.make = staticmethod(lru_cache(_EXPRESSIONS)(_moto_parse))
    responses.method_names_from_class = cache(method_names_from_class)
    item.__init__ = _make_item
    value.size = _size


# --- Update expressions ---------------------------------------------------------------------------------


def _copy_node(self: Any, memo: dict[int, Any]) -> Any:
    """Copy a node with those below it; who asks for a copy may change it, the parsed expression is kept."""
    made = self.__class__.__new__(self.__class__)
    memo[id(self)] = made
    made.type = self.type
    made.parent = copy.deepcopy(self.parent, memo)
    made.children = None if self.children is None else [copy.deepcopy(child, memo) for child in self.children]
    return made


def _find_clauses(self: Any, clause_types: list[type]) -> list[Any]:
    clauses: list[Any] = []
    for child in self.children or ():
        kind = type(child)
        if kind in clause_types:
            clauses.append(child)
        elif _is_a(kind, (_nodes.Expression, _nodes.UpdateExpressionFunction)):
            clauses.extend(_find_clauses(child, clause_types))
    return clauses


def _traverse(self: Any, node: Any) -> Any:
    """Process the nodes from the leaves up, as moto's ``traverse`` does."""
    return _visit(self, node, -1, self.nodes_to_be_processed())


def _visit(visitor: Any, node: Any, position: int, concerned: tuple[type, ...]) -> Any:
    kind = type(node)
    if not _is_a(kind, (_nodes.Node,)):
        return node
    parent = node.parent
    for number, child in enumerate(node.children or ()):
        visitor.pre_processing_of_child(node, number)
        _visit(visitor, child, number, concerned)
    if not _is_a(kind, concerned):
        return node
    made = visitor.process(node)
    made.parent = parent
    if parent:
        parent.children[position] = made
    return made


_is_a: Final[Any] = cache(issubclass)


# --- Items ----------------------------------------------------------------------------------------------


def _make_item(self: Any, hash_key: Any, range_key: Any, attrs: dict[str, Any]) -> None:
    """Make an item of attributes, which together are not too large."""
    self.hash_key, self.range_key = hash_key, range_key
    self.attrs = LimitedSizeDict()
    size = 0
    for name, value in attrs.items():
        typed = DynamoType(value)
        size += bytesize(name) + typed.size()
        dict.__setitem__(self.attrs, name, typed)
    if size > _ITEM_BYTES:
        raise ItemSizeTooLarge


def _size(self: Any) -> int:
    """Return how many bytes a value is; a text of ASCII is as long as it has characters."""
    if self.type == "S" and self.value.isascii():
        return len(self.value)
    return int(_moto_size(self))
