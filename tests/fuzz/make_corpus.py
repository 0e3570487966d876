#!/usr/bin/env python3
"""Writes the seeds of the fuzzers: tests/fuzz/make_corpus.py

Each seed is a short input that leads a fuzzer somewhere: corpus/NAME/SEED, in
the layout that NAME_fuzzer.cc reads. Files that are not written here are what
a fuzzer has found; they stay.
"""

import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"
SEEDS = {}


def seed(fuzzer, name, *parts):
    """Notes a seed; numbers are bytes."""
    SEEDS[fuzzer, name] = b"".join(
        bytes([part]) if isinstance(part, int) else part for part in parts)


def piece(data):
    """What FuzzInput::Piece reads."""
    return bytes([len(data)]) + data


def number(value, size):
    """What FuzzInput::Number reads."""
    return value.to_bytes(size, "little")


# ---- Protocol buffers and frames ----


def varint(value):
    data = b""
    while value > 0x7f:
        data += bytes([value & 0x7f | 0x80])
        value >>= 7
    return data + bytes([value])


def field(tag, value):
    """A field of a message: a number, or bytes."""
    if isinstance(value, int):
        return varint(tag << 3) + varint(value)
    return varint(tag << 3 | 2) + varint(len(value)) + value


def fixed32(tag, value):
    return varint(tag << 3 | 5) + struct.pack("<I", value)


def fnv1a(text):
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def call(function, of_type, arguments):
    """A FunctionCall."""
    return (field(1, function) + fixed32(2, fnv1a(of_type)) +
            field(3, arguments))


def frame(kind, payload, magic=b"\xf5M", version=1, length=None):
    length = len(payload) if length is None else length
    return magic + bytes([version, kind]) + struct.pack("<I", length) + payload


HELLO, REQUEST, RESPONSE, TAKE_BACK, ATTACHMENT, PROGRESS = range(1, 7)


def frames():
    good = (frame(HELLO, field(1, 23197)) + frame(RESPONSE, field(1, 7)) +
            frame(ATTACHMENT, b"a" * 40) + frame(TAKE_BACK, b"") +
            frame(ATTACHMENT, b"") + frame(PROGRESS, b"so far"))
    streams = {
        "good": good,
        "unfinished": good + frame(REQUEST, b"half", length=8),
        "unfinished_attachment": good + frame(ATTACHMENT, b"half", length=900),
        "half_a_header": good + b"\xf5M\x01",
        "text": good + b"oh, a printf\n",
        "version_2": good + frame(REQUEST, b"", version=2),
        "unknown_type": good + frame(7, b""),
        "too_long": good + frame(REQUEST, b"", length=2**32 - 1),
        "too_long_attachment": frame(ATTACHMENT, b"", length=2**31),
    }
    for name, stream in streams.items():
        # Limit 3 is of 5000 bytes; attachments are taken, or not.
        seed("frame", name, 0, 3, 0, piece(b""), stream)
        seed("frame", name + "_by_bytes", 0, 3, 1, piece(b"\1\2\3"), stream)
    for journal in (0, 1):
        # Send, read from the journal, flush, read, send greater ones, ...
        steps = bytes([0, 30, 0, 40, 6, 0, 50, 3, 4, 6, 0, 60, 6, 5])
        great = bytes([1]) + number(9000, 2) + bytes([2]) + number(20000, 2)
        seed("frame", f"written_{journal}", 1, journal, number(0x9000, 2),
             steps, great, 0, 10, 6, 3, 4, 0, 20, 3, 5, great * 3, 6, 0, 1)
        seed("frame", f"too_long_written_{journal}", 1, journal,
             number(100, 2), steps, great, 0, 99, 0, 200)


