// SPDX-License-Identifier: GPL-2.0-or-later
#include "peer-socket.h"

#include "authz.h"

#define NO_GROUP ((gid_t)-1)

static void test_read(void **state)
{
	static gid_t supplementary[] = {500, 600};
	static const struct {
		uid_t uid;
		gid_t gid;
		uid_t owner;
		gid_t group;
		mode_t mode;
		gid_t control;
		enum authz_grant expected;
	} cases[] = {
		/* the owner's bits alone decide for the owner */
		{1000, 1000, 1000, 1000, 0600, NO_GROUP, AUTHZ_MODE},
		{1000, 1000, 1000, 1000, 0400, NO_GROUP, AUTHZ_MODE},
		{1000, 1000, 1000, 1000, 0200, NO_GROUP, AUTHZ_DENIED},
		{1000, 1000, 1000, 1000, 0244, NO_GROUP, AUTHZ_DENIED},
		{1000, 1000, 1000, 9, 0044, NO_GROUP, AUTHZ_DENIED},
		/* the group's for its members, by either kind of membership */
		{1000, 1000, 1, 1000, 0640, NO_GROUP, AUTHZ_MODE},
		{1000, 1000, 1, 1000, 0604, NO_GROUP, AUTHZ_DENIED},
		{1000, 1000, 1, 600, 0640, NO_GROUP, AUTHZ_MODE},
		{1000, 1000, 1, 600, 0604, NO_GROUP, AUTHZ_DENIED},
		{1000, 1000, 1, 600, 0620, NO_GROUP, AUTHZ_DENIED},
		/* the rest */
		{1000, 1000, 1, 1, 0604, NO_GROUP, AUTHZ_MODE},
		{1000, 1000, 1, 1, 0660, NO_GROUP, AUTHZ_DENIED},
		{1000, 1000, 1, 1, 0662, NO_GROUP, AUTHZ_DENIED},
		{1000, 1000, 1, 1, 0000, NO_GROUP, AUTHZ_DENIED},
		/* root and the control group, where the mode does not do */
		{0, 0, 1000, 1000, 0600, NO_GROUP, AUTHZ_PRIVILEGED},
		{0, 0, 1000, 1000, 0604, NO_GROUP, AUTHZ_MODE},
		{0, 0, 0, 0, 0600, NO_GROUP, AUTHZ_MODE},
		{0, 0, 0, 0, 0000, NO_GROUP, AUTHZ_PRIVILEGED},
		{1000, 1000, 1, 1, 0600, 1000, AUTHZ_PRIVILEGED},
		{1000, 1000, 1, 1, 0600, 500, AUTHZ_PRIVILEGED},
		{1000, 1000, 1000, 1, 0200, 500, AUTHZ_PRIVILEGED},
		{1000, 1000, 1, 1, 0604, 500, AUTHZ_MODE},
		{1000, 1000, 1, 1, 0600, 501, AUTHZ_DENIED},
		/* root's group is not root */
		{1000, 0, 1, 1, 0600, NO_GROUP, AUTHZ_DENIED},
	};

	*state = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct peer peer = {.uid = cases[i].uid,
				    .gid = cases[i].gid,
				    .groups = supplementary,
				    .n_groups = ARRAY_SIZE(supplementary)};
		struct queue_attr attr = {
			.uid = cases[i].owner, .gid = cases[i].group, .mode = cases[i].mode};

		if (authz_read(&peer, &attr, cases[i].control) != cases[i].expected)
			fail_msg("case %zu", i);
	}
}

/* A gid of -1 in a list of groups, which cannot be, must not match "no control group". */
static void test_no_control_group(void **state)
{
	gid_t groups[] = {NO_GROUP};
	struct peer peer = {.uid = 1000, .gid = NO_GROUP, .groups = groups, .n_groups = 1};
	struct queue_attr attr = {.uid = 1, .gid = 1, .mode = 0600};

	*state = NULL;
	assert_int_equal(authz_read(&peer, &attr, NO_GROUP), AUTHZ_DENIED);
}

static void test_peer(void **state)
{
	gid_t groups[100];
	struct peer peer;
	int fd, other;

	*state = NULL;
	/* more than a first guess of their number, and none */
	for (size_t n = 0; n <= ARRAY_SIZE(groups); n += 50) {
		for (size_t i = 0; i < n; i++)
			groups[i] = (gid_t)(2000 + i);
		fd = peer_socket(1234, 5678, groups, n, &other);
		assert_int_equal(peer_read(fd, &peer), 0);
		assert_int_equal(peer.pid, getpid());
		assert_int_equal(peer.uid, 1234);
		assert_int_equal(peer.gid, 5678);
		assert_int_equal(peer.n_groups, n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(peer.groups[i], 2000 + i);
		peer_done(&peer);
		peer_done(&peer);
		close(fd);
		close(other);
	}
}

static void test_peer_unknown(void **state)
{
	struct peer peer = {.uid = 77};
	int fd;

	*state = NULL;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(peer_read(fd, &peer) < 0);
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(peer_read(fd, &peer) < 0);
	close(fd);
	assert_int_equal(peer_read(-1, &peer), -EBADF);
	assert_int_equal(peer.uid, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_no_control_group),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_peer_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
