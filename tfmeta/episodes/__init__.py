"""Examples -> batches of episodes: shapes, sampling, splitting, augmentation, episode files."""
