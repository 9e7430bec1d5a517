"""The world as one address, instead of sixty arrays that every compiled function would hand on.

The address is that of a table in which the arrays are described, word by word; it never changes while the loop runs,
so the compiler may read it as seldom as it likes. Nothing in the loop counts references: the caller holds the arrays.
Nor is an index ever counted from the end, so none is looked at for its sign, which would take a fifth of the time.
And the compiler is told of every load and store which array, or which field of which records, it is about.

The loop may be compiled for worlds in which some fields of records have one value that never changes (`layout.PLAIN`).
To read such a field is to have that constant, so that what depends on it is decided while compiling; to write anything
else into it raises AssertionError.
"""

import hashlib
import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy
from llvmlite import ir
from llvmlite.ir import instructions
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    infer_getattr,
    intrinsic,
    lower_builtin,
    lower_getattr_generic,
    lower_setattr_generic,
    overload,
    register_model,
)
from numba.np import arrayobj

from simulations.kernel.machine.layout import PLAIN

WORDS, DIMENSIONS = 8, 3
"""A row of the table: data, number of items, then the shape and the strides of up to so many dimensions."""


def described(world: Any) -> Any:
    """The table for this world."""
    table = numpy.zeros((len(world), WORDS), dtype=numpy.int64)
    for row, array in zip(table, world, strict=True):
        row[:2] = array.ctypes.data, array.size
        row[2 : 2 + array.ndim] = array.shape
        row[2 + DIMENSIONS : 2 + DIMENSIONS + array.ndim] = array.strides
    return table


def _digest(*things: Any) -> str:
    return hashlib.sha256(repr(things).encode()).hexdigest()[:12]


class RecordType(types.Record):  # type: ignore[misc]
    """A record of the array `of` of the world, in which `fixed` fields never change."""

    def __init__(self, like: Any, of: str, fixed: Mapping[str, float]) -> None:
        super().__init__([(name, field._asdict()) for name, field in like.fields.items()], like.size, like.aligned)
        self.of, self.fixed = of, fixed
        self.name = f"World-{of}-{_digest(self.name, fixed)}"

    def can_convert_to(self, typingctx: Any, other: Any) -> None:
        """Not even to the like record in which nothing is fixed: numba would take the slower function."""


class ArrayType(types.Array):  # type: ignore[misc]
    """The array `of` of the world, or a part of it. Its indices are never negative."""

    def __init__(self, like: Any, of: str, fixed: Mapping[str, float]) -> None:
        dtype = RecordType(like.dtype, of, fixed) if type(like.dtype) is types.Record else like.dtype
        super().__init__(dtype, like.ndim, like.layout, name=f"World-{of}-{like.ndim}{like.layout}")
        self.of = of

    @property
    def key(self) -> Any:
        return self.of, *super().key

    def copy(self, **given: Any) -> "ArrayType":
        return ArrayType(super().copy(**given), self.of, {})


register_model(RecordType)(models.RecordModel)
register_model(ArrayType)(models.ArrayModel)


def _only(builder: Any, access: Any, place: str) -> None:
    """Lets the compiler know which place of the world this load or store is about (type-based alias analysis): it
    touches nothing that is kept at any other. Otherwise whatever was read would have to be read again after a store."""
    add, offset = builder.module.add_metadata, ir.Constant(ir.IntType(64), 0)
    kind = add([place, add(["world"]), offset])
    access.set_metadata("tbaa", add([kind, kind, offset]))


def _last_stored(builder: Any, place: str) -> None:
    for last in builder.block.instructions[-1:]:
        if isinstance(last, instructions.StoreInstr):
            _only(builder, last, place)


def _without_sign(context: Any, builder: Any, given: Any, index: Any) -> tuple[Any, Any]:
    """The type and value of an index, or of several, as numbers without a sign."""
    if isinstance(given, types.BaseTuple):
        found = map(
            _without_sign, [context] * len(given), [builder] * len(given), given, cgutils.unpack_tuple(builder, index)
        )
        kinds, numbers = zip(*found, strict=True)
        several = types.Tuple(kinds)
        return several, context.make_tuple(builder, several, numbers)
    if isinstance(given, types.Integer):
        return types.uintp, context.cast(builder, index, given, types.intp)
    return given, index  # a slice


