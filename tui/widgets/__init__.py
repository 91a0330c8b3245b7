"""One widget a file: takes a model value, draws it, reports the user's acts as messages."""
