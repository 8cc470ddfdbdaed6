"""Why a learner answers as it does: its support examples, the parts of the input, its weights."""
