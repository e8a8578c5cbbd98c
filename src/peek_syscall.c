/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "patience.h"
#include "peek_syscall.h"

#define PROVE_EVERY 32 /* messages */

struct peek_syscall {
	const struct peek_syscall_calls *calls;
	struct peek_bpf *witness;
	uint64_t buffer_max;
};

/* What stood when a reading began, and must stand still while it lasts. */
struct window {
	struct timespec changed;
	bool quiet;
	struct peek_mark mark;
	struct mq_attr attr;
};

/* A snapshot in the making. Its messages' payloads follow each other from payloads on. */
struct reading {
	struct snapshot *s;
	struct snapshot *listed; /* by the witness; NULL: not */
	uint8_t *bounce;	 /* mq_msgsize bytes: what a call insists on */
	size_t capacity;	 /* messages */
	size_t used, payload_capacity;
	size_t proven;
	bool stands; /* nothing moved from the window's opening to the end */
};

static time_t coarse_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now.tv_sec;
}

const struct peek_syscall_calls peek_syscall_calls = {
	.receive = mq_timedreceive2,
	.getattr = mq_getattr,
	.stat = fstat,
	.seconds = coarse_seconds,
	.mark = peek_bpf_mark,
	.list = peek_bpf_snapshot,
};

static void reading_done(struct reading *r)
{
	snapshot_free(r->s);
	snapshot_free(r->listed);
	free(r->bounce);
}

/* mq_getattr(3) comes last, as it takes the lock: a change from before that is stamped by then. */
static int window_open(const struct peek_syscall *b, int mqd, struct window *w)
{
	time_t now = b->calls->seconds();
	struct stat st;

	if (b->calls->stat(mqd, &st) < 0)
		return -errno;
	w->changed = st.st_ctim;
	w->quiet = st.st_ctim.tv_sec < now;
	if (!b->witness || b->calls->mark(b->witness, mqd, &w->mark) < 0)
		w->mark = (struct peek_mark){};
	return b->calls->getattr(mqd, &w->attr) < 0 ? -errno : 0;
}

static bool provable(const struct window *w)
{
	return w->quiet || w->mark.guards;
}

static bool window_stands(const struct peek_syscall *b, int mqd, const struct window *w)
{
	struct peek_mark mark;
	struct stat st;

	if (w->mark.guards && b->calls->mark(b->witness, mqd, &mark) == 0 && mark.guards &&
	    mark.begun == w->mark.begun)
		return true;
	return w->quiet && b->calls->stat(mqd, &st) == 0 &&
	       st.st_ctim.tv_sec == w->changed.tv_sec && st.st_ctim.tv_nsec == w->changed.tv_nsec;
}

