// SPDX-License-Identifier: GPL-2.0-or-later
#include "payload.h"

#include <string.h>
#include <time.h>

#define MAGIC	      0x4d515731U /* "1WQM" */
#define FNV_BASIS     0xcbf29ce484222325ULL
#define FNV_PRIME     0x100000001b3ULL
#define SPLITMIX_STEP 0x9e3779b97f4a7c15ULL

const char *const payload_fault_names[PAYLOAD_FAULTS] = {
	[PAYLOAD_GOOD] = "good",
	[PAYLOAD_TORN] = "torn",
	[PAYLOAD_FOREIGN] = "foreign",
	[PAYLOAD_ORDER] = "order",
};

/* FNV-1a over 8-byte words, the rest bytewise: the checks must outrun the queue. */
static uint64_t hash(uint64_t h, const void *data, size_t size)
{
	const unsigned char *p = data;

	for (; size >= 8; p += 8, size -= 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		h = (h ^ word) * FNV_PRIME;
		h ^= h >> 32; /* or the high bits of a word would never reach the low ones */
	}
	for (; size; p++, size--)
		h = (h ^ *p) * FNV_PRIME;
	return h;
}

uint32_t payload_queue_id(const char *queue)
{
	uint64_t h = hash(FNV_BASIS, queue, strlen(queue));

	return (uint32_t)(h ^ h >> 32);
}

/* SplitMix64's output function: a stream of words from a counter. */
static uint64_t scramble(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static void fill_stream(unsigned char *p, size_t size, uint64_t seed)
{
	while (size) {
		uint64_t word = scramble(seed += SPLITMIX_STEP);
		size_t n = size < 8 ? size : 8;

		memcpy(p, &word, n);
		p += n;
		size -= n;
	}
}

static uint64_t short_seed(uint32_t queue, size_t size, unsigned int priority)
{
	return (uint64_t)queue << 32 | (uint64_t)priority << 8 | size;
}

static uint64_t checksum(const struct payload_head *head, const unsigned char *message)
{
	struct payload_head blank = *head;

	blank.checksum = 0;
	return hash(hash(FNV_BASIS, &blank, sizeof(blank)), message + sizeof(blank),
		    head->size - sizeof(blank));
}

void payload_fill(void *message, size_t size, const struct payload_head *head)
{
	struct payload_head full = *head;
	unsigned char *p = message;
	struct timespec now;

	if (size < sizeof(full)) {
		fill_stream(p, size, short_seed(head->queue, size, head->priority));
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	full.magic = MAGIC;
	full.size = (uint32_t)size;
	full.pad = 0;
	full.sent_ns = (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
	fill_stream(p + sizeof(full), size - sizeof(full),
		    (uint64_t)head->pid << 32 ^ head->sequence);
	full.checksum = checksum(&full, p);
	memcpy(p, &full, sizeof(full));
}

static enum payload_fault check_short(const void *message, size_t size, uint32_t queue,
				      unsigned int priority)
{
	unsigned char expected[sizeof(struct payload_head)];

	fill_stream(expected, size, short_seed(queue, size, priority));
	return memcmp(message, expected, size) ? PAYLOAD_TORN : PAYLOAD_GOOD;
}

enum payload_fault payload_check(const void *message, size_t size, uint32_t queue,
				 unsigned int priority)
{
	struct payload_head head;

	if (size < sizeof(head))
		return check_short(message, size, queue, priority);
	memcpy(&head, message, sizeof(head));
	if (head.magic != MAGIC || head.size != size || head.priority != priority ||
	    head.sender >= PAYLOAD_SENDERS_MAX || priority >= PAYLOAD_PRIORITIES_MAX ||
	    head.checksum != checksum(&head, message))
		return PAYLOAD_TORN;
	return head.queue == queue ? PAYLOAD_GOOD : PAYLOAD_FOREIGN;
}

enum payload_fault payload_note(struct payload_order *order, const void *message, size_t size)
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
