"""The view_image tool: re-encodes an image in a confined child, then asks a vision model about it."""

import base64
from collections.abc import Awaitable, Callable
from typing import Final

from memento.tools.media.images import EncodedPicture
from memento.tools.media.media_file import media_file
from memento.tools.media.port import Look, Picture
from memento.tools.workspace import Workspace

MAX_BYTES: Final = 50_000_000
TIMEOUT_S: Final = 20.0
_DESCRIBE: Final = "Describe this picture in detail. Write down the text, numbers and labels in it exactly."


def make_view_image(look: Look) -> Callable[..., Awaitable[str]]:
    """Build the `view_image` tool; opens nothing.

    Args:
        look: asks the model that sees.
    """

    async def view_image(path: str, question: str = "", *, workspace: Workspace) -> str:
        """Look at a picture of the workspace, and answer a question about it.

        PNG, JPEG, WebP, GIF, BMP and TIFF; of an animation the first frame. Large pictures are seen scaled down to
        1,568 pixels on a side: for small print, cut the part out first.

        Args:
            path: as list_files names it; not a URL, which download_file gets.
            question: what to find out; empty for a description with all text in it.
            workspace: where the run's files lie; not shown to the model.
        """
        async with media_file(workspace, path, max_bytes=MAX_BYTES) as file:
            seen: EncodedPicture = await file.parsed("images:encoded_picture", timeout_s=TIMEOUT_S)
        picture = Picture(base64.b64decode(seen["content"]), seen["mime_type"])
        answer = await look(question.strip() or _DESCRIBE, [picture])
        animated = ", first frame of an animation" if seen["is_animated"] else ""
        return f"{path} ({seen['format']}, {seen['width']} x {seen['height']} pixels{animated})\n\n{answer}"

    return view_image
