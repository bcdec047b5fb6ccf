"""What stands around the main text of made pages: layouts as sites have them, with menus, comments, advertisements."""

import random
from collections.abc import Callable

from benchmarks.made_prose import paragraph, sentence, title


def _links(chance: random.Random, n: int) -> str:
    """List so many links, times five: menus are long."""
    return "".join(f'<li><a href="/{number}">{title(chance)}</a></li>' for number in range(5 * n))


def _head(chance: random.Random, heading: str) -> str:
    date = f"{chance.randint(2015, 2025)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{heading} | Example Site</title>'
        f'<meta property="article:published_time" content="{date}"><style>.x{{color:red}}</style>'
        f'<script>window.config = {{"a": [1, 2, 3], "t": "not to be seen"}};</script></head>'
    )


def _cookies() -> str:
    return (
        '<div id="cookie-banner" class="cookie-consent" role="dialog"><p>We and our 812 partners store and access '
        "information on your device. You can change your choice at any time.</p><button>Accept all</button>"
        "<button>Reject</button></div>"
    )


def _comments(chance: random.Random) -> str:
    said = "".join(
        f'<div class="comment"><span class="author">user{chance.randint(1, 999)}</span><p>{paragraph(chance)}</p></div>'
        for _ in range(chance.randint(5, 25))
    )
    return (
        f'<section id="comments" class="comments"><h3>Comments</h3>{said}<form><textarea></textarea></form></section>'
    )


def _related(chance: random.Random) -> str:
    teasers = "".join(
        f'<div class="teaser"><h4><a href="/r">{title(chance)}</a></h4><p>{sentence(chance)}</p></div>'
        for _ in range(chance.randint(4, 16))
    )
    return f'<aside class="related"><h3>Read next</h3>{teasers}</aside>'


def _footer(chance: random.Random) -> str:
    return (
        f'<footer class="site-footer"><ul>{_links(chance, 8)}</ul><p>Copyright 2025 Example Media. All rights '
        f"reserved. Terms of use, privacy and imprint. {paragraph(chance)}</p></footer>"
    )


def _ad() -> str:
    return '<div class="advert ad-slot"><span>Advertisement</span><a href="//ads.example">40 % off all shoes</a></div>'


def _with_ads(body: str) -> str:
    """Put an advertisement between paragraphs, now and then."""
    parts = body.split("</p>\n")
    return "".join(f"{part}</p>\n{_ad() if at % 6 == 3 else ''}" for at, part in enumerate(parts[:-1])) + parts[-1]


def _news(chance: random.Random, heading: str, body: str) -> str:
    return (
        f"{_head(chance, heading)}<body>{_cookies()}<header><nav><ul>{_links(chance, 12)}</ul></nav></header><main>"
        f'<article class="story"><h1>{heading}</h1><div class="byline">By A. Writer</div>'
        f'<div class="story-body">{_with_ads(body)}</div><div class="share"><a href="#">Share</a> <a href="#">Tweet</a>'
        f"</div></article>{_related(chance)}</main>{_comments(chance)}{_footer(chance)}</body></html>"
    )


def _blog(chance: random.Random, heading: str, body: str) -> str:
    return (
        f'{_head(chance, heading)}<body class="single"><div id="header"><a href="/">A blog</a></div><div id="content">'
        f'<div class="post hentry"><h1 class="entry-title">{heading}</h1><div class="entry-content">{body}</div>'
        f'<p class="tags">Tags: <a href="/t">one</a>, <a href="/t">two</a></p></div>{_comments(chance)}</div>'
        f'<div id="sidebar"><h3>Archive</h3><ul>{_links(chance, 15)}</ul></div>{_footer(chance)}</body></html>'
    )


def documentation(chance: random.Random, heading: str, body: str) -> str:
    """Lay out as a manual, with the contents on both sides."""
    return (
        f'{_head(chance, heading)}<body><nav class="sidebar"><ul>{_links(chance, 30)}</ul></nav>'
        f'<main role="main"><div class="breadcrumbs"><a href="/">Docs</a> / <a href="/x">Guide</a></div>'
        f'<div class="document"><h1>{heading}</h1>{body}</div><div class="pager"><a href="/p">Previous</a>'
        f'<a href="/n">Next</a></div></main><nav class="toc"><ul>{_links(chance, 6)}</ul></nav>'
        f"{_footer(chance)}</body></html>"
    )


