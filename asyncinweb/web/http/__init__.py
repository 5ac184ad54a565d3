"""What HTTP asks for below the pages: waitress's channels, byte ranges, streams, proxy headers."""
