"""Character encoding detection for text files, from their bytes.

What is valid UTF-8 is nothing else. Anything else is taken for Western (cp1252), unless its high bytes stand together,
as in words of another script, and spell the everyday characters of one.
"""

import codecs
import re
import unicodedata
from typing import Final, NamedTuple

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of utf-16-le
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD_BYTES: Final = 8_192
_LEAST_ZEROS: Final = 0.2
"""Share of the characters of a UTF-16 text that are Latin letters, digits, spaces or ends of lines."""
_SAMPLE_BYTES: Final = 16_384
_ASCII_BEFORE: Final = 100
_MOST_DAMAGE: Final = 0.1
"""Share of the characters beyond ASCII up to which a text is UTF-8 with damage."""
_WESTERN: Final = "cp1252"
_LEAST_FOREIGN: Final = 0.5
"""Share of the high bytes of a text that do not look Western, from which on other scripts are tried."""
_LEAST_SCORE: Final = 0.55
_HIGH: Final = re.compile(rb"[\x80-\xff]")
_WORD: Final = re.compile(rb"[A-Za-z\x80-\xff]+")
_MOST_HIGH: Final = 0.7
"""Share of the letters of a Western word that have accents, at most."""
# Spaces, quotation marks, dashes, currencies: of cp1252, and of its kin for other scripts.
_WESTERN_SIGNS: Final = b"\x80\x85\x91\x92\x93\x94\x95\x96\x97\x99\xa0\xa3\xa7\xa9\xab\xb0\xb7\xbb"
# Of cp1252 undefined, or signs that nobody types, but frequent in Shift-JIS.
_ODD: Final = frozenset(b"\x81\x82\x83\x84\x86\x87\x88\x89\x8b\x8d\x8f\x90\x98\x9b\x9d")

_RUSSIAN: Final = "оеаинтсрвл"
_KANA: Final = "".join(map(chr, range(0x3041, 0x30FB))) + "ー"
_KANJI: Final = (
    "日一国人年大十二本中長出三時行見月後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半男西電校土"
    "木聞食車何南万毎白天母火右読友左休父雨会社者事自分京都府県市区町村田部新政内合同不業定用地場方力主体動度物数量商品客額"
    "価格計売注文番号住所口約的関手理民法回目立開問代明対実表全化作当最現経性意思家通成期取向要機重相情受員連正決感強利知調"
)
_HANZI: Final = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成"
    "方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工"
    "使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表"
    "化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结"
    "反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难"
    "且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运号价称数量单位编"
)
_TRADITIONAL: Final = (
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成"
    "方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第公此已工"
    "使情明性知全三又關點正業外將兩高間由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西月話合回特代內信表"
    "化老給世位次度門任常先海通教兒原東聲提立及比員解水名真論處走義各入幾口認條平系氣題活更別打女變四神總何電數安少報才結"
)
_HANGUL: Final = (
    "이다는에가을의하고지로도를은한사기리어나서인해대자시정수아일라스있부그만제장게보"
    "국들원전성소주상여과니것구조공간트선러안면"
)


class _Script(NamedTuple):
    encodings: tuple[str, ...]
    everyday: frozenset[str]
    share: float
    """Of the letters of a usual text, how many these are."""


_SCRIPTS: Final = (
    _Script(("cp1251", "koi8_r", "cp866"), frozenset(_RUSSIAN), 0.62),
    _Script(("cp1253",), frozenset("αοιετσνηυρ"), 0.6),
    _Script(("cp1255",), frozenset("יוהלארתבמש"), 0.65),
    _Script(("cp1256",), frozenset("اليمونتربة"), 0.6),
    _Script(("cp874",), frozenset("านรอกเงมยลวดทส่้ัี"), 0.7),
    _Script(("cp932", "euc_jp"), frozenset(_KANA + _KANJI), 0.7),
    _Script(("gb18030",), frozenset(_HANZI), 0.6),
    _Script(("big5",), frozenset(_TRADITIONAL), 0.6),
    _Script(("cp949",), frozenset(_HANGUL), 0.55),
)


