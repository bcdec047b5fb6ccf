"""Normalises JSON schemas of tool arguments so that every provider accepts them.

portable_schema(schema)                     -> what the model is shown, and which keys were renamed
original_arguments(arguments, renames)      -> the model's arguments under the tool's own keys
"""

from memento.nodes.tool_schemas.portable import PortableSchema, UnusableSchema, portable_schema
from memento.nodes.tool_schemas.renames import Renames, original_arguments

__all__ = ["PortableSchema", "Renames", "UnusableSchema", "original_arguments", "portable_schema"]
