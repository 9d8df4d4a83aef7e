#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Usage: lkmm_test.py [DIR...]

Checks lkmm.py against litmus tests whose results are known: the classic ones, with
and without barriers, and then those of the kernel's in each DIR, as far as they
need nothing that it does not know (locks, plain accesses). Output is TAP.
"""

import os
import re
import sys

import lkmm

MB, RMB, WMB = 'smp_mb()', 'smp_rmb()', 'smp_wmb()'


def w(loc, value=1):
    return 'WRITE_ONCE(*%s, %s)' % (loc, value)


def rel(loc, value=1):
    return 'smp_store_release(%s, %s)' % (loc, value)


def r(reg, loc):
    return 'r%d = READ_ONCE(*%s)' % (reg, loc)


def acq(reg, loc):
    return 'r%d = smp_load_acquire(%s)' % (reg, loc)


def ctrl(reg, loc):
    return 'if (r%d) WRITE_ONCE(*%s, 1)' % (reg, loc)


SB = '0:r0=0 /\\ 1:r0=0'
MP = '1:r0=1 /\\ 1:r1=0'
LB = '0:r0=1 /\\ 1:r0=1'
WRC = '1:r0=1 /\\ 2:r0=1 /\\ 2:r1=0'
IRIW = '1:r0=1 /\\ 1:r1=0 /\\ 3:r0=1 /\\ 3:r1=0'
RCU = '0:r0=1 /\\ 0:r1=0'
LOCK, UNLOCK, SYNC = 'rcu_read_lock()', 'rcu_read_unlock()', 'synchronize_rcu()'

# Name, threads, exists, result.
CLASSICS = [
    ('SB', [[w('x'), r(0, 'y')], [w('y'), r(0, 'x')]], SB, 'Sometimes'),
    ('SB+mb+po', [[w('x'), MB, r(0, 'y')], [w('y'), r(0, 'x')]], SB,
     'Sometimes'),
    ('SB+mbs', [[w('x'), MB, r(0, 'y')], [w('y'), MB, r(0, 'x')]], SB,
     'Never'),
    ('SB+wmb+rmb', [[w('x'), WMB, r(0, 'y')], [w('y'), RMB, r(0, 'x')]], SB,
     'Sometimes'),
    ('SB+rel-acq', [[rel('x'), acq(0, 'y')], [rel('y'), acq(0, 'x')]], SB,
     'Sometimes'),
    ('SB+xchg', [['r1 = xchg(x, 1)', r(0, 'y')],
                 ['r1 = xchg(y, 1)', r(0, 'x')]], SB, 'Never'),
    ('SB+xchg-release', [['r1 = xchg_release(x, 1)', r(0, 'y')],
                         ['r1 = xchg_release(y, 1)', r(0, 'x')]], SB,
     'Sometimes'),
    ('SB+atomic-inc', [['atomic_inc(x)', r(0, 'y')],
                       ['atomic_inc(y)', r(0, 'x')]], SB, 'Sometimes'),
    ('SB+after-atomic', [['atomic_inc(x)', 'smp_mb__after_atomic()',
                          r(0, 'y')],
                         ['atomic_inc(y)', 'smp_mb__after_atomic()',
                          r(0, 'x')]], SB, 'Never'),
    ('SB+store-mb', [['smp_store_mb(*x, 1)', r(0, 'y')],
                     ['smp_store_mb(*y, 1)', r(0, 'x')]], SB, 'Never'),
    ('MP', [[w('x'), w('y')], [r(0, 'y'), r(1, 'x')]], MP, 'Sometimes'),
    ('MP+wmb+po', [[w('x'), WMB, w('y')], [r(0, 'y'), r(1, 'x')]], MP,
     'Sometimes'),
    ('MP+po+rmb', [[w('x'), w('y')], [r(0, 'y'), RMB, r(1, 'x')]], MP,
     'Sometimes'),
    ('MP+wmb+rmb', [[w('x'), WMB, w('y')], [r(0, 'y'), RMB, r(1, 'x')]], MP,
     'Never'),
    ('MP+rel+acq', [[w('x'), rel('y')], [acq(0, 'y'), r(1, 'x')]], MP,
     'Never'),
    ('MP+rel+po', [[w('x'), rel('y')], [r(0, 'y'), r(1, 'x')]], MP,
     'Sometimes'),
    ('MP+rel-sequence', [[w('x'), rel('y')], ['atomic_inc(y)'],
                         [acq(0, 'y'), r(1, 'x')]],
     '2:r0=2 /\\ 2:r1=0', 'Never'),
    ('MP+no-rel-sequence', [[w('x'), rel('y'), w('y', 2)],
                            [acq(0, 'y'), r(1, 'x')]],
     '1:r0=2 /\\ 1:r1=0', 'Sometimes'),
    ('MP+failed-cmpxchg', [[w('x'), rel('y')],
                           ['r0 = cmpxchg(y, 5, 6)', r(1, 'x')]], MP,
     'Sometimes'),
    ('MP+cmpxchg', [[w('x'), rel('y')],
                    ['r0 = cmpxchg(y, 1, 6)', r(1, 'x')]], MP, 'Never'),
    ('MP+cmpxchg-relaxed', [[w('x'), rel('y')],
                            ['r0 = cmpxchg_relaxed(y, 1, 6)', r(1, 'x')]],
     MP, 'Sometimes'),
    ('LB', [[r(0, 'x'), w('y')], [r(0, 'y'), w('x')]], LB, 'Sometimes'),
    ('LB+ctrl+po', [[r(0, 'x'), ctrl(0, 'y')], [r(0, 'y'), w('x')]], LB,
     'Sometimes'),
    ('LB+ctrls', [[r(0, 'x'), ctrl(0, 'y')], [r(0, 'y'), ctrl(0, 'x')]], LB,
     'Never'),
    ('LB+data', [[r(0, 'x'), w('y', 'r0')], [r(0, 'y'), w('x', 'r0')]], LB,
     'Never'),
    ('LB+acq+rel', [[acq(0, 'x'), w('y')], [r(0, 'y'), rel('x')]], LB,
     'Never'),
    ('IRIW', [[w('x')], [r(0, 'x'), r(1, 'y')], [w('y')],
              [r(0, 'y'), r(1, 'x')]], IRIW, 'Sometimes'),
    ('IRIW+acqs', [[w('x')], [acq(0, 'x'), r(1, 'y')], [w('y')],
                   [acq(0, 'y'), r(1, 'x')]], IRIW, 'Sometimes'),
    ('IRIW+mbs', [[w('x')], [r(0, 'x'), MB, r(1, 'y')], [w('y')],
                  [r(0, 'y'), MB, r(1, 'x')]], IRIW, 'Never'),
    ('WRC', [[w('x')], [r(0, 'x'), w('y')], [r(0, 'y'), r(1, 'x')]], WRC,
     'Sometimes'),
    ('WRC+rel+rmb', [[w('x')], [r(0, 'x'), rel('y')],
                     [r(0, 'y'), RMB, r(1, 'x')]], WRC, 'Never'),
    ('WRC+data+rmb', [[w('x')], [r(0, 'x'), w('y', 'r0')],
                      [r(0, 'y'), RMB, r(1, 'x')]], WRC, 'Sometimes'),
    ('R', [[w('x'), w('y')], [w('y', 2), r(0, 'x')]], 'y=2 /\\ 1:r0=0',
     'Sometimes'),
    ('R+mbs', [[w('x'), MB, w('y')], [w('y', 2), MB, r(0, 'x')]],
     'y=2 /\\ 1:r0=0', 'Never'),
    ('R+rel+mb', [[w('x'), rel('y')], [w('y', 2), MB, r(0, 'x')]],
     'y=2 /\\ 1:r0=0', 'Sometimes'),
    ('S', [[w('x', 2), w('y')], [r(0, 'y'), w('x')]], 'x=2 /\\ 1:r0=1',
     'Sometimes'),
    ('S+wmb+acq', [[w('x', 2), WMB, w('y')], [acq(0, 'y'), w('x')]],
     'x=2 /\\ 1:r0=1', 'Never'),
    ('S+wmb+data', [[w('x', 2), WMB, w('y')],
                    [r(0, 'y'), w('x', 'r0')]], 'x=2 /\\ 1:r0=1', 'Never'),
    ('2+2W', [[w('x', 2), w('y')], [w('y', 2), w('x')]], 'x=2 /\\ y=2',
     'Sometimes'),
    ('2+2W+rels', [[w('x', 2), rel('y')], [w('y', 2), rel('x')]],
     'x=2 /\\ y=2', 'Sometimes'),
    ('2+2W+mbs', [[w('x', 2), MB, w('y')], [w('y', 2), MB, w('x')]],
     'x=2 /\\ y=2', 'Never'),
    ('CoRR', [[w('x')], [r(0, 'x'), r(1, 'x')]], MP, 'Never'),
    ('CoWW', [[w('x'), w('x', 2)]] + [[r(0, 'x')]], 'x=1', 'Never'),
    ('Atomicity', [['atomic_inc(x)'], ['atomic_inc(x)']], 'x=1', 'Never'),
    ('Atomicity-all', [['atomic_inc(x)'], ['atomic_inc(x)']], 'x=2',
     'Always'),
    ('Lost-update', [['r0 = READ_ONCE(*x)', w('x', 'r0 + 1')],
                     ['r0 = READ_ONCE(*x)', w('x', 'r0 + 1')]], 'x=1',
     'Sometimes'),
    ('Cmpxchg-one-wins', [['r0 = cmpxchg(x, 0, 1)'],
                          ['r0 = cmpxchg(x, 0, 2)']],
     '0:r0=0 /\\ 1:r0=0', 'Never'),
    ('RCU+sync', [[LOCK, r(0, 'x'), r(1, 'y'), UNLOCK],
                  [w('y'), SYNC, w('x')]], RCU, 'Never'),
    ('RCU+no-sync', [[LOCK, r(0, 'x'), r(1, 'y'), UNLOCK],
                     [w('y'), WMB, w('x')]], RCU, 'Sometimes'),
    ('RCU+no-section', [[r(0, 'x'), r(1, 'y')], [w('y'), SYNC, w('x')]], RCU,
     'Sometimes'),
]


def program(name, threads, exists):
    text = 'C %s\n\n{}\n' % name
    for i, body in enumerate(threads):
        text += '\nP%d(int *x, int *y)\n{\n\tint r0;\n' % i
        text += ''.join('\t%s;\n' % line for line in body) + '}\n'
    return text + '\nexists (%s)\n' % exists


class Tap:
    def __init__(self):
        self.number = self.failed = 0

    def result(self, good, name, more=''):
        self.number += 1
        self.failed += not good
        print('%sok %d lkmm: %s%s' % ('' if good else 'not ', self.number,
                                      name, more))


def classics(tap):
    for name, threads, exists, want in CLASSICS:
        _, result = lkmm.evaluate(program(name, threads, exists))
        tap.result(result.word() == want, '%s: %s' % (name, want),
                   '' if result.word() == want else ', not ' + result.word())


def refused(tap):
    """What it does not know it does not pass over."""
    for name, body in (('a plain load', 'r0 = *x'), ('a lock', 'spin_lock(x)'),
                       ('no such primitive', 'smp_mbb()')):
        try:
            lkmm.evaluate(program('Refused', [[body], [w('x')]], '0:r0=0'))
            tap.result(False, 'refuses ' + name)
        except lkmm.Error:
            tap.result(True, 'refuses ' + name)


# Of message passing with a barrier too many: what it says, and whether it is so.
NEEDS = [
    (['P0 smp_store_release', 'P1 smp_load_acquire'], True),
    (['P0 smp_store_release'], False),
    (['P0 smp_store_release', 'P1 smp_load_acquire', 'P1 smp_rmb'], False),
    (['P0 smp_store_release', 'P1 smp_load_acquire', 'P1 smp_wmb'], None),
    (['P0 smp_store_release + P1 smp_load_acquire'], False),
    ([], False),
]
NEEDS_TWO = [
    (['P0 smp_wmb + P0 smp_store_release', 'P1 smp_load_acquire'], True),
    (['P1 smp_load_acquire'], True),
    (['P0 smp_wmb', 'P1 smp_load_acquire'], False),
]


def needs(tap):
    """What a test says of the barriers that it needs is checked."""
    for tests, threads in ((NEEDS, [[w('x'), rel('y')],
                                    [acq(0, 'y'), r(1, 'x'), RMB]]),
                           (NEEDS_TWO, [[w('x'), WMB, rel('y')],
                                        [acq(0, 'y'), r(1, 'x')]])):
        for lines, want in tests:
            said = ''.join(' * Needs: %s\n' % line for line in lines)
            text = program('Needs', threads, MP).replace(
                '\n\n{}', '\n\n(*\n%s *)\n\n{}' % said, 1)
            try:
                said, found = lkmm.needed(text)
                got = said == found
            except lkmm.Error:
                got = None
            tap.result(got == want, 'needs: %s: %s' % (
                lkmm.names_of(frozenset([line]) for line in lines), want))


def others(tap, folder):
    for path, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if not name.endswith('.litmus'):
                continue
            with open(os.path.join(path, name), encoding='utf-8') as file:
                text = file.read()
            want = re.search(r'Result: (\w+)', text)
            try:
                got = lkmm.evaluate(text)[1].word()
            except lkmm.Error as error:
                tap.result(True, name, ' # SKIP %s' % error)
                continue
            tap.result(want and got == want[1], '%s: %s' % (name, got))


def main(folders):
    tap = Tap()
    print('TAP version 13')
    classics(tap)
    refused(tap)
    needs(tap)
    for folder in folders:
        others(tap, folder)
    print('1..%d' % tap.number)
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
