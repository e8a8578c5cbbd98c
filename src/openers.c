// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/libbpf.h>

#include "bpf_util.h"
#include "log.h"
#include "openers.h"
#include "openers.skel.h"

struct openers {
	struct openers_skel *bpf; /* NULL: not loaded */
	bool tried;		  /* to load it: not before somebody asks, as that takes long */
	int error;		  /* why it cannot be, or 0 */
	bool warned;
};

void openers_free(struct openers *o)
{
	if (!o)
		return;
	openers_skel__destroy(o->bpf);
	free(o);
}

static int load(struct openers *o)
{
	int r;

	bpf_log_to_debug();
	o->bpf = openers_skel__open_and_load();
	r = o->bpf ? openers_skel__attach(o->bpf) : -errno;
	if (r == 0)
		return 0;
	openers_skel__destroy(o->bpf);
	o->bpf = NULL;
	return r;
}

int openers_new(struct openers **ret)
{
	struct openers *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	*ret = o;
	return 0;
}

void openers_prepare(struct openers *o)
{
	if (!o->tried)
		o->error = load(o);
	o->tried = true;
}

/* Whoever does not ask for openers has no use for the warning. */
static int check(struct openers *o)
{
	char reason[256];

	openers_prepare(o);
	if (o->error && !o->warned) {
		bpf_explain_load(o->error, reason, sizeof(reason));
		log_warning("Who has queues open cannot be seen, going on without: %s", reason);
		o->warned = true;
	}
	return o->error;
}

int openers_compare_keys(const struct mqw_key *a, const struct mqw_key *b)
{
	if (a->ipcns != b->ipcns)
		return a->ipcns < b->ipcns ? -1 : 1;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare(const void *a, const void *b)
{
	const struct mqw_opener *x = a, *y = b;

	return openers_compare_keys(&x->key, &y->key) ?: compare_numbers(x->file, y->file)
	       ?: compare_numbers(x->pid, y->pid) ?: compare_numbers(x->fd, y->fd);
}

void openers_sort(struct mqw_opener *openers, size_t n)
{
	if (n)
		qsort(openers, n, sizeof(*openers), compare);
}

const void *openers_range(const void *items, size_t n, size_t size, const struct mqw_key *key,
			  size_t *ret_n)
{
	const char *first = items;
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (openers_compare_keys((const void *)(first + middle * size), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	first += low * size;
	*ret_n = 0;
	while (low + *ret_n < n &&
	       openers_compare_keys((const void *)(first + *ret_n * size), key) == 0)
		++*ret_n;
	return first;
}

const struct mqw_opener *openers_of(const struct mqw_opener *openers, size_t n,
				    const struct mqw_key *key, size_t *ret_n)
{
	return openers_range(openers, n, sizeof(*openers), key, ret_n);
}

size_t openers_count(const struct mqw_opener *openers, size_t n, uint32_t access)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += (openers[i].access & access) &&
			 (i == 0 || openers[i].file != openers[i - 1].file);
	return count;
}

int openers_list(struct openers *o, struct mqw_opener **ret, size_t *ret_n)
{
	void *data;
	size_t size;
	int r = check(o);

	if (r == 0)
		r = bpf_read_iterator(o->bpf->links.list_openers, &data, &size);
	if (r < 0)
		return r;
	*ret = data;
	*ret_n = size / sizeof(**ret);
	openers_sort(*ret, *ret_n);
	return 0;
}

int openers_sleepers(struct openers *o, struct mqw_sleeper **ret, size_t *ret_n)
{
	void *data;
	size_t size;
	int r = check(o);

	if (r == 0)
		r = bpf_read_iterator(o->bpf->links.list_sleepers, &data, &size);
	if (r < 0)
		return r;
	*ret = data;
	*ret_n = size / sizeof(**ret);
	return 0;
}
