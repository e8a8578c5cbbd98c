// SPDX-License-Identifier: GPL-2.0-or-later
/* The stall machine: what happens to a queue, second by second, and what it makes of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stall.h"

#define MS NSEC_PER_MSEC
/* No test begins at the time 0, which stands for none. */
#define START (1000 * NSEC_PER_SEC)

#define IDLE	  (1U << STALL_READER_IDLE)
#define NOBODY	  (1U << STALL_NO_READER)
#define BLOCKED	  (1U << STALL_SENDER_BLOCKED)
#define STARVED	  (1U << STALL_STARVED)
#define REJECTING (1U << STALL_FULL_REJECTING)

static const struct stall_rules ten_seconds = {.after_ns = 10 * NSEC_PER_SEC, .adaptive = 10};

/* Times in milliseconds since START; -1: none. */
struct step {
	int64_t at;
	uint64_t messages;
	uint64_t received, rejected;
	int64_t rejecting; /* the first of the series; the last one is of this moment */
	int64_t last_receive, oldest, blocked;
	bool overtaken;
	int readers; /* -1: not known */
	uint64_t usual_ms;
	uint32_t expected;
};

/* Steps say only what differs from nothing going on. */
#pragma GCC diagnostic ignored "-Woverride-init"
#define NOTHING	  .last_receive = -1, .rejecting = -1, .oldest = -1, .blocked = -1, .readers = 1
#define STEPS_MAX 16

struct scenario {
	const char *name;
	struct step steps[STEPS_MAX];
};

static uint64_t time_of(int64_t ms)
{
	return ms < 0 ? 0 : START + (uint64_t)ms * MS;
}

static struct stall_input input_of(const struct step *s)
{
	return (struct stall_input){
		.now_ns = time_of(s->at),
		.messages = s->messages,
		.messages_limit = 10,
		.received = s->received,
		.rejected = s->rejected,
		.rejecting_ns = time_of(s->rejecting),
		.rejected_ns = time_of(s->at),
		.last_receive_ns = time_of(s->last_receive),
		.oldest_ns = time_of(s->oldest),
		.overtaken = s->overtaken,
		.blocked_ns = time_of(s->blocked),
		.usual_ns = s->usual_ms * MS,
		.readers_known = s->readers >= 0,
		.readers = s->readers > 0 ? (size_t)s->readers : 0,
	};
}

