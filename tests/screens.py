"""Screens of a small grid world, drawn by Pillow."""

import io

from PIL import Image, ImageDraw


def screen(agent: tuple[int, int], wall: str = "black", kind: str = "PNG") -> bytes:
    """A file of 8 by 8 cells of 8 pixels: walls around a floor, a goal, and an agent in a cell."""
    image = Image.new("RGB", (64, 64), wall)
    draw = ImageDraw.Draw(image)
    draw.rectangle((8, 8, 55, 55), fill="lightgray")
    draw.rectangle((48, 48, 55, 55), fill="green")
    draw.rectangle((agent[0] * 8, agent[1] * 8, agent[0] * 8 + 7, agent[1] * 8 + 7), fill="red")
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


HERE, NEAR, FAR = screen((1, 1)), screen((2, 1)), screen((6, 1), wall="navy")
"""The same room with the agent in a cell, in the next one, and a room of another colour."""
