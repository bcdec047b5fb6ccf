"""The compiled graph as SVG: nodes in fixed places, edges as the graph has them."""

from typing import Any

PLACES = {
    "retrieve_case": (90, 60),
    "score_case": (260, 60),
    "planner": (430, 60),
    "evaluate": (600, 60),
    "write_case": (770, 60),
    "executor": (430, 170),
}
_WIDTH, _HEIGHT = 130, 40
_STYLE = (
    "text{font:14px sans-serif;text-anchor:middle;fill:#222}"
    "rect{fill:#eef0fb;stroke:#5c6bc0;stroke-width:1.5}"
    "path{fill:none;stroke:#5c6bc0;stroke-width:1.5;marker-end:url(#tip)}"
)


def workflow_svg() -> str:
    """The picture, with dashed lines where the planner chooses.

    Raises:
        ValueError: the graph has other nodes than those that have a place.
    """
    from memento.graph.app import graph

    drawn = graph.get_graph()
    nodes = [name for name in drawn.nodes if not name.startswith("__")]
    if set(nodes) != set(PLACES):
        raise ValueError(f"give every node a place: {sorted(set(nodes) ^ set(PLACES))}")
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 215" role="img" aria-label="The workflow">',
        f"<style>{_STYLE}</style>",
        '<rect width="860" height="215" style="fill:#fff;stroke:none"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path d="M0,0 L8,4 L0,8 z" style="fill:#5c6bc0;stroke:none;marker-end:none"/>'
        "</marker></defs>",
    ]
    lines += [_edge(edge) for edge in sorted(drawn.edges, key=lambda edge: (edge.source, edge.target))]
    for name, (x, y) in PLACES.items():
        lines.append(
            f'<rect x="{x - _WIDTH // 2}" y="{y - _HEIGHT // 2}" width="{_WIDTH}" height="{_HEIGHT}" rx="8"/>'
            f'<text x="{x}" y="{y + 5}">{name}</text>'
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


def _edge(edge: Any) -> str:
    """One edge; those of start and end are short arrows at the first and last node."""
    dashes = ' stroke-dasharray="5 4"' if edge.conditional else ""
    return f'<path d="{_path(edge.source, edge.target)}"{dashes}/>'


def _path(source: str, target: str) -> str:
    half, high = _WIDTH // 2, _HEIGHT // 2
    if source.startswith("__"):
        x, y = PLACES[target]
        return f"M{x - half - 22},{y} H{x - half}"
    x, y = PLACES[source]
    if target.startswith("__"):
        return f"M{x + half},{y} H{x + half + 22}"
    to_x, to_y = PLACES[target]
    if source == target:
        return f"M{x + 25},{y - high} C{x + 40},{y - high - 40} {x - 40},{y - high - 40} {x - 25},{y - high}"
    if x == to_x:
        side = 20 if to_y > y else -20
        return f"M{x + side},{y + (high if to_y > y else -high)} V{to_y - (high if to_y > y else -high)}"
    if to_x < x:
        low = y + 70
        return f"M{x - 45},{y + high} C{x - 60},{low} {to_x + 60},{low} {to_x},{to_y + high}"
    return f"M{x + half},{y} H{to_x - half}"
