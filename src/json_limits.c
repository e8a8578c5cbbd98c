// SPDX-License-Identifier: GPL-2.0-or-later
/* How near namespaces and users are to their limits. */
#include "json.h"
#include "json_build.h"

/* What mq_open(3) reserves for a queue without attributes: mqueue_get_inode() in ipc/mqueue.c. */
static uint64_t default_bytes(const struct namespace_limits *l)
{
	const struct queue_attr attr = {
		.messages_limit = l->msg_default < l->msg_max ? l->msg_default : l->msg_max,
		.message_size_limit =
			l->msgsize_default < l->msgsize_max ? l->msgsize_default : l->msgsize_max,
	};

	return queue_reserved_bytes(&attr);
}

static struct json_object *json_namespace(const struct namespace *n)
{
	const struct namespace_limits *l = &n->limits;
	struct json_build o = json_begin();

	json_add_u64(&o, "ipcns", n->ipcns);
	json_add_bool(&o, "own", n->own);
	json_add_string(&o, "unit", *n->unit ? n->unit : NULL);
	json_add_string(&o, "container", *n->container ? n->container : NULL);
	json_add_known_u64(&o, "queues", l->counted, l->queues);
	json_add_known_u64(&o, "queues_max", l->known, l->queues_max);
	json_add_known_u64(&o, "msg_max", l->known, l->msg_max);
	json_add_known_u64(&o, "msgsize_max", l->known, l->msgsize_max);
	json_add_known_u64(&o, "msg_default", l->known, l->msg_default);
	json_add_known_u64(&o, "msgsize_default", l->known, l->msgsize_default);
	json_add_known_u64(&o, "default_queue_bytes", l->known, default_bytes(l));
	return json_end(&o);
}

static struct json_object *json_user(const struct quota_user *u)
{
	struct json_build o = json_begin();

	json_add_u64(&o, "uid", u->uid);
	json_add_u64(&o, "queues", u->queues);
	json_add_u64(&o, "reserved_bytes", u->reserved_bytes);
	json_add_known_u64(&o, "limit_min_bytes", u->limits_known, u->limit_min);
	json_add_known_u64(&o, "limit_max_bytes", u->limits_known, u->limit_max);
	return json_end(&o);
}

static struct json_object *json_open_error(const struct opens_error *e)
{
	const char *name = strerrorname_np((int)e->error);
	struct json_build o = json_begin();

	json_add_u64(&o, "uid", e->uid);
	json_add_string(&o, "errno", name ? name : "other");
	json_add_u64(&o, "count", e->count);
	return json_end(&o);
}

struct json_object *json_limits(const struct quota *q)
{
	struct json_build o = json_begin();
	struct json_object *namespaces = json_object_new_array(), *users = json_object_new_array();
	struct json_object *errors = json_object_new_array();

	for (size_t i = 0; i < q->n_namespaces; i++)
		json_append(&o, namespaces, json_namespace(&q->namespaces[i]));
	for (size_t i = 0; i < q->n_users; i++)
		json_append(&o, users, json_user(&q->users[i]));
	for (size_t i = 0; i < q->n_errors; i++)
		json_append(&o, errors, json_open_error(&q->errors[i]));
	json_add(&o, "namespaces", namespaces);
	json_add(&o, "users", users);
	json_add(&o, "open_errors", errors);
	json_add_bool(&o, "open_errors_known", q->errors_known);
	return json_end(&o);
}
