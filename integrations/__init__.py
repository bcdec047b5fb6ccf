"""Case memory inside other frameworks' agents, and their records inside the case memory."""
