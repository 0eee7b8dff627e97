"""Machines of residents: what is agreed about them, how it ends, what their owners see of them."""
