"""Media tools: images, audio and video, through vision and transcription models.

port.py              Ports for vision and transcription: two functions that the host provides
media_file.py        An image, audio or video file of the workspace, opened for a confined child
images.py            Re-encodes an image as a small PNG or JPEG without metadata; runs in a confined child
recording.py         Opens and decodes a recording (audio or video) with one demuxer; runs in a confined child
audio.py             Converts audio into MP3 pieces small enough to upload one by one; runs in a confined child
frames.py            Extracts representative frames of a video; runs in a confined child
view_image.py        The view_image tool: re-encodes an image in a confined child, then asks a vision model about it
transcribe_audio.py  The transcribe_audio tool: speech to text; long recordings are sent in pieces
watch_video.py       The watch_video tool: asks a vision model about frames of a video and a transcript of its sound
"""
