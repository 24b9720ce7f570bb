"""Tables in the format that a client accepts: JSON, CSV, Arrow or Parquet."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

import msgspec
import polars as pl
from fastapi import Depends, Request, Response

from api.web.problems import Refusal

Format = Literal[
    "application/json", "text/csv", "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
]
FORMATS: tuple[Format, ...] = get_args(Format)
"""In order of preference, where a client accepts several alike."""

FORMULA = r"^([=+\-@\t\r\n＝＋－＠])"  # what makes a spreadsheet take a text for a formula (OWASP, CSV Injection)
TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"  # RFC 3339, of columns in UTC

RESPONSE: dict[str, Any] = {
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        **{name: {"schema": {"type": "string", "format": "binary"}} for name in FORMATS[2:]},
    }
}
"""What the OpenAPI document says of a table besides its JSON."""


def best(accept: str) -> Format | None:
    """The format that a header `Accept` likes best (RFC 9110, 12.5.1); None: it takes none of ours."""
    ranges = dict(_ranges(accept)) or {"*/*": 1.0}

    def weight(name: Format) -> float:
        kind = name.partition("/")[0] + "/*"
        return next((ranges[one] for one in (name, kind, "*/*") if one in ranges), 0.0)

    liked = max(FORMATS, key=weight)
    return liked if weight(liked) > 0 else None


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weights = [text.removeprefix("q=") for text in parameters if text.startswith("q=")]
        if name:
            yield name, _weight(weights[0]) if weights else 1.0


def _weight(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if 0 <= number <= 1 else 0.0


def _accepted(request: Request) -> Format:
    found = best(",".join(request.headers.getlist("accept")))
    if found is None:
        raise Refusal(
            406,
            f"This is told as {', '.join(FORMATS)}: name one of them in `Accept`.",
            f"此内容的格式有 {'、'.join(FORMATS)}：请在 `Accept` 中指定其中之一。",
            kind="format",
        )
    return found


Accepted = Annotated[Format, Depends(_accepted)]
"""The format of the answer, as a parameter of an endpoint; 406 where none fits."""


def encode(table: pl.DataFrame, form: Format) -> bytes:
    """A table in one of the formats that are not JSON; times are UTC in all of them."""
    buffer = io.BytesIO()
    if form == "text/csv":
        texts = pl.col(pl.String).str.replace(FORMULA, r"'$1")
        lists = pl.col(pl.List(pl.String)).list.join(" ")
        # RFC 4180: lines end with CR LF.
        table.with_columns(lists).with_columns(texts).write_csv(buffer, line_terminator="\r\n", datetime_format=TIME)
    elif form == "application/vnd.apache.arrow.stream":
        table.write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())  # so that every reader of Arrow can
    else:
        table.write_parquet(buffer)
    return buffer.getvalue()


def respond(
    request: Request,
    form: Format,
    schema: pl.Schema,
    rows: list[tuple[Any, ...]],
    about: Mapping[str, object],
    following: str | None,
) -> Response:
    """The answer that a table is.

    Args:
        request: what asked for it.
        form: of the answer.
        schema: names and types of the columns.
        rows: each with a value for each column.
        about: what else the JSON says, before its `items`.
        following: cursor of the next page: `next` in JSON, a header Link (RFC 8288) in other formats.
    """
    headers = {"Vary": "Accept, Authorization, Cookie"}
    if form == "application/json":
        items = [dict(zip(schema, row, strict=True)) for row in rows]
        document = {**about, "items": items, "next": following}
        return Response(msgspec.json.encode(document), media_type=form, headers=headers)
    if following:
        url = request.url.include_query_params(cursor=following)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return Response(encode(pl.DataFrame(rows, schema, orient="row"), form), media_type=form, headers=headers)
