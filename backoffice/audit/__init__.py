"""The audit as people and programs read it: pages, API, exports."""
