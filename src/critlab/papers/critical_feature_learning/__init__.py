"""Paper 4, Critical Feature Learning in Deep Neural Networks (arXiv 2405.10761).

"Critical" means the edge of chaos of the network's prior, not a critical period in training; the figure
``prior-and-plasticity`` asks whether the two are connected. Importing a figure costs no numerical library; its tables
load them when they are computed.
"""
