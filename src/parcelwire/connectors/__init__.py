"""How each carrier is asked: the contract, the one HTTP client, the carriers and upstreams."""
