"""Equations of office files and of pages on one line."""

import pytest
from defusedxml.ElementTree import fromstring

from memento.tools.documents.equations import exponent, linear, raised


def omml(inner: str) -> str:
    return f'<m:oMath xmlns:m="urn:m">{inner}</m:oMath>'


def run(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def named(name: str, **parts: str) -> str:
    return f"<m:{name}>{''.join(f'<m:{key}>{value}</m:{key}>' for key, value in parts.items())}</m:{name}>"


NARY_BOUNDS = f"<m:sub>{run('i=1')}</m:sub><m:sup>{run('n')}</m:sup>"
NARY = f'<m:nary><m:naryPr><m:chr m:val="\u2211"/></m:naryPr>{NARY_BOUNDS}{{}}</m:nary>'
BRACKETS = '<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr><m:e>{}</m:e><m:e>{}</m:e></m:d>'


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (named("sSup", e=run("x"), sup=run("2")), "x^2"),
        (named("sSup", e=run("10"), sup=run("-3")), "10^-3"),
        (named("sSup", e=run("x"), sup=run("n+1")), "x^(n+1)"),
        (named("sSub", e=run("x"), sub=run("i")), "x_i"),
        (named("sSubSup", e=run("x"), sub=run("i"), sup=run("2")), "x_i^2"),
        (named("f", num=run("a"), den=run("b+c")), "(a)/(b+c)"),
        (named("rad", deg="", e=run("x+1")), "sqrt(x+1)"),
        (named("rad", deg=run("3"), e=run("x")), "root(3, x)"),
        (NARY.format(f"<m:e>{named('sSub', e=run('x'), sub=run('i'))}</m:e>"), "\u2211_(i=1)^n x_i"),
        (named("func", fName=run("sin"), e=run("x")), "sin(x)"),
        (named("d", e=run("a+b")), "(a+b)"),
        (BRACKETS.format(run("0"), run("1")), "[0|1]"),
        (named("limLow", e=run("lim"), lim=run("x\u21920")), "lim_(x\u21920)"),
        (named("m", mr=f"<m:e>{run('a')}</m:e><m:e>{run('b')}</m:e>"), "[a, b]"),
        (named("sPre", sub=run("6"), sup=run("12"), e=run("C")), "_6^12C"),
        (named("bar", e=run("x")), "bar(x)"),
        (f"{run('f')}<m:unknown>{run('kept')}</m:unknown>", "fkept"),
        (named("sSup", e=named("f", num=run("a"), den=run("b")), sup=run("2")), "((a)/(b))^2"),
    ],
)
def test_an_equation_of_an_office_file_is_written_on_one_line(inner: str, expected: str) -> None:
    assert linear(fromstring(omml(inner))) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup>", "E=mc^2"),
        ("<mfrac><mi>a</mi><mi>b</mi></mfrac>", "(a)/(b)"),
        ("<msub><mi>x</mi><mn>1</mn></msub>", "x_1"),
        ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", "sqrt(x+1)"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "root(3, x)"),
        ("<munderover><mo>\u2211</mo><mi>i</mi><mi>n</mi></munderover>", "\u2211_i^n"),
        ("<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>", "[1, 2]"),
        ("<semantics><mi>x</mi><annotation>y</annotation></semantics>", "x"),
        ("<mi>f</mi><mo>\u2061</mo><mi>x</mi>", "fx"),
    ],
)
def test_an_equation_of_a_page_is_written_on_one_line(inner: str, expected: str) -> None:
    assert linear(fromstring(f'<math xmlns="http://www.w3.org/1998/Math/MathML">{inner}</math>')) == expected


def test_the_words_of_an_equation_are_kept_when_it_is_nested_too_deep() -> None:
    assert linear(fromstring(omml("<m:e>" * 400 + run("deep") + "</m:e>" * 400))) == "deep"


def test_only_what_is_raised_as_a_figure_gets_a_sign() -> None:
    assert (exponent("2"), exponent("n+1"), exponent("2", "_")) == ("^2", "^(n+1)", "_2")
    assert (exponent("st"), exponent("[3]"), exponent("TM"), exponent(" ")) == (None, None, None, None)
    assert raised("x", "") == "x"
