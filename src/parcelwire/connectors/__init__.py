"""How each carrier is asked: the contract, the one HTTP client, carriers, upstreams, the simulated carrier."""
