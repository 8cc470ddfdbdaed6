"""How a learner does on the same episodes when something is wrong with them."""
