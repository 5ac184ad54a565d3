"""The workers: the supervisor and its worker processes. No Flask; never imports web, and web never imports it."""
