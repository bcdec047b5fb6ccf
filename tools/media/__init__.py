"""Pictures, sound and video, through models that see and hear."""
