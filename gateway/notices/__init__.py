"""Notices: what changed among the faults, in the product and to webhooks, chats and mail."""
