"""Sheets: how facts become text, JSON, CSV, Markdown and HTML. No result class is known here."""