def _encyclopedia(chance: random.Random, heading: str, body: str) -> str:
    return (
        f'{_head(chance, heading)}<body><div id="mw-navigation"><ul>{_links(chance, 20)}</ul></div>'
        f'<div id="content" class="mw-body"><h1 id="firstHeading">{heading}</h1><div id="mw-content-text">'
        f'<div class="mw-parser-output"><div id="toc" class="toc"><ul>{_links(chance, 5)}</ul></div>{body}'
        f'<div class="navbox"><ul>{_links(chance, 25)}</ul></div></div></div>'
        f'<div id="catlinks"><ul>{_links(chance, 6)}</ul></div></div>{_footer(chance)}</body></html>'
    )


def _forum(chance: random.Random, heading: str, body: str) -> str:
    return (
        f'{_head(chance, heading)}<body><div class="topbar"><ul>{_links(chance, 6)}</ul></div><div class="question">'
        f'<h1>{heading}</h1><div class="post-text">{body}</div></div><div class="hot-questions"><h4>Hot questions</h4>'
        f"<ul>{_links(chance, 20)}</ul></div>{_footer(chance)}</body></html>"
    )


def _shop(chance: random.Random, heading: str, body: str) -> str:
    return (
        f'{_head(chance, heading)}<body>{_cookies()}<div class="menu"><ul>{_links(chance, 18)}</ul></div>'
        f'<div class="container"><div class="row"><div class="col-8 product-description"><h1>{heading}</h1>{body}</div>'
        f'<div class="col-4 buy"><button>Add to basket</button><p>Free delivery from 50</p></div></div></div>'
        f"{_related(chance)}{_footer(chance)}</body></html>"
    )


def _government(chance: random.Random, heading: str, body: str) -> str:
    """Lay out with tables, without a single telling name."""
    return (
        f'{_head(chance, heading)}<body bgcolor="#ffffff"><table width="100%"><tr><td colspan="2"><a href="/">Home</a> '
        f'<a href="/c">Contact</a></td></tr><tr><td width="20%" valign="top"><ul>{_links(chance, 10)}</ul></td>'
        f'<td valign="top"><h1>{heading}</h1>{body}</td></tr></table><hr><p><a href="/i">Imprint</a></p></body></html>'
    )


def _hashed(chance: random.Random, heading: str, body: str) -> str:
    """Lay out with the meaningless class names of a build tool."""
    one, two, three = (f"css-{chance.randrange(16**6):06x}" for _ in range(3))
    return (
        f'{_head(chance, heading)}<body><div id="root"><div class="{one}">'
        f'<div class="{two}"><ul>{_links(chance, 9)}</ul></div>'
        f'<div class="{three}"><div class="{two}"><h1>{heading}</h1></div><div class="{one}">{body}</div></div>'
        f'<div class="{two}"><ul>{_links(chance, 14)}</ul></div></div></div>{_footer(chance)}</body></html>'
    )


def long_report(chance: random.Random, heading: str, body: str) -> str:
    """Lay out as an institute does what is always long."""
    return (
        f'{_head(chance, heading)}<body><header><a href="/">Institute</a><nav><ul>{_links(chance, 7)}</ul></nav>'
        f"</header><article><header><h1>{heading}</h1></header>{body}</article>"
        f'<div class="newsletter"><h3>Newsletter</h3><p>Get our findings by mail every week.</p><input></div>'
        f"{_footer(chance)}</body></html>"
    )


def foreign(chance: random.Random, heading: str, body: str) -> str:
    """Lay out as news; the text is in another language."""
    return _news(chance, heading, body)


LAYOUTS: tuple[Callable[[random.Random, str, str], str], ...] = (
    _news,
    _blog,
    documentation,
    _encyclopedia,
    _forum,
    _shop,
    _government,
    _hashed,
    long_report,
    foreign,
    foreign,
)
