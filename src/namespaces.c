// SPDX-License-Identifier: GPL-2.0-or-later
#include <fnmatch.h>
#include <sys/stat.h>

#include "enter.h"
#include "namespaces.h"
#include "process.h"

#define INITIAL_IPCNS 0xEFFFFFFFU /* PROC_IPC_INIT_INO, include/linux/proc_ns.h */

struct namespaces {
	struct namespaces_options options;
	struct namespace *list; /* in order of ipcns */
	size_t n;
	uint32_t own;
	bool numbers_global;
	struct mqw_process *processes;
	size_t n_processes;
};

int namespaces_new(struct namespaces **ret, const struct namespaces_options *options)
{
	struct namespaces *n = calloc(1, sizeof(*n));
	struct stat st;

	if (!n)
		return -ENOMEM;
	n->options = *options;
	n->numbers_global = process_numbers_global();
	if (options->own)
		n->own = mqfs_ipcns(options->own);
	else if (stat("/proc/self/ns/ipc", &st) == 0)
		n->own = st.st_ino;
	*ret = n;
	return 0;
}

void namespaces_free(struct namespaces *n)
{
	if (!n)
		return;
	free(n->list);
	free(n->processes);
	free(n);
}

void namespaces_set_watched(struct namespaces *n, char *const *watched)
{
	n->options.watched = watched;
}

void namespaces_set_own(struct namespaces *n, struct mqfs *own)
{
	n->options.own = own;
	n->own = mqfs_ipcns(own);
}

uint32_t namespaces_own(const struct namespaces *n)
{
	return n->own;
}

uint32_t namespaces_only(const struct namespaces *n)
{
	char *const *watched = n->options.watched;

	if (watched && watched[0] && (strcmp(watched[0], "own") != 0 || watched[1]))
		return 0;
	return n->own;
}

size_t namespaces_count(const struct namespaces *n)
{
	return n->n;
}

const struct namespace *namespaces_at(const struct namespaces *n, size_t i)
{
	return &n->list[i];
}

static int compare(const void *a, const void *b)
{
	const struct namespace *x = a, *y = b;

	return x->ipcns < y->ipcns ? -1 : x->ipcns > y->ipcns;
}

static struct namespace *find(const struct namespaces *n, uint32_t ipcns)
{
	const struct namespace key = {.ipcns = ipcns};

	return n->n ? bsearch(&key, n->list, n->n, sizeof(key), compare) : NULL;
}

const struct namespace *namespaces_find(const struct namespaces *n, uint32_t ipcns)
{
	return find(n, ipcns);
}

const struct mqw_process *namespaces_processes(const struct namespaces *n, size_t *ret_n)
{
	*ret_n = n->n_processes;
	return n->processes;
}

/* The namespace, which is there from now on; NULL: no memory. */
static struct namespace *see(struct namespaces *n, uint32_t ipcns)
{
	struct namespace *s = find(n, ipcns), *grown;

	if (!s) {
		grown = reallocarray(n->list, n->n + 1, sizeof(*grown));
		if (!grown)
			return NULL;
		n->list = grown;
		grown[n->n++] = (struct namespace){.ipcns = ipcns, .own = ipcns == n->own};
		qsort(n->list, n->n, sizeof(*n->list), compare);
		s = find(n, ipcns);
	}
	s->seen = true;
	return s;
}

/* What runs in a namespace tells whose it is; in the initial one everybody runs. */
static void see_process(struct namespace *s, uint32_t pid)
{
	struct process p = {};

	if (s->pid)
		return;
	if (s->ipcns != INITIAL_IPCNS && process_read_cgroup(pid, &p) < 0)
		return;
	s->pid = pid;
	memcpy(s->unit, p.unit, sizeof(s->unit));
	memcpy(s->container, p.container, sizeof(s->container));
}

static int find_by_reach(struct namespaces *n)
{
	struct mqw_process *processes;
	size_t count;
	int r = reach_processes(n->options.reach, &processes, &count);

	if (r < 0)
		return r;
	free(n->processes);
	n->processes = processes;
	n->n_processes = count;
	for (size_t i = 0; i < count; i++) {
		struct namespace *s = see(n, processes[i].ipcns);

		if (!s)
			return -ENOMEM;
		s->handle = processes[i].ns;
		if (n->numbers_global)
			see_process(s, processes[i].pid);
	}
	return 0;
}

static int see_namespace_of(uint32_t pid, void *data)
{
	char path[sizeof("/proc/4294967295/ns/ipc")];
	struct namespace *s;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/ns/ipc", pid);
	if (stat(path, &st) < 0)
		return 0;
	s = see(data, st.st_ino);
	if (!s)
		return -ENOMEM;
	see_process(s, pid);
	return 0;
}

static bool fits(const struct namespace *s, const char *wanted)
{
	uint64_t number;

	if (strcmp(wanted, "all") == 0)
		return true;
	if (strcmp(wanted, "own") == 0)
		return s->own;
	if (parse_u64(wanted, 0, UINT32_MAX, &number) == 0)
		return s->ipcns == number;
	return (*s->unit && fnmatch(wanted, s->unit, 0) == 0) ||
	       (*s->container && fnmatch(wanted, s->container, 0) == 0);
}

static bool is_watched(const struct namespaces *n, const struct namespace *s)
{
	if (!n->options.watched || !n->options.watched[0])
		return s->own;
	for (size_t i = 0; n->options.watched[i]; i++)
		if (fits(s, n->options.watched[i]))
			return true;
	return false;
}

static void keep_watched(struct namespaces *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->n; i++)
		if (n->list[i].seen && is_watched(n, &n->list[i]))
			n->list[kept++] = n->list[i];
	n->n = kept;
}

