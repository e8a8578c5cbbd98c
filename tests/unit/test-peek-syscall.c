// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake-queue.h"

#define MIB (1UL << 20)

struct fixture {
	struct peek_syscall *peek;
	struct peek_request request;
	struct snapshot *snapshot;
};

static void fixture_done(struct fixture *f)
{
	peek_syscall_free(f->peek);
	snapshot_free(f->snapshot);
}

/* probed: with a witness; it is never looked at but handed to the fake calls. */
static void fixture_new(struct fixture *f, bool probed, uint64_t buffer_max)
{
	*f = (struct fixture){.request = {.messages_max = UINT64_MAX, .payload_max = UINT64_MAX}};
	assert_int_equal(peek_syscall_new(&f->peek, &fake_calls,
					  probed ? (struct peek_bpf *)&fake : NULL, buffer_max),
			 0);
}

static int look(struct fixture *f)
{
	snapshot_free(f->snapshot);
	f->snapshot = NULL;
	return peek_syscall_snapshot(f->peek, 3, &f->request, &f->snapshot);
}

static void assert_message(const struct snapshot_message *m, uint32_t id, uint32_t priority,
			   size_t size, size_t kept)
{
	const struct fake_message is = {id, priority, size};

	assert_int_equal(m->priority, priority);
	assert_int_equal(m->size, size);
	assert_int_equal(m->payload_size, kept);
	for (size_t i = 0; i < kept; i++)
		if (m->payload[i] != fake_byte(&is, i))
			fail_msg("byte %zu of message %u", i, id);
}

static void fill(size_t n)
{
	for (size_t i = 0; i < n; i++)
		fake_send(i + 1, 0, 8);
}

static void rest(void)
{
	fake.now++;
}

static void test_quiet(_unused_ void **state)
{
	_cleanup_(fixture_done) struct fixture f;

	fake_reset(64);
	fixture_new(&f, false, MIB);
	fake_send(1, 0, 10);
	fake_send(2, 5, 0);
	fake_send(3, 5, 64);
	rest();
	assert_int_equal(look(&f), 0);
	assert_string_equal(f.snapshot->backend, "syscall");
	assert_true(f.snapshot->consistent);
	assert_int_equal(f.snapshot->messages_total, 3);
	assert_int_equal(f.snapshot->n_messages, 3);
	assert_message(&f.snapshot->messages[0], 2, 5, 0, 0);
	assert_message(&f.snapshot->messages[1], 3, 5, 64, 64);
	assert_message(&f.snapshot->messages[2], 1, 0, 10, 10);
	assert_int_equal(f.snapshot->messages[0].origin, ORIGIN_UNKNOWN);
	assert_int_equal(fake.calls, 3);
	assert_true(f.snapshot->taken_ns && f.snapshot->taken_at.tv_sec);
}

static void test_empty(_unused_ void **state)
{
	_cleanup_(fixture_done) struct fixture f;

	fake_reset(64);
	fixture_new(&f, false, MIB);
	assert_int_equal(look(&f), 0);
	assert_true(f.snapshot->consistent);
	assert_int_equal(f.snapshot->messages_total, 0);
	assert_int_equal(f.snapshot->n_messages, 0);
	assert_int_equal(fake.calls, 0);
}

static void test_limits(_unused_ void **state)
{
	_cleanup_(fixture_done) struct fixture f;

	fake_reset(64);
	fixture_new(&f, false, MIB);
	fill(100);
	rest();
	f.request.messages_max = 40;
	f.request.payload_max = 5;
	assert_int_equal(look(&f), 0);
	assert_true(f.snapshot->consistent);
	assert_int_equal(f.snapshot->messages_total, 100);
	assert_int_equal(f.snapshot->n_messages, 40);
	for (size_t i = 0; i < 40; i++)
		assert_message(&f.snapshot->messages[i], i + 1, 0, 8, 5);
	assert_int_equal(fake.calls, 40);
	f.request.messages_max = 0;
	assert_int_equal(look(&f), 0);
	assert_true(f.snapshot->consistent);
	assert_int_equal(f.snapshot->messages_total, 100);
	assert_int_equal(f.snapshot->n_messages, 0);
	f.request.messages_max = UINT64_MAX;
	f.request.payload_max = 0;
	assert_int_equal(look(&f), 0);
	assert_int_equal(f.snapshot->n_messages, 100);
	assert_message(&f.snapshot->messages[99], 100, 0, 8, 0);
}

/* Used this second, and no probes: nothing but the first message is certain. */
static void test_no_proof(_unused_ void **state)
{
	_cleanup_(fixture_done) struct fixture f;

	fake_reset(64);
	fixture_new(&f, false, MIB);
	fill(100);
	assert_int_equal(look(&f), 0);
	assert_false(f.snapshot->consistent);
	assert_int_equal(f.snapshot->messages_total, 100);
	assert_int_equal(f.snapshot->n_messages, 1);
	assert_message(&f.snapshot->messages[0], 1, 0, 8, 8);
	assert_true(fake.calls < 20);
}

/* Waits for the second in which the queue was used to pass. */
static void let_time_pass(struct fake_queue *q)
{
	q->now = FAKE_START + (q->calls > 20);
}

