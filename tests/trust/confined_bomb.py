"""A child that answers without end, as a reader does that unpacks a bomb: for test_confined."""

import sys
import time

if __name__ == "__main__":
    how = sys.stdin.buffer.read()
    if how == b"echo":
        sys.stdout.write("heard")
    elif how == b"stumble":
        sys.exit("it stumbled")
    elif how == b"complain":
        while True:
            sys.stderr.write("x" * 65536)
    elif how == b"sleep":
        time.sleep(60)
    else:
        while True:
            sys.stdout.write("x" * 65536)
