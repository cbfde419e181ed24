"""Prediction with a trained network, without torch at run time.

Input: a trained network, or rows of X. Output: a compact network, or predictions. Read
`network` first; `lower` converts a torch network to it. Private, as all folders except
`nn`: names may change between versions.
"""