static const struct scenario scenarios[] = {
	{"a message waits",
	 {{NOTHING, .at = 0, .expected = 0},
	  {NOTHING, .at = 1000, .messages = 1, .oldest = 500, .expected = 0},
	  {NOTHING, .at = 10499, .messages = 1, .oldest = 500, .expected = 0},
	  {NOTHING, .at = 10500, .messages = 1, .oldest = 500, .expected = IDLE},
	  {NOTHING, .at = 60000, .messages = 1, .oldest = 500, .expected = IDLE},
	  {NOTHING, .at = 60250, .received = 1, .last_receive = 60100, .expected = 0}}},
	{"its age is not known: it waits since it was seen",
	 {{NOTHING, .at = 1000, .messages = 1, .expected = 0},
	  {NOTHING, .at = 10999, .messages = 1, .expected = 0},
	  {NOTHING, .at = 11000, .messages = 1, .expected = IDLE}}},
	{"one is received now and then: slow, not stuck",
	 {{NOTHING, .at = 0, .messages = 9, .oldest = 0, .expected = 0},
	  {NOTHING, .at = 9000, .messages = 9, .received = 1, .last_receive = 8900, .oldest = 0},
	  {NOTHING, .at = 18000, .messages = 9, .received = 2, .last_receive = 17000, .oldest = 0},
	  {NOTHING, .at = 26999, .messages = 9, .received = 2, .last_receive = 17000, .oldest = 0},
	  {NOTHING, .at = 27000, .messages = 9, .received = 2, .last_receive = 17000, .oldest = 0,
	   .expected = IDLE},
	  {NOTHING, .at = 27250, .messages = 8, .received = 3, .last_receive = 27100, .oldest = 0},
	  {NOTHING, .at = 36000, .messages = 8, .received = 3, .last_receive = 27100,
	   .oldest = 0}}},
	{"the same, with messages of unknown age",
	 {{NOTHING, .at = 0, .messages = 9},
	  {NOTHING, .at = 9000, .messages = 9, .received = 1, .last_receive = 8900},
	  {NOTHING, .at = 18000, .messages = 9, .received = 2, .last_receive = 17000},
	  {NOTHING, .at = 27900, .messages = 9, .received = 2, .last_receive = 17000}}},
	{"empty in between: the next message waits anew",
	 {{NOTHING, .at = 0, .messages = 1, .oldest = 0},
	  {NOTHING, .at = 9000, .messages = 0, .received = 1, .last_receive = 8500},
	  {NOTHING, .at = 18000, .messages = 1, .received = 1, .last_receive = 8500,
	   .oldest = 17000},
	  {NOTHING, .at = 26900, .messages = 1, .received = 1, .last_receive = 8500,
	   .oldest = 17000},
	  {NOTHING, .at = 27000, .messages = 1, .received = 1, .last_receive = 8500,
	   .oldest = 17000, .expected = IDLE}}},
	{"a burst every two seconds, emptied each time, is never a stall",
	 {{NOTHING, .at = 0, .messages = 10, .oldest = 0},
	  {NOTHING, .at = 2000, .messages = 10, .received = 10, .last_receive = 1900,
	   .oldest = 1950},
	  {NOTHING, .at = 4000, .messages = 10, .received = 20, .last_receive = 3900,
	   .oldest = 3950},
	  {NOTHING, .at = 13000, .messages = 10, .received = 20, .last_receive = 3900,
	   .oldest = 3950}}},
	{"faster than usual patience: ten times the usual time",
	 {{NOTHING, .at = 0, .messages = 1, .oldest = 0, .usual_ms = 300},
	  {NOTHING, .at = 2999, .messages = 1, .oldest = 0, .usual_ms = 300},
	  {NOTHING, .at = 3000, .messages = 1, .oldest = 0, .usual_ms = 300, .expected = IDLE},
	  /* that what is usual changes does not end it */
	  {NOTHING, .at = 4000, .messages = 1, .oldest = 0, .usual_ms = 1200, .expected = IDLE},
	  {NOTHING, .at = 4100, .messages = 1, .oldest = 0, .usual_ms = 0, .expected = IDLE},
	  {NOTHING, .at = 4200, .messages = 0, .received = 1, .last_receive = 4100}}},
	{"but not before a second, and not later than stall-after",
	 {{NOTHING, .at = 0, .messages = 1, .oldest = 0, .usual_ms = 1},
	  {NOTHING, .at = 999, .messages = 1, .oldest = 0, .usual_ms = 1},
	  {NOTHING, .at = 1000, .messages = 1, .oldest = 0, .usual_ms = 1, .expected = IDLE},
	  {NOTHING, .at = 1100, .messages = 1, .received = 1, .last_receive = 1050, .oldest = 900},
	  {NOTHING, .at = 11050, .messages = 1, .received = 1, .last_receive = 1050, .oldest = 900,
	   .usual_ms = 5000, .expected = IDLE}}},
	{"nobody has it open",
	 {{NOTHING, .at = 0, .messages = 1, .oldest = 0, .readers = -1},
	  {NOTHING, .at = 10000, .messages = 1, .oldest = 0, .readers = 0, .expected = NOBODY},
	  {NOTHING, .at = 10250, .messages = 1, .oldest = 0, .readers = -1, .expected = NOBODY},
	  /* somebody comes, and gets as long as all others */
	  {NOTHING, .at = 11000, .messages = 1, .oldest = 0, .readers = 1, .expected = 0},
	  {NOTHING, .at = 20999, .messages = 1, .oldest = 0, .readers = 1, .expected = 0},
	  {NOTHING, .at = 21000, .messages = 1, .oldest = 0, .readers = 1, .expected = IDLE},
	  {NOTHING, .at = 21250, .messages = 1, .oldest = 0, .readers = 0, .expected = NOBODY},
	  {NOTHING, .at = 22000, .messages = 0, .received = 1, .last_receive = 21900}}},
	{"who reads is not known: the reader is idle",
	 {{NOTHING, .at = 0, .messages = 1, .oldest = 0, .readers = -1},
	  {NOTHING, .at = 10000, .messages = 1, .oldest = 0, .readers = -1, .expected = IDLE}}},
	{"a send is blocked",
	 {{NOTHING, .at = 0, .messages = 10, .received = 5, .last_receive = 0, .blocked = 0},
	  {NOTHING, .at = 9999, .messages = 10, .received = 6, .last_receive = 9000, .blocked = 0},
	  {NOTHING, .at = 10000, .messages = 10, .received = 6, .last_receive = 9000, .blocked = 0,
	   .expected = BLOCKED},
	  /* it gets through; the next one has been blocked for nearly as long */
	  {NOTHING, .at = 11000, .messages = 10, .received = 7, .last_receive = 10500,
	   .blocked = 2000, .expected = BLOCKED},
	  {NOTHING, .at = 12000, .messages = 10, .received = 9, .last_receive = 11500,
	   .blocked = 7001, .expected = 0},
	  {NOTHING, .at = 16999, .messages = 10, .received = 9, .last_receive = 11500,
	   .blocked = 7001},
	  {NOTHING, .at = 17001, .messages = 10, .received = 9, .last_receive = 11500,
	   .blocked = 7001, .expected = BLOCKED},
	  {NOTHING, .at = 17100, .messages = 9, .received = 10, .last_receive = 17050}}},
	{"senders that are blocked for a moment each are none",
	 {{NOTHING, .at = 0, .messages = 10, .received = 5, .last_receive = 0, .blocked = 0},
	  {NOTHING, .at = 10000, .messages = 10, .received = 90, .last_receive = 9990,
	   .blocked = 9800},
	  {NOTHING, .at = 20000, .messages = 10, .received = 190, .last_receive = 19990,
	   .blocked = 19800}}},
	{"overtaken again and again",
	 {{NOTHING, .at = 0, .messages = 3, .last_receive = 0, .oldest = 0, .overtaken = true},
	  {NOTHING, .at = 9999, .messages = 3, .received = 99, .last_receive = 9998, .oldest = 0,
	   .overtaken = true},
	  {NOTHING, .at = 10000, .messages = 3, .received = 99, .last_receive = 9998, .oldest = 0,
	   .overtaken = true, .expected = STARVED},
	  /* for a moment it is the first one, or cannot be seen */
	  {NOTHING, .at = 10250, .messages = 1, .received = 110, .last_receive = 10200, .oldest = 0,
	   .expected = STARVED},
	  {NOTHING, .at = 10500, .messages = 9, .received = 120, .last_receive = 10400,
	   .expected = STARVED},
	  /* then it is received */
	  {NOTHING, .at = 11000, .messages = 9, .received = 130, .last_receive = 10900,
	   .oldest = 10100, .overtaken = true, .expected = 0}}},
	{"a backlog of one priority is slow, not starved",
	 {{NOTHING, .at = 0, .messages = 9, .last_receive = 0, .oldest = 0},
	  {NOTHING, .at = 20000, .messages = 9, .received = 99, .last_receive = 19998,
	   .oldest = 5000}}},
	{"overtaken, and then nothing moves any more: the reader is to blame",
	 {{NOTHING, .at = 10000, .messages = 3, .received = 9, .last_receive = 9900, .oldest = 0,
	   .overtaken = true, .expected = STARVED},
	  {NOTHING, .at = 19899, .messages = 3, .received = 9, .last_receive = 9900, .oldest = 0,
	   .overtaken = true, .expected = STARVED},
	  {NOTHING, .at = 19900, .messages = 3, .received = 9, .last_receive = 9900, .oldest = 0,
	   .overtaken = true, .expected = IDLE}}},
	{"rejected sends",
	 {{NOTHING, .at = 0, .messages = 10, .last_receive = 0},
	  {NOTHING, .at = 1000, .messages = 10, .received = 1, .rejected = 5, .rejecting = 700,
	   .last_receive = 900},
	  {NOTHING, .at = 5000, .messages = 10, .received = 2, .rejected = 9, .last_receive = 4900},
	  {NOTHING, .at = 10699, .messages = 10, .received = 3, .rejected = 9,
	   .last_receive = 9900},
	  {NOTHING, .at = 10700, .messages = 10, .received = 3, .rejected = 10,
	   .last_receive = 9900, .expected = REJECTING},
	  /* more are rejected, though at this moment there is room */
	  {NOTHING, .at = 12000, .messages = 9, .received = 4, .rejected = 11,
	   .last_receive = 11900, .expected = REJECTING},
	  {NOTHING, .at = 12250, .messages = 9, .received = 4, .rejected = 11,
	   .last_receive = 11900},
	  {NOTHING, .at = 13000, .messages = 10, .received = 4, .rejected = 12,
	   .last_receive = 11900}}},
	{"one rejected send, or a few that soon get through, are none",
	 {{NOTHING, .at = 0, .messages = 10, .last_receive = 0},
	  {NOTHING, .at = 1000, .messages = 10, .received = 1, .rejected = 1, .rejecting = 1000,
	   .last_receive = 900},
	  {NOTHING, .at = 9000, .messages = 10, .received = 2, .rejected = 1, .last_receive = 8900},
	  {NOTHING, .at = 12000, .messages = 10, .received = 3, .rejected = 1,
	   .last_receive = 11900},
	  {NOTHING, .at = 13000, .messages = 10, .received = 4, .rejected = 9, .rejecting = 12500,
	   .last_receive = 12900},
	  {NOTHING, .at = 14000, .messages = 5, .received = 9, .rejected = 9,
	   .last_receive = 13900},
	  {NOTHING, .at = 24000, .messages = 10, .received = 99, .rejected = 10, .rejecting = 24000,
	   .last_receive = 23900}}},
	{"a queue that was rejecting before the first look",
	 {{NOTHING, .at = 0, .messages = 10, .rejected = 1000, .last_receive = 0},
	  {NOTHING, .at = 9000, .messages = 10, .received = 9, .rejected = 1000,
	   .last_receive = 8900}}},
	{"several at once",
	 {{NOTHING, .at = 0, .messages = 10, .oldest = 0},
	  {NOTHING, .at = 100, .messages = 10, .rejected = 1, .rejecting = 100, .oldest = 0,
	   .blocked = 50},
	  {NOTHING, .at = 10100, .messages = 10, .rejected = 2, .oldest = 0, .blocked = 50,
	   .readers = 0, .expected = NOBODY | BLOCKED | REJECTING},
	  {NOTHING, .at = 10200, .received = 10, .rejected = 2, .last_receive = 10150}}},
};

