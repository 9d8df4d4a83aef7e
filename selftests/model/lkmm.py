#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Usage: lkmm.py FILE.litmus...
       lkmm.py --barriers FILE.litmus...

Evaluates litmus tests in the kernel's format under the kernel's memory model, as
herd7 does with tools/memory-model: enumerates all executions, keeps those that the
model allows, and says whether what "exists" asks for happens Never, Sometimes or
Always. Prints for each test

	NAME RESULT: SATISFYING of ALLOWED allowed executions (CANDIDATES candidates)

--barriers evaluates tests whose result is Never once more for each barrier in them,
without that one: a fence is gone; an acquire, a release or a fully ordered operation
is relaxed. Those without which it happens must be those that the test says it needs:

	 * Needs: P0 smp_mb
	 * Needs: P1 smp_load_acquire 2
	 * Needs: P1 atomic_fetch_inc + P1 atomic_fetch_add

the second one of these, and one of both, each of which is enough. Prints a line for
each test, and fails if that is not so.

This is an implementation of its own, of what tools/memory-model/linux-kernel.cat
says: coherence, atomicity, happens-before, propagation and RCU. It knows marked
accesses alone, no plain ones and so no data races; no locks and no SRCU; of C, what
litmus tests need: int and pointer registers, if, and the primitives of
linux-kernel.def. lkmm_test.py checks it against tests whose results are known.
"""

import itertools
import re
import sys

# --- Reading tests ---

TOKEN = re.compile(r"""\s*(?:(\d+)|([A-Za-z_]\w*)|
    (==|!=|<=|>=|&&|\|\||/\\|\\/|[-+*&|^!~<>=(){},;:\[\]]))""", re.X)


class Error(Exception):
    pass


def without_comments(text):
    """In a thread's body, "(*" is no comment."""
    text = re.sub(r'/\*.*?\*/', ' ', text, flags=re.S)
    text = re.sub(r'//[^\n]*', ' ', text)
    out, at = '', 0
    for m in re.finditer(r'\(\*|[{}]', text):
        if m.start() < at:
            continue
        out += text[at:m.start()]
        at = m.start()
        if m[0] == '(*' and out.count('{') == out.count('}'):
            end = text.find('*)', at)
            at = end + 2 if end >= 0 else len(text)
            out += ' '
    return out + text[at:]


def tokens(text):
    text = without_comments(text)
    at, out = 0, []
    while text[at:].strip():
        m = TOKEN.match(text, at)
        if not m:
            raise Error('cannot read: ' + text[at:at + 20].strip())
        out.append(int(m[1]) if m[1] else m[2] or m[3])
        at = m.end()
    return out


class Parser:
    """Recursive descent; makes tuples."""

    def __init__(self, toks):
        self.toks, self.at = toks, 0

    def peek(self, ahead=0):
        i = self.at + ahead
        return self.toks[i] if i < len(self.toks) else None

    def next(self):
        self.at += 1
        return self.toks[self.at - 1] if self.at <= len(self.toks) else None

    def expect(self, tok):
        got = self.next()
        if got != tok:
            raise Error('%s expected, there is %s' % (tok, got))

    def accept(self, tok):
        if self.peek() == tok:
            self.at += 1
            return True
        return False

    LEVELS = [['||'], ['&&'], ['|'], ['^'], ['&'], ['==', '!='],
              ['<', '>', '<=', '>='], ['+', '-']]

    def expression(self, level=0):
        if level == len(self.LEVELS):
            return self.unary()
        left = self.expression(level + 1)
        while self.peek() in self.LEVELS[level]:
            op = self.next()
            left = ('binary', op, left, self.expression(level + 1))
        return left

    def unary(self):
        tok = self.next()
        if tok in ('!', '-', '~', '*', '&'):
            return ('unary', tok, self.unary())
        if tok == '(':
            inner = self.expression()
            self.expect(')')
            return inner
        if isinstance(tok, int):
            return ('number', tok)
        if not isinstance(tok, str) or not re.match(r'\w', tok):
            raise Error('an expression cannot begin with %s' % tok)
        if self.accept('('):
            return ('call', tok, self.arguments())
        return ('name', tok)

    def arguments(self):
        args = []
        while not self.accept(')'):
            args.append(self.expression())
            if self.peek() != ')':
                self.expect(',')
        return args

    def declaration(self):
        """int r0; int *r1; and also int r0 = expression;"""
        self.next()
        while self.accept('*'):
            pass
        name = self.next()
        value = self.expression() if self.accept('=') else None
        self.expect(';')
        return ('assign', name, value) if value else None

    def statement(self):
        if self.accept('{'):
            return ('block', self.block())
        if self.accept('if'):
            self.expect('(')
            cond = self.expression()
            self.expect(')')
            then = self.statement()
            other = self.statement() if self.accept('else') else None
            return ('if', cond, then, other)
        if self.peek() in ('int', 'atomic_t', 'u64', 'long'):
            return self.declaration()
        if self.peek(1) == '=':
            name = self.next()
            self.next()
            value = self.expression()
            self.expect(';')
            return ('assign', name, value)
        value = self.expression()
        self.expect(';')
        return ('do', value)

    def block(self):
        out = []
        while not self.accept('}'):
            stmt = self.statement()
            if stmt:
                out.append(stmt)
        return out


