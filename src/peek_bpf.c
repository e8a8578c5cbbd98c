/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf_util.h"
#include "origin.h"
#include "patience.h"
#include "peek.skel.h"
#include "peek_bpf.h"
#include "probe.h"

#define BUFFER_START  (256 * 1024)
#define MAPPED_SIZE   (64 * 1024)
#define CALL_NS	      (100 * NSEC_PER_MSEC)
#define ATTRS_AT_ONCE 256

static_assert(ATTRS_AT_ONCE * sizeof(struct mqw_attr) <= MAPPED_SIZE,
	      "attributes are read in place");

struct peek_bpf {
	struct peek_skel *bpf;
	int maps[PROBE_SHARED_MAPS]; /* the probes', owned; -1 without probes */
	size_t page_size;
	size_t buffer_size, buffer_max;
	uint8_t *mapped; /* the buffer's first MAPPED_SIZE bytes */
	uint32_t walks;
};

static void unload(struct peek_bpf *b)
{
	if (b->mapped)
		munmap(b->mapped, MAPPED_SIZE);
	b->mapped = NULL;
	peek_skel__destroy(b->bpf);
	b->bpf = NULL;
}

static void *map_buffer(const struct peek_bpf *b, size_t size, int protection)
{
	void *m = mmap(NULL, size, protection, MAP_SHARED, bpf_map__fd(b->bpf->maps.buffer), 0);

	return m == MAP_FAILED ? NULL : m;
}

/* Loads the programs with a buffer of that size: its bounds are constants to the verifier. */
static int load(struct peek_bpf *b, size_t buffer_size)
{
	struct bpf_map *shared[PROBE_SHARED_MAPS];
	int r;

	unload(b);
	b->bpf = peek_skel__open();
	if (!b->bpf)
		return -errno;
	shared[PROBE_MAP_QUEUES] = b->bpf->maps.queues;
	shared[PROBE_MAP_QUEUE_INDEX] = b->bpf->maps.queue_index;
	shared[PROBE_MAP_LEVELS] = b->bpf->maps.levels;
	shared[PROBE_MAP_LEVEL_INDEX] = b->bpf->maps.level_index;
	shared[PROBE_MAP_NEAR_LEVELS] = b->bpf->maps.near_levels;
	shared[PROBE_MAP_FAR_CHUNKS] = b->bpf->maps.far_chunks;
	/* a copy of up to a page may start at the last byte that is in use */
	b->bpf->rodata->buffer_size = buffer_size + b->page_size;
	b->bpf->rodata->page_size = b->page_size;
	r = bpf_map__set_value_size(b->bpf->maps.buffer, buffer_size + b->page_size);
	b->bpf->rodata->probes_attached = b->maps[0] >= 0;
	for (size_t i = 0; i < PROBE_SHARED_MAPS && r == 0; i++)
		if (b->maps[i] >= 0)
			r = bpf_map__reuse_fd(shared[i], b->maps[i]);
	if (r == 0)
		r = peek_skel__load(b->bpf);
	if (r < 0)
		return r;
	b->mapped = map_buffer(b, MAPPED_SIZE, PROT_READ | PROT_WRITE);
	if (!b->mapped)
		return -errno;
	b->buffer_size = buffer_size;
	return 0;
}

