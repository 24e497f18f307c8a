"""A service manager's socket: prints every datagram that a service sends to it.

Usage: notified.py SOCKET
"""

import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
    receiver.bind(sys.argv[1])
    print("listening", flush=True)
    while True:
        print(receiver.recv(4096).decode(), flush=True)