/* Only its own namespace is wanted, and that is known: nobody need be asked. */
static bool own_only(const struct namespaces *n)
{
	return !n->options.watched && !n->options.reach;
}

int namespaces_refresh(struct namespaces *n)
{
	struct namespace *own;
	int r = 0;

	for (size_t i = 0; i < n->n; i++) {
		n->list[i].seen = false;
		n->list[i].pid = 0;
		n->list[i].handle = 0;
	}
	own = n->own ? see(n, n->own) : NULL;
	if (n->own && !own)
		return -ENOMEM;
	if (n->options.reach)
		r = find_by_reach(n);
	if (r == 0 && !own_only(n) && !(n->options.reach && n->numbers_global))
		r = process_each(see_namespace_of, n);
	keep_watched(n);
	return r;
}

struct walk {
	struct namespace *of;
	int (*each)(const struct namespace_queue *q, void *data);
	void *data;
};

static int see_name(const char *name, uint64_t ino, void *data)
{
	const struct walk *w = data;
	const struct namespace_queue q = {
		.key = {.ino = ino, .ipcns = w->of->ipcns},
		.name = name,
		.linked = true,
	};

	return w->each(&q, w->data);
}

static int walk_by_reach(struct namespaces *n, struct walk *w, bool *ret_sound)
{
	struct mqw_list list = {.ns = w->of->handle, .ipcns = w->of->ipcns};
	const struct mqw_listed *listed;
	size_t count;
	int r = reach_list(n->options.reach, &list, &listed, &count);

	if (r < 0)
		return r;
	w->of->limits = (struct namespace_limits){
		.known = true,
		.counted = true,
		.queues = list.queues,
		.queues_max = list.queues_max,
		.msg_max = list.msg_max,
		.msgsize_max = list.msgsize_max,
		.msg_default = list.msg_default,
		.msgsize_default = list.msgsize_default,
	};
	*ret_sound = list.sound;
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct namespace_queue q = {
			.key = {.ino = listed[i].ino, .ipcns = w->of->ipcns},
			.handle = listed[i].inode,
			.linked = listed[i].linked,
			.opens_known = true,
			.opens = listed[i].opens,
			.writes = listed[i].writes,
			.used_sec = listed[i].used_sec,
		};

		r = w->each(&q, w->data);
	}
	return r;
}

/* One number of /proc/sys/fs/mqueue, which shows the namespace of who opens it; 0: unknown */
static uint64_t read_limit(const char *name)
{
	char path[64], line[32];
	uint64_t limit = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/fs/mqueue/%s", name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (parse_u64(line, 0, UINT64_MAX, &limit) < 0)
			limit = 0;
	}
	fclose(f);
	return limit;
}

static void read_limits(struct namespace_limits *l)
{
	l->queues_max = read_limit("queues_max");
	l->msg_max = read_limit("msg_max");
	l->msgsize_max = read_limit("msgsize_max");
	l->msg_default = read_limit("msg_default");
	l->msgsize_default = read_limit("msgsize_default");
	l->known = l->queues_max != 0;
}

static int walk_entered(struct walk *w)
{
	_cleanup_(enter_leavep) struct entered *entered = NULL;
	_cleanup_(mqfs_freep) struct mqfs *fs = NULL;
	int r = enter_ipcns(&entered, w->of->pid, w->of->ipcns);

	if (r == 0)
		r = mqfs_open_private(&fs);
	if (r < 0)
		return r;
	read_limits(&w->of->limits);
	return mqfs_walk(fs, see_name, w);
}

int namespaces_walk(struct namespaces *n, size_t i,
		    int (*each)(const struct namespace_queue *q, void *data), void *data,
		    bool *ret_sound)
{
	struct walk w = {.of = &n->list[i], .each = each, .data = data};

	*ret_sound = true;
	if (n->options.reach && w.of->handle)
		return walk_by_reach(n, &w, ret_sound);
	if (!w.of->own)
		return walk_entered(&w);
	if (!n->options.own)
		return 0;
	read_limits(&w.of->limits);
	return mqfs_walk(n->options.own, see_name, &w);
}

int namespaces_details(struct namespaces *n, struct mqw_detail *details, size_t n_details)
{
	return n->options.reach ? reach_details(n->options.reach, details, n_details) : -EOPNOTSUPP;
}

/* A descriptor on the queue, or -ESTALE for one on another. */
static int check_queue(int fd, const struct queue *q)
{
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && st.st_ino == q->id.ino)
		return fd;
	close(fd);
	return -ESTALE;
}

static int open_linked(struct namespaces *n, const struct queue *q)
{
	const struct namespace *s = find(n, q->id.ipcns);

	if (q->id.ipcns == n->own && n->options.own)
		return check_queue(mqfs_open_queue(n->options.own, q->name), q);
	return s ? check_queue(enter_open_queue(s->pid, s->ipcns, q->name), q) : -ENOENT;
}

/* Where a process has it open. */
static int open_unlinked(struct namespaces *n, const struct queue *q)
{
	_cleanup_free_ struct mqw_opener *openers = NULL;
	const struct mqw_opener *of;
	size_t count;
	int r, fd = -ENOENT;

	if (!n->options.openers || !n->numbers_global)
		return -EOPNOTSUPP;
	r = openers_list(n->options.openers, &openers, &count);
	if (r < 0)
		return r;
	of = openers_of(openers, count, &q->id, &count);
	for (size_t i = 0; fd < 0 && i < count; i++)
		fd = check_queue(enter_open_descriptor(of[i].pid, of[i].fd), q);
	return fd;
}

int namespaces_open_queue(struct namespaces *n, const struct queue *q)
{
	return q->linked ? open_linked(n, q) : open_unlinked(n, q);
}