int peek_bpf_new(struct peek_bpf **ret, const struct peek_options *options, char *reason,
		 size_t reason_size)
{
	_cleanup_(peek_bpf_freep) struct peek_bpf *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	for (size_t i = 0; i < PROBE_SHARED_MAPS; i++)
		b->maps[i] = -1;
	r = bpf_begin(reason, reason_size);
	if (r < 0)
		return r;
	for (size_t i = 0; i < PROBE_SHARED_MAPS; i++) {
		int fd = options->probe ? probe_map_fd(options->probe, i) : -1;

		if (fd < 0)
			break;
		b->maps[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (b->maps[i] < 0)
			return -errno;
	}
	b->page_size = sysconf(_SC_PAGESIZE);
	b->buffer_max = options->buffer_max;
	r = load(b, BUFFER_START);
	if (r < 0) {
		bpf_explain_load(r, reason, reason_size);
		return r;
	}
	*ret = TAKE_PTR(b);
	return 0;
}

void peek_bpf_free(struct peek_bpf *b)
{
	if (!b)
		return;
	unload(b);
	for (size_t i = 0; i < PROBE_SHARED_MAPS; i++)
		close_fd(b->maps[i]);
	free(b);
}

/* A larger buffer, up to the limit; -ENOSPC at it. */
static int grow(struct peek_bpf *b)
{
	size_t size = b->buffer_size * 4;

	if (b->buffer_size >= b->buffer_max)
		return -ENOSPC;
	return load(b, size < b->buffer_max ? size : b->buffer_max);
}

/* What is known of message i's send. */
static void set_origin(struct snapshot_message *m, const struct mqw_peek_message *head,
		       const struct mqw_record *r, uint64_t before_ns)
{
	if (r && r->length == m->size) {
		m->origin = ORIGIN_KNOWN;
		/* a receiver let it in when there was room, just before the sender woke */
		m->sent_ns = r->sent_ns;
		m->pid = r->pid;
		m->tid = r->tid;
		memcpy(m->comm, r->comm, sizeof(m->comm) - 1);
	} else if (head->origin == MQW_ORIGIN_BEFORE && before_ns) {
		m->origin = ORIGIN_BEFORE;
		m->sent_ns = before_ns;
	}
}

/* Level by level. The last one's heads may go on behind the messages that were asked for. */
static int collect_origins(const struct mqw_peek *walk, const struct mqw_peek_message *heads,
			   uint64_t unused_since_ns, struct snapshot_message *messages)
{
	uint64_t before_ns = walk->before_ns ? walk->before_ns : unused_since_ns;
	_cleanup_free_ size_t *owner = calloc(walk->n_heads + 1, sizeof(*owner));
	size_t to;
	int r;

	if (!owner)
		return -ENOMEM;
	for (size_t from = 0; from < walk->n_messages; from = to) {
		to = from + 1;
		while (to < walk->n_heads && heads[to].priority == heads[from].priority)
			to++;
		r = origin_assign(heads + from, to - from, owner);
		if (r < 0)
			return r;
		for (size_t i = from; i < to && i < walk->n_messages; i++) {
			size_t o = owner[i - from];

			set_origin(&messages[i], &heads[i],
				   o == ORIGIN_NONE ? NULL : &heads[from + o].record, before_ns);
		}
	}
	return 0;
}

/* A snapshot of what the program wrote to the buffer, here mapped. */
static int collect_from(const struct mqw_peek *walk, const uint8_t *map, uint64_t unused_since_ns,
			struct snapshot **ret)
{
	_cleanup_(snapshot_freep) struct snapshot *s = calloc(1, sizeof(*s));
	_cleanup_free_ struct mqw_peek_message *heads = calloc(walk->n_heads + 1, sizeof(*heads));
	size_t offset = 0, kept = 0;
	int r;

	if (!s || !heads)
		return -ENOMEM;
	s->backend = "bpf";
	s->messages_total = walk->messages_total;
	s->messages = calloc(walk->n_messages + 1, sizeof(*s->messages));
	s->payloads = malloc(walk->used + 1);
	if (!s->messages || !s->payloads)
		return -ENOMEM;
	for (size_t i = 0; i < walk->n_heads; i++) {
		const struct mqw_peek_message *head = &heads[i];

		memcpy(&heads[i], map + offset, sizeof(*head));
		offset += sizeof(*head);
		memcpy(s->payloads + kept, map + offset, head->kept);
		if (i >= walk->n_messages)
			continue;
		s->messages[i] = (struct snapshot_message){
			.index = head->index,
			.priority = head->priority,
			.size = head->size,
			.payload = s->payloads + kept,
			.payload_size = head->kept,
		};
		kept += head->kept;
		offset = (offset + head->kept + 7) & ~7UL;
	}
	r = collect_origins(walk, heads, unused_since_ns, s->messages);
	if (r < 0)
		return r;
	s->n_messages = walk->n_messages;
	*ret = TAKE_PTR(s);
	return 0;
}

/* A long result is mapped for the moment only: all pages of a mapping count as resident. */
static int collect(struct peek_bpf *b, const struct mqw_peek *walk, uint64_t unused_since_ns,
		   struct snapshot **ret)
{
	uint8_t *map;
	int r;

	if (walk->used <= MAPPED_SIZE)
		return collect_from(walk, b->mapped, unused_since_ns, ret);
	map = map_buffer(b, walk->used, PROT_READ);
	if (!map)
		return -errno;
	r = collect_from(walk, map, unused_since_ns, ret);
	munmap(map, walk->used);
	return r;
}

/* Calls that ran when the probes came are over by then, unless they sleep in the queue. */
static bool unused_proves(const struct peek_request *request)
{
	return request->unused_since_ns &&
	       clock_ns(CLOCK_MONOTONIC) - request->unused_since_ns > CALL_NS;
}

/* One walk, with a larger buffer when that is what it lacks. */
static int walk_queue(struct peek_bpf *b, int mqd, const struct peek_request *request,
		      struct mqw_peek *walk)
{
	struct timespec now;
	int r;

	do {
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		*walk = (struct mqw_peek){
			.fd = mqd,
			.number = ++b->walks,
			.messages_max = request->messages_max,
			.payload_max = request->payload_max,
			.unused_proves = unused_proves(request),
			.now_sec = now.tv_sec,
			.now_nsec = now.tv_nsec,
		};
		r = bpf_run(b->bpf->progs.peek_messages, walk, sizeof(*walk));
		if (r < 0)
			return r;
		if (walk->end == MQW_PEEK_NO_QUEUE)
			return -EBADF;
		if (walk->end != MQW_PEEK_FULL)
			return 0;
		r = grow(b);
	} while (r == 0);
	return r == -ENOSPC ? 0 : r;
}

int peek_bpf_snapshot(struct peek_bpf *b, int mqd, const struct peek_request *request,
		      struct snapshot **ret)
{
	_cleanup_(snapshot_freep) struct snapshot *best = NULL;
	struct patience patience = patience_new(request->patience_ns);
	struct mqw_peek walk;
	int r;

	do {
		patience_attempt(&patience);
		r = walk_queue(b, mqd, request, &walk);
		if (r < 0)
			return r;
		if (!best || walk.n_messages > best->n_messages || walk.end == MQW_PEEK_COMPLETE) {
			struct snapshot *s = NULL;

			r = collect(b, &walk, request->unused_since_ns, &s);
			if (r < 0)
				return r;
			snapshot_free(best);
			best = s;
			best->consistent = walk.end == MQW_PEEK_COMPLETE;
			clock_gettime(CLOCK_REALTIME, &best->taken_at);
			best->taken_ns = clock_ns(CLOCK_MONOTONIC);
		}
	} while (walk.end == MQW_PEEK_CHANGED && patience_left(&patience));
	*ret = TAKE_PTR(best);
	return 0;
}

int peek_bpf_mark(struct peek_bpf *b, int mqd, struct peek_mark *ret)
{
	const struct peek_request nothing = {};
	struct mqw_peek walk;
	int r = walk_queue(b, mqd, &nothing, &walk);

	if (r == 0)
		*ret = (struct peek_mark){.guards = walk.guarded, .begun = walk.begun};
	return r;
}

/* Runs read_attrs on the mapped buffer's first n entries, ATTRS_AT_ONCE at most. */
static int read_attrs(struct peek_bpf *b, size_t n)
{
	struct mqw_attrs context = {.n = n};

	return bpf_run(b->bpf->progs.read_attrs, &context, sizeof(context));
}

static void take_attr(struct peek_item *item, const struct mqw_attr *in)
{
	item->found = in->found && S_ISREG(in->mode);
	if (!item->found)
		return;
	item->id = in->key;
	item->handle = in->inode;
	item->attr = (struct queue_attr){
		.messages = in->messages,
		.messages_limit = in->messages_limit,
		.message_size_limit = in->message_size_limit,
		.bytes = in->bytes,
		.bytes_known = true,
		.waiters_known = in->waiters_known,
		.blocked_senders = in->waiters[MQW_SEND],
		.blocked_receivers = in->waiters[MQW_RECEIVE],
		.notify_pid = in->notify_pid,
		.uid = in->uid,
		.gid = in->gid,
		.mode = in->mode & 07777,
	};
}

int peek_bpf_attrs(struct peek_bpf *b, struct peek_item *items, size_t n)
{
	struct mqw_attr *attrs = (struct mqw_attr *)b->mapped;

	for (size_t done = 0; done < n; done += ATTRS_AT_ONCE) {
		size_t m = n - done < ATTRS_AT_ONCE ? n - done : ATTRS_AT_ONCE;
		int r;

		for (size_t i = 0; i < m; i++)
			attrs[i] = (struct mqw_attr){
				.fd = items[done + i].mqd,
				.key = items[done + i].id,
				.inode = items[done + i].handle,
			};
		r = read_attrs(b, m);
		if (r < 0)
			return r;
		for (size_t i = 0; i < m; i++)
			take_attr(&items[done + i], &attrs[i]);
	}
	return 0;
}

int peek_bpf_ipcns(struct peek_bpf *b, int fd, uint32_t *ret)
{
	struct mqw_attr *attr = (struct mqw_attr *)b->mapped;
	int r;

	*attr = (struct mqw_attr){.fd = fd};
	r = read_attrs(b, 1);
	if (r < 0)
		return r;
	if (!attr->found)
		return -EBADF;
	*ret = attr->key.ipcns;
	return 0;
}