def requests():
    same = "string(string)"
    good = (frame(REQUEST, field(1, 1) +
                  field(2, call(b"Same", same, b"\2hi"))) +
            frame(REQUEST, field(1, 2) +
                  field(2, call(b"EvenOnly", "int32(int32)", b"\2"))) +
            frame(REQUEST, field(1, 3) +
                  field(2, call(b"EvenOnly", "int32(int32)", b"\1"))) +
            frame(REQUEST, field(1, 4) +
                  field(2, call(b"Great", "string(uint16)", varint(40000)))) +
            frame(REQUEST, field(1, 5) + field(3, 2) +
                  field(2, call(b"Sum", "uint32(uint32,vector<uint32>)",
                                b"\1\1\2\5\0"))) +
            frame(REQUEST, field(1, 6) + field(4, 1) +
                  field(2, call(b"Same", same, b""))) +
            frame(ATTACHMENT, b"\4four") +
            frame(REQUEST, field(1, 7) +
                  field(2, call(b"Watch", "void(bool)", b"\1")) +
                  field(5, field(1, b"label") + field(4, 1))))
    raw = 0x08
    seed("request", "good", raw, good)
    seed("request", "cords", raw, frame(REQUEST, field(1, 1) + field(
        2, call(b"Cords", "vector<string>(uint16,string)",
                varint(40000) + piece(b"c")))), good)
    seed("request", "small_frames", raw | 1, good)
    seed("request", "hooks", raw | 0x80 | 0x30 | 1, good)
    # Closed 1 time: what comes before the TakeBack is dropped.
    seed("request", "taken_back", raw | 0x40 | 1, good,
         frame(TAKE_BACK, b""), good)
    seed("request", "unknown_function", raw | 1,
         frame(REQUEST, field(2, call(b"Nobody", same, b""))))
    seed("request", "other_types", raw | 1,
         frame(REQUEST, field(2, call(b"Same", "void()", b""))))
    seed("request", "no_request", raw | 1, good, frame(REQUEST, b"\xff\xff"))
    seed("request", "text", raw | 1, good, b"oh, a printf\n")
    seed("request", "hello", raw | 1, frame(HELLO, b""))
    seed("request", "unannounced", raw | 1, frame(ATTACHMENT, b"x"))
    seed("request", "unfinished", raw | 1, good[:-3])
    # Made of parts: each function, its arguments a piece.
    parts = b""
    for function in range(14):
        parts += bytes([4, function, function]) + piece(b"\2\2\2")
    parts += bytes([4, 0x25, 9]) + number(3, 8) + piece(b"\1\2\3")
    parts += bytes([4, 0x3a, 9, 2, 1]) + piece(b"label")
    parts += number(10**9, 8) + number(2, 4) + piece(b"\1")
    parts += bytes([4, 0xc0, 8]) + piece(b"") + bytes([1]) + piece(b"\1x")
    seed("request", "parts", 1, parts, 0, 2, piece(b"\xf5"))
    # More calls than there can be: of arguments that are missing, and of none.
    for function in (1, 3, 5, 9):
        seed("request", f"endless_{function}", 1, 4, 0x20 | function, 9,
             number(2**62, 8), piece(b""))


def responses():
    worker, parent = 0, 1
    hello = bytes([worker, 0])
    lease = bytes([parent, 0])
    receive = bytes([parent, 2])
    begin = bytes([worker, 8])
    due = 0x80

    def answer(by, *result):
        return bytes([worker, by, due, *result])

    result = bytes([3]) + piece(b"ok")
    good = (hello + lease + b"\0" + lease + b"\1" + lease + b"\x1c" +
            bytes([parent, 6]) + receive + begin)
    seed("response", "good", 0, good, answer(4, *result), receive, begin,
         answer(4, *result), begin, bytes([worker, 5, due]) + piece(b"so far"),
         answer(4, *result), receive)
    seed("response", "eager", 1, lease, 0, lease, 1, hello, receive)
    seed("response", "journal", 0, good, answer(3, *result), answer(3, *result),
         parent, 4, worker, 7, 5, receive, parent, 4, worker, 7, 255, receive)
    seed("response", "attachment", 0, good, answer(4, 1), receive,
         worker, 2, 4, piece(b"a" * 50), receive)
    seed("response", "error", 0, good,
         answer(4, 2, *piece(field(1, 5) + field(2, b"why"))), receive)
    seed("response", "taken_back", 0, good, parent, 5, answer(4, *result),
         receive, lease, 0, parent, 5)
    seed("response", "text", 0, good, worker, 1, piece(b"oh, a printf\n"),
         receive, answer(4, *result), receive, parent, 4)
    seed("response", "no_outcome", 0, good, answer(4, 0), receive)
    seed("response", "foreign", 0, good, worker, 4, 9, 3, piece(b""), receive)
    seed("response", "unannounced", 0, good, worker, 2, 4, piece(b"x"), receive)
    for word in range(3):
        seed("response", f"memory_{word}", 0, good, answer(3, *result),
             worker, 9, word, 0xff, number(2**64 - 3, 8), parent, 4, parent, 5,
             worker, 9, word, 0x43, parent, 4, parent, 5, receive)
    seed("response", "decisions", 12, good, parent, 7, 0, parent, 7, 1,
         parent, 7, 2, parent, 7, 11, receive, answer(4, *result), receive)
    seed("response", "dismissed", 0, hello, receive, parent, 7, 1, receive)