static void test_scenarios(_unused_ void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		struct stall s = {};

		for (size_t k = 0; k < STEPS_MAX; k++) {
			const struct step *step = &scenarios[i].steps[k];
			struct stall_input in = input_of(step);

			if (k && !step->at)
				break;
			stall_update(&s, &ten_seconds, &in);
			if (s.reasons != step->expected)
				fail_msg("%s: at %d ms reasons %#x instead of %#x",
					 scenarios[i].name, (int)step->at, s.reasons,
					 step->expected);
		}
	}
}

/* A queue in fast motion: bursts come, and a reader that is slow, but never for ten seconds. */
struct motion {
	uint64_t random;
	uint64_t sent[10]; /* a ring: when the queued messages were sent */
	size_t first, n;
	uint64_t next_burst, next_receive;
	uint64_t last_receive, received;
	__u64 residence[MQW_TIME_BUCKETS];
};

static uint64_t draw(struct motion *m, uint64_t from_ms, uint64_t to_ms)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (from_ms + m->random % (to_ms - from_ms)) * MS;
}

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int i = 0;

	while (i < MQW_TIME_BUCKETS - 1 &&
	       ns > 1ULL << (MQW_TIME_SHIFT_MIN + MQW_TIME_SHIFT_STEP * i))
		i++;
	return i;
}

