"""G3: the sealing key is rotated, and killed while at it; strangers come with keys of their own.

place.py      an installation with secrets, what it must give back, and the judge
dying.py      a process that ends itself at one step of a rotation, or loses power there
kills.py      the real command, killed at random moments while another process writes
strangers.py  commands with no key file, or another installation's
proof.py      the proof
"""