@lower_builtin(operator.getitem, ArrayType, types.Integer)
@lower_builtin(operator.getitem, ArrayType, types.BaseTuple)
def _get(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array, of = signature.args
    of, index = _without_sign(context, builder, of, arguments[1])
    lower = arrayobj.getitem_array_tuple if isinstance(of, types.BaseTuple) else arrayobj.getitem_arraynd_intp
    item = lower(context, builder, signature.return_type(array, of), (arguments[0], index))
    if isinstance(item, instructions.LoadInstr):
        _only(builder, item, array.of)
    return item


@lower_builtin(operator.setitem, ArrayType, types.Integer, types.Any)
@lower_builtin(operator.setitem, ArrayType, types.BaseTuple, types.Any)
def _set(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array, of, value = signature.args
    of, index = _without_sign(context, builder, of, arguments[1])
    arguments = (arguments[0], index, arguments[2])
    arrayobj.setitem_array(context, builder, signature.return_type(array, of, value), arguments)
    _last_stored(builder, array.of)


@lower_getattr_generic(RecordType)
def _get_field(context: Any, builder: Any, record: Any, value: Any, name: str) -> Any:
    if name in record.fixed:
        return context.get_constant(record.typeof(name), record.fixed[name])
    found = arrayobj.record_getattr(context, builder, record, value, name)
    assert isinstance(found, instructions.LoadInstr)
    _only(builder, found, f"{record.of}.{name}")
    return found


@lower_setattr_generic(RecordType)
def _set_field(context: Any, builder: Any, signature: Any, arguments: Any, name: str) -> None:
    record, given = signature.args
    if name in record.fixed:
        kind = record.typeof(name)
        fixed = context.get_constant(kind, record.fixed[name])
        differ = builder.fcmp_unordered if isinstance(kind, types.Float) else builder.icmp_signed
        with builder.if_then(differ("!=", context.cast(builder, arguments[1], given, kind), fixed), likely=False):
            wrong = (f"{record.of}.{name} changes, but was compiled as {record.fixed[name]}",)
            context.call_conv.return_user_exc(builder, AssertionError, wrong)
        return
    arrayobj.record_setattr(context, builder, signature, arguments, name)
    _last_stored(builder, f"{record.of}.{name}")


class WorldType(types.Type):  # type: ignore[misc]
    """The world in compiled code. Its name is short, because it is a part of the name of every function."""

    def __init__(self, fields: Any, fixed: Mapping[str, Mapping[str, float]]) -> None:
        self.fields = {
            name: (number, ArrayType(array, name, fixed.get(name, {}))) for number, (name, array) in enumerate(fields)
        }
        super().__init__(name=f"World-{_digest(fields, fixed)}")
        self.plain = bool(fixed)


register_model(WorldType)(models.OpaqueModel)


def not_plain(function: Callable[..., None]) -> Any:
    """Compiles a function of the world for worlds that are not plain. In plain ones, where nothing ever calls it, it is
    compiled as one that does nothing, so that they need not wait for it."""
    parameters = ", ".join(inspect.signature(function).parameters)
    scope: dict[str, Any] = {"function": function}
    lines = (
        f"def {function.__name__}({parameters}): ...",
        f"def nothing({parameters}): pass",
        f"def chosen({parameters}): return nothing if w.plain else function",
    )
    exec("\n".join(lines), scope)  # noqa: S102 - of our own names
    named = scope[function.__name__]
    overload(named)(scope["chosen"])
    return named


@intrinsic(prefer_literal=True)
def world_at(typingctx: Any, arrays: Any, table: Any, plain: Any) -> Any:
    """The world of these arrays, described in the table; `plain` (a literal): `PLAIN` is known to hold."""
    fixed = PLAIN if plain.literal_value else {}
    world = WorldType(tuple(zip(arrays.fields, arrays.types, strict=True)), fixed)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        described_by = context.make_array(signature.args[1])(context, builder, arguments[1])
        return builder.bitcast(described_by.data, ir.IntType(8).as_pointer())

    return world(arrays, table, plain), generate


@infer_getattr
class _Fields(AttributeTemplate):  # type: ignore[misc]
    key = WorldType

    def generic_resolve(self, world: Any, name: str) -> Any:
        return world.fields[name][1] if name in world.fields else None


@lower_getattr_generic(WorldType)
def _array_of(context: Any, builder: Any, world: Any, address: Any, name: str) -> Any:
    number, array_type = world.fields[name]
    word = context.get_value_type(types.intp)
    row = builder.bitcast(address, word.as_pointer())
    unchanging = builder.module.add_metadata([])

    def read(place: int) -> Any:
        found = builder.load(builder.gep(row, [ir.Constant(word, number * WORDS + place)]))
        found.set_metadata("invariant.load", unchanging)
        return found

    array = context.make_array(array_type)(context, builder)
    nothing = ir.Constant(array.meminfo.type, None)
    array.meminfo, array.parent = nothing, ir.Constant(array.parent.type, None)
    array.data = builder.inttoptr(read(0), array.data.type)
    array.nitems = read(1)
    array.itemsize = ir.Constant(word, context.get_abi_sizeof(context.get_data_type(array_type.dtype)))
    for field, first in (("shape", 2), ("strides", 2 + DIMENSIONS)):
        value: Any = ir.Constant(ir.ArrayType(word, array_type.ndim), ir.Undefined)
        for dimension in range(array_type.ndim):
            value = builder.insert_value(value, read(first + dimension), dimension)
        setattr(array, field, value)
    return array._getvalue()