/* Room for one more message with so much payload; false: it would be more than a snapshot may hold. */
static int make_room(const struct peek_syscall *b, struct reading *r, size_t kept, bool *ret)
{
	struct snapshot *s = r->s;
	size_t capacity;

	*ret = r->used + kept <= b->buffer_max;
	if (!*ret)
		return 0;
	if (s->n_messages == r->capacity) {
		struct snapshot_message *grown;

		capacity = r->capacity ? 2 * r->capacity : 16;
		grown = reallocarray(s->messages, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->messages = grown;
		r->capacity = capacity;
	}
	if (r->used + kept > r->payload_capacity) {
		uint8_t *grown;

		capacity = 2 * (r->used + kept);
		grown = realloc(s->payloads, capacity);
		if (!grown)
			return -ENOMEM;
		s->payloads = grown;
		r->payload_capacity = capacity;
	}
	return 0;
}

/* Reads the next message. 1: done, 0: there is none, or no room for it; -errno. */
static int read_message(const struct peek_syscall *b, int mqd, const struct window *w,
			const struct peek_request *request, struct reading *r)
{
	struct snapshot *s = r->s;
	size_t i = s->n_messages, kept;
	unsigned int priority = 0;
	struct mq_timedreceive2_args args = {
		.msg_len = w->attr.mq_msgsize,
		.msg_prio = &priority,
		.msg_ptr = (char *)r->bounce,
	};
	ssize_t size = b->calls->receive(mqd, &args, MQ_PEEK, i, NULL);
	bool room;
	int error;

	if (size < 0)
		return errno == EAGAIN || errno == ENOENT ? 0 : -errno;
	kept = (uint64_t)size < request->payload_max ? (uint64_t)size : request->payload_max;
	error = make_room(b, r, kept, &room);
	if (error < 0 || !room)
		return error;
	if (kept)
		memcpy(s->payloads + r->used, r->bounce, kept);
	s->messages[i] = (struct snapshot_message){
		.index = i,
		.priority = priority,
		.size = size,
		.payload_size = kept,
	};
	r->used += kept;
	s->n_messages++;
	return 1;
}

/* Lists the messages if that is of any use, and of the same moment if the window stands. */
static void list_origins(const struct peek_syscall *b, int mqd, const struct window *w,
			 const struct peek_request *request, struct reading *r)
{
	struct peek_request heads = *request;

	heads.payload_max = 0;
	heads.patience_ns = 0;
	if (b->witness && provable(w) && b->calls->list(b->witness, mqd, &heads, &r->listed) < 0)
		r->listed = NULL;
}

/* Reads up to n messages, as far as they can be proven. */
static int read_messages(const struct peek_syscall *b, int mqd, const struct window *w,
			 const struct peek_request *request, size_t n, struct reading *r)
{
	int more = 1;

	while (r->s->n_messages < n && more == 1) {
		more = read_message(b, mqd, w, request, r);
		if (more < 0)
			return more;
		if (r->s->n_messages % PROVE_EVERY != 0)
			continue;
		if (!window_stands(b, mqd, w))
			return 0;
		r->proven = r->s->n_messages;
	}
	r->stands = window_stands(b, mqd, w);
	if (r->stands)
		r->proven = r->s->n_messages;
	return 0;
}

/* The proven messages were queued when those of the list were: at the same place, the same. */
static void join_origins(struct reading *r)
{
	const struct snapshot *listed = r->listed;
	struct snapshot *s = r->s;

	if (!listed)
		return;
	for (size_t i = 0; i < listed->n_messages; i++) {
		const struct snapshot_message *head = &listed->messages[i];
		struct snapshot_message *m;

		if (head->index >= r->proven)
			break;
		m = &s->messages[head->index];
		m->origin = head->origin;
		m->sent_ns = head->sent_ns;
		m->pid = head->pid;
		m->tid = head->tid;
		memcpy(m->comm, head->comm, sizeof(m->comm));
	}
}

static void finish(struct snapshot *s, size_t n)
{
	uint8_t *payload = s->payloads;

	s->backend = "syscall";
	s->n_messages = n;
	for (size_t i = 0; i < n; i++) {
		s->messages[i].payload = payload;
		payload += s->messages[i].payload_size;
	}
	if (s->messages_total < n)
		s->messages_total = n;
	clock_gettime(CLOCK_REALTIME, &s->taken_at);
	s->taken_ns = clock_ns(CLOCK_MONOTONIC);
}

/*
 * One reading. *final: another would not give more, since it is consistent or as long as it may be.
 * With no proof in sight only the first message is read, which needs none.
 */
static int read_queue(const struct peek_syscall *b, int mqd, const struct peek_request *request,
		      struct snapshot **ret, bool *final)
{
	_cleanup_(reading_done) struct reading r = {.s = calloc(1, sizeof(*r.s))};
	struct window w = {};
	size_t asked, n;
	int error;

	if (!r.s)
		return -ENOMEM;
	error = window_open(b, mqd, &w);
	if (error < 0)
		return error;
	r.bounce = malloc(w.attr.mq_msgsize);
	if (!r.bounce)
		return -ENOMEM;
	r.s->messages_total = w.attr.mq_curmsgs;
	asked = r.s->messages_total < request->messages_max ? r.s->messages_total
							    : request->messages_max;
	n = asked > 1 && !provable(&w) ? 1 : asked;
	list_origins(b, mqd, &w, request, &r);
	error = read_messages(b, mqd, &w, request, n, &r);
	if (error < 0)
		return error;
	/* where no message was asked for there is but the depth, which is of one moment */
	r.s->consistent = r.proven == asked;
	*final = r.s->consistent || (r.stands && r.s->n_messages);
	join_origins(&r);
	if (!r.proven && r.s->n_messages)
		r.proven = 1;
	finish(r.s, r.proven);
	*ret = TAKE_PTR(r.s);
	return 0;
}

int peek_syscall_snapshot(struct peek_syscall *b, int mqd, const struct peek_request *request,
			  struct snapshot **ret)
{
	_cleanup_(snapshot_freep) struct snapshot *best = NULL;
	struct patience patience = patience_new(request->patience_ns);
	bool final;
	int r;

	do {
		struct snapshot *s = NULL;

		patience_attempt(&patience);
		r = read_queue(b, mqd, request, &s, &final);
		if (r < 0)
			return r;
		if (final || !best || s->n_messages >= best->n_messages) {
			snapshot_free(best);
			best = s;
		} else {
			snapshot_free(s);
		}
	} while (!final && patience_left(&patience));
	*ret = TAKE_PTR(best);
	return 0;
}

int peek_syscall_new(struct peek_syscall **ret, const struct peek_syscall_calls *calls,
		     struct peek_bpf *witness, uint64_t buffer_max)
{
	struct peek_syscall *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->calls = calls;
	b->witness = witness;
	b->buffer_max = buffer_max;
	*ret = b;
	return 0;
}

void peek_syscall_free(struct peek_syscall *b)
{
	free(b);
}
