/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two ways for BPF programs to be called when a system call begins and ends. What a program is for,
 * its section says: "?tracepoint/syscalls/EVENT", "?fentry/FUNCTION" or "?fexit/FUNCTION".
 */
#ifndef MQWATCH_ATTACH_H
#define MQWATCH_ATTACH_H

#include <bpf/libbpf.h>

#include "probe.h"

#define ATTACHED_MAX 32

struct attached {
	struct bpf_link *links[ATTACHED_MAX];
	size_t n;
};

/* Whether PROBE_FENTRY may work here, as far as can be told without trying; else -EOPNOTSUPP and a reason. */
int attach_permits_functions(char *reason, size_t size);

/*
 * Has only those programs of an object loaded that the mode, PROBE_FENTRY or PROBE_TRACEPOINT, needs and the
 * kernel has a place for. Else reason is set.
 */
int attach_choose(struct bpf_object *object, enum probe_mode mode, char *reason, size_t size);

/* Attaches what was loaded; what is attached stays so until detach(), also after an error. Then reason is set. */
int attach(struct attached *a, struct bpf_object *object, enum probe_mode mode, char *reason,
	   size_t size);
void detach(struct attached *a);

#endif /* MQWATCH_ATTACH_H */
