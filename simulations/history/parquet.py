"""Parquet files as the columns of text and moments that a CSV file would have."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from documents import DocumentError, Problem
from simulations.history.form import Ints
from simulations.history.rows import AT_ONCE


def is_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


def opened(path: Path) -> Any:
    """Raises DocumentError when it is not to be read."""
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise DocumentError([Problem(f"this is no Parquet file that can be read: {error}", str(path))]) from None


def columns_of(parquet: Any, wanted: Mapping[str, str], path: Path) -> Iterator[tuple[Ints, dict[str, Any]]]:
    """Blocks of rows: their numbers, from 1, and by each name of `wanted` the file's column that it names.

    Raises DocumentError for a damaged file, and for columns that are neither text, numbers nor times.
    """
    row = 1
    batches = parquet.iter_batches(AT_ONCE, columns=sorted(set(wanted.values())))
    while (batch := _next_of(batches, path, row)) is not None:
        columns = {name: _column(batch, name, column, path) for name, column in wanted.items()}
        yield numpy.arange(row, row + len(batch), dtype=numpy.int64), columns
        row += len(batch)


def _next_of(batches: Iterator[Any], path: Path, row: int) -> Any:
    try:
        return next(batches, None)
    except (OSError, pa.ArrowException) as error:
        raise DocumentError([Problem(f"the rows from {row} on cannot be read: {error}", str(path))]) from None


def _column(batch: Any, name: str, column: str, path: Path) -> Any:
    values = batch.column(column)
    try:
        return _text_or_moment(values)
    except pa.ArrowException:
        message = f"the column {column!r} has cells of the type {values.type}, from which {name!r} cannot be read"
        raise DocumentError([Problem(message, str(path))]) from None


def _text_or_moment(column: Any) -> Any:
    """Moments stay what they are; everything else as the text that a CSV file would have."""
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        return column
    if pa.types.is_duration(column.type):
        column = pc.divide(column.cast(pa.duration("ms")).cast(pa.int64()).cast(pa.float64()), 1000.0)
    if pa.types.is_floating(column.type):
        column = _plain_numbers(column.cast(pa.float64()))
    return pc.fill_null(column.cast(pa.string()), "")


def _plain_numbers(column: Any) -> Any:
    """As text in thousandths, without exponents. NaN is how some write that they do not know; what is too large for a
    number of ours stays as it is, to be refused."""
    magnitude = pc.abs(column)
    plain = pc.if_else(pc.less(magnitude, 1e15), magnitude, None)  # NaN is less than nothing
    thousandths = pc.round(pc.multiply(plain, 1000.0)).cast(pa.int64())
    whole = pc.divide(thousandths, 1000)
    rest = pc.utf8_lpad(pc.subtract(thousandths, pc.multiply(whole, 1000)).cast(pa.string()), 3, "0")
    sign = pc.if_else(pc.and_(pc.less(column, 0), pc.greater(thousandths, 0)), "-", "")
    text = pc.binary_join_element_wise(sign, pc.binary_join_element_wise(whole.cast(pa.string()), rest, "."), "")
    return pc.if_else(pc.is_nan(column), None, pc.coalesce(text, column.cast(pa.string())))
