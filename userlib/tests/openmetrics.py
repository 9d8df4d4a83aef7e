#!/usr/bin/python3 -ISB
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Usage: tests/openmetrics.py < METRICS | --modules

Reads metrics as Prometheus's own client library for Python reads OpenMetrics, which is
the strictest of the parsers there are, and says what is wrong, or prints each sample:
"FAMILY TYPE SAMPLE VALUE". --modules prints the files of Python's that this takes, one a
line, for scripts/vm-run to bring along. Debian: python3-prometheus-client.
"""

import sys

sys.path.append('/usr/lib/python3/dist-packages')

try:
    from prometheus_client.openmetrics import parser
except ImportError as error:
    sys.exit('tests/openmetrics.py: %s: install python3-prometheus-client' % error)


def main():
    try:
        for family in parser.text_fd_to_metric_families(sys.stdin):
            for sample in family.samples:
                print(family.name, family.type, sample.name, '%.17g' % sample.value)
    except ValueError as error:
        return 'not OpenMetrics: %s' % error
    return 0


# What it needs besides only when it reads something is found by reading something.
if sys.argv[1:] == ['--modules']:
    list(parser.text_string_to_metric_families('# TYPE a counter\na_total 1\n# EOF\n'))
    print('\n'.join(sorted(m.__file__ for m in list(sys.modules.values())
                           if (getattr(m, '__file__', '') or '').startswith('/usr/'))))
else:
    sys.exit(main())
