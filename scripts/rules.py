#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Usage: rules.py functions|conditionals|spdx|scripts

What scripts/lint asks about the text of the files of the tree that is the current
folder. Prints what is wrong, as FILE:LINE: TEXT, and fails if anything is.
"scripts" lists the shell scripts instead.
"""

import os
import re
import statistics
import subprocess
import sys

FUNCTION_LINES = 60

# The licence of each folder; the longest name that fits counts.
LICENCES = {
    '': 'GPL-2.0',
    'README.md': 'MIT OR Apache-2.0',
    'uapi/': '((GPL-2.0 WITH Linux-syscall-note) OR MIT)',
    'userlib/': 'MIT OR Apache-2.0',
}


def tree():
    """All files that are part of the project, or would be if they were added."""
    if os.path.exists('.git'):
        out = subprocess.run(
            ['git', '-c', 'safe.directory=*', 'ls-files', '-co',
             '--exclude-standard', '-z'],
            check=True, stdout=subprocess.PIPE).stdout.decode()
        return sorted(f for f in out.split('\0') if os.path.isfile(f))
    files = []
    for path, dirs, names in os.walk('.'):
        dirs[:] = [d for d in dirs if d not in ('.git', '.cache', 'build')]
        files += [os.path.relpath(os.path.join(path, n)) for n in names]
    return sorted(files)


def read(name):
    with open(name, encoding='utf-8', errors='replace') as file:
        return file.read()


def kernel_sources(suffixes):
    return [f for f in tree() if f.startswith('kmod/') and f.endswith(suffixes)]


# --- Functions ---

def functions_of(name):
    """(name, first line, number of lines) of each, from its braces."""
    lines = read(name).split('\n')
    start = None
    for i, line in enumerate(lines):
        if line == '{':
            start = i
        elif line == '}' and start is not None:
            yield function_name(lines, start), start + 1, i - start + 1
            start = None


def function_name(lines, brace):
    """The last word before the parameters, which may go over several lines."""
    head = ''
    while brace and lines[brace - 1] and lines[brace - 1][-1] not in ';}/':
        brace -= 1
        head = lines[brace] + ' ' + head
        found = re.match(r'\w[\w\s*]*?\b(\w+)\(', head)
        if found:
            return found[1]
    return '?'


def functions():
    lengths = []
    for name in kernel_sources(('.c', '.h')):
        for function, line, length in functions_of(name):
            lengths.append(length)
            if length > FUNCTION_LINES:
                yield '%s:%d: %s() has %d lines, more than %d' % (
                    name, line, function, length, FUNCTION_LINES)
    if not lengths:
        yield 'kmod: there is no function'
        return
    print('# %d functions: median %d lines, longest %d' % (
        len(lengths), statistics.median(lengths), max(lengths)))


# --- Conditionals ---

def conditionals():
    for name in kernel_sources('.c'):
        if name.startswith('kmod/compat/'):
            continue
        for i, line in enumerate(read(name).split('\n')):
            if re.match(r'\s*#\s*(if|ifdef|ifndef|elif|else)\b', line):
                yield '%s:%d: %s: only kmod/compat has these' % (
                    name, i + 1, line.strip())


# --- Licences ---

def licence_of(name):
    return LICENCES[max((p for p in LICENCES if name.startswith(p)), key=len)]


def spdx():
    for name in tree():
        # Litmus tests have theirs inside of a comment.
        head = read(name).split('\n')[:6]
        said = [re.search(r'SPDX-License-Identifier: (.*?)(?: ?\*/| ?-->)?$', l)
                for l in head]
        said = [m[1] for m in said if m]
        if not said:
            yield '%s:1: no SPDX-License-Identifier' % name
        elif said != [licence_of(name)]:
            yield '%s:1: %s, and it should be %s' % (name, said[0],
                                                     licence_of(name))


# --- Scripts ---

def scripts():
    for name in tree():
        if re.match(r'#!.*\b(ba|da)?sh\b', read(name).split('\n')[0]) or \
           name.endswith('.sh'):
            print(name)
    return ()


RULES = {r.__name__: r for r in (functions, conditionals, spdx, scripts)}


def main(args):
    if len(args) != 1 or args[0] not in RULES:
        print(__doc__, file=sys.stderr)
        return 125
    wrong = list(RULES[args[0]]())
    for text in wrong:
        print(text)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
