"""Model values to styled text: pure functions, no widget, no state."""
