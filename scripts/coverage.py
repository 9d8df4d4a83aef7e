#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Usage: coverage.py [--min PERCENT] --objects FOLDER COUNTS

Says which lines of kmod/ ran: COUNTS is a folder of gcov's .gcda files, laid out from
the root as those of the machine that built the module in FOLDER. Prints TAP: for each
file its lines, those that did not run, and whether all together are PERCENT (95).
"""

import argparse
import json
import os
import re
import subprocess
import sys

GCOV = 'gcov-12'
SOURCE = re.compile(r'(?:^|/)(kmod/(?:compat/)?\w+\.[ch])$')


def objects(counts):
    """Each file of counts, with the object that it is of."""
    for folder, _, names in os.walk(counts):
        for name in sorted(names):
            if name.endswith('.gcda'):
                path = os.path.join(folder, name)
                yield path, '/' + os.path.relpath(path, counts)


def gcov(path, notes):
    """What gcov says of one file of counts, beside which it wants the notes."""
    link = path[:-len('gcda')] + 'gcno'
    if os.path.lexists(link):
        os.remove(link)
    os.symlink(notes, link)
    said = subprocess.run([GCOV, '--json-format', '--stdout', path], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    return [json.loads(line) for line in said.splitlines() if line]


def collect(counts, folder):
    """{file: {line: how often it ran}}; lines of headers are in many objects."""
    lines = {}
    for path, where in objects(counts):
        notes = where[:-len('gcda')] + 'gcno'
        if not notes.startswith(folder + '/') or not os.path.exists(notes):
            raise SystemExit('%s: not of the module in %s' % (where, folder))
        for said in gcov(path, notes):
            for file in said['files']:
                found = SOURCE.search(file['file'])
                if not found:
                    continue
                of = lines.setdefault(found[1], {})
                for line in file['lines']:
                    number = line['line_number']
                    of[number] = of.get(number, 0) + line['count']
    return lines


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def show_table(lines):
    print('# %-28s %6s %6s %7s' % ('file', 'lines', 'ran', ''))
    for name in sorted(lines):
        ran = sum(1 for count in lines[name].values() if count)
        print('# %-28s %6d %6d %6.1f%%' % (name, len(lines[name]), ran,
                                          percent(ran, len(lines[name]))))


def show_missing(lines):
    for name in sorted(lines):
        missing = sorted(n for n, count in lines[name].items() if not count)
        if not missing:
            continue
        with open(name, encoding='utf-8') as file:
            text = file.read().split('\n')
        for number in missing:
            print('# %s:%d: %s' % (name, number, text[number - 1].strip()))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('--min', type=float, default=95)
    parser.add_argument('--objects', required=True)
    parser.add_argument('counts')
    args = parser.parse_args()
    lines = collect(args.counts, os.path.realpath(args.objects))
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
    show_table(lines)
    print('#\n# lines that did not run:')
    show_missing(lines)
    total = sum(len(of) for of in lines.values())
    ran = sum(1 for of in lines.values() for count in of.values() if count)
    good = total and percent(ran, total) >= args.min
    print('#\n1..1\n%s 1 coverage: %d of %d lines of %d files ran, %.1f%%' % (
        'ok' if good else 'not ok', ran, total, len(lines), percent(ran, total)))
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
