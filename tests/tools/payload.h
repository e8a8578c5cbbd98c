/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages that prove themselves: whole, of this queue, and in the order they were sent. */
#ifndef TESTS_PAYLOAD_H
#define TESTS_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define PAYLOAD_MAGIC	       0x4d515731U /* "1WQM" */
#define PAYLOAD_SIZE_MAX       (16U << 20)
#define PAYLOAD_FNV_BASIS      0xcbf29ce484222325ULL
#define PAYLOAD_FNV_PRIME      0x100000001b3ULL
#define PAYLOAD_SENDERS_MAX    64
#define PAYLOAD_PRIORITIES_MAX 64

/*
 * The head of a message. One too short for it carries bytes that follow from the queue, its
 * size and its priority alone, so that it can be checked too, though not told from its like.
 */
struct payload_head {
	uint32_t magic;
	uint32_t queue; /* payload_queue_id() */
	uint32_t pid;
	uint32_t size; /* of the message, this head included */
	uint16_t sender;
	uint16_t priority;
	uint32_t pad;
	uint64_t sequence; /* per sender, from 1 */
	uint64_t sent_ns;  /* CLOCK_REALTIME */
	uint64_t checksum; /* of all bytes of the message with this field as 0 */
};

enum payload_fault {
	PAYLOAD_GOOD,
	PAYLOAD_TORN,	 /* not the bytes that were sent */
	PAYLOAD_FOREIGN, /* of another queue */
	PAYLOAD_ORDER,	 /* before or with one that was sent later: reordered or duplicated */
	PAYLOAD_FAULTS,
};
static const char *const payload_fault_names[PAYLOAD_FAULTS] = {
	[PAYLOAD_GOOD] = "good",
	[PAYLOAD_TORN] = "torn",
	[PAYLOAD_FOREIGN] = "foreign",
	[PAYLOAD_ORDER] = "order",
};

/* The highest sequence seen per sender and priority. Zeroed to start with. */
struct payload_order {
	uint64_t last[PAYLOAD_SENDERS_MAX][PAYLOAD_PRIORITIES_MAX];
};

/* FNV-1a over 8-byte words, the rest bytewise: the checks must outrun the queue. */
static inline uint64_t payload_hash(uint64_t h, const void *data, size_t size)
{
	const unsigned char *p = data;

	for (; size >= 8; p += 8, size -= 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		h = (h ^ word) * PAYLOAD_FNV_PRIME;
		h ^= h >> 32; /* or the high bits of a word would never reach the low ones */
	}
	for (; size; p++, size--)
		h = (h ^ *p) * PAYLOAD_FNV_PRIME;
	return h;
}

static inline uint32_t payload_queue_id(const char *queue)
{
	uint64_t h = payload_hash(PAYLOAD_FNV_BASIS, queue, strlen(queue));

	return (uint32_t)(h ^ h >> 32);
}

/* SplitMix64's output function: a stream of words from a counter. */
static inline uint64_t payload_scramble(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static inline void payload_fill_stream(unsigned char *p, size_t size, uint64_t seed)
{
	while (size) {
		uint64_t word = payload_scramble(seed += 0x9e3779b97f4a7c15ULL);
		size_t n = size < 8 ? size : 8;

		memcpy(p, &word, n);
		p += n;
		size -= n;
	}
}

static inline uint64_t payload_short_seed(uint32_t queue, size_t size, unsigned int priority)
{
	return (uint64_t)queue << 32 | (uint64_t)priority << 8 | size;
}

static inline uint64_t payload_checksum(const struct payload_head *head,
					const unsigned char *message)
{
	struct payload_head blank = *head;

	blank.checksum = 0;
	return payload_hash(payload_hash(PAYLOAD_FNV_BASIS, &blank, sizeof(blank)),
			    message + sizeof(blank), head->size - sizeof(blank));
}

/* Fills message[0..size); queue, pid, sender, priority and sequence are taken from head. */
static inline void payload_fill(void *message, size_t size, const struct payload_head *head)
{
	struct payload_head full = *head;
	unsigned char *p = message;
	struct timespec now;

	if (size < sizeof(full)) {
		payload_fill_stream(p, size, payload_short_seed(head->queue, size, head->priority));
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	full.magic = PAYLOAD_MAGIC;
	full.size = (uint32_t)size;
	full.pad = 0;
	full.sent_ns = (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
	payload_fill_stream(p + sizeof(full), size - sizeof(full),
			    (uint64_t)head->pid << 32 ^ head->sequence);
	full.checksum = payload_checksum(&full, p);
	memcpy(p, &full, sizeof(full));
}

static inline enum payload_fault payload_check_short(const void *message, size_t size,
						     uint32_t queue, unsigned int priority)
{
	unsigned char expected[sizeof(struct payload_head)];

	payload_fill_stream(expected, size, payload_short_seed(queue, size, priority));
	return memcmp(message, expected, size) ? PAYLOAD_TORN : PAYLOAD_GOOD;
}

/* Checks a message received with this priority. */
static inline enum payload_fault payload_check(const void *message, size_t size, uint32_t queue,
					       unsigned int priority)
{
	struct payload_head head;

	if (size < sizeof(head))
		return payload_check_short(message, size, queue, priority);
	memcpy(&head, message, sizeof(head));
	if (head.magic != PAYLOAD_MAGIC || head.size != size || head.priority != priority ||
	    head.sender >= PAYLOAD_SENDERS_MAX || priority >= PAYLOAD_PRIORITIES_MAX ||
	    head.checksum != payload_checksum(&head, message))
		return PAYLOAD_TORN;
	return head.queue == queue ? PAYLOAD_GOOD : PAYLOAD_FOREIGN;
}

/* Notes a good message. PAYLOAD_ORDER unless it was sent after the last one noted of its kind. */
static inline enum payload_fault payload_note(struct payload_order *order, const void *message,
					      size_t size)
{
	struct payload_head head;
	uint64_t *last;

	if (size < sizeof(head))
		return PAYLOAD_GOOD;
	memcpy(&head, message, sizeof(head));
	last = &order->last[head.sender][head.priority];
	if (head.sequence <= *last)
		return PAYLOAD_ORDER;
	*last = head.sequence;
	return PAYLOAD_GOOD;
}

#endif /* TESTS_PAYLOAD_H */
