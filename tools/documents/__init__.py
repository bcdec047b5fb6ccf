"""Documents of many formats as text, parsed where hostile ones can do no harm."""
