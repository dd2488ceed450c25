"""`make bench`: the hot paths on 10,000 connections, as ratios to a floor measured in the same
run.
"""
