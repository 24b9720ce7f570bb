"""Text to syntax tree: PostgreSQL without its functions and most of its words; nothing that was written gets lost."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

from sqlglot import exp, tokens
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import Token, TokenType

from rules.conditions.model import OVER_SPANS, ConditionError, Mistake

MAX_LENGTH = 10_000  # characters
MAX_TOKENS = 2_000
MAX_DEPTH = 20  # parentheses, CASEs and signs inside each other: sqlglot recurses some 20 frames for each

_WORDS = {
    "AND": TokenType.AND,
    "OR": TokenType.OR,
    "NOT": TokenType.NOT,
    "BETWEEN": TokenType.BETWEEN,
    "IN": TokenType.IN,
    "LIKE": TokenType.LIKE,
    "ILIKE": TokenType.ILIKE,
    "IS": TokenType.IS,
    "NULL": TokenType.NULL,
    "TRUE": TokenType.TRUE,
    "FALSE": TokenType.FALSE,
    "CASE": TokenType.CASE,
    "WHEN": TokenType.WHEN,
    "THEN": TokenType.THEN,
    "ELSE": TokenType.ELSE,
    "END": TokenType.END,
}
_SIGNS = {
    "=": TokenType.EQ,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "<": TokenType.LT,
    "<=": TokenType.LTE,
    ">": TokenType.GT,
    ">=": TokenType.GTE,
    "+": TokenType.PLUS,
    "-": TokenType.DASH,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
    "%": TokenType.MOD,
    "(": TokenType.L_PAREN,
    ")": TokenType.R_PAREN,
    ",": TokenType.COMMA,
}
_REFUSED = dict.fromkeys(("==", "/*", "::", "||"), TokenType.UNKNOWN)
_PARENTHESES = {TokenType.L_PAREN, TokenType.R_PAREN}  # writing a tree may add some
_FREE = {TokenType.VAR, TokenType.NUMBER, TokenType.STRING}  # whose text is not all in their kind
_PREFIXES = {TokenType.NOT, TokenType.DASH, TokenType.PLUS}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[0-9]+\.?[0-9]*([eE][+-]?[0-9]+)?")
_STRANGE = re.compile(r"[^A-Za-z0-9_]")
_GAP = re.compile(r"(\s|--[^\n]*(\n|$))*")

_A_QUERY = "a condition can't hold a query: that is what a rule with `query` is for"
_FOREIGN = {  # words of SQL that people try, where no column has that name
    "all": _A_QUERY,
    "any": _A_QUERY,
    "exists": _A_QUERY,
    "from": _A_QUERY,
    "select": _A_QUERY,
    "some": _A_QUERY,
    "cast": "there are no casts: compare numbers with numbers and texts with texts",
    "over": "there are no windows of rows: a span function is avg(value, '1h')",
    "filter": "there are no filters of rows: count what holds with `for: 3 of 5 samples`",
    "interval": "write a span as a text: avg(value, '5m')",
}
_STRAY = {
    ":": "there are no parameters: give the number its name in `limits`",
    "::": "there are no casts: compare numbers with numbers and texts with texts",
    ".": "names have no point, and a number needs a digit before it: 0.5",
    ";": "a condition is one expression without a semicolon",
    "==": "equality is written with one =",
    "/*": "comments are written with two hyphens, -- like this",
    "^": "there is no power: multiply",
    "||": "texts can't be joined: compare them one by one",
}


class Sql(Postgres):
    """PostgreSQL in which every call is anonymous and only the words of conditions are words."""

    class Tokenizer(Postgres.Tokenizer):
        """Reads names, numbers, 'texts', signs and `--` comments."""

        KEYWORDS: ClassVar[dict[str, TokenType]] = {**_WORDS, **_SIGNS, **_REFUSED}
        SINGLE_TOKENS: ClassVar[dict[str, TokenType]] = {
            **tokens.Tokenizer.SINGLE_TOKENS,
            "!": TokenType.UNKNOWN,
            "$": TokenType.UNKNOWN,
        }
        COMMENTS: ClassVar[list[str | tuple[str, str]]] = ["--"]
        COMMANDS: ClassVar[set[TokenType]] = set()
        VAR_SINGLE_TOKENS: ClassVar[set[str]] = set()
        BIT_STRINGS: ClassVar[list[str | tuple[str, str]]] = []
        HEX_STRINGS: ClassVar[list[str | tuple[str, str]]] = []
        BYTE_STRINGS: ClassVar[list[str | tuple[str, str]]] = []
        UNICODE_STRINGS: ClassVar[list[str | tuple[str, str]]] = []
        HEREDOC_STRINGS: ClassVar[list[str | tuple[str, str]]] = []

    class Parser(PostgresParser):
        """Knows CASE and no function: each call reaches the table of the compiler."""

        FUNCTIONS: ClassVar = {}
        FUNCTION_PARSERS: ClassVar = {}
        NO_PAREN_FUNCTIONS: ClassVar = {}
        NO_PAREN_FUNCTION_PARSERS: ClassVar = {"CASE": PostgresParser.NO_PAREN_FUNCTION_PARSERS["CASE"]}

    class Generator(PostgresGenerator):
        """Writes names as they are."""


_DIALECT = Sql()


def tree(text: str) -> exp.Expr:
    """The syntax tree of a condition; which nodes and names may stand in it is not decided here.

    Raises:
        ConditionError: not an expression, or one too long to be read.
        RecursionError: one that is nested deeply, on a stack that is deep already.
    """
    if len(text) > MAX_LENGTH:
        raise _refusal(0, f"the condition has {len(text)} characters; at most {MAX_LENGTH} can be read")
    try:
        read = _DIALECT.tokenize(text)
    except TokenError:
        raise _refusal(max(text.rfind("'"), text.rfind('"'), 0), "a quote is opened and not closed") from None
    if mistakes := _check(text, read):
        raise ConditionError(tuple(mistakes))
    try:
        parsed = _DIALECT.parser(error_level=ErrorLevel.IMMEDIATE).parse_into(exp.Condition, read, text)
    except ParseError as error:
        raise _refusal(*_place(read, error)) from None
    node = parsed[0] if parsed else None
    if node is None:
        raise _refusal(read[0].start, f"`{read[0].text}` can't begin a condition")
    _compare(read, _DIALECT.tokenize(sql(node)))
    return node


def sql(node: exp.Expr) -> str:
    """The text of a tree, in one line and without comments."""
    return node.sql(dialect=_DIALECT, comments=False, normalize_functions=False)


def name(node: exp.Expr) -> str:
    """How a message calls a part of a condition."""
    text = sql(node)
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


def offset(node: exp.Expr) -> int:
    """Where the part begins in the text, or the nearest one around it whose place is known."""
    at: exp.Expr | None = node
    while at:
        if starts := [inner.meta["start"] for inner in at.walk() if "start" in inner.meta]:
            return int(min(starts))
        at = at.parent
    return 0


def _refusal(at: int, message: str) -> ConditionError:
    return ConditionError((Mistake(at, message),))


def _check(text: str, read: list[Token]) -> list[Mistake]:
    """What can be said before parsing: foreign signs and words, depth, length."""
    if not read:
        return [Mistake(0, "the condition is empty: write one such as value > limit")]
    if len(read) > MAX_TOKENS:
        return [Mistake(0, f"the condition has {len(read)} words and signs; at most {MAX_TOKENS} can be read")]
    mistakes = [
        Mistake(second.start, "an operator or a comma is missing between two texts")
        for first, second in pairwise(read)
        if first.token_type is second.token_type is TokenType.STRING
    ]
    mistakes += _with_units(read)
    depth = prefixes = end = 0
    for token in read:
        if not _GAP.fullmatch(text, end, token.start):
            mistakes.append(Mistake(end, _STRAY["/*"]))
        end = token.end + 1
        if mistake := _foreign(token, text[token.start : end]):
            mistakes.append(mistake)
        depth += (token.token_type in (TokenType.L_PAREN, TokenType.CASE)) - (
            token.token_type in (TokenType.R_PAREN, TokenType.END)
        )
        prefixes = prefixes + 1 if token.token_type in _PREFIXES else 0
        if depth + prefixes > MAX_DEPTH:
            return [*mistakes, Mistake(token.start, f"nested too deeply: at most {MAX_DEPTH} levels can be read")]
    if not _GAP.fullmatch(text, end):
        mistakes.append(Mistake(end, _STRAY["/*"]))
    return mistakes


def _with_units(read: list[Token]) -> Iterator[Mistake]:
    """Numbers that have letters at their end: spans without quotes, and numbers with a unit."""
    for at, (number, letters) in enumerate(pairwise(read)):
        if number.token_type is not TokenType.NUMBER or letters.token_type is not TokenType.VAR:
            continue
        if number.end + 1 == letters.start:
            both = f"{number.text}{letters.text}"
            advice = f"write the span in quotes, '{both}'" if _is_span(read, at) else "write the number without a unit"
            yield Mistake(number.start, f"`{both}` is no number: {advice}")


def _is_span(read: list[Token], at: int) -> bool:
    """Whether a token is the second argument of a function that goes over a span."""
    before = read[max(at - 4, 0) : at]
    kinds = [token.token_type for token in before]
    expected = [TokenType.VAR, TokenType.L_PAREN, TokenType.VAR, TokenType.COMMA]
    return kinds == expected and before[0].text.lower() in (*OVER_SPANS, "usual")


def _foreign(token: Token, written: str) -> Mistake | None:
    """Why the token can't stand in a condition."""
    at, kind = token.start, token.token_type
    if kind is TokenType.STRING:
        return Mistake(at, "a text can't hold a NUL character") if "\0" in written else None
    if kind is TokenType.NUMBER:
        return None if _NUMBER.fullmatch(written) else Mistake(at, f"`{written}` is no number: write 0.5, 20 or 1e6")
    if kind is TokenType.IDENTIFIER:
        return Mistake(at, f"names have no quotes, and a text has single ones: '{token.text}'")
    if written in _SIGNS or _NAME.fullmatch(written):
        return None
    if written in _STRAY:
        return Mistake(at, f"`{written}` has no meaning here: {_STRAY[written]}")
    strange = _STRANGE.search(written)
    sign = strange[0] if strange else written[0]
    plain = unicodedata.normalize("NFKC", sign)
    call = f"`{sign}`" if sign.isprintable() else unicodedata.name(sign, f"character {ord(sign)}")
    return Mistake(
        at + (strange.start() if strange else 0),
        f"{call} has no meaning here" + (f": write {plain}" if plain != sign and plain.isascii() else ""),
    )


