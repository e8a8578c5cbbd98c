/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probe on mq_open(2): how often it failed, by user and error, and that it did not. */
#ifndef MQWATCH_OPENS_H
#define MQWATCH_OPENS_H

#include "probe.h"
#include "util.h"

struct opens;

/* By PROBE_FENTRY or PROBE_TRACEPOINT. When that fails, reason holds a line that says why. */
int opens_new(struct opens **ret, enum probe_mode mode, char *reason, size_t reason_size);
void opens_free(struct opens *o);
DEFINE_CLEANUP(struct opens *, opens_free)

/* Calls that opened a queue, since the start; our own do not count, here and below. */
uint64_t opens_done(const struct opens *o);
/* Failures that no longer fit among those told apart. */
uint64_t opens_lost(const struct opens *o);

struct opens_error {
	uint32_t uid; /* real, of who called */
	uint32_t error;
	uint64_t count;
};

/* In order of uid and error; the caller frees *ret. */
int opens_errors(const struct opens *o, struct opens_error **ret, size_t *ret_n);

#endif /* MQWATCH_OPENS_H */
