"""Signing in by an identity provider (OpenID Connect). The flow is django-allauth's; what a
provider says is judged here, and it is asked every few minutes whether its people may stay.
"""
