"""Everything with a route and a page."""
