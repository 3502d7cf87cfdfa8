"""The chat model's split of a message class in CPython: each instance is given another class.

Prints: split, whether all is right, nanoseconds of the stop, of the stop and a first pass, and the peak of resident bytes.
"""

import sys
import time


class Message:
    def __init__(self, sender, room, text):
        self.sender = sender
        self.room = room
        self.text = text


class UserMessage:
    pass


class InfoMessage:
    pass


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def main(count):
    sender, room = object(), object()
    messages = [Message(sender if i % 2 else None, room, i) for i in range(count)]
    start = time.perf_counter_ns()
    for message in messages:
        if message.sender is None:
            message.__class__ = InfoMessage
            del message.sender
        else:
            message.__class__ = UserMessage
    stop = time.perf_counter_ns() - start
    texts = 0
    for message in messages:
        texts += message.text
    total = time.perf_counter_ns() - start
    right = texts == count * (count - 1) // 2 and all(
        type(message) is (UserMessage if i % 2 else InfoMessage) for i, message in enumerate(messages)
    )
    print("split", int(right), stop, total, peak(), sep="\t")


main(int(sys.argv[1]))