class Test:
    """A litmus test: .name, .init, .threads, .condition, .quantifier"""

    def __init__(self, text):
        head = re.match(r'\s*C\s+(\S+)(.*)', text, re.S)
        if not head:
            raise Error('this is no litmus test in C')
        self.name = head[1]
        p = Parser(tokens(head[2]))
        self.init = self.read_init(p)
        self.threads = []
        while isinstance(p.peek(), str) and re.match(r'P\d+$', p.peek()):
            self.threads.append(self.read_thread(p))
        if p.accept('locations'):
            while not p.accept(']'):
                p.next()
        self.negated = p.accept('~')
        p.expect('exists')
        self.condition = self.read_or(p)
        if p.peek() is not None:
            raise Error('there is more: %s' % p.peek())

    @staticmethod
    def read_init(p):
        init = {}
        p.expect('{')
        while not p.accept('}'):
            while p.peek() in ('int', 'atomic_t', '*'):
                p.next()
            name = p.next()
            if p.accept('='):
                value = p.next()
                if value == '&':
                    value = p.next()
                init[name] = value
            else:
                init[name] = 0
            p.accept(';')
        return init

    @staticmethod
    def read_thread(p):
        p.next()
        p.expect('(')
        params, last = [], None
        while not p.accept(')'):
            tok = p.next()
            if tok == ',':
                params.append(last)
            last = tok
        if last:
            params.append(last)
        p.expect('{')
        return params, p.block()

    def read_or(self, p):
        left = self.read_and(p)
        while p.accept('\\/'):
            left = ('or', left, self.read_and(p))
        return left

    def read_and(self, p):
        left = self.read_atom(p)
        while p.accept('/\\'):
            left = ('and', left, self.read_atom(p))
        return left

    def read_atom(self, p):
        if p.accept('('):
            inner = self.read_or(p)
            p.expect(')')
            return inner
        if p.accept('~'):
            return ('not', self.read_atom(p))
        first = p.next()
        reg = None
        if isinstance(first, int):
            p.expect(':')
            reg = p.next()
        p.expect('=')
        p.accept('&')
        return ('is', (first, reg) if reg else first, p.next())


# --- Running threads ---

class Event:
    """An access, or a fence, of a thread; or an initial write."""

    def __init__(self, thread, kind, tag, loc=None, value=None):
        self.thread, self.kind, self.tag = thread, kind, tag
        self.loc, self.value = loc, value
        self.addr, self.data, self.ctrl = set(), set(), set()
        self.rmw = None  # of a write: its read
        self.in_rmw = False


class NeedChoice(Exception):
    def __init__(self, loc):
        super().__init__()
        self.loc = loc


FENCES = {
    'smp_mb': 'mb', 'smp_rmb': 'rmb', 'smp_wmb': 'wmb', 'barrier': 'barrier',
    'smp_mb__before_atomic': 'before-atomic',
    'smp_mb__after_atomic': 'after-atomic', 'rcu_read_lock': 'rcu-lock',
    'rcu_read_unlock': 'rcu-unlock', 'synchronize_rcu': 'sync-rcu',
    'synchronize_rcu_expedited': 'sync-rcu',
}
LOADS = {
    'READ_ONCE': 'once', 'smp_load_acquire': 'acquire', 'atomic_read': 'once',
    'atomic_read_acquire': 'acquire', 'rcu_dereference': 'once',
}
STORES = {
    'WRITE_ONCE': 'once', 'smp_store_release': 'release', 'atomic_set': 'once',
    'atomic_set_release': 'release', 'rcu_assign_pointer': 'release',
    'smp_store_mb': 'once',
}
ATOMIC = re.compile(r'atomic_(fetch_)?(add|sub|inc|dec)(_return)?'
                    r'(_relaxed|_acquire|_release)?$')
