"""The pages of trusted issuers, their rules, and a token that is tried."""