class Decoded(NamedTuple):
    """A decoded text."""

    text: str
    encoding: str
    is_guess: bool
    """Whether it may be another encoding, or is damaged."""


def decoded(content: bytes, *, is_cut: bool = False) -> Decoded | None:
    """Decode the bytes of a text file; undecodable bytes become U+FFFD.

    Args:
        content: of the file.
        is_cut: whether it ends anywhere, perhaps inside a character.

    Returns:
        None when it is not text.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return Decoded(_read(content[len(mark) :], encoding, is_cut=is_cut), encoding, is_guess=False)
    if b"\0" in content[:_HEAD_BYTES]:
        wide = _wide(content[:_HEAD_BYTES])
        return Decoded(_read(content, wide, is_cut=is_cut), wide, is_guess=False) if wide else None
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(content, final=not is_cut)
        return Decoded(text, "utf-8", is_guess=False)
    except UnicodeDecodeError:
        encoding = _guessed(content)
        return Decoded(_read(content, encoding, is_cut=is_cut), encoding, is_guess=True)


def _read(content: bytes, encoding: str, *, is_cut: bool) -> str:
    return codecs.getincrementaldecoder(encoding)(errors="replace").decode(content, final=not is_cut)


def _wide(head: bytes) -> str:
    """Detect UTF-16 or UTF-32 by the positions of zero bytes; empty when neither fits."""
    units = head[: len(head) // 4 * 4]
    for encoding, zeros in (("utf-32-le", units[3::4]), ("utf-32-be", units[0::4])):
        if zeros and not any(zeros) and len(units) == len(head) and _is_plain(units, encoding):
            return encoding
    for encoding, zeros, others in (("utf-16-le", head[1::2], head[0::2]), ("utf-16-be", head[0::2], head[1::2])):
        is_likely = zeros.count(0) >= _LEAST_ZEROS * len(zeros) and 0 not in others
        if is_likely and len(zeros) == len(others) and _is_plain(head, encoding):
            return encoding
    return ""


def _is_plain(content: bytes, encoding: str) -> bool:
    """Whether a text is free of control characters and the like."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError:
        return False
    text = text.translate(dict.fromkeys(map(ord, "\t\n\r\f")))
    return not any(unicodedata.category(character) in ("Cc", "Cn", "Co") for character in text)


def _guessed(content: bytes) -> str:
    """Guess the encoding of bytes that are not valid UTF-8, starting at the first high byte."""
    first = _HIGH.search(content)
    start = max(0, first.start() - _ASCII_BEFORE) if first else 0
    sample = content[start : start + _SAMPLE_BYTES]
    text = _read(sample, "utf-8", is_cut=True)
    n_wrong = text.count("\N{REPLACEMENT CHARACTER}")
    if n_wrong < _MOST_DAMAGE * sum(not character.isascii() for character in text):
        return "utf-8"
    if _foreign_share(sample) < _LEAST_FOREIGN:
        return _WESTERN
    scores = {encoding: _score(sample, encoding, script) for script in _SCRIPTS for encoding in script.encodings}
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] >= _LEAST_SCORE else _WESTERN


def _foreign_share(sample: bytes) -> float:
    """Compute the share of high bytes in words made almost only of them, or in signs that nobody types."""
    n_high = n_foreign = 0
    for word in _WORD.findall(sample.translate(None, _WESTERN_SIGNS)):
        n_word = sum(byte >= 0x80 for byte in word)
        n_high += n_word
        is_foreign = n_word > 1 and n_word > _MOST_HIGH * len(word)
        n_foreign += n_word if is_foreign else sum(byte in _ODD for byte in word)
    return n_foreign / max(1, n_high)


def _score(sample: bytes, encoding: str, script: _Script) -> float:
    """Score how plausible a text is in that encoding: about 1 for a plausible one."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return 0.0
    letters = "".join(character for character in text if not character.isascii())
    if letters.isupper():  # but not of mixed case: in a wrong encoding, capitals may be the small letters
        letters = letters.lower()
    return sum(character in script.everyday for character in letters) / max(1, len(letters)) / script.share