EXCHANGE = re.compile(r'(?:atomic_)?(cmp)?xchg(_relaxed|_acquire|_release)?$')


class Run:
    """One run of a thread, its loads finding the values that were chosen."""

    def __init__(self, number, thread, choices):
        self.number, self.choices, self.used = number, choices, 0
        self.events, self.ctrl = [], set()
        self.regs = {name: (name, set()) for name in thread[0]}
        for stmt in thread[1]:
            self.statement(stmt)

    def add(self, kind, tag, loc=None, value=None):
        event = Event(self.number, kind, tag, loc, value)
        event.index = len(self.events)
        event.ctrl = set(self.ctrl)
        self.events.append(event)
        return event

    def fence(self, tag):
        self.add('F', tag)

    def load(self, tag, address):
        loc, taint = address
        if not isinstance(loc, str):
            raise Error('%s is no address' % loc)
        if self.used == len(self.choices):
            raise NeedChoice(loc)
        event = self.add('R', tag, loc, self.choices[self.used])
        self.used += 1
        event.addr = set(taint)
        return event

    def store(self, tag, address, value):
        loc, taint = address
        if not isinstance(loc, str):
            raise Error('%s is no address' % loc)
        event = self.add('W', tag, loc, value[0])
        event.addr, event.data = set(taint), set(value[1])
        return event

    def rmw(self, order, address, compute, returns):
        """compute(value read) is the value to write, with taint, or None"""
        read_tag = 'acquire' if order == '_acquire' else 'once'
        if not returns:
            read_tag = 'noreturn'
        full = returns and not order
        at = len(self.events)
        if full:
            self.fence('mb')
        read = self.load(read_tag, address)
        new = compute(read.value)
        if new is None:
            # It failed: a read alone, and no order.
            del self.events[at:]
            again = self.add('R', 'once', read.loc, read.value)
            again.addr, again.in_rmw = read.addr, True
            return again, None
        write = self.store('release' if order == '_release' else 'once',
                           address, (new[0], new[1] | {read.index}))
        write.rmw = read
        read.in_rmw = write.in_rmw = True
        if full:
            self.fence('mb')
        return read, write

    def address(self, node):
        if node[0] == 'unary' and node[1] == '*':
            return self.value(node[2])
        return self.value(node)

    def call(self, name, args):
        if name in FENCES:
            self.fence(FENCES[name])
            return 0, set()
        if name in LOADS:
            event = self.load(LOADS[name], self.address(args[0]))
            return event.value, {event.index}
        if name in STORES:
            value = self.value(args[1])
            self.store(STORES[name], self.address(args[0]), value)
            if name == 'smp_store_mb':
                self.fence('mb')
            return 0, set()
        m = EXCHANGE.match(name)
        if m:
            return self.exchange(m, args)
        m = ATOMIC.match(name)
        if m:
            return self.atomic(m, args)
        raise Error('there is no %s() here' % name)

    def exchange(self, m, args):
        old = self.value(args[1]) if m[1] else None
        new = self.value(args[-1])
        read, _ = self.rmw(m[2], self.address(args[0]),
                           lambda v: None if old and v != old[0] else new,
                           True)
        return read.value, {read.index}

    def atomic(self, m, args):
        fetch, op, ret, order = m.groups()
        amount = (1, set()) if op in ('inc', 'dec') else self.value(args[0])
        sign = 1 if op in ('inc', 'add') else -1
        read, write = self.rmw(order, self.address(args[-1]), lambda v:
                               (v + sign * amount[0], amount[1]),
                               bool(fetch or ret))
        return (read if fetch else write).value, {read.index} | amount[1]

    OPERATORS = {
        '+': lambda a, b: a + b, '-': lambda a, b: a - b,
        '|': lambda a, b: a | b, '&': lambda a, b: a & b,
        '^': lambda a, b: a ^ b, '==': lambda a, b: int(a == b),
        '!=': lambda a, b: int(a != b), '<': lambda a, b: int(a < b),
        '>': lambda a, b: int(a > b), '<=': lambda a, b: int(a <= b),
        '>=': lambda a, b: int(a >= b), '&&': lambda a, b: int(bool(a and b)),
        '||': lambda a, b: int(bool(a or b)),
    }

    def value(self, node):
        """The value, and what loads it depends on."""
        if node[0] == 'number':
            return node[1], set()
        if node[0] == 'name':
            if node[1] not in self.regs:
                raise Error('nothing was stored in %s' % node[1])
            return self.regs[node[1]]
        if node[0] == 'call':
            return self.call(node[1], node[2])
        if node[0] == 'binary':
            a, b = self.value(node[2]), self.value(node[3])
            return self.OPERATORS[node[1]](a[0], b[0]), a[1] | b[1]
        if node[1] == '*':
            raise Error('plain accesses are not known here')
        if node[1] == '&':
            return self.value(node[2])
        value, taint = self.value(node[2])
        return {'!': int(not value) if node[1] == '!' else 0, '-': -value
                if isinstance(value, int) else 0, '~': ~value
                if isinstance(value, int) else 0}[node[1]], taint

    def statement(self, stmt):
        if stmt[0] == 'assign':
            self.regs[stmt[1]] = self.value(stmt[2])
        elif stmt[0] == 'do':
            self.value(stmt[1])
        elif stmt[0] == 'block':
            for inner in stmt[1]:
                self.statement(inner)
        else:
            value, taint = self.value(stmt[1])
            # A control dependency ends where the branches meet.
            before = self.ctrl
            self.ctrl = self.ctrl | taint
            branch = stmt[2] if value else stmt[3]
            if branch:
                self.statement(branch)
            self.ctrl = before


