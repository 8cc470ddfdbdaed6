"""Fixed test episodes -> accuracy or error, with a 95% interval and its protocol."""
