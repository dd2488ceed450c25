"""How a person comes in and stays in: limits, second factors, sessions, fresh proof. The flows are
django-allauth's, the pages are ours.
"""
