/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages that prove themselves: whole, of this queue, and in the order they were sent. */
#ifndef TESTS_PAYLOAD_H
#define TESTS_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_SIZE_MAX       (16U << 20)
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
extern const char *const payload_fault_names[PAYLOAD_FAULTS];

/* The highest sequence seen per sender and priority. Zeroed to start with. */
struct payload_order {
	uint64_t last[PAYLOAD_SENDERS_MAX][PAYLOAD_PRIORITIES_MAX];
};

uint32_t payload_queue_id(const char *queue);

/* Fills message[0..size); the head's queue, pid, sender, priority and sequence are the caller's. */
void payload_fill(void *message, size_t size, const struct payload_head *head);

/* Checks a message received with this priority. */
enum payload_fault payload_check(const void *message, size_t size, uint32_t queue,
				 unsigned int priority);

/* Notes a good message. PAYLOAD_ORDER unless it was sent after the last one noted of its kind. */
enum payload_fault payload_note(struct payload_order *order, const void *message, size_t size);

#endif /* TESTS_PAYLOAD_H */
