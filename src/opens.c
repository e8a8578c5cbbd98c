// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/libbpf.h>

#include "bpf_util.h"
#include "open.skel.h"
#include "opens.h"
#include "tracefs.h"

#define EVENT "sys_exit_mq_open"

struct opens {
	struct open_skel *bpf;
	struct mqw_opens *all;
	struct mqw_open_error *errors;
};

static int attach(struct opens *o, char *reason, size_t size)
{
	_cleanup_close_ int tracefs = tracefs_open();
	int fd = tracefs < 0 ? tracefs : tracefs_open_event(tracefs, EVENT);

	if (fd < 0) {
		snprintf(reason, size, "tracepoint syscalls:" EVENT " cannot be opened: %s",
			 strerror(-fd));
		return fd;
	}
	o->bpf->links.exit_open = bpf_program__attach_perf_event(o->bpf->progs.exit_open, fd);
	if (o->bpf->links.exit_open)
		return 0;
	fd = close_fd(fd);
	snprintf(reason, size, "attaching to syscalls:" EVENT " failed: %s", strerror(errno));
	return -errno;
}

int opens_new(struct opens **ret, char *reason, size_t reason_size)
{
	_cleanup_(opens_freep) struct opens *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	r = bpf_begin(reason, reason_size);
	if (r < 0)
		return r;
	o->bpf = open_skel__open_and_load();
	if (!o->bpf) {
		r = -errno;
		bpf_explain_load(r, reason, reason_size);
		return r;
	}
	o->all = bpf_map_array(o->bpf->maps.opens);
	o->errors = bpf_map_array(o->bpf->maps.open_errors);
	if (!o->all || !o->errors)
		return -ENOMEM;
	r = bpf_run(o->bpf->progs.introduce, NULL, 0);
	if (r == 0)
		r = attach(o, reason, reason_size);
	else
		bpf_explain_load(r, reason, reason_size);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}

void opens_free(struct opens *o)
{
	if (!o)
		return;
	if (o->bpf) {
		bpf_unmap_array(o->bpf->maps.opens, o->all);
		bpf_unmap_array(o->bpf->maps.open_errors, o->errors);
	}
	open_skel__destroy(o->bpf);
	free(o);
}

uint64_t opens_done(const struct opens *o)
{
	return __atomic_load_n(&o->all->opened, __ATOMIC_RELAXED);
}

uint64_t opens_lost(const struct opens *o)
{
	return __atomic_load_n(&o->all->lost, __ATOMIC_RELAXED);
}

static int compare(const void *a, const void *b)
{
	const struct opens_error *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->error < y->error ? -1 : x->error > y->error;
}

int opens_errors(const struct opens *o, struct opens_error **ret, size_t *ret_n)
{
	struct opens_error *errors = calloc(MQW_OPEN_ERRORS, sizeof(*errors));
	size_t n = 0;

	if (!errors)
		return -ENOMEM;
	for (size_t i = 0; i < MQW_OPEN_ERRORS; i++) {
		uint64_t key = __atomic_load_n(&o->errors[i].key, __ATOMIC_RELAXED);

		if (!key)
			continue;
		errors[n++] = (struct opens_error){
			.uid = key >> 32,
			.error = (uint32_t)key,
			.count = __atomic_load_n(&o->errors[i].count, __ATOMIC_RELAXED),
		};
	}
	qsort(errors, n, sizeof(*errors), compare);
	*ret = errors;
	*ret_n = n;
	return 0;
}
