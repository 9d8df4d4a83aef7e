#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Usage: rules.py functions|conditionals|spdx|copyright|versions|barriers|commands|comments|errnos|scripts

What scripts/lint asks about the text of the files of the tree that is the current
folder. Prints what is wrong, as FILE:LINE: TEXT, and fails if anything is.
"scripts" lists the shell scripts instead.
"""

import fnmatch
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


# What has no room for a comment; debian/copyright tells of these.
NO_COMMENTS = {'debian/changelog', 'debian/source/format'}

# What debian/copyright calls them.
DEBIAN_NAMES = {
    'GPL-2.0': 'GPL-2',
    '((GPL-2.0 WITH Linux-syscall-note) OR MIT)':
        'GPL-2 with Linux-syscall-note exception or Expat',
    'MIT OR Apache-2.0': 'Expat or Apache-2.0',
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

def functions_of(name, text=None):
    """(name, first line, number of lines) of each, from its braces."""
    lines = (text or read(name)).split('\n')
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
        if name in NO_COMMENTS:
            continue
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


COPYRIGHT = 'debian/copyright'
STANZA = re.compile(r'^Files: (.*(?:\n .*)*)\n(?:Copyright: .*\n)License: (.*)$',
                    re.M)


def copyright():
    """debian/copyright says of each file what its licence is; the last one that
    fits counts."""
    text = read(COPYRIGHT)
    stanzas = [(m[1].split(), m[2]) for m in STANZA.finditer(text)]
    texts = set(re.findall(r'^License: (.*)\n ', text, re.M))
    for name in tree():
        said = [licence for patterns, licence in stanzas
                if any(fnmatch.fnmatchcase(name, p) for p in patterns)]
        if not said:
            yield '%s: %s does not tell of it' % (name, COPYRIGHT)
        elif said[-1] != DEBIAN_NAMES[licence_of(name)]:
            yield '%s: %s, and %s says %s' % (
                name, DEBIAN_NAMES[licence_of(name)], COPYRIGHT, said[-1])
    for licence in {l for _, said in stanzas for l in said.split(' or ')} - texts:
        yield '%s: there is no text of %s' % (COPYRIGHT, licence)


# --- Versions ---

VERSIONS = (
    ('dkms.conf', r'^PACKAGE_VERSION="(.*)"', '.'),
    ('debian/changelog', r'\Ampmc \((.*?)\)', '.'),
    ('userlib/man/mpmc.4', r'^\.TH .* "libmpmc (.*?)"', None),
    ('userlib/man/mpmc.7', r'^\.TH .* "libmpmc (.*?)"', None),
    ('userlib/libmpmc.map', r'^LIBMPMC_(.*) \{$', None),
)


def versions():
    """One version everywhere, the library's; where it has two numbers, they are the
    first two."""
    version = re.search(r'^VERSION = (.*)$', read('userlib/Makefile'), re.M)[1]
    for name, pattern, whole in VERSIONS:
        said = re.findall(pattern, read(name), re.M)
        should = version if whole else version.rsplit('.', 1)[0]
        if not said or said[-1] != should:
            yield '%s: %s, and it should be %s, as in userlib/Makefile' % (
                name, said[-1] if said else 'no version', should)


# --- Barriers ---

TABLE = 'Documentation/barriers.rst'
LITMUS = 'selftests/model/litmus/'
MODELS = 'selftests/model/'

# What orders something: of an operation that returns something, it being fully
# ordered; of the library, what is not relaxed.
BARRIER = re.compile(r"""\b(?:
    ((?:smp_|dma_|virt_)?[rw]?mb|
    smp_mb__(?:before|after)_\w+|smp_store_mb|smp_call_function\w*|
    smp_(?:load_acquire|store_release|acquire__after_ctrl_dep)|
    (?:smp|atomic(?:64|_long)?)_cond_(?:load|read)_\w+|
    (?:atomic(?:64|_long)?_)?(?:try_)?(?:cmp)?xchg(?:64)?(?:_acquire|_release)?|
    atomic(?:64|_long)?_\w+_(?:acquire|release)|
    atomic(?:64|_long)?_fetch_(?:add|sub|inc|dec|and|or|xor|andnot)|
    atomic(?:64|_long)?_(?:add|sub|inc|dec)_return|
    atomic(?:64|_long)?_(?:(?:inc|dec|sub)_and_test|add_negative|add_unless|
      inc_not_zero|dec_if_positive)|
    refcount_(?:dec|sub)_and_\w+|refcount_\w+_not_zero|
    test_and_(?:set|clear|change)_bit(?:_lock)?|clear_bit_unlock|
    rcu_dereference\w*|rcu_assign_pointer|rcu_replace_pointer|h?list_\w+_rcu|
    rcu_barrier|synchronize_rcu\w*|call_rcu|kv?free_rcu|queue_rcu_work|
    prepare_to_wait\w*|wait_(?:var_)?event\w*|set_current_state|
    wq_has_sleeper|__atomic_thread_fence)\(|
    (__atomic_(?!signal)\w+)\([^;]*__ATOMIC_(?:ACQUIRE|RELEASE|ACQ_REL|SEQ_CST))""",
                     re.X)

COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"', re.S)


def without_comments(text):
    """Lines stay where they are."""
    return COMMENT.sub(lambda m: re.sub(r'[^\n]', ' ', m[0]), text)


def barriers_of(name):
    """(function, barrier) of each; the lines are those between its braces."""
    text = without_comments(read(name))
    found = []
    for function, line, length in functions_of(name, text):
        body = '\n'.join(text.split('\n')[line - 1:line - 1 + length])
        found += [(function, m[1] or m[2]) for m in BARRIER.finditer(body)]
    if len(found) != len(BARRIER.findall(text)):
        raise SystemExit('%s: a barrier outside of any function' % name)
    return found


def count(keys):
    out = {}
    for key in keys:
        out[key] = out.get(key, 0) + 1
    return out


def barriers_there():
    return count((name, function, kind) for name in tree()
                 if re.match(r'(kmod(/compat)?|userlib)/[^/]*\.[ch]$', name)
                 for function, kind in barriers_of(name))


ENTRY = re.compile(r'^\* (also )?``([\w./]+):(\w+)\(\)`` ``(\w+)``(?: x(\d+))?:',
                   re.M)
HEADING = re.compile(r'^(\S.*)\n(?:-+|=+)$', re.M)
# In a litmus test: which of its threads does as a barrier of the source does.
LIKE = re.compile(r'^ \* Like: (P\d+) ([\w./]+):(\w+)\(\) (\w+)$', re.M)
NOT_ORDERED = 'No order'
# What there is no other way to do, so that it may be there without ordering anything.
ALONE = re.compile(r"""(?:atomic(?:64|_long)?_(?!cond)\w+|(?:try_)?(?:cmp)?xchg(?:64)?|
    test_and_(?:set|clear|change)_bit|synchronize_rcu)$(?<!_acquire)(?<!_release)""",
                   re.X)


def key_of(name, function, kind):
    return (name if name.startswith('userlib/') else 'kmod/' + name, function, kind)


def text_of(key):
    return '%s() of %s: %s' % (key[1], key[0], key[2])


def sections(name):
    """(heading, line, text) of each section of a document."""
    text = read(name)
    marks = list(HEADING.finditer(text)) or [re.match('', text)]
    for mark, end in zip(marks, [m.start() for m in marks[1:]] + [len(text)]):
        yield mark[0].split('\n')[0], text[:mark.start()].count('\n') + 1, \
            text[mark.end():end]


def entries_of(text):
    """(key, how often it counts) of each entry of a section."""
    for also, name, function, kind, times in ENTRY.findall(text):
        yield key_of(name, function, kind), 0 if also else int(times or 1)


def tests_of(text):
    """The litmus tests and models that a section names, by their files."""
    for what, folder, suffix in (('Litmus', LITMUS, '.litmus'),
                                 ('Models', MODELS, '.pml')):
        said = re.search(r'^%s: (.*?)(?:\n\n|\nModels:|\Z)' % what, text,
                         re.M | re.S)
        for name in re.findall(r'``([\w-]+)``', said[1] if said else ''):
            yield folder + name + suffix


def likes_of(test):
    """What a litmus test says that its threads are like; models say nothing."""
    return {key_of(*m.groups()[1:]) for m in LIKE.finditer(read(test))}


def unread_likes(text):
    """Lines that look like one of these, and are none, or of no thread there is."""
    for line in re.findall(r'^ \* (Like.*)$', text, re.M):
        like = LIKE.match(' * ' + line)
        if not like or '\n%s(' % like[1] not in text:
            yield line


def section_problems(heading, text):
    """What is wrong with a section, as such."""
    tests = set(tests_of(text))
    gone = {t for t in tests if not os.path.exists(t)}
    entries = {key for key, _ in entries_of(text)}
    likes = set().union(*map(likes_of, tests - gone))
    for test in sorted(gone):
        yield 'there is no %s' % test
    if text.count('\n* ') != len(ENTRY.findall(text)):
        yield 'an entry that cannot be read'
    if heading == NOT_ORDERED:
        for key in sorted(k for k in entries if not ALONE.match(k[2])):
            yield '%s: that is there to order something' % text_of(key)
    elif entries and not tests:
        yield 'nothing tests it'
    elif not gone:
        for key in sorted(entries - likes):
            yield '%s: no litmus test is like it' % text_of(key)


def test_problems(tested):
    """What is wrong with the litmus tests and models; tested: keys by test."""
    for name in tree():
        if not re.match(r'%s.*\.litmus$|%s[^/]*\.pml$' % (LITMUS, MODELS), name) or \
           name.endswith('/common.pml'):
            continue
        if name not in tested:
            yield '%s: %s does not name it' % (name, TABLE)
            continue
        for key in sorted(likes_of(name) - tested[name]):
            yield '%s: like %s, and no section that names it has that' % (
                name, text_of(key))
        for line in unread_likes(read(name)):
            yield '%s: %s: it cannot be read, or there is no such thread' % (name,
                                                                           line)


def barriers():
    there, said, tested = barriers_there(), {}, {}
    for heading, line, text in sections(TABLE):
        for problem in section_problems(heading, text):
            yield '%s:%d: %s: %s' % (TABLE, line, heading, problem)
        for key, times in entries_of(text):
            said[key] = said.get(key, 0) + times
            if key not in there:
                yield '%s:%d: %s: there is no %s in %s() of %s' % (
                    TABLE, line, heading, key[2], key[1], key[0])
        for test in tests_of(text):
            tested.setdefault(test, set()).update(k for k, _ in entries_of(text))
    for key, times in sorted(there.items()):
        if said.get(key, 0) != times:
            yield '%s: %s() has %d %s, and %s says %d' % (
                key[0], key[1], times, key[2], TABLE, said.get(key, 0))
    yield from test_problems(tested)
    print('# %d barriers in %d functions' % (
        sum(there.values()), len({key[:2] for key in there})))


# --- Commands ---

# What others are made of, and what "make" alone does.
INNER = {'all', 'help', 'native', 'deps', 'deps-debug', 'tests', 'examples'}


def commands():
    """What make is said to do it does, and what it does, help says."""
    makefile = read('Makefile')
    targets = set(re.search(r'^\.PHONY: ((?:.*\\\n)*.*)', makefile,
                            re.M)[1].replace('\\', ' ').split())
    helped = set(re.findall(r"(?:'  make |; )([a-z][\w-]+)", makefile))
    helped |= set(re.findall(r'; (\w+): and', makefile))
    for target in sorted(targets - helped - INNER):
        yield 'Makefile: make help does not tell of %s' % target
    for target in sorted(targets):
        if not re.search(r'^%s:' % target, makefile, re.M):
            yield 'Makefile: %s is .PHONY, and nothing makes it' % target
    for name in tree():
        if name not in ('Makefile', 'README.md') and \
           not re.match(r'Documentation/.*\.rst$', name):
            continue
        for i, line in enumerate(read(name).split('\n')):
            for said in re.findall(r"(?:``|`|'  |^ {4})make ([a-z][\w-]+)", line):
                if said not in targets:
                    yield '%s:%d: make %s: there is no such target' % (
                        name, i + 1, said)


# --- Comments of functions ---

def head_of(lines, brace):
    """(the line that it begins at, all of it) of the function with this brace."""
    first = brace
    while first and lines[first - 1] and lines[first - 1][-1] not in ';}/':
        first -= 1
    return first, ' '.join(lines[first:brace])


def comment_above(lines, end):
    """The comment that ends just above a line, or nothing."""
    first = end
    while first and lines[first - 1].startswith((' *', '/*')):
        first -= 1
        if lines[first].startswith('/*'):
            return '\n'.join(lines[first:end])
    return ''


def comments():
    """That kernel-doc is there. scripts/kernel-doc knows whether it is complete."""
    count = 0
    for name in kernel_sources(('.c', '.h')):
        # Those of compat are stand-ins for others, and what is never called.
        if re.match(r'kmod/compat/.*\.c$', name):
            continue
        lines = read(name).split('\n')
        for function, line, _ in functions_of(name):
            first, head = head_of(lines, line - 1)
            if head.startswith('static '):
                continue
            count += 1
            comment = comment_above(lines, first)
            if not comment.startswith('/**\n * %s() - ' % function):
                yield '%s:%d: %s() has no kernel-doc' % (name, first + 1,
                                                         function)
            elif '\n * Context: ' not in comment:
                yield '%s:%d: %s() has no Context: may it sleep?' % (
                    name, first + 1, function)
    print('# %d functions that others call' % count)


# --- Errnos ---

HEADER = 'uapi/linux/mpmc.h'
REFERENCE = 'Documentation/mpmc.rst'
ERRNO = re.compile(r'\bE[A-Z0-9]{2,}\b')
COMMAND = re.compile(r'\bMPMC_IOC_\w+')


def errnos_of(text, known):
    """Those that a text names, and those of the command that it refers to."""
    found = set(ERRNO.findall(text))
    for other in re.findall(r'\b(?:all|errors)\s+of\s+`*(MPMC_IOC_\w+)', text):
        found |= known[other]
    return found


def errnos_declared():
    """By command, what the comment of its structure says; its vocabulary."""
    text, found = read(HEADER), {}
    for comment in re.findall(r'^/\*\*\n \* struct .*?\*/', text, re.M | re.S):
        comment = re.sub(r'^ \*', '', comment, flags=re.M)
        errnos = errnos_of(comment, found)
        for command in re.findall(r'\bioctl\((\w+)\)', comment):
            found[command] = errnos
    return found, set(re.findall(r'^ \*  - (E\w+): ', text, re.M))


def errnos_documented():
    """By command, what its section says; and those that any may give."""
    found, rules = {}, set()
    for heading, _, text in sections(REFERENCE):
        if heading == 'Rules of the interface':
            rules = errnos_of(text, found)
        for command in COMMAND.findall(heading):
            found[command] = errnos_of(text, found)
    return found, rules


def errnos():
    """The header and the reference name the same ones for each command; both are
    free to repeat those of all. userlib/tests/run compares their vocabularies."""
    declared, vocabulary = errnos_declared()
    documented, rules = errnos_documented()
    for command in sorted(set(declared) | set(documented)):
        one = declared.get(command, set())
        other = documented.get(command, set())
        for name in sorted((one ^ other) - rules):
            yield '%s: %s: %s, and %s does not say so' % (
                (HEADER, command, name, REFERENCE) if name in one else
                (REFERENCE, command, name, HEADER))
        for name in sorted((one | other) - vocabulary):
            yield '%s: %s: %s is not in its vocabulary' % (HEADER, command, name)
    print('# %d commands' % len(declared))


# --- Scripts ---

def scripts():
    for name in tree():
        if re.match(r'#!.*\b(ba|da)?sh\b', read(name).split('\n')[0]) or \
           name.endswith('.sh'):
            print(name)
    return ()


RULES = {r.__name__: r for r in (functions, conditionals, spdx, copyright, versions,
                                barriers, commands, comments, errnos,
                                scripts)}


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