static void move(struct motion *m, uint64_t now)
{
	if (now >= m->next_burst) {
		for (uint64_t k = draw(m, 1, 11) / MS; k && m->n < ARRAY_SIZE(m->sent); k--)
			m->sent[(m->first + m->n++) % ARRAY_SIZE(m->sent)] = now;
		m->next_burst = now + draw(m, 100, 20000);
	}
	if (now < m->next_receive)
		return;
	if (m->n) {
		m->residence[bucket_of(now - m->sent[m->first])]++;
		m->first = (m->first + 1) % ARRAY_SIZE(m->sent);
		m->n--;
		m->received++;
		m->last_receive = now;
	}
	/* in a hurry now and then */
	m->next_receive = now + (draw(m, 0, 4) ? draw(m, 1, 500) : draw(m, 500, 9900));
}

static void test_bursts(_unused_ void **state)
{
	struct motion m = {.random = 88172645463325252ULL};
	uint64_t now = START, look = START, end = START + 600 * NSEC_PER_SEC;
	struct stall s = {};

	for (; now < end; now += MS) {
		struct stall_input in;

		move(&m, now);
		if (now < look && !(s.due_ns && now >= s.due_ns))
			continue;
		in = (struct stall_input){
			.now_ns = now,
			.messages = m.n,
			.messages_limit = ARRAY_SIZE(m.sent),
			.received = m.received,
			.last_receive_ns = m.last_receive,
			.oldest_ns = m.n ? m.sent[m.first] : 0,
			.usual_ns = stall_usual_ns(m.residence),
		};
		stall_update(&s, &ten_seconds, &in);
		if (s.reasons)
			fail_msg("at %d ms reasons %#x, with %d messages",
				 (int)((now - START) / MS), s.reasons, (int)m.n);
		look = now + NSEC_PER_SEC;
	}
	/* it was no quiet time */
	assert_true(m.received > 100);
}

