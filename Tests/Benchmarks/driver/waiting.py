"""Waiting for what other programs do."""

import time

# In seconds; more than anything takes that is waited for.
PATIENCE = 900


def await_(what, condition, every):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come about within {PATIENCE} s")
        time.sleep(every)
