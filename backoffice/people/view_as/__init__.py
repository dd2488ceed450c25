"""An administrator sees pages as another person does: read only, recorded, and for a while."""
