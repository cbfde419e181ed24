"""Training engine with explicit gradients, for chains of ARD layers.

A network and its objective come in; its trained weights go out, written into it. Read
`trainer` first.
"""
