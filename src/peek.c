/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peek.h"
#include "peek_bpf.h"

const char *const peek_mode_names[PEEK_MODES] = {
	[PEEK_AUTO] = "auto",
	[PEEK_BPF] = "bpf",
	[PEEK_OFF] = "off",
};

struct peek {
	struct peek_bpf *bpf; /* NULL: off */
	char reason[256];
};

int peek_new(struct peek **ret, const struct peek_options *options)
{
	_cleanup_(peek_freep) struct peek *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	if (options->mode == PEEK_OFF)
		snprintf(p->reason, sizeof(p->reason), "switched off by the configuration");
	else
		peek_bpf_new(&p->bpf, options, p->reason, sizeof(p->reason));
	*ret = TAKE_PTR(p);
	return 0;
}

void peek_free(struct peek *p)
{
	if (!p)
		return;
	peek_bpf_free(p->bpf);
	free(p);
}

const char *peek_backend(const struct peek *p)
{
	return peek_mode_names[p->bpf ? PEEK_BPF : PEEK_OFF];
}

const char *peek_reason(const struct peek *p)
{
	return p->bpf ? NULL : p->reason;
}

int peek_snapshot(struct peek *p, int mqd, const struct peek_request *request,
		  struct snapshot **ret)
{
	return p->bpf ? peek_bpf_snapshot(p->bpf, mqd, request, ret) : -EOPNOTSUPP;
}

int peek_attrs(struct peek *p, struct peek_item *items, size_t n)
{
	return p->bpf ? peek_bpf_attrs(p->bpf, items, n) : -EOPNOTSUPP;
}

int peek_ipcns(struct peek *p, int fd, uint32_t *ret)
{
	return p->bpf ? peek_bpf_ipcns(p->bpf, fd, ret) : -EOPNOTSUPP;
}
