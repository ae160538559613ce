"""What can be clicked in a notebook: the live picture of the network, the matrix, and the panel of a stage's steps."""