static void test_patience(_unused_ void **state)
{
	_cleanup_(fixture_done) struct fixture f;

	fake_reset(64);
	fixture_new(&f, false, MIB);
	fill(50);
	fake.between = let_time_pass;
	f.request.patience_ns = 10 * NSEC_PER_SEC;
	assert_int_equal(look(&f), 0);
	assert_true(f.snapshot->consistent);
	assert_int_equal(f.snapshot->n_messages, 50);
}

/* One out, one in, all alike: neither depth nor contents tell that places moved. */
static void rotate_once(struct fake_queue *q)
{
	if (q->calls != 70)
		return;
	fake_receive_head();
	fake_send(101, 0, 8);
	q->calls++;
}

static void test_change_keeps_prefix(_unused_ void **state)
{
	_cleanup_(fixture_done) struct fixture f;

	fake_reset(64);
	fixture_new(&f, false, MIB);
	fill(100);
	rest();
	fake.between = rotate_once;
	assert_int_equal(look(&f), 0);
	assert_false(f.snapshot->consistent);
	assert_int_equal(f.snapshot->n_messages, 64);
	for (size_t i = 0; i < 64; i++)
		assert_message(&f.snapshot->messages[i], i + 1, 0, 8, 8);
}

static void steal_all(struct fake_queue *q)
{
	while (q->calls >= 2 && q->n)
		fake_receive_head();
}

static void steal_half(struct fake_queue *q)
{
	while (q->calls >= 2 && q->n > 5)
		fake_receive_head();
}

/* EAGAIN and ENOENT in the middle of a reading. */
static void test_shrinks(_unused_ void **state)
{
	void (*const thefts[])(struct fake_queue *) = {steal_all, steal_half};

	for (size_t i = 0; i < ARRAY_SIZE(thefts); i++) {
		_cleanup_(fixture_done) struct fixture f;

		fake_reset(64);
		fixture_new(&f, false, MIB);
		fill(10);
		rest();
		fake.between = thefts[i];
		assert_int_equal(look(&f), 0);
		assert_int_equal(f.snapshot->consistent, i == 0); /* it is empty, and that is all */
		assert_int_equal(f.snapshot->n_messages, i);
		assert_int_equal(f.snapshot->messages_total, i * 5);
		if (i)
			assert_message(&f.snapshot->messages[0], 6, 0, 8, 8);
	}
}

static void test_long_messages(_unused_ void **state)
{
	_cleanup_(fixture_done) struct fixture f;

	fake_reset(16 * MIB);
	fixture_new(&f, false, 40 * MIB);
	fake_send(1, 1, 16 * MIB);
	fake_send(2, 1, 16 * MIB - 1);
	fake_send(3, 1, 16 * MIB);
	fake_send(4, 1, 3);
	rest();
	f.request.payload_max = 5000;
	assert_int_equal(look(&f), 0);
	assert_true(f.snapshot->consistent);
	assert_int_equal(f.snapshot->n_messages, 4);
	assert_message(&f.snapshot->messages[1], 2, 1, 16 * MIB - 1, 5000);
	assert_message(&f.snapshot->messages[3], 4, 1, 3, 3);
	/* whole, as many as there is room for; a second try would give no more */
	fake.calls = 0;
	f.request.payload_max = UINT64_MAX;
	assert_int_equal(look(&f), 0);
	assert_false(f.snapshot->consistent);
	assert_int_equal(f.snapshot->messages_total, 4);
	assert_int_equal(f.snapshot->n_messages, 2);
	assert_message(&f.snapshot->messages[0], 1, 1, 16 * MIB, 16 * MIB);
	assert_message(&f.snapshot->messages[1], 2, 1, 16 * MIB - 1, 16 * MIB - 1);
	assert_int_equal(fake.calls, 3);
}

static void assert_sender(const struct snapshot_message *m, uint32_t id)
{
	assert_int_equal(m->origin, ORIGIN_KNOWN);
	assert_int_equal(m->pid, 100 + id);
	assert_int_equal(m->sent_ns, id);
	assert_string_equal(m->comm, "sender");
}

static void test_guarded(_unused_ void **state)
{
	_cleanup_(fixture_done) struct fixture f;

	fake_reset(64);
	fixture_new(&f, true, MIB);
	fill(100);
	fake.guards = true;
	assert_int_equal(look(&f), 0);
	assert_true(f.snapshot->consistent);
	assert_int_equal(f.snapshot->n_messages, 100);
	for (size_t i = 0; i < 100; i++)
		assert_sender(&f.snapshot->messages[i], i + 1);
	assert_int_equal(fake.lists, 1);
}

static void begin_call(struct fake_queue *q)
{
	if (q->calls == 70)
		q->begun++;
}

static void lose_trust(struct fake_queue *q)
{
	q->guards = q->calls <= 70;
}

