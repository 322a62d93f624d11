"""The page as a browser shows it: template, style, script, and what stands in them."""
