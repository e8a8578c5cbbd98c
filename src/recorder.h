/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flight recorder: one JSON document per stall, in a file of its own. Bounded in number and
 * bytes: the oldest go first. What cannot be written is kept in memory.
 */
#ifndef MQWATCH_RECORDER_H
#define MQWATCH_RECORDER_H

#include <json-c/json.h>

#include "queue.h"

/* What the list of records tells of each. */
struct record {
	uint64_t id; /* from 1 on, in order of time */
	struct mqw_key key;
	char name[MQW_NAME_SIZE]; /* of the queue, without the leading '/' */
	enum stall_reason reason;
	uint64_t began_ns; /* CLOCK_REALTIME */
	uint64_t ended_ns; /* 0: not ended, or nobody saw it */
	bool interrupted;  /* the daemon stopped before the end */
	uid_t uid;	   /* of the queue */
	gid_t gid;
	mode_t mode;
};

struct recorder_options {
	const char *directory; /* made when it is needed */
	uint64_t records_max;  /* 0: keep none */
	uint64_t size_max;     /* bytes, of all records together */
};

struct recorder;

/* Reads what is there; files that are no records are told of and left alone. */
int recorder_new(struct recorder **ret, const struct recorder_options *options);
void recorder_free(struct recorder *r);
DEFINE_CLEANUP(struct recorder *, recorder_free)

/*
 * Adds a record and gives it the next id. details become its members besides those of struct record
 * and are taken over, also on failure.
 */
int recorder_add(struct recorder *r, const struct record *record, struct json_object *details);

/* The latest stall of that queue and reason is over; none is no error. */
int recorder_end(struct recorder *r, const struct mqw_key *key, enum stall_reason reason,
		 uint64_t ended_ns);

void recorder_set_limits(struct recorder *r, uint64_t records_max, uint64_t size_max);

/* In order of time. */
size_t recorder_count(const struct recorder *r);
const struct record *recorder_at(const struct recorder *r, size_t i);
const struct record *recorder_find(const struct recorder *r, uint64_t id); /* NULL: none */

/* The whole document; the caller puts *ret. -ENOENT, -EBADMSG: its file is damaged. */
int recorder_read(struct recorder *r, uint64_t id, struct json_object **ret);

/* A document's own members as the list tells them. -EBADMSG: it is none. Pure, for fuzzing. */
int record_parse(const char *text, size_t size, struct record *ret, struct json_object **ret_json);
/* The members of a record; NULL: no memory. */
struct json_object *record_json(const struct record *record);

#endif /* MQWATCH_RECORDER_H */
