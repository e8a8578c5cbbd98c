// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checks what a JSON dump (standard input) of mqload's messages says of their senders and ages against
 * what the messages say themselves, and against when their sends returned, if mqload noted that in the
 * file that is the argument. Prints the counts; fails if something said is wrong.
 */
#include <stdio.h>
#include <unistd.h>

#include <json-c/json.h>

#include "../../src/name.h"
#include "options.h"
#include "payload.h"
#include "stamps.h"

#define SLACK_NS 1000000LL /* the clocks are not read together */

struct counts {
	uint64_t known, before, unknown;
	uint64_t wrong_sender, wrong_bound;
	uint64_t off_1ms, off_10ms;
	int64_t off_max_ns;
};

static int64_t ns(struct json_object *seconds)
{
	/* microseconds as they are written; a double holds them for the times of this century */
	return (int64_t)(json_object_get_double(seconds) * 1e6 + 0.5) * 1000;
}

/* From a time to when the sender was about to send, or where that is known, to the time of its call. */
static int64_t distance(int64_t time, int64_t begun, int64_t returned)
{
	if (time < begun)
		return begun - time;
	if (returned)
		return time > returned ? time - returned : 0;
	return time - begun;
}

static void check(struct json_object *message, int64_t taken_at, const struct stamps *stamps,
		  struct counts *c)
{
	struct json_object *sent_at = json_object_object_get(message, "sent_at");
	struct json_object *at_least = json_object_object_get(message, "age_at_least_seconds");
	struct json_object *sender = json_object_object_get(message, "sender");
	struct json_object *payload = json_object_object_get(message, "payload");
	struct payload_head head;
	size_t size = 0;
	void *data = NULL;
	int64_t off;

	if (!payload ||
	    base64_decode(json_object_get_string(json_object_object_get(payload, "data")), &data,
			  &size) < 0)
		die("a message without a payload");
	if (size < sizeof(head))
		die("a message of %zu bytes says nothing of its sender", size);
	memcpy(&head, data, sizeof(head));
	free(data);
	if (at_least) {
		c->before++;
		c->wrong_bound += (int64_t)head.sent_ns - SLACK_NS > taken_at - ns(at_least);
		return;
	}
	if (!sent_at) {
		c->unknown++;
		return;
	}
	c->known++;
	c->wrong_sender +=
		(uint32_t)json_object_get_int64(json_object_object_get(sender, "pid")) != head.pid;
	off = distance(ns(sent_at), (int64_t)head.sent_ns,
		       (int64_t)stamps_find(stamps, head.pid, head.sequence));
	c->off_1ms += off > 1000000;
	c->off_10ms += off > 10000000;
	if (off > c->off_max_ns)
		c->off_max_ns = off;
}

int main(int argc, char *argv[])
{
	struct stamps stamps = {};
	struct json_object *dump = json_object_from_fd(STDIN_FILENO);
	struct json_object *messages = dump ? json_object_object_get(dump, "messages") : NULL;
	struct counts c = {};
	int64_t taken_at;

	if (argc > 1)
		stamps_read(&stamps, argv[1]);
	if (!messages)
		die("standard input is no dump: %s", json_util_get_last_err());
	taken_at = ns(json_object_object_get(dump, "taken_at"));
	for (size_t i = 0; i < json_object_array_length(messages); i++)
		check(json_object_array_get_idx(messages, i), taken_at, &stamps, &c);
	printf("{\"known\":%llu,\"before\":%llu,\"unknown\":%llu,\"wrong_sender\":%llu,"
	       "\"wrong_bound\":%llu,\"off_1ms\":%llu,\"off_10ms\":%llu,\"off_max_seconds\":%.6f}"
	       "\n",
	       (unsigned long long)c.known, (unsigned long long)c.before,
	       (unsigned long long)c.unknown, (unsigned long long)c.wrong_sender,
	       (unsigned long long)c.wrong_bound, (unsigned long long)c.off_1ms,
	       (unsigned long long)c.off_10ms, (double)c.off_max_ns / 1e9);
	json_object_put(dump);
	free(stamps.items);
	return c.wrong_bound ? EXIT_FAILURE : EXIT_SUCCESS;
}
