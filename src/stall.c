// SPDX-License-Identifier: GPL-2.0-or-later
#include "stall.h"

/* However fast a queue usually is, a reader may pause for so long. */
#define ADAPTIVE_FLOOR_NS NSEC_PER_SEC
/* Fewer messages say nothing about what is usual. */
#define USUAL_SAMPLES 100

const char *const stall_reason_names[STALL_REASONS] = {
	[STALL_READER_IDLE] = "reader_idle",	   [STALL_NO_READER] = "no_reader",
	[STALL_SENDER_BLOCKED] = "sender_blocked", [STALL_STARVED] = "starved",
	[STALL_FULL_REJECTING] = "full_rejecting",
};
static_assert(STALL_FULL_REJECTING + 1 == STALL_REASONS, "every reason has a name");

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t elapsed(uint64_t since, uint64_t now)
{
	return now > since ? now - since : 0;
}

static void set(struct stall *s, enum stall_reason reason, bool holds, uint64_t since)
{
	uint32_t bit = 1U << reason;

	if (!holds) {
		s->reasons &= ~bit;
		s->since_ns[reason] = 0;
	} else if (!(s->reasons & bit)) {
		s->reasons |= bit;
		s->since_ns[reason] = since;
	}
}

/* A reason will hold at that time. */
static void set_due(struct stall *s, uint64_t at)
{
	if (!s->due_ns || at < s->due_ns)
		s->due_ns = at;
}

/* How long messages may wait with none received. */
static uint64_t patience(const struct stall_rules *rules, const struct stall_input *in)
{
	uint64_t adaptive;

	if (!rules->adaptive || !in->usual_ns ||
	    __builtin_mul_overflow(rules->adaptive, in->usual_ns, &adaptive))
		return rules->after_ns;
	adaptive = later(adaptive, ADAPTIVE_FLOOR_NS);
	return adaptive < rules->after_ns ? adaptive : rules->after_ns;
}

/* A stall goes on, whatever the threshold is by now, until a message is received or none is left. */
static void update_reader(struct stall *s, const struct stall_rules *rules,
			  const struct stall_input *in)
{
	bool stood = s->begun && in->received == s->received;
	bool no_reader = in->readers_known ? !in->readers : stall_has(s, STALL_NO_READER);
	bool holds;
	uint64_t since;

	if (in->messages == 0) {
		s->waiting_ns = 0;
		s->reader_ns = 0;
	} else if (in->oldest_ns) {
		s->waiting_ns = later(in->oldest_ns, in->last_receive_ns);
	} else if (!stood || !s->waiting_ns) {
		s->waiting_ns = in->now_ns;
	}
	if (stall_has(s, STALL_NO_READER) && !no_reader)
		s->reader_ns = in->now_ns;
	since = later(s->waiting_ns, s->reader_ns);
	holds = s->waiting_ns && elapsed(since, in->now_ns) >= patience(rules, in);
	if (s->waiting_ns && stood && s->reader_ns < in->now_ns)
		holds = holds || stall_has(s, STALL_READER_IDLE) || stall_has(s, STALL_NO_READER);
	set(s, STALL_NO_READER, holds && no_reader, since);
	set(s, STALL_READER_IDLE, holds && !no_reader, since);
	if (s->waiting_ns && !holds)
		set_due(s, since + patience(rules, in));
}

/* Ends when none has been blocked for half as long: where senders take turns it goes on. */
static void update_blocked(struct stall *s, const struct stall_rules *rules,
			   const struct stall_input *in)
{
	uint64_t enough = rules->after_ns;

	if (stall_has(s, STALL_SENDER_BLOCKED))
		enough /= 2;
	set(s, STALL_SENDER_BLOCKED,
	    in->blocked_ns && elapsed(in->blocked_ns, in->now_ns) >= enough, in->blocked_ns);
	if (in->blocked_ns && !stall_has(s, STALL_SENDER_BLOCKED))
		set_due(s, in->blocked_ns + enough);
}

/*
 * Ends with the message: that it is the first for a moment, or cannot be seen, changes nothing. Where
 * nothing at all is received the reader is to blame.
 */
static void update_starved(struct stall *s, const struct stall_rules *rules,
			   const struct stall_input *in)
{
	bool same =
		stall_has(s, STALL_STARVED) && (!in->oldest_ns || in->oldest_ns == s->starved_ns);
	uint64_t enough = stall_has(s, STALL_STARVED) ? rules->after_ns / 2 : rules->after_ns;
	bool received = in->last_receive_ns > in->oldest_ns &&
			elapsed(in->last_receive_ns, in->now_ns) < rules->after_ns;
	bool overtaken = in->oldest_ns && in->overtaken;
	bool old = overtaken && elapsed(in->oldest_ns, in->now_ns) >= enough;

	set(s, STALL_STARVED, in->messages && received && (same || old), in->oldest_ns);
	if (!stall_has(s, STALL_STARVED)) {
		s->starved_ns = 0;
		if (overtaken && received)
			set_due(s, later(in->oldest_ns + enough, in->now_ns + 1));
	} else if (in->oldest_ns) {
		s->starved_ns = in->oldest_ns;
	}
}

/* A series of rejected sends lasts while the queue is full or more are rejected. */
static void update_rejecting(struct stall *s, const struct stall_rules *rules,
			     const struct stall_input *in)
{
	bool more = s->begun && in->rejected > s->rejected;
	bool full = in->messages >= in->messages_limit;
	bool holds;

	if (more) {
		s->rejected_ns = in->rejected_ns;
		/* earlier ones were of a series that had ended */
		if (!s->rejecting_ns)
			s->rejecting_ns = later(in->rejecting_ns, s->updated_ns);
	} else if (!full || elapsed(s->rejected_ns, in->now_ns) > rules->after_ns) {
		s->rejecting_ns = 0;
	}
	/* one rejected send that nobody repeats is no series */
	holds = s->rejecting_ns && s->rejected_ns > s->rejecting_ns &&
		elapsed(s->rejecting_ns, in->now_ns) >= rules->after_ns;
	set(s, STALL_FULL_REJECTING, holds, s->rejecting_ns);
	if (s->rejecting_ns && !holds)
		set_due(s, later(s->rejecting_ns + rules->after_ns, in->now_ns + 1));
}

void stall_update(struct stall *s, const struct stall_rules *rules, const struct stall_input *in)
{
	s->due_ns = 0;
	if (!rules->after_ns) {
		*s = (struct stall){};
		return;
	}
	update_reader(s, rules, in);
	update_blocked(s, rules, in);
	update_starved(s, rules, in);
	update_rejecting(s, rules, in);
	s->received = in->received;
	s->rejected = in->rejected;
	s->updated_ns = in->now_ns;
	s->begun = true;
}

uint64_t stall_usual_ns(const __u64 residence[MQW_TIME_BUCKETS])
{
	uint64_t total = 0, below = 0;

	for (size_t i = 0; i < MQW_TIME_BUCKETS; i++)
		total += residence[i];
	if (total < USUAL_SAMPLES)
		return 0;
	/* the last bucket has no bound */
	for (size_t i = 0; i < MQW_TIME_BUCKETS - 1; i++) {
		below += residence[i];
		if (below >= total - total / 100)
			return UINT64_C(1) << (MQW_TIME_SHIFT_MIN + MQW_TIME_SHIFT_STEP * i);
	}
	return 0;
}
