"""Prediction: a trained network comes in, answers go out, without torch at run time.

Read `network` first: it is what predicts. `lower` makes it of a torch network.
Private, as all folders but `nn`: their names may change between versions.
"""
