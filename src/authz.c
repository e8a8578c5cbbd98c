// SPDX-License-Identifier: GPL-2.0-or-later
#include "authz.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include "util.h"

static bool in_group(const struct peer *peer, gid_t gid)
{
	if (peer->gid == gid)
		return true;
	for (size_t i = 0; i < peer->n_groups; i++)
		if (peer->groups[i] == gid)
			return true;
	return false;
}

enum authz_grant authz_read(const struct peer *peer, const struct queue_attr *attr,
			    gid_t control_gid)
{
	mode_t bit;

	/* the first class that fits decides, even where a later one would allow more */
	if (peer->uid == attr->uid)
		bit = S_IRUSR;
	else if (in_group(peer, attr->gid))
		bit = S_IRGRP;
	else
		bit = S_IROTH;
	if (attr->mode & bit)
		return AUTHZ_MODE;
	if (peer->uid == 0 || (control_gid != (gid_t)-1 && in_group(peer, control_gid)))
		return AUTHZ_PRIVILEGED;
	return AUTHZ_DENIED;
}

static int read_groups(int fd, gid_t **ret, size_t *ret_n)
{
	_cleanup_free_ gid_t *groups = NULL;
	socklen_t size = 16 * sizeof(gid_t);
	gid_t *bigger;

	for (;;) {
		bigger = realloc(groups, size ?: 1);
		if (!bigger)
			return -ENOMEM;
		groups = bigger;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
			break;
		/* ERANGE: size says now what is needed */
		if (errno != ERANGE)
			return -errno;
	}
	*ret = TAKE_PTR(groups);
	*ret_n = size / sizeof(gid_t);
	return 0;
}

int peer_read(int fd, struct peer *ret)
{
	struct peer peer = {};
	struct ucred cred;
	socklen_t size = sizeof(cred);
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	/* a socket without credentials, such as TCP */
	if (cred.uid == (uid_t)-1 || cred.gid == (gid_t)-1)
		return -ENODATA;
	r = read_groups(fd, &peer.groups, &peer.n_groups);
	if (r < 0)
		return r;
	peer.pid = cred.pid;
	peer.uid = cred.uid;
	peer.gid = cred.gid;
	*ret = peer;
	return 0;
}

void peer_done(struct peer *peer)
{
	free(peer->groups);
	*peer = (struct peer){};
}
