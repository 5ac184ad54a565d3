"""The HTTP layer below the pages: waitress's channels, byte ranges, streams, proxy headers."""
