"""The pages. A view translates between a browser and the services; it decides nothing."""
