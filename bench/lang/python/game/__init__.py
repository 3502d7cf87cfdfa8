"""What the programs of Benchmarks-Game must print, computed independently of them.

Every module has `output(n)`, which answers the text (bytes for an image). Where it is easy the method is another one than the
Smalltalk program's, so that a common mistake is unlikely. These are oracles, not programs to be timed.
"""