def codecs():
    ok = b"\1"
    error = b"\0" + piece(field(1, 5) + field(2, b"why") +
                          field(3, field(1, b"url") + field(2, b"value")))
    values = [
        b"\1", b"\3", b"\xff\xff\3", b"\xff\xff\xff\xff\x0f",
        b"\xff" * 9 + b"\1", b"\xff" * 9 + b"\1", b"\x80\1", b"\7",
        struct.pack("<f", float("nan")), struct.pack("<d", float("-inf")),
        piece(b"text"), b"\0\5\7", b"\1\1\0", b"\2\4",
        piece(field(1, 7) + field(2, call(b"F", "void()", b"x"))),
        piece(field(2, b"F")), error, ok + piece(b"text"), b"\1\1\6",
        piece(b"a") + b"\0\3\0", ok + b"abcd" + b"\2" + piece(b"x") + piece(b""),
        b"\1\2\3\4\5\6", b"\4\1\0\1\1", b"\1" + struct.pack("<d", 0.5),
        b"\2\1\2\1\1\0", b"\1" + piece(b"a") * 4,
        b"\2\0\1" + piece(field(1, 3)), b"\2" + ok + b"\2\4" + error,
        b"\1" + piece(b"k") + b"\1\0\2\0", b"\1\1\1\1\7",
        b"\2" + piece(b"a") + b"\1" + piece(b"b") + b"\2",
        piece(b"cord"), b"\2" + piece(b"behind") + piece(b"it"),
    ]
    for i, value in enumerate(values):
        seed("codec", f"value_{i:02}", i, value)
    seed("codec", "status", 0x80, error[2:])
    failure = b'task_id: 7 function: "F" attempt: 1'
    seed("codec", "task_failure", 0x80, field(1, 14) + field(
        3, field(1, b"multiproc/multiproc.TaskFailure") + field(2, failure)))
    for url in (b"multiproc/task_error", b"multiproc/multiproc.TaskFailure"):
        seed("codec", "mark_" + url.decode().rpartition("/")[2], 0x80,
             field(1, 14) + field(3, field(1, url) + field(2, b"1")))
    errors = b"\2" + piece(field(1, 5)) + b"\5" + piece(field(1, 3))
    seed("codec", "item_errors", 0xa0, b"results", errors,
         struct.pack("<I", len(errors)))
    for i, arguments in enumerate(
            (b"\2" + piece(b"a") + piece(b"b") + b"\2", b"\0\1", b"\4", b"\3",
             b"", b"x")):
        seed("codec", f"call_{i}", 0xc0, i, arguments)
        seed("codec", f"row_{i}", 0xe0, 4, i, arguments * 4)
        seed("codec", f"endless_{i}", 0xf0, number(2**62, 8), i, arguments)
    seed("codec", "any_call", 0xc0, 0xff, call(b"Half", "uint8(uint8)", b"\4"))


def command_lines():
    for name, argv in {
        "plain": ["sort", "-n", "a.txt"],
        "blanks": [r"C:\my dir\x.exe", "", " ", "a b", "a\tb", "a\nb\v"],
        "quotes": ["x", '"', '""', 'a"b', '"a b"', 'say "hi" to'],
        "backslashes": ["x", "\\", "\\\\", '\\"', 'a\\\\"b c\\', "\\ \\"],
        "program": ["a\\b c\\", "a\\\\"],
        "quoted_program": ['"x.exe"', "a"],
        "batch": ["x.BAT ..", "&calc"],
        "utf8": ["é世😀", "😀 é"],
    }.items():
        seed("windows_command_line", name, "\0".join(argv).encode())


def child_starts():
    add = "int64(int64,int64)"
    good = field(1, call(b"Add", add, b"\4\6"))
    seed("child_start", "call", good, field(2, 3), field(5, b"Add"),
         field(6, 1), field(7, 4711))
    seed("child_start", "continuing",
         field(1, call(b"Add", add + " continuing", b"\4\6")))
    seed("child_start", "other_types", field(1, call(b"Add", "void()", b"")))
    seed("child_start", "arguments", field(1, call(b"Add", add, b"\4")))
    seed("child_start", "unknown", field(1, call(b"Nobody", add, b"\4")))
    seed("child_start", "windows", good, varint(3 << 3 | 2), piece(b"\x10" * 16),
         varint(4 << 3 | 1), b"\x08" * 8)
    seed("child_start", "program", field(8, b"limits"), field(9, 5), field(
        10, field(1, b"/bin/true") + field(2, b"true") + field(3, b"A=B")))
    seed("child_start", "many_handles", good, field(2, 2**32 - 1))
    seed("child_start", "nothing", field(5, b"name"))


def main():
    for make in (frames, requests, responses, codecs, command_lines,
                 child_starts):
        make()
    for (fuzzer, name), data in SEEDS.items():
        folder = CORPUS / fuzzer
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
