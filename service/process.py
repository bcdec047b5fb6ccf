"""What the routes of one process share: the application, and who tells users apart."""

from typing import Final

from memento.graph.app import application as served
from memento.service.authentication import Authentication

application: Final = served
"""Of this process; the served graph is of it, too."""

authentication: Final = Authentication(application)
