"""Equations of office files (OMML) and pages (MathML) in linear notation: `x^2`, `(a)/(b)`, `sqrt(x)`."""

from collections.abc import Callable, Sequence
from typing import Any, Final

_MAX_DEPTH: Final = 60
_INVISIBLE: Final = dict.fromkeys(range(0x2061, 0x2065))  # "function of", "times" and the like, drawn as nothing
_ORDINALS: Final = frozenset(
    {"st", "nd", "rd", "th", "er", "re", "e", "o", "a", "os", "as", "tm", "sm", "\u00ae", "\u2122", "\u2120"}
)
_OPERATORS: Final = "+-*/=<>\u2212\u00b1\u00d7\u00b7\u00f7"
_UNSEEN: Final = frozenset({"annotation", "annotation-xml", "ctrlPr", "del", "moveFrom", "instrText"})


def local_name(element: Any) -> str:
    """Return an element's name without namespace or prefix; empty for comments and instructions."""
    return element.tag.rpartition("}")[2].rpartition(":")[2] if isinstance(element.tag, str) else ""


def linear(element: Any) -> str:
    """Convert an equation to one line of linear notation.

    Args:
        element: `m:oMath`, `m:oMathPara` or `math`, of ElementTree or lxml.
    """
    return " ".join(_written(element, 0).translate(_INVISIBLE).split())


def raised(base: str, exponent: str, sign: str = "^") -> str:
    """Append a superscript (`^`) or subscript (`_`) to its base."""
    exponent = exponent.strip()
    return f"{base}{sign}{exponent if _is_one_token(exponent) else f'({exponent})'}" if exponent else base


def exponent(text: str, sign: str = "^") -> str | None:
    """Render a superscript or subscript; None for part of a word or a reference to a note."""
    text = text.strip()
    return None if not text or text.startswith("[") or text.lower() in _ORDINALS else raised("", text, sign)


def _is_one_token(text: str) -> bool:
    plain = text.removeprefix("-").removeprefix("\u2212").removeprefix("+")
    return len(text) == 1 or plain.replace(".", "", 1).isalnum()


def _written(element: Any, depth: int) -> str:
    name = local_name(element)
    if not name or name in _UNSEEN or name.endswith("Pr"):
        return ""
    if depth > _MAX_DEPTH:
        return "".join(element.itertext())
    write = _WRITERS.get(name)
    if write is not None:
        return write(element, [_written(child, depth + 1) for child in _shown(element)])
    if len(element) == 0:
        return element.text or ""
    return "".join(_written(child, depth + 1) for child in element)


def _shown(element: Any) -> list[Any]:
    """Return the children other than properties."""
    return [child for child in element if (name := local_name(child)) and not name.endswith("Pr")]


def _named(element: Any, parts: Sequence[str]) -> dict[str, str]:
    return {local_name(child): part for child, part in zip(_shown(element), parts, strict=True)}


def _property(element: Any, name: str, default: str) -> str:
    """Read a value from the properties of an OMML element."""
    for properties in element:
        if local_name(properties).endswith("Pr"):
            for one in properties:
                if local_name(one) == name:
                    return next((value for key, value in one.items() if key.rpartition("}")[2] == "val"), "")
    return default


def _at(parts: Sequence[str], position: int) -> str:
    return parts[position] if position < len(parts) else ""


def _base(text: str) -> str:
    """Add parentheses around a base where the linear form would be ambiguous."""
    text = text.strip()
    depth = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if not depth and (sign in _OPERATORS or sign.isspace()):
            return f"({text})"
    return text


def _fraction(_: Any, parts: Sequence[str]) -> str:
    return f"({_at(parts, 0)})/({_at(parts, 1)})"


def _power(_: Any, parts: Sequence[str]) -> str:
    return raised(_base(_at(parts, 0)), _at(parts, 1))


def _index(_: Any, parts: Sequence[str]) -> str:
    return raised(_base(_at(parts, 0)), _at(parts, 1), "_")


def _both(_: Any, parts: Sequence[str]) -> str:
    return raised(raised(_base(_at(parts, 0)), _at(parts, 1), "_"), _at(parts, 2))


def _before(element: Any, parts: Sequence[str]) -> str:
    named = _named(element, parts)
    return f"{raised(raised('', named.get('sub', ''), '_'), named.get('sup', ''))}{named.get('e', '')}"


def _root(element: Any, parts: Sequence[str]) -> str:
    named = _named(element, parts)
    degree = named.get("deg", "").strip()
    return f"root({degree}, {named.get('e', '')})" if degree else f"sqrt({named.get('e', '')})"


def _sum(element: Any, parts: Sequence[str]) -> str:
    named = _named(element, parts)
    sign = _property(element, "chr", "\u222b")
    bounds = raised(raised(sign, named.get("sub", ""), "_"), named.get("sup", ""))
    return f"{bounds} {named.get('e', '')}"


def _fenced(element: Any, parts: Sequence[str]) -> str:
    start, end = _property(element, "begChr", "("), _property(element, "endChr", ")")
    return f"{start}{_property(element, 'sepChr', '|').join(parts)}{end}"


def _applied(_: Any, parts: Sequence[str]) -> str:
    argument = _at(parts, 1).strip()
    is_closed = argument.startswith("(") and argument.endswith(")")
    return f"{_at(parts, 0).strip()}{argument if is_closed else f'({argument})'}"


def _accent(element: Any, parts: Sequence[str]) -> str:
    inner, sign = "".join(parts), _property(element, "chr", "\u0302")
    return f"{inner}{sign}" if len(inner) == 1 else f"({inner}){sign}"


def _bar(_: Any, parts: Sequence[str]) -> str:
    return f"bar({''.join(parts)})"


def _rows(_: Any, parts: Sequence[str]) -> str:
    return f"[{'; '.join(parts)}]"


def _row(_: Any, parts: Sequence[str]) -> str:
    return ", ".join(part.strip() for part in parts)


def _equations(_: Any, parts: Sequence[str]) -> str:
    return "; ".join(parts)


_WRITERS: Final[dict[str, Callable[[Any, Sequence[str]], str]]] = {
    # OMML
    "f": _fraction,
    "sSup": _power,
    "sSub": _index,
    "sSubSup": _both,
    "sPre": _before,
    "rad": _root,
    "nary": _sum,
    "d": _fenced,
    "func": _applied,
    "acc": _accent,
    "bar": _bar,
    "limLow": _index,
    "limUpp": _power,
    "m": _rows,
    "mr": _row,
    "eqArr": _equations,
    "oMathPara": _equations,
    # MathML
    "mfrac": _fraction,
    "msup": _power,
    "msub": _index,
    "msubsup": _both,
    "munder": _index,
    "mover": _power,
    "munderover": _both,
    "msqrt": lambda _, parts: f"sqrt({''.join(parts)})",
    "mroot": lambda _, parts: f"root({_at(parts, 1)}, {_at(parts, 0)})",
    "mfenced": lambda element, parts: f"{element.get('open', '(')}{', '.join(parts)}{element.get('close', ')')}",
    "mtable": _rows,
    "mtr": _row,
    "mmultiscripts": lambda _, parts: " ".join(parts),
    "mspace": lambda _, parts: " ",
    "mo": lambda element, _: (element.text or "").strip(),
    "mtext": lambda element, _: element.text or "",
    "semantics": lambda _, parts: _at(parts, 0),
}
