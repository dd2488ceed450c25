"""A forgotten password is reset by a link that comes by e-mail."""
