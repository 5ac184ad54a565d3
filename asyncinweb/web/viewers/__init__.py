"""How a stored thing looks: results, tables, JSON, Markdown, previews, log lines."""
