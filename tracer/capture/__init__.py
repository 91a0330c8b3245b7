"""Capture files and live captures to packets as columns."""
