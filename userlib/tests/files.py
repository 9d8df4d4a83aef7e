#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Usage: tests/files.py MPMCCTL | --modules

A queue fd as a file of Python's: os.read(), os.write() and what is built on them, where
there is a /dev/mpmc. Prints TAP. Queues are made, filled and emptied by MPMCCTL, and
opened by their names, by the ioctl; no library is needed. --modules prints the files of
Python's that this takes, one a line, for scripts/vm-run to bring along.
"""

import contextlib
import errno
import fcntl
import io
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
import traceback
from ctypes import addressof, create_string_buffer

QUEUE_OPEN = 0xBE02  # MPMC_IOC_QUEUE_OPEN
READ, WRITE, NONBLOCK = 0x1, 0x2, 0x10
NAME = b'/python'
WHILE = 0.2  # seconds: what is awaited does not come earlier


def open_queue(flags=READ | WRITE):
    """As struct mpmc_queue_open has it."""
    name = create_string_buffer(NAME)
    args = bytearray(struct.pack('=IIQIIQ', 32, flags, addressof(name), len(NAME), 0, 0))
    device = os.open('/dev/mpmc', os.O_RDWR)
    try:
        return fcntl.ioctl(device, QUEUE_OPEN, args)
    finally:
        os.close(device)


def ctl(*args, **kwargs):
    done = subprocess.run([sys.argv[1], *args], check=True, stdout=subprocess.PIPE,
                          text=True, **kwargs)
    return done.stdout


def push(*items):
    ctl('push', NAME, *map(str, items))


def pop(count):
    return [int(line) for line in ctl('pop', '-t', '10', '-n', str(count), NAME).split()]


def pack(*items):
    return struct.pack('=%dQ' % len(items), *items)


def unpack(data):
    return list(struct.unpack('=%dQ' % (len(data) // 8), data))


def same(got, wanted):
    if got != wanted:
        raise AssertionError('%.200r, and not %.200r' % (got, wanted))


def fails(number, call, *args):
    try:
        got = call(*args)
    except OSError as error:
        same(errno.errorcode[error.errno], errno.errorcode[number])
        return
    raise AssertionError('no error, but %r' % got)


@contextlib.contextmanager
def later(call, *args):
    """Does that in a while, in another thread; what is done meanwhile waits for it."""
    timer = threading.Timer(WHILE, call, args)
    began = time.monotonic()
    timer.start()
    yield
    took = time.monotonic() - began
    timer.join()
    if took < WHILE:
        raise AssertionError('it took only %.3f s' % took)


def test_write(fd):
    """os.write: mpmcctl takes what was written"""
    same(os.write(fd, pack(1, 2, 2**64 - 1)), 24)
    same(pop(3), [1, 2, 2**64 - 1])


def test_read(fd):
    """os.read: as many whole items as there are, or as there is place for"""
    push(1, 2, 3, 4, 5)
    same(unpack(os.read(fd, 16)), [1, 2])
    same(unpack(os.read(fd, 4096)), [3, 4, 5])


def test_vectors(fd):
    """os.readv and os.writev"""
    same(os.writev(fd, [pack(1)[:3], pack(1)[3:], pack(2, 3)]), 24)
    parts = [bytearray(8), bytearray(4), bytearray(12)]
    same(os.readv(fd, parts), 24)
    same(unpack(b''.join(parts)), [1, 2, 3])


def test_parts(fd):
    """a part of an item is EINVAL, and nothing is lost"""
    push(1)
    fails(errno.EINVAL, os.read, fd, 7)
    fails(errno.EINVAL, os.write, fd, pack(2)[:7])
    same(unpack(os.read(fd, 8)), [1])


def test_read_waits(fd):
    """os.read waits for an item"""
    with later(push, 7):
        same(unpack(os.read(fd, 4096)), [7])


def test_write_waits(fd):
    """os.write waits for room, until all is written"""
    taken = []
    with later(lambda: taken.extend(pop(20))):
        same(os.write(fd, pack(*range(20))), 160)
    same(taken, list(range(20)))


def test_nonblock(fd):
    """O_NONBLOCK: BlockingIOError, and parts of what is written"""
    os.set_blocking(fd, False)
    fails(errno.EAGAIN, os.read, fd, 8)
    same(os.write(fd, pack(*range(20))), 80)
    fails(errno.EAGAIN, os.write, fd, pack(20))
    same(unpack(os.read(fd, 4096)), list(range(10)))
    os.set_blocking(fd, True)


def test_open_nonblock(_):
    """opened with O_NONBLOCK"""
    fd = open_queue(READ | NONBLOCK)
    same(os.get_blocking(fd), False)
    fails(errno.EAGAIN, os.read, fd, 8)
    os.close(fd)


def test_directions(_):
    """read-only, and write-only: EBADF; no positions: ESPIPE"""
    reader, writer = open_queue(READ), open_queue(WRITE)
    fails(errno.EBADF, os.write, reader, pack(1))
    fails(errno.EBADF, os.read, writer, 8)
    fails(errno.ESPIPE, os.lseek, reader, 0, os.SEEK_SET)
    os.close(reader)
    os.close(writer)


def test_signal(fd):
    """a signal while os.read waits: its handler runs, and the read goes on"""
    caught = []
    signal.signal(signal.SIGALRM, lambda *_: caught.append(True))
    signal.setitimer(signal.ITIMER_REAL, WHILE / 4)
    with later(push, 8):
        same(unpack(os.read(fd, 8)), [8])
    same(caught, [True])


def test_signal_raises(fd):
    """a handler that raises ends the read, and no item is lost"""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, WHILE / 4)
        got = os.read(fd, 8)
    except KeyboardInterrupt:
        got = 'interrupted'
    same(got, 'interrupted')
    push(9)
    same(unpack(os.read(fd, 8)), [9])


def test_poll(fd):
    """select, poll and epoll wait for items, and for room"""
    same(select.select([fd], [fd], [], 0), ([], [fd], []))
    poll, epoll = select.poll(), select.epoll()
    poll.register(fd, select.POLLIN)
    epoll.register(fd, select.EPOLLIN | select.EPOLLET)
    same(poll.poll(0), [])
    with later(push, *range(10)):
        same(epoll.poll(10), [(fd, select.EPOLLIN)])
    same(poll.poll(0), [(fd, select.POLLIN)])
    same(select.select([fd], [fd], [], 0), ([fd], [], []))
    with later(pop, 10):
        same(select.select([], [fd], [], 10), ([], [fd], []))
    epoll.close()


def test_children(fd):
    """cat inherits it, as its input and as its output"""
    same(subprocess.run(['cat'], stdout=fd, input=pack(1, 2, 3), check=True).returncode, 0)
    ctl('shutdown', NAME)
    same(unpack(subprocess.run(['cat'], stdin=fd, stdout=subprocess.PIPE, check=True).stdout),
         [1, 2, 3])


def test_end(fd):
    """the end: what is left, then b'', and BrokenPipeError for who writes"""
    push(1, 2)
    ctl('shutdown', NAME)
    fails(errno.EPIPE, os.write, fd, pack(3))
    same(unpack(os.read(fd, 8)), [1])
    same(unpack(os.read(fd, 8)), [2])
    same(os.read(fd, 8), b'')


def test_end_of_a_wait(fd):
    """the end comes while os.read waits"""
    with later(ctl, 'shutdown', NAME):
        same(os.read(fd, 8), b'')


def test_buffered(fd):
    """buffered files: written, flushed, read item by item to the end"""
    with open(fd, 'wb', closefd=False) as out:
        for item in range(8):
            out.write(pack(item))
        out.flush()
    ctl('shutdown', NAME)
    with open(fd, 'rb', closefd=False) as source:
        same([unpack(data) for data in iter(lambda: source.read(8), b'')],
             [[item] for item in range(8)])


def test_unbuffered(fd):
    """files without a buffer: read, readinto, and all to the end"""
    push(*range(10))
    ctl('shutdown', NAME)
    with open(fd, 'rb', buffering=0, closefd=False) as source:
        same(unpack(source.read(8)), [0])
        place = bytearray(16)
        same((source.readinto(place), unpack(place)), (16, [1, 2]))
        same(unpack(source.read()), list(range(3, 10)))


def test_much(fd):
    """100,000 items through 10 places, in order"""
    def write():
        with open(fd, 'wb', closefd=False) as out:
            for item in range(100000):
                out.write(pack(item))
        ctl('shutdown', NAME)

    writer = threading.Thread(target=write)
    writer.start()
    got = b''.join(iter(lambda: os.read(fd, io.DEFAULT_BUFFER_SIZE), b''))
    writer.join()
    same(unpack(got), list(range(100000)))


def run(test):
    ctl('create', '-c', '10', '-s', '1', NAME)
    fd = open_queue()
    try:
        test(fd)
        return True
    except Exception:  # pylint: disable=broad-except
        print('# ' + traceback.format_exc().strip().replace('\n', '\n# '))
        return False
    finally:
        os.close(fd)
        ctl('rm', NAME)


def main():
    tests = [value for name, value in globals().items() if name.startswith('test_')]
    failed = 0
    for i, test in enumerate(tests):
        good = run(test)
        failed += not good
        print('%sok %d - %s' % ('' if good else 'not ', i + 1, test.__doc__), flush=True)
    print('1..%d' % len(tests))
    return 1 if failed else 0


if sys.argv[1:] == ['--modules']:
    print('\n'.join(sorted(m.__file__ for m in list(sys.modules.values())
                           if getattr(m, '__file__', '').startswith('/usr/'))))
else:
    sys.exit(main())
