/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may see a queue's payload. The decision is a pure function; reading the peer is apart from it. */
#ifndef MQWATCH_AUTHZ_H
#define MQWATCH_AUTHZ_H

#include "queue.h"

struct peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	size_t n_groups;
	gid_t *groups; /* supplementary */
};

/* On what strength a read is allowed. PRIVILEGED reads of another user's queue are logged. */
enum authz_grant {
	AUTHZ_DENIED,
	AUTHZ_MODE,	  /* the queue's owner, group and mode let the peer read it */
	AUTHZ_PRIVILEGED, /* root or a member of the control group, and the mode alone would not do */
};

/* control_gid: (gid_t)-1 when there is no such group. As acl_permission_check() in fs/namei.c does. */
enum authz_grant authz_read(const struct peer *peer, const struct queue_attr *attr,
			    gid_t control_gid);

/* SO_PEERCRED and SO_PEERGROUPS of a connected Unix socket; -errno. peer_done() frees what it holds. */
int peer_read(int fd, struct peer *ret);
void peer_done(struct peer *peer);

#endif /* MQWATCH_AUTHZ_H */
