"""Masks secrets by their shape, in texts of other machines whose secrets are not known here.

Shapes are: private keys, tokens of known providers, JSON web tokens, passwords in URLs, `Authorization` headers, values
of command-line options, and values that stand behind a secret name (`password=...`, `"api_key": "..."`). A secret
without a shape, such as a password alone in a sentence, is not found.
"""

import re
from typing import Final

from memento.nodes.secret_names import is_secret_name

MASK: Final = "***"

_TOKEN: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|pk)-(?:ant|proj|svcacct|admin|lf|or|live|test)-[\w-]{8,}|sk-[A-Za-z0-9]{16,}"
    r"|(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|gl(?:pat|dt|rt|cbt)-[\w-]{16,}|xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}"
    r"|(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}|AIza[\w-]{30,}|ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}"
    r"|hf_[A-Za-z0-9]{16,}|lsv2_(?:pt|sk)_\w{16,}|ls__\w{16,}|npm_[A-Za-z0-9]{20,}|pypi-[\w-]{20,}|nvapi-[\w-]{16,}"
    r"|gsk_[A-Za-z0-9]{16,}|r8_[A-Za-z0-9]{16,}|xai-[A-Za-z0-9]{16,}|pplx-[A-Za-z0-9]{16,}|tvly-[\w-]{12,}"
    r"|m0-[A-Za-z0-9]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|do[opr]_v1_[a-f0-9]{32,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{24,}"
    r"|dapi[a-f0-9]{32}|whsec_[\w+/=-]{16,}|hv[bsr]\.[\w-]{20,}|AGE-SECRET-KEY-1[A-Z0-9]{30,}|\d{8,10}:AA[\w-]{30,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?"
    r")"
)
_KEY_BEGINS: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY: Final = re.compile(r"[A-Za-z0-9+/=:,\\\s]*")
_HOOK: Final = re.compile(
    r"(https://(?:hooks\.slack\.com/(?:services|workflows)|discord(?:app)?\.com/api/webhooks)/)[\w/-]{8,}"
)
_IN_URL: Final = re.compile(r"(://[^\s/:@\"'<>]{0,200}:)(?!\d{1,5}/)[^\s\"'<>]{1,300}(?=@)")
_SCHEME: Final = re.compile(r"\b(bearer|basic)(\s+)(?=[\w.~+/=-]*[\d._~+/=-])[\w.~+/-]{12,}={0,2}", re.IGNORECASE)
_OPTION: Final = re.compile(
    r"(?<![\w-])(--?([A-Za-z][\w-]{1,60}))([ =]+)(\"[^\"\n]{1,500}\"|'[^'\n]{1,500}'|[^\s\"'-][^\s\"']{0,500})"
)
_NAME: Final = re.compile(r"(?<![\w$.-])([A-Za-z_][\w.-]{0,80})\\{0,7}[\"']?\s{0,4}(?:=>|:=|[=:])\s{0,4}")
_VALUE: Final = re.compile(
    r"(\\{1,7})\"([^\"\n]{1,2000}?)\1\"|\"((?:[^\"\\\n]|\\.){1,2000})\"|'([^'\n]{1,2000})'"
    r"|([^\s\"',;)}\]&|\\]{6,2000}|\\{0,7}[\"'][^\"'\n]{4,2000})"
)
"""Quoted in a quoted text, in double or single quotes, bare or in quotes that do not end."""
_GENERIC: Final = re.compile(
    r"keys?|(?:\w{0,60}_)?(?:primary|foreign|sort|cache|partition|group|index|dict|map)_?keys?"
    r"|\w{0,60}(?:Error|Exception)",
    re.IGNORECASE,
)
"""Names of which most have values that are no secrets: theirs are masked where they look drawn at random."""
_RANDOM: Final = re.compile(r"(?=\D{0,400}\d)(?=[^A-Za-z]{0,400}[A-Za-z])\S{16,}\Z")
_NO_VALUE: Final = re.compile(
    r"(?:os\.|process\.|env\.|self\.|settings\.|config\.|secrets?\.|import\.meta|getenv|\$\{?\w|\{\{|<|%\w|\*{3}|x{4}"
    r"|\.\.\.|(?:str|string|int|integer|number|bool|boolean|float|object|null|none|nil|true|false|undefined|optional"
    r"|required|any|bearer|basic|token|disabled|enabled|your)\b)",
    re.IGNORECASE,
)
"""Beginnings of values that are code or a placeholder."""
_MIN_QUOTED_CHARS: Final = 4


def without_secret_shapes(text: str) -> str:
    """The text with everything that has the shape of a secret replaced by `***`."""
    text = _without_private_keys(text)
    text = _TOKEN.sub(MASK, text)
    text = _HOOK.sub(rf"\1{MASK}", text)
    text = _IN_URL.sub(rf"\1{MASK}", text)
    text = _SCHEME.sub(rf"\1\2{MASK}", text)
    text = _OPTION.sub(_masked_option, text)
    return _without_named_values(text)


def _masked_option(found: re.Match[str]) -> str:
    if not is_secret_name(found[2]) or _NO_VALUE.match(found[4].strip("\"'")):
        return found[0]
    return f"{found[1]}{found[3]}{MASK}"


def _without_named_values(text: str) -> str:
    """The text without values behind secret names; values of other names are looked into for such names."""
    parts, at = [], 0
    for name in _NAME.finditer(text):
        value = _VALUE.match(text, name.end()) if name.start() >= at and is_secret_name(name[1]) else None
        if value is not None and _is_secret(name[1], value):
            escape = value[1] or ""
            quote = "'" if value[4] is not None else "" if value[5] is not None else f'{escape}"'
            parts += [text[at : name.end()], f"{quote}{MASK}{quote}"]
            at = value.end()
    return "".join([*parts, text[at:]])


def _is_secret(name: str, value: re.Match[str]) -> bool:
    said = next((one for one in value.groups()[1:] if one is not None), "")
    is_short = value[5] is None and len(said) < _MIN_QUOTED_CHARS
    is_other = _GENERIC.fullmatch(name) is not None and not _RANDOM.match(said)
    return not is_short and not is_other and not _NO_VALUE.match(said)


def _without_private_keys(text: str) -> str:
    """The text without private keys; one that was cut off goes up to the end."""
    parts, at = [], 0
    end = _KEY_ENDS.search(text)
    while begin := _KEY_BEGINS.search(text, at):
        if end is not None and end.start() < begin.end():
            end = _KEY_ENDS.search(text, begin.end())
        parts += [text[at : begin.start()], MASK]
        body = _KEY_BODY.match(text, begin.end())
        at = end.end() if end is not None else body.end() if body is not None else begin.end()
    return "".join([*parts, text[at:]])
