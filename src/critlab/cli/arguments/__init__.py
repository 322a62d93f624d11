"""How commands declare their options and say what is wrong with them."""