/* Looking at the time that the machine asks for finds a stall the moment it begins. */
static void test_due(_unused_ void **state)
{
	struct stall_input in = {
		.now_ns = time_of(700),
		.messages = 10,
		.messages_limit = 10,
		.oldest_ns = time_of(500),
	};
	struct stall s = {};

	stall_update(&s, &ten_seconds, &in);
	assert_int_equal(s.due_ns, time_of(10500));
	in.blocked_ns = time_of(100);
	stall_update(&s, &ten_seconds, &in);
	assert_int_equal(s.due_ns, time_of(10100));
	in.now_ns = s.due_ns;
	stall_update(&s, &ten_seconds, &in);
	assert_int_equal(s.reasons, BLOCKED);
	assert_int_equal(s.due_ns, time_of(10500));
	in.now_ns = s.due_ns;
	stall_update(&s, &ten_seconds, &in);
	assert_int_equal(s.reasons, IDLE | BLOCKED);
	assert_int_equal(s.due_ns, 0);
	assert_int_equal(s.since_ns[STALL_READER_IDLE], time_of(500));
	assert_int_equal(s.since_ns[STALL_SENDER_BLOCKED], time_of(100));
	in = (struct stall_input){.now_ns = time_of(20000), .messages_limit = 10, .received = 10};
	stall_update(&s, &ten_seconds, &in);
	assert_int_equal(s.reasons, 0);
	assert_int_equal(s.due_ns, 0);
}

static void test_switched_off(_unused_ void **state)
{
	const struct stall_rules never = {};
	struct stall_input in = {
		.now_ns = time_of(1000000),
		.messages = 10,
		.messages_limit = 10,
		.oldest_ns = time_of(0),
		.blocked_ns = time_of(0),
	};
	struct stall s = {};

	stall_update(&s, &ten_seconds, &in);
	assert_int_equal(s.reasons, IDLE | BLOCKED);
	stall_update(&s, &never, &in);
	assert_int_equal(s.reasons, 0);
	assert_int_equal(s.due_ns, 0);
}

static void test_usual(_unused_ void **state)
{
	__u64 residence[MQW_TIME_BUCKETS] = {};

	assert_int_equal(stall_usual_ns(residence), 0);
	residence[2] = 99;
	assert_int_equal(stall_usual_ns(residence), 0);
	residence[2] = 100;
	assert_int_equal(stall_usual_ns(residence), 1 << 14);
	residence[5] = 1;
	assert_int_equal(stall_usual_ns(residence), 1 << 14);
	residence[5] = 3;
	assert_int_equal(stall_usual_ns(residence), 1 << 20);
	residence[MQW_TIME_BUCKETS - 1] = 10;
	assert_int_equal(stall_usual_ns(residence), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios), cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_due),	  cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_usual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
