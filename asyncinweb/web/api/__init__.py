"""The JSON API: routes, models, description."""
