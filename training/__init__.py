"""Training of the learned fill: data, network, training loop and evaluation. Not part of the wheel."""