def runs(number, thread, domain):
    """All runs of a thread, whose loads find what domain says."""
    todo, out = [[]], []
    while todo:
        choices = todo.pop()
        try:
            out.append(Run(number, thread, choices))
        except NeedChoice as need:
            todo += [choices + [v] for v in domain.get(need.loc, {0})]
    return out


def all_runs(test):
    """The runs of each thread, with all values that may ever be written."""
    domain = {}
    for params, _ in test.threads:
        for name in params:
            domain[name] = {test.init.get(name, 0)}
    for name, value in test.init.items():
        domain.setdefault(name, {value})
    rounds = 0
    while True:
        found = [runs(i, t, domain) for i, t in enumerate(test.threads)]
        written = {(e.loc, e.value) for rs in found for run in rs
                   for e in run.events if e.kind == 'W'}
        new = {(loc, value) for loc, value in written
               if value not in domain.setdefault(loc, {0})}
        # No value comes of more steps than there are writes in an execution.
        rounds += 1
        if not new or rounds > 1 + sum(max(sum(e.kind == 'W' for e in r.events)
                                           for r in rs) for rs in found):
            return found, domain
        for loc, value in new:
            domain[loc].add(value)


# --- Relations: a list of bit masks, the successors of each event ---

def bits(mask):
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def union(*rels):
    return [_or(column) for column in zip(*rels)]


def _or(column):
    out = 0
    for mask in column:
        out |= mask
    return out


def both(a, b):
    return [x & y for x, y in zip(a, b)]


def minus(a, b):
    return [x & ~y for x, y in zip(a, b)]


def seq(*rels):
    out = rels[0]
    for b in rels[1:]:
        out = [_or(b[i] for i in bits(mask)) for mask in out]
    return out


def inverse(a):
    out = [0] * len(a)
    for i, mask in enumerate(a):
        for j in bits(mask):
            out[j] |= 1 << i
    return out


def star(a):
    """Reflexive, transitive."""
    out = [mask | 1 << i for i, mask in enumerate(a)]
    for k in range(len(a)):
        for i, mask in enumerate(out):
            if mask >> k & 1:
                out[i] = mask | out[k]
    return out


def acyclic(a):
    closed = star(a)
    return not any(closed[j] >> i & 1 for i, mask in enumerate(a)
                   for j in bits(mask))


def irreflexive(a):
    return not any(mask >> i & 1 for i, mask in enumerate(a))


