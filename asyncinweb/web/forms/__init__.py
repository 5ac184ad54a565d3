"""From a browser's form to a request: controls, uploads, start times."""
