// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/libbpf.h>

#include "bpf_util.h"
#include "reach.h"
#include "reach.skel.h"

/* Walks of a list that changed under them, before one is taken as it is. */
#define ATTEMPTS 8

struct reach {
	struct reach_skel *bpf;
	size_t queues_max;
	struct mqw_listed *listed;
	struct mqw_detail *details;
	size_t n_details;
};

static int load(struct reach *r)
{
	int error;

	r->bpf = reach_skel__open();
	if (!r->bpf)
		return -errno;
	error = bpf_map__set_max_entries(r->bpf->maps.listed, r->queues_max);
	if (error == 0)
		error = reach_skel__load(r->bpf);
	if (error == 0)
		error = reach_skel__attach(r->bpf);
	if (error < 0)
		return error;
	r->listed = bpf_map_array(r->bpf->maps.listed);
	r->details = bpf_map_array(r->bpf->maps.details);
	r->n_details = bpf_map__max_entries(r->bpf->maps.details);
	return r->listed && r->details ? 0 : -ENOMEM;
}

int reach_new(struct reach **ret, size_t queues_max, char *reason, size_t reason_size)
{
	_cleanup_(reach_freep) struct reach *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	error = bpf_begin(reason, reason_size);
	if (error < 0)
		return error;
	/* more than the table takes, since it counts what it leaves out */
	r->queues_max = 2 * queues_max + 64;
	error = load(r);
	if (error < 0) {
		bpf_explain_load(error, reason, reason_size);
		return error;
	}
	*ret = TAKE_PTR(r);
	return 0;
}

void reach_free(struct reach *r)
{
	if (!r)
		return;
	if (r->bpf) {
		bpf_unmap_array(r->bpf->maps.listed, r->listed);
		bpf_unmap_array(r->bpf->maps.details, r->details);
	}
	reach_skel__destroy(r->bpf);
	free(r);
}

int reach_processes(struct reach *r, struct mqw_process **ret, size_t *ret_n)
{
	void *data;
	size_t size;
	int error = bpf_read_iterator(r->bpf->links.list_processes, &data, &size);

	if (error < 0)
		return error;
	*ret = data;
	*ret_n = size / sizeof(**ret);
	return 0;
}

int reach_list(struct reach *r, struct mqw_list *list, const struct mqw_listed **ret, size_t *ret_n)
{
	for (unsigned int attempt = 0; attempt < ATTEMPTS; attempt++) {
		int error;

		list->max = r->queues_max;
		error = bpf_run(r->bpf->progs.list_queues, list, sizeof(*list));
		if (error < 0)
			return error;
		if (!list->found)
			return -ESTALE;
		if (list->sound)
			break;
	}
	*ret = r->listed;
	*ret_n = list->n < list->max ? list->n : list->max;
	return 0;
}

int reach_details(struct reach *r, struct mqw_detail *details, size_t n)
{
	for (size_t done = 0; done < n; done += r->n_details) {
		size_t m = n - done < r->n_details ? n - done : r->n_details;
		struct mqw_attrs context = {.n = m};
		int error;

		for (size_t i = 0; i < m; i++) {
			r->details[i].key = details[done + i].key;
			r->details[i].inode = details[done + i].inode;
		}
		error = bpf_run(r->bpf->progs.read_details, &context, sizeof(context));
		if (error < 0)
			return error;
		memcpy(details + done, r->details, m * sizeof(*details));
	}
	return 0;
}
