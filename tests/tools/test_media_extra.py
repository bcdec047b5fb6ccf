"""Without the extra `media`, who is asked for sound or video is told what to install."""

import asyncio
from pathlib import Path

import pytest

from memento.tools.confined import confined
from memento.tools.errors import ToolUnavailable

STRETCH = "demuxer='mp4', start_s=0, end_s=1, max_duration_s=1"


@pytest.mark.parametrize(
    "call", [f"frames.video_frames(file, {STRETCH}, n_frames=1)", f"audio.sound_pieces(file, {STRETCH}, piece_s=1)"]
)
async def test_the_extra_is_named_when_the_child_cannot_import_pyav(tmp_path: Path, call: str) -> None:
    script = tmp_path / "without_pyav.py"
    lines = ["import io, sys", "sys.modules['av'] = None  # as if it were not installed, in the child alone"]
    lines += ["from memento.tools.media import frames, audio", "file = io.BytesIO(bytes(100))", call]
    await asyncio.to_thread(script.write_text, "\n".join(lines))
    with pytest.raises(ToolUnavailable, match=r"pip install 'memento-langgraph\[media\]'"):
        await confined("runpy:run_path", {"path_name": str(script)})
