"""Pictures, sound and video, through models that see and hear.

port.py               what sees and what hears, as functions that the host brings
media_file.py         a file of the workspace: what it is by its first bytes, parsed in a confined child
images.py  in the child: any picture as a small PNG or JPEG
recording.py          in the child: sound or video opened by one demuxer, and decoded as far as it is whole
audio.py  in the child: any sound as pieces of MP3
frames.py             in the child: a few frames that show what a video shows
view_image.py         the tool: a question about a picture
transcribe_audio.py   the tool: speech as text
watch_video.py        the tool: a question about a video, its frames and what is said in it
"""
