// SPDX-License-Identifier: GPL-2.0-or-later
#include "quota.h"

/* Where queues are charged: a user in a user namespace. */
struct charge {
	uint64_t user; /* struct mqw_detail.user; 0: not known */
	uint32_t uid;
	uint64_t queues;
	uint64_t bytes; /* that the queues take */
	struct mqw_key key;
	uint64_t handle; /* of one of them, to ask by */
};

struct charges {
	struct charge *list;
	size_t n;
};

static struct charge *find_charge(struct charges *c, const struct queue *q)
{
	uint32_t uid = q->charged.user ? q->charged.uid : q->attr.uid;
	struct charge *grown;

	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].user == q->charged.user && c->list[i].uid == uid)
			return &c->list[i];
	grown = reallocarray(c->list, c->n + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	c->list = grown;
	grown[c->n] = (struct charge){.user = q->charged.user, .uid = uid};
	return &grown[c->n++];
}

static int sum_queues(const struct table *t, struct charges *c)
{
	for (size_t i = 0; i < table_size(t); i++) {
		const struct queue *q = table_at(t, i);
		struct charge *charge = find_charge(c, q);

		if (!charge)
			return -ENOMEM;
		charge->queues++;
		charge->bytes += queue_reserved_bytes(&q->attr);
		charge->key = q->id;
		charge->handle = q->handle;
	}
	return 0;
}

/* What the kernel has charged, which other queues than the watched may be part of. */
static int ask_kernel(struct charges *c, struct namespaces *n)
{
	_cleanup_free_ struct mqw_detail *details = calloc(c->n + 1, sizeof(*details));
	int r;

	if (!details)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++)
		details[i] = (struct mqw_detail){
			.key = c->list[i].key,
			.inode = c->list[i].handle,
		};
	r = namespaces_details(n, details, c->n);
	for (size_t i = 0; r == 0 && i < c->n; i++)
		if (details[i].found && details[i].user == c->list[i].user && details[i].user_bytes)
			c->list[i].bytes = details[i].user_bytes;
	return r == -EOPNOTSUPP ? 0 : r;
}

static int compare_users(const void *a, const void *b)
{
	const struct quota_user *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static int sum_users(const struct charges *c, struct quota *l)
{
	l->users = calloc(c->n + 1, sizeof(*l->users));
	if (!l->users)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++) {
		const struct charge *charge = &c->list[i];
		size_t u = 0;

		while (u < l->n_users && l->users[u].uid != charge->uid)
			u++;
		l->users[u].uid = charge->uid;
		l->users[u].queues += charge->queues;
		l->users[u].reserved_bytes += charge->bytes;
		if (u == l->n_users)
			l->n_users++;
	}
	qsort(l->users, l->n_users, sizeof(*l->users), compare_users);
	return 0;
}

static void find_limits(struct namespaces *n, struct quota *l)
{
	size_t n_processes;
	const struct mqw_process *processes = namespaces_processes(n, &n_processes);

	for (size_t i = 0; i < n_processes; i++) {
		const struct mqw_process *p = &processes[i];
		const struct quota_user key = {.uid = p->uid};
		struct quota_user *u =
			bsearch(&key, l->users, l->n_users, sizeof(key), compare_users);

		if (!u)
			continue;
		if (!u->limits_known || p->limit < u->limit_min)
			u->limit_min = p->limit;
		if (!u->limits_known || p->limit > u->limit_max)
			u->limit_max = p->limit;
		u->limits_known = true;
	}
}

static int read_all(const struct table *t, struct namespaces *n, const struct opens *opens,
		    struct charges *c, struct quota *l)
{
	int r = sum_queues(t, c);

	if (r == 0)
		r = ask_kernel(c, n);
	if (r == 0)
		r = sum_users(c, l);
	if (r < 0)
		return r;
	find_limits(n, l);
	l->n_namespaces = namespaces_count(n);
	l->namespaces = l->n_namespaces ? namespaces_at(n, 0) : NULL;
	if (!opens)
		return 0;
	l->errors_known = true;
	l->errors_lost = opens_lost(opens);
	return opens_errors(opens, &l->errors, &l->n_errors);
}

int quota_read(const struct table *t, struct namespaces *n, const struct opens *opens,
	       struct quota *ret)
{
	struct charges c = {};
	struct quota l = {};
	int r = read_all(t, n, opens, &c, &l);

	free(c.list);
	if (r < 0)
		quota_done(&l);
	else
		*ret = l;
	return r;
}

void quota_done(struct quota *l)
{
	free(l->users);
	free(l->errors);
	*l = (struct quota){};
}
