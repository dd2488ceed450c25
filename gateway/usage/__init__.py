"""Usage: records, totals, charts, pages, API."""
