"""Messages from a .proto file, made when it is read: of that language only messages of plain and repeated fields."""

from __future__ import annotations

import os
import re
from functools import cache
from typing import Any

_MESSAGE = re.compile(r"message (\w+) \{(.*?)\}", re.DOTALL)
_FIELD = re.compile(r"(repeated )?(\w+) (\w+) = (\d+);")
_PACKAGE = re.compile(r"^package ([\w.]+);", re.MULTILINE)
_PLAIN = ("bool", "bytes", "int32", "int64", "string", "uint32")


@cache
def messages(name: str) -> dict[str, Any]:
    """The classes of all messages of a file of this folder, by name; ImportError if the package protobuf is not there."""
    from google.protobuf import descriptor_pool, message_factory

    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        described = description(file.read())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(described)
    types = (pool.FindMessageTypeByName(f"{described.package}.{message.name}") for message in described.message_type)
    return {one.name: message_factory.GetMessageClass(one) for one in types}


def description(text: str) -> Any:
    """What a .proto file says, as protobuf's own FileDescriptorProto."""
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

    package = _PACKAGE.search(text)[1]
    file = FileDescriptorProto(name=f"podnet_lab/{package}", package=package, syntax="proto3")
    for name, body in _MESSAGE.findall(text):
        message = file.message_type.add(name=name)
        for repeated, kind, field, number in _FIELD.findall(body):
            made = message.field.add(name=field, number=int(number))
            made.label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
            if kind in _PLAIN:
                made.type = getattr(FieldDescriptorProto, f"TYPE_{kind.upper()}")
            else:
                made.type, made.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{package}.{kind}"
    return file
