"""The pages of teams: their members, what they have, and to whom it goes when one ends."""