class Model:
    """What is the same for all executions of the same runs."""

    def __init__(self, events):
        self.events, self.n = events, len(events)
        self.id = [1 << i for i in range(self.n)]
        self.R = self.set(lambda e: e.kind == 'R')
        self.W = self.set(lambda e: e.kind == 'W')
        self.M = union(self.R, self.W)
        # Who began a thread's events, and where they are.
        start = {}
        for i, e in enumerate(events):
            start.setdefault(e.thread, i)
        at = {i: start[e.thread] for i, e in enumerate(events)}
        self.po = self.rel(lambda i, j: events[i].thread == events[j].thread
                           >= 0 and i < j)
        self.int = self.rel(lambda i, j: events[i].thread == events[j].thread
                            and (i == j or events[i].thread >= 0))
        self.ext = [~mask & (1 << self.n) - 1 for mask in self.int]
        self.loc = self.rel(lambda i, j: events[i].loc == events[j].loc and
                            events[i].loc is not None)
        self.maybe_po = union(self.po, self.id)
        self.addr = self.dependency(at, lambda e: e.addr)
        self.data = self.dependency(at, lambda e: e.data)
        self.ctrl = self.dependency(at, lambda e: e.ctrl)
        self.rmw = self.rel(lambda i, j: events[j].rmw is events[i])
        self.fences()

    def set(self, test):
        return [1 << i if test(e) else 0 for i, e in enumerate(self.events)]

    def rel(self, test):
        return [sum(1 << j for j in range(self.n) if test(i, j))
                for i in range(self.n)]

    def dependency(self, at, which):
        out = [0] * self.n
        for j, e in enumerate(self.events):
            for index in which(e):
                out[at[j] + index] |= 1 << j
        return out

    def tagged(self, kind, tag):
        return self.set(lambda e: e.kind == kind and e.tag == tag)

    def fencerel(self, tag):
        return seq(self.po, self.tagged('F', tag), self.po)

    def fences(self):
        M, po = self.M, self.po
        rmws = self.set(lambda e: e.in_rmw)
        loads = self.set(lambda e: e.kind == 'R' and e.tag != 'noreturn')
        self.acq_po = seq(self.tagged('R', 'acquire'), po, M)
        self.po_rel = seq(M, po, self.tagged('W', 'release'))
        self.rmb = seq(loads, self.fencerel('rmb'), loads)
        self.wmb = seq(self.W, self.fencerel('wmb'), self.W)
        mb = union(seq(M, self.fencerel('mb'), M),
                   seq(M, self.fencerel('before-atomic'), rmws,
                       self.maybe_po, M),
                   seq(M, self.maybe_po, rmws,
                       self.fencerel('after-atomic'), M))
        self.sync = self.tagged('F', 'sync-rcu')
        gp = seq(po, self.sync, self.maybe_po)
        self.strong = union(mb, gp)
        self.fence = union(self.strong, self.po_rel, self.acq_po, self.wmb,
                           self.rmb)
        # The events of read-side sections, outermost ones, end to beginning.
        self.rscsi = [0] * self.n
        depth, begin = 0, 0
        for i, e in enumerate(self.events):
            if e.kind == 'F' and e.tag == 'rcu-lock':
                begin = begin if depth else i
                depth += 1
            elif e.kind == 'F' and e.tag == 'rcu-unlock':
                depth -= 1
                if depth < 0:
                    raise Error('rcu_read_unlock() alone')
                if not depth:
                    self.rscsi[i] = 1 << begin

    def allows(self, rf, co):
        """Whether the model allows this execution."""
        fr = minus(seq(inverse(rf), co), self.id)
        com = union(rf, co, fr)
        if not acyclic(union(both(self.po, self.loc), com)):
            return False
        if any(both(self.rmw, seq(both(fr, self.ext), both(co, self.ext)))):
            return False
        return self.ordered(rf, co, fr)

    def ordered(self, rf, co, fr):
        M, W, ext, inn = self.M, self.W, self.ext, self.int
        rfe, rfi = both(rf, ext), both(rf, inn)
        carry = star(seq(self.data, rfi))
        addr, data, ctrl = (seq(carry, d) for d in
                            (self.addr, self.data, self.ctrl))
        dep = union(addr, data)
        overwrite = union(co, fr)
        ppo = union(seq(addr, self.R), seq(dep, rfi),
                    seq(union(dep, ctrl), W), both(overwrite, inn),
                    both(self.fence, inn))
        maybe_rfe = union(rfe, self.id)
        cumul = seq(M, union(seq(maybe_rfe, union(self.strong, self.po_rel)),
                             self.wmb), M, star(seq(rf, self.rmw)))
        prop = seq(M, union(both(overwrite, ext), self.id), star(cumul), M,
                   maybe_rfe, M)
        hb = seq(M, union(ppo, rfe, both(minus(prop, self.id), inn)), M)
        if not acyclic(hb):
            return False
        pb = seq(prop, self.strong, star(hb), M)
        return acyclic(pb) and self.rcu(prop, hb, pb)

    def rcu(self, prop, hb, pb):
        if not any(self.sync):
            return True
        link = seq(self.maybe_po, star(hb), star(pb), prop, self.po)
        gp, rscs = self.sync, self.rscsi
        order = [0] * self.n
        while True:
            more = union(gp, seq(gp, link, rscs), seq(rscs, link, gp),
                         seq(gp, link, order, link, rscs),
                         seq(rscs, link, order, link, gp),
                         seq(order, link, order))
            if more == order:
                break
            order = more
        fence = seq(self.po, order, self.maybe_po)
        return irreflexive(seq(prop, fence, star(hb), star(pb), self.M))


