"""The written-out training engine, for chains of ARD layers.

A network and its objective come in; its trained weights go out, written into it. The
file to read first is `trainer`.
"""
