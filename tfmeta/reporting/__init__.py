"""Trained runs looked at: compared with each other, and shown in one HTML file."""
