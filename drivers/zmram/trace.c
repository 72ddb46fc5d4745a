// SPDX-License-Identifier: GPL-2.0
/* Instantiates the tracepoints of include/trace/events/zmram.h. */
#include <linux/module.h>

#define CREATE_TRACE_POINTS
#include <trace/events/zmram.h>
