#!/usr/bin/env python3
"""A cash register for posagent's register link, version 1, with nothing but the
standard library.

    ./register.py /dev/ttyUSB0 BOOK R03_000117 ALIPAY_CN 1050 SGD

It sells one thing by the four rules: the id is in the file BOOK before it is
sent; silence is unknown; it asks; "delivered" is said once the outcome is in
the file. Run it again with the same words after a crash: it goes on where it
was. Exit 0: paid; 1: not paid; 2: refused, nothing was done; 3: unknown yet, run
it again. Amounts are in the currency's minor unit.
"""
import json
import os
import select
import sys
import termios
import time
import zlib

STX, ETX, ACK, NAK = 0x02, 0x03, 0x06, 0x15
T1, T2, T3, QUIET = 0.5, 1.5, 3.0, 12.0  # seconds
PASSING = ("AGENT_STORAGE", "AGENT_SHUTTING_DOWN")  # a moment later it may work


class Link:
    """Frames and acknowledgements on a serial port."""

    def __init__(self, path, on_state):
        self.port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        t = termios.tcgetattr(self.port)
        t[0] = t[1] = t[3] = 0  # raw
        t[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
        t[4] = t[5] = termios.B115200
        t[6][termios.VMIN], t[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self.port, termios.TCSAFLUSH, t)
        self.waiting = b""
        self.seq = 0
        self.last = None  # the last frame accepted, to know it again
        self.on_state = on_state

    def byte(self, until):
        """The next byte, or None if there is none in time."""
        if not self.waiting:
            left = max(0.0, until - time.monotonic())
            if not select.select([self.port], [], [], left)[0]:
                return None
            self.waiting = os.read(self.port, 4096)
            if not self.waiting:
                raise OSError("the line is gone")
        first, self.waiting = self.waiting[0], self.waiting[1:]
        return first

    def frame(self):
        """Reads the rest of a frame; its body, or None if it is damaged or known."""
        raw = bytearray()
        while True:
            c = self.byte(time.monotonic() + T1)
            if c == STX:  # always starts afresh
                raw.clear()
            elif c is None or not 0x20 <= c <= 0x7E:
                break
            else:
                raw.append(c)
        whole = c == ETX and len(raw) > 15 and raw[:1] == b"1" and \
            raw[3:7] == b"%04d" % (len(raw) - 15) and raw[-8:] == b"%08X" % zlib.crc32(raw[:-8])
        seq = bytes(raw[1:3]) if len(raw) >= 3 else b"00"
        os.write(self.port, bytes([ACK if whole else NAK]) + seq)
        if not whole or self.last == raw:
            return None
        self.last = raw
        body = json.loads(raw[7:-8])
        self.on_state(body)
        return body

    def hear(self, until):
        """The next thing on the line: a body, "ack", "nak", or None."""
        while True:
            c = self.byte(until)
            if c is None:
                return None
            if c == STX:
                body = self.frame()
                if body is not None:
                    return body
            elif c in (ACK, NAK):
                seq = [self.byte(time.monotonic() + T1) for _ in range(2)]
                if c == NAK:
                    return "nak"
                if seq == list(b"%02X" % self.seq):
                    return "ack"

    def request(self, **members):
        """Sends a request; its response, or None where its fate is unknown."""
        first = members["method"] == "initConnection"
        self.seq = 0 if first else self.seq % 255 + 1
        if first:
            self.last = None
        body = json.dumps(members, separators=(",", ":")).encode("ascii")
        core = b"1%02X%04d" % (self.seq, len(body)) + body
        raw = b"\x02" + core + b"%08X\x03" % zlib.crc32(core)
        for _ in range(3):
            os.write(self.port, raw)
            acked, until = False, time.monotonic() + T2
            while True:
                heard = self.hear(until)
                if isinstance(heard, dict) and heard.get("re") == "%02X" % self.seq:
                    return heard  # though its ACK may be lost
                if heard == "ack" and not acked:
                    acked, until = True, time.monotonic() + T3
                elif heard is None or heard == "nak" and not acked:
                    break
            if acked:
                return None
        return None


class Book:
    """The till's memory: a line is on the disk before note returns."""

    def __init__(self, path):
        self.file = open(path, "a+", encoding="ascii")
        self.file.seek(0)
        self.lines = self.file.read().splitlines()

    def note(self, *words):
        self.file.write(" ".join(map(str, words)) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def knows(self, *words):
        return any(line.split()[:len(words)] == list(words) for line in self.lines)


class Sale:
    def __init__(self, port, book, sale_id, method, minor, currency):
        self.id, self.state = sale_id, {}
        self.pay = {"method": "pay", "paymentRequestId": sale_id, "paymentMethod": method,
                    "paymentAmount": {"value": int(minor), "currency": currency}}
        self.book = Book(book)
        self.link = Link(port, self.take)

    def take(self, body):
        """Takes a state of this payment; a smaller rev is stale."""
        if body.get("paymentRequestId") == self.id and "paymentStatus" in body and \
                body["rev"] >= self.state.get("rev", 0):
            self.state = body

    def sell(self):
        meant = ("sale", self.id, str(self.pay["paymentAmount"]["value"]), self.pay["paymentAmount"]["currency"])
        known = self.book.knows(*meant[:2])
        if known and not self.book.knows(*meant):
            print("this id is in the book with another amount: take a new one")
            return 2
        if not known:
            self.book.note(*meant)  # rule 1
        linked = False
        while not self.state.get("final"):
            linked = linked or self.link.request(method="initConnection", register="example.py")
            if not linked:
                continue
            answer = self.link.request(method="inquiryPayment", paymentRequestId=self.id) if known \
                else self.link.request(**self.pay)
            if answer is None:  # rule 2: unknown, so rule 3: ask
                linked, known = False, True
                continue
            result = answer["result"]
            if known and result["resultCode"] == "AGENT_NOT_FOUND":
                known = False  # it never stored it: the identical pay
                continue
            if "paymentStatus" not in answer and result["resultStatus"] == "F" and result["resultCode"] not in PASSING:
                print("refused:", result["resultCode"], result.get("resultMessage", ""))
                return 3 if "INCONSISTENT" in result["resultCode"] else 2  # 3: the id may be paid
            known = known or "paymentStatus" in answer
            while not self.state.get("final") and self.link.hear(time.monotonic() + QUIET):
                pass  # the agent tells by itself
        return self.settle()

    def settle(self):
        self.book.note("outcome", self.id, self.state["paymentStatus"])
        answer = None
        while not answer or answer["result"]["resultStatus"] != "S":  # rule 4: after storing
            answer = self.link.request(method="delivered", paymentRequestId=self.id, rev=self.state["rev"])
        print(self.id, self.state["paymentStatus"], " / ".join(self.state.get("display", [])))
        return 0 if self.state["paymentStatus"] == "SUCCESS" else 1


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit("usage: register.py PORT BOOK ID METHOD MINOR CURRENCY")
    try:
        sys.exit(Sale(*sys.argv[1:]).sell())
    except OSError as error:
        print(f"{error}; run me again with the same id", file=sys.stderr)
        sys.exit(3)
