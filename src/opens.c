// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach.h"
#include "bpf_util.h"
#include "open.skel.h"
#include "opens.h"

struct opens {
	struct open_skel *bpf;
	struct attached attached_to;
	struct mqw_opens *all;
	struct mqw_open_error *errors;
};

static int load(struct opens *o, enum probe_mode mode, char *reason, size_t size)
{
	int r;

	o->bpf = open_skel__open();
	if (!o->bpf)
		return -errno;
	r = attach_choose(o->bpf->obj, mode, reason, size);
	if (r < 0)
		return r;
	r = open_skel__load(o->bpf);
	if (r == 0)
		r = bpf_run(o->bpf->progs.introduce, NULL, 0);
	if (r < 0)
		bpf_explain_load(r, reason, size);
	return r;
}

int opens_new(struct opens **ret, enum probe_mode mode, char *reason, size_t reason_size)
{
	_cleanup_(opens_freep) struct opens *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	r = bpf_begin(reason, reason_size);
	if (r == 0)
		r = load(o, mode, reason, reason_size);
	if (r < 0)
		return r;
	o->all = bpf_map_array(o->bpf->maps.opens);
	o->errors = bpf_map_array(o->bpf->maps.open_errors);
	if (!o->all || !o->errors)
		return -ENOMEM;
	r = attach(&o->attached_to, o->bpf->obj, mode, reason, reason_size);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}

void opens_free(struct opens *o)
{
	if (!o)
		return;
	detach(&o->attached_to);
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
