"""Connection types as documents: install, preview, pages, command."""
