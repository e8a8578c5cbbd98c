/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The "bpf" backend behind peek.h; see bpf/peek.bpf.c for how a message is proven. */
#ifndef MQWATCH_PEEK_BPF_H
#define MQWATCH_PEEK_BPF_H

#include "peek.h"

struct peek_bpf;

/* On failure reason holds one line that names the remedy. */
int peek_bpf_new(struct peek_bpf **ret, const struct peek_options *options, char *reason,
		 size_t reason_size);
void peek_bpf_free(struct peek_bpf *b);
DEFINE_CLEANUP(struct peek_bpf *, peek_bpf_free)

int peek_bpf_snapshot(struct peek_bpf *b, int mqd, const struct peek_request *request,
		      struct snapshot **ret);

/*
 * While two marks guard and have the same begun, no message of the queue moved between them. A mark does not
 * guard where a call is under way, where the probes are not attached or have missed something.
 */
struct peek_mark {
	bool guards;
	uint64_t begun;
};
int peek_bpf_mark(struct peek_bpf *b, int mqd, struct peek_mark *ret);

int peek_bpf_attrs(struct peek_bpf *b, struct peek_item *items, size_t n);
int peek_bpf_ipcns(struct peek_bpf *b, int fd, uint32_t *ret);

#endif /* MQWATCH_PEEK_BPF_H */