# --- Executions ---

def holds(cond, regs, memory):
    if cond[0] == 'and':
        return holds(cond[1], regs, memory) and holds(cond[2], regs, memory)
    if cond[0] == 'or':
        return holds(cond[1], regs, memory) or holds(cond[2], regs, memory)
    if cond[0] == 'not':
        return not holds(cond[1], regs, memory)
    if isinstance(cond[1], tuple):
        thread, reg = cond[1]
        return regs[thread].get(reg, (0,))[0] == cond[2]
    return memory.get(cond[1], 0) == cond[2]


def sources(events):
    """For each load the writes that it may read from; None if one has none."""
    out = []
    for i, e in enumerate(events):
        if e.kind != 'R':
            continue
        writes = [j for j, w in enumerate(events) if w.kind == 'W' and
                  w.loc == e.loc and w.value == e.value and
                  not (w.thread == e.thread and j > i)]
        if not writes:
            return None
        out.append([(j, i) for j in writes])
    return out


def orders(events):
    """For each location all orders of its writes, the initial one first."""
    writes = {}
    for i, e in enumerate(events):
        if e.kind == 'W':
            writes.setdefault(e.loc, []).append(i)
    out = []
    for indices in writes.values():
        first, rest = indices[0], indices[1:]
        out.append([(first,) + p for p in itertools.permutations(rest)
                    if all(not (events[a].thread == events[b].thread and
                                a > b)
                           for a, b in itertools.combinations(p, 2))])
    return out


class Result:
    def __init__(self):
        self.candidates = self.allowed = self.satisfying = 0

    def word(self):
        if not self.satisfying:
            return 'Never'
        return 'Always' if self.satisfying == self.allowed else 'Sometimes'


def executions(test, combination, first, result):
    """All candidates with these runs of the threads."""
    events = first + [e for run in combination for e in run.events]
    choices = sources(events)
    if choices is None:
        return
    model = Model(events)
    regs = [run.regs for run in combination]
    for order in itertools.product(*orders(events)):
        co = [0] * len(events)
        memory = {}
        for writes in order:
            for a, b in itertools.combinations(writes, 2):
                co[a] |= 1 << b
            memory[events[writes[-1]].loc] = events[writes[-1]].value
        satisfied = holds(test.condition, regs, memory)
        for pairs in itertools.product(*choices):
            rf = [0] * len(events)
            for write, read in pairs:
                rf[write] |= 1 << read
            result.candidates += 1
            if model.allows(rf, co):
                result.allowed += 1
                result.satisfying += satisfied != test.negated


def evaluate(text):
    """The test, and its result."""
    test = Test(text)
    found, domain = all_runs(test)
    first = [Event(-1 - i, 'W', 'init', loc, test.init.get(loc, 0))
             for i, loc in enumerate(sorted(domain))]
    for event in first:
        event.index = 0
    result = Result()
    for combination in itertools.product(*found):
        executions(test, combination, first, result)
    if not result.allowed:
        raise Error('nothing is allowed at all')
    return test, result


# --- The same tests without a barrier ---

COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)
BARRIER = re.compile(r"""\b(?:
    (?P<fence>smp_mb|smp_rmb|smp_wmb|smp_mb__before_atomic|
              smp_mb__after_atomic|synchronize_rcu)\(\);|
    (?P<access>smp_load_acquire|smp_store_release|smp_store_mb|
               rcu_assign_pointer|rcu_dereference)\(|
    (?P<ordered>(?:atomic_)?(?:cmp)?xchg|atomic_fetch_(?:add|sub|inc|dec)|
                atomic_(?:add|sub|inc|dec)_return)(?P<order>_acquire|_release)?\(|
    (?P<marked>atomic_(?:read|set))(?:_acquire|_release)\()""", re.X)
ONCE = {'smp_load_acquire': 'READ_ONCE(*', 'smp_store_release': 'WRITE_ONCE(*',
        'smp_store_mb': 'WRITE_ONCE(', 'rcu_assign_pointer': 'WRITE_ONCE(',
        'rcu_dereference': 'READ_ONCE('}


def relaxed(m):
    """What is left of a barrier that is taken away."""
    if m['fence']:
        return ''
    if m['access']:
        return ONCE[m['access']]
    if m['marked']:
        return m['marked'] + '('
    return m['ordered'] + '_relaxed('


def bodies(text):
    """(number, begin, end) of each thread's body."""
    for m in re.finditer(r'^P(\d+)\([^)]*\)\s*{(.*?)^}', text, re.M | re.S):
        yield int(m[1]), m.start(2), m.end(2)


def barriers(text):
    """("P1 smp_rmb", what it matched) for each barrier; "... 2" for the second"""
    # Of the same length, so that positions hold.
    code = COMMENT.sub(lambda m: ' ' * len(m[0]), text)
    seen = {}
    for thread, begin, end in bodies(code):
        for m in BARRIER.finditer(code, begin, end):
            name = 'P%d %s' % (thread, m[0].rstrip('(;)'))
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name += ' %d' % seen[name]
            yield name, m


def happens_without(text, matches):
    for m in sorted(matches, key=lambda m: -m.start()):
        text = text[:m.start()] + relaxed(m) + text[m.end():]
    return evaluate(text)[1].word() != 'Never'


def needed(text):
    """What it says it needs, as sets of names, and what it needs."""
    there = dict(barriers(text))
    said = [frozenset(line.split(' + ')) for line in
            re.findall(r'^ \* Needs: (.*)$', text, re.M)]
    for name in set().union(*said) - set(there):
        raise Error('there is no %s in it' % name)
    needs = [frozenset([name]) for name, m in there.items()
             if happens_without(text, [m])]
    needs += [group for group in said if len(group) > 1 and
              not any(need <= group for need in needs) and
              happens_without(text, [there[name] for name in group])]
    return set(said), set(needs)


def names_of(groups):
    return ', '.join(sorted(' + '.join(sorted(group)) for group in groups)) \
        or 'none'


def check_barriers(name):
    """Whether a test needs what it says, and says what it needs."""
    with open(name, encoding='utf-8') as file:
        text = file.read()
    title = Test(text).name
    # Others show what is no guarantee.
    if not re.search(r'^ \* Result: Never$', text, re.M):
        return True
    said, needs = needed(text)
    good = bool(needs) and said == needs
    print('%s needs: %s%s' % (title, names_of(needs), '' if good else
                              '; it says: %s' % names_of(said)), flush=True)
    return good


def check_all_barriers(names):
    good = True
    for name in names:
        try:
            good &= check_barriers(name)
        except (Error, OSError) as error:
            print('%s: %s' % (name, error), file=sys.stderr)
            good = False
    return 0 if good else 1


def main(argv):
    if argv and argv[0] == '--barriers':
        return check_all_barriers(argv[1:])
    if not argv or argv[0] in ('-h', '--help'):
        print(__doc__)
        return 0
    status = 0
    for name in argv:
        try:
            with open(name, encoding='utf-8') as file:
                test, result = evaluate(file.read())
        except (Error, OSError) as error:
            print('%s: %s' % (name, error), file=sys.stderr)
            status = 1
            continue
        print('%s %s: %d of %d allowed executions (%d candidates)' %
              (test.name, result.word(), result.satisfying, result.allowed,
               result.candidates), flush=True)
    return status


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
