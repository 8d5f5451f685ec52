"""The dashboard's pages, one module each; ``registry`` finds them."""
