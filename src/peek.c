/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peek.h"
#include "peek_bpf.h"
#include "peek_syscall.h"
#include "probe.h"

const char *const peek_mode_names[PEEK_MODES] = {
	[PEEK_AUTO] = "auto",
	[PEEK_SYSCALL] = "syscall",
	[PEEK_BPF] = "bpf",
	[PEEK_OFF] = "off",
};

struct peek {
	enum peek_mode backend;
	struct peek_syscall *syscall; /* NULL: the kernel has no such call, or it is not wanted */
	struct peek_bpf *bpf;	      /* NULL: BPF cannot be used, or nothing is wanted */
	char reason[512];
	char note[512];
};

static int find_syscall(struct peek *p, const struct peek_options *options, char *why, size_t size)
{
	bool witness = p->bpf && options->probe && probe_attached(options->probe);
	int r = timedreceive2_find(why, size);

	return r < 0 ? r
		     : peek_syscall_new(&p->syscall, &peek_syscall_calls, witness ? p->bpf : NULL,
					options->buffer_max);
}

static void choose(struct peek *p, const struct peek_options *options)
{
	char no_bpf[240] = "", no_syscall[240] = ""; /* both fit into the reason */

	peek_bpf_new(&p->bpf, options, no_bpf, sizeof(no_bpf));
	if (options->mode != PEEK_BPF)
		find_syscall(p, options, no_syscall, sizeof(no_syscall));
	if (p->syscall) {
		p->backend = PEEK_SYSCALL;
		if (!p->bpf)
			snprintf(p->note, sizeof(p->note),
				 "without senders, ages, bytes and waiting calls: %s", no_bpf);
	} else if (p->bpf && options->mode != PEEK_SYSCALL) {
		p->backend = PEEK_BPF;
		snprintf(p->note, sizeof(p->note), "%s", no_syscall);
	} else {
		snprintf(p->reason, sizeof(p->reason), "%s%s%s", no_syscall,
			 options->mode == PEEK_AUTO ? ", and " : "",
			 options->mode == PEEK_SYSCALL ? "" : no_bpf);
	}
}

int peek_new(struct peek **ret, const struct peek_options *options)
{
	struct peek *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->backend = PEEK_OFF;
	if (options->mode == PEEK_OFF)
		snprintf(p->reason, sizeof(p->reason), "switched off by the configuration");
	else
		choose(p, options);
	*ret = p;
	return 0;
}

void peek_free(struct peek *p)
{
	if (!p)
		return;
	peek_syscall_free(p->syscall);
	peek_bpf_free(p->bpf);
	free(p);
}

const char *peek_backend(const struct peek *p)
{
	return peek_mode_names[p->backend];
}

const char *peek_reason(const struct peek *p)
{
	return p->backend == PEEK_OFF ? p->reason : NULL;
}

const char *peek_note(const struct peek *p)
{
	return p->note[0] ? p->note : NULL;
}

int peek_snapshot(struct peek *p, int mqd, const struct peek_request *request,
		  struct snapshot **ret)
{
	switch (p->backend) {
	case PEEK_SYSCALL:
		return peek_syscall_snapshot(p->syscall, mqd, request, ret);
	case PEEK_BPF:
		return peek_bpf_snapshot(p->bpf, mqd, request, ret);
	default:
		return -EOPNOTSUPP;
	}
}

int peek_attrs(struct peek *p, struct peek_item *items, size_t n)
{
	return p->bpf ? peek_bpf_attrs(p->bpf, items, n) : -EOPNOTSUPP;
}

int peek_ipcns(struct peek *p, int fd, uint32_t *ret)
{
	return p->bpf ? peek_bpf_ipcns(p->bpf, fd, ret) : -EOPNOTSUPP;
}