/* What the probes cannot vouch for to the end is a prefix. */
static void test_guard_lost(_unused_ void **state)
{
	void (*const events[])(struct fake_queue *) = {begin_call, lose_trust};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		_cleanup_(fixture_done) struct fixture f;

		fake_reset(64);
		fixture_new(&f, true, MIB);
		fill(100);
		fake.guards = true;
		fake.between = events[i];
		f.request.messages_max = 90;
		assert_int_equal(look(&f), 0);
		if (f.snapshot->consistent) {
			/* a later reading, as nothing moved */
			assert_int_equal(i, 0);
			assert_int_equal(f.snapshot->n_messages, 90);
			continue;
		}
		assert_int_equal(f.snapshot->n_messages, 64);
		assert_sender(&f.snapshot->messages[63], 64);
	}
}

/* Quiet, but the probes are of no use as a proof: they are still for the senders. */
static void test_senders_of_quiet_queue(_unused_ void **state)
{
	_cleanup_(fixture_done) struct fixture f;

	fake_reset(64);
	fixture_new(&f, true, MIB);
	fill(3);
	rest();
	assert_int_equal(look(&f), 0);
	assert_true(f.snapshot->consistent);
	for (size_t i = 0; i < 3; i++)
		assert_sender(&f.snapshot->messages[i], i + 1);
}

/* With no proof, the list may be of another moment: the sender of the one message is unknown. */
static void test_no_proof_no_senders(_unused_ void **state)
{
	_cleanup_(fixture_done) struct fixture f;

	fake_reset(64);
	fixture_new(&f, true, MIB);
	fill(3);
	assert_int_equal(look(&f), 0);
	assert_int_equal(f.snapshot->n_messages, 1);
	assert_int_equal(f.snapshot->messages[0].origin, ORIGIN_UNKNOWN);
	assert_int_equal(fake.lists, 0);
}

static void test_errors(_unused_ void **state)
{
	_cleanup_(fixture_done) struct fixture f;

	fake_reset(64);
	fixture_new(&f, false, MIB);
	fill(3);
	rest();
	fake.receive_error = EPERM;
	assert_int_equal(look(&f), -EPERM);
	assert_null(f.snapshot);
	fake.receive_error = 0;
	fake.getattr_error = EBADF;
	assert_int_equal(look(&f), -EBADF);
	assert_null(f.snapshot);
}

/* All states that a queue had since a reading began, and what may happen between any two calls. */
#define STATES 4096
static struct {
	struct fake_message messages[FAKE_MAX];
	size_t n;
} history[STATES];
static size_t n_history;
static unsigned int seed;

static void note_state(void)
{
	assert_true(n_history < STATES);
	memcpy(history[n_history].messages, fake.messages, sizeof(fake.messages));
	history[n_history++].n = fake.n;
}

static unsigned int draw(unsigned int below)
{
	return (unsigned int)rand_r(&seed) % below;
}

static void happen(struct fake_queue *q)
{
	if (draw(4) == 0)
		q->now++;
	if (draw(12) != 0)
		return;
	q->guards = draw(4) != 0;
	for (unsigned int n = draw(4); n > 0; n--) {
		if (draw(2) && q->n)
			fake_receive_head();
		else if (q->n < FAKE_MAX - 1)
			fake_send(1 + draw(3), draw(2), 4 + draw(2));
		note_state();
	}
}

static bool begins_with(size_t h, const struct snapshot *s, bool senders)
{
	for (size_t i = 0; i < s->n_messages; i++) {
		const struct snapshot_message *m = &s->messages[i];
		const struct fake_message *is = &history[h].messages[i];

		if (i >= history[h].n || m->priority != is->priority || m->size != is->size ||
		    m->payload[0] != is->id || m->index != i)
			return false;
		if (senders && m->origin == ORIGIN_KNOWN && m->pid != 100 + is->id)
			return false;
	}
	return true;
}

static void test_model(_unused_ void **state)
{
	unsigned int consistent = 0, prefixes = 0;

	seed = 1;
	for (unsigned int round = 0; round < 3000; round++) {
		_cleanup_(fixture_done) struct fixture f;
		bool explained = false;

		fake_reset(64);
		fixture_new(&f, draw(2), MIB);
		for (unsigned int n = draw(100); n > 0; n--)
			fake_send(1 + draw(3), draw(2), 4 + draw(2));
		fake.guards = draw(2);
		n_history = 0;
		note_state();
		fake.between = happen;
		assert_int_equal(look(&f), 0);
		for (size_t h = 0; h < n_history && !explained; h++)
			explained = begins_with(h, f.snapshot, true) &&
				    (!f.snapshot->consistent ||
				     (f.snapshot->n_messages == history[h].n &&
				      f.snapshot->messages_total == history[h].n));
		if (!explained)
			fail_msg("round %u: %zu messages that were never queued together", round,
				 f.snapshot->n_messages);
		consistent += f.snapshot->consistent && f.snapshot->n_messages > 1;
		prefixes += !f.snapshot->consistent && f.snapshot->n_messages > 1;
	}
	assert_true(consistent > 300 && prefixes > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_proof),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_change_keeps_prefix),
		cmocka_unit_test(test_shrinks),
		cmocka_unit_test(test_long_messages),
		cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_guard_lost),
		cmocka_unit_test(test_senders_of_quiet_queue),
		cmocka_unit_test(test_no_proof_no_senders),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
