"""One folder per carrier: manifest, connector, status table, fixtures, notes."""
