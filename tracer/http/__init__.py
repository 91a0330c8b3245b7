"""HTTP from ordered bytes: messages, bodies, exchanges."""
