"""The views: everything with a route and a page."""
