"""Values in words: every sentence that a terminal, a page or a document shows is written here."""
