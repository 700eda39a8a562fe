"""One module per database version; `down_revision` names the version before it."""