def _place(read: list[Token], error: ParseError) -> tuple[int, str]:
    """Where parsing stopped and why, in our words."""
    detail = error.errors[0]
    place = (detail["line"], detail["col"])
    at = next((i for i, token in enumerate(read) if (token.line, token.col) == place), len(read) - 1)
    token = read[at]
    for tried in read[: at + 1]:
        if tried.token_type is TokenType.VAR and tried.text.lower() in _FOREIGN:
            return tried.start, _FOREIGN[tried.text.lower()]
    if "Unexpected token" in detail["description"]:
        return token.start, f"`{token.text}` is left over: is an operator missing before it?"
    return token.start, f"something is missing at `{token.text}`: an operand, an operator or a parenthesis"


def _compare(read: list[Token], written: list[Token]) -> None:
    """What the parser dropped (a comma, a word it has no use for) or made up (a THEN) is a mistake."""
    left = Counter(map(_word, written))
    for token in read:
        if left[_word(token)] == 0 and token.token_type not in _PARENTHESES:
            raise _refusal(token.start, f"`{token.text}` is left over: remove it, or add what is missing beside it")
        left[_word(token)] -= 1
    if made_up := [token for token in written if left[_word(token)] > 0 and token.token_type not in _PARENTHESES]:
        raise _refusal(0, f"`{made_up[0].text}` is missing")


def _word(token: Token) -> tuple[TokenType, str]:
    return token.token_type, token.text if token.token_type in _FREE else ""
