// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints of trace.h, made here and called everywhere
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
