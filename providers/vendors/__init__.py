"""Translation between OpenAI's chat format and each vendor's own, shared by provider modules."""
