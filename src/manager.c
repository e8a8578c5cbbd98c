/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>

#include <systemd/sd-daemon.h>

#include "listen.h"
#include "log.h"
#include "manager_internal.h"
#include "memory.h"
#include "privilege.h"

/* Slots of removed queues are taken back and addresses that were taken are tried again so often. */
#define TICK_USEC (5 * USEC_PER_SEC)

/* Connections take most of them; the usual soft limit is for select(2)'s sake. */
#define DESCRIPTORS_MAX 8192

static size_t count_addresses(char *const *addresses)
{
	size_t n = 0;

	while (addresses[n])
		n++;
	return n;
}

/* Logs a reason when it is new, not at every try. */
static void note_reason(char *known, size_t size, const char *what, const char *now)
{
	if (strcmp(known, now) != 0 && *now)
		log_error("%s: %s", what, now);
	snprintf(known, size, "%s", now);
}

/* Serves the addresses that are not served yet. */
static void serve_web(struct manager *m)
{
	char why[sizeof(m->web_reason)] = "";

	if (manager_passed(m, PASSED_METRICS))
		return;
	for (size_t i = 0; m->config->web_listen[i]; i++) {
		const char *address = m->config->web_listen[i];
		char reason_now[sizeof(why)] = "";
		int fd, r;

		if (m->web_servers[i])
			continue;
		fd = listen_tcp(address, reason_now, sizeof(reason_now));
		if (fd >= 0) {
			r = http_server_new(&m->web_servers[i], m->event, fd, web_handle, &m->web);
			if (r == 0) {
				log_info("Metrics at http://%s/metrics", address);
				continue;
			}
			close(fd);
			snprintf(reason_now, sizeof(reason_now), "%s: %s", address, strerror(-r));
		}
		memcpy(why, reason_now, sizeof(why));
	}
	note_reason(m->web_reason, sizeof(m->web_reason), "No metrics at an address", why);
}

/* Not for each request: it may ask a name service that takes its time. */
static void find_control_group(struct manager *m)
{
	const char *name = m->config->control_group;
	const struct group *g = getgrnam(name);

	m->control_gid = g ? g->gr_gid : (gid_t)-1;
	if (!g)
		log_info("There is no group %s: only root may read the messages of others' queues",
			 name);
}

static void serve_control(struct manager *m)
{
	const char *path = m->config->control_socket;
	char why[sizeof(m->control_reason)] = "";
	int fd, r;

	if (!*path || m->control_server || manager_passed(m, PASSED_CONTROL))
		return;
	fd = listen_unix(path, why, sizeof(why));
	if (fd >= 0) {
		r = http_server_new(&m->control_server, m->event, fd, control_handle, &m->control);
		if (r < 0) {
			close(fd);
			snprintf(why, sizeof(why), "%s: %s", path, strerror(-r));
		} else if (stat(path, &m->control_file) < 0) {
			m->control_file = (struct stat){};
		}
	}
	note_reason(m->control_reason, sizeof(m->control_reason), "No control socket", why);
}

static void stop_web(struct manager *m)
{
	if (!m->web_servers)
		return;
	for (size_t i = 0; m->config->web_listen[i]; i++)
		http_server_free(m->web_servers[i]);
	free(m->web_servers);
	m->web_servers = NULL;
	m->web_reason[0] = '\0';
}

/* Removes the socket file if it is still ours. */
static void stop_control(struct manager *m)
{
	struct stat st;

	if (m->control_server && stat(m->config->control_socket, &st) == 0 &&
	    st.st_dev == m->control_file.st_dev && st.st_ino == m->control_file.st_ino)
		unlink(m->config->control_socket);
	http_server_free(m->control_server);
	m->control_server = NULL;
	m->control_reason[0] = '\0';
}

static int start_web(struct manager *m)
{
	m->web_servers =
		calloc(count_addresses(m->config->web_listen) + 1, sizeof(*m->web_servers));
	if (!m->web_servers)
		return -ENOMEM;
	serve_web(m);
	return 0;
}

/* The kernel knows the namespace's number better than the file system does. */
static void find_ipcns(struct manager *m)
{
	uint32_t ipcns;

	if (m->mqfs && peek_ipcns(m->peek, mqfs_dirfd(m->mqfs), &ipcns) == 0)
		mqfs_set_ipcns(m->mqfs, ipcns);
}

/* One that is not there yet is tried again. */
static int open_mqfs(struct manager *m)
{
	char why[sizeof(m->mqueue_reason)] = "";
	int r = mqfs_open(&m->mqfs, m->config->mqueue_path, why, sizeof(why));

	if (r == -ENOMEM)
		return r;
	if (strcmp(m->mqueue_reason, why) != 0 && *why)
		log_warning("Queues cannot be listed, going on without: %s", why);
	snprintf(m->mqueue_reason, sizeof(m->mqueue_reason), "%s", why);
	return 0;
}

/* The probes' room is for the namespaces that are watched. */
static void choose_probed(struct manager *m)
{
	probe_watch_only(m->probe, namespaces_only(m->namespaces));
}

static void retry_mqfs(struct manager *m)
{
	if (m->mqfs || open_mqfs(m) < 0 || !m->mqfs)
		return;
	find_ipcns(m);
	namespaces_set_own(m->namespaces, m->mqfs);
	choose_probed(m);
	log_info("Watching %s", mqfs_source(m->mqfs));
	manager_restart_watch(m);
}

static int start_peek(struct manager *m)
{
	struct peek_options options = {
		.mode = m->config->peek,
		.buffer_max = m->config->peek_buffer_max,
		.probe = m->probe,
	};
	int r = peek_new(&m->peek, &options);

	if (r < 0)
		return r;
	if (m->config->peek != PEEK_OFF && peek_reason(m->peek))
		log_warning("Messages cannot be peeked, going on without: %s",
			    peek_reason(m->peek));
	find_ipcns(m);
	return 0;
}

static int start_parts(struct manager *m)
{
	const struct config *c = m->config;
	int r;

	r = table_new(&m->table, c->queues_max);
	if (r < 0)
		return r;
	table_set_filter(m->table, c->include, c->exclude);
	r = probe_new(&m->probe, c->probe, c->queues_max, c->records_max);
	if (r < 0)
		return r;
	if (c->probe != PROBE_OFF && probe_reason(m->probe))
		log_warning("Calls cannot be probed, going on without: %s", probe_reason(m->probe));
	r = open_mqfs(m);
	if (r < 0)
		return r;
	r = start_peek(m);
	if (r < 0)
		return r;
	r = manager_start_reach(m);
	if (r < 0)
		return r;
	choose_probed(m);
	r = start_web(m);
	if (r < 0)
		return r;
	find_control_group(m);
	serve_control(m);
	manager_serve_passed(m);
	return manager_start_watch(m);
}

static bool serves(const struct manager *m)
{
	for (size_t i = 0; m->config->web_listen[i]; i++)
		if (m->web_servers[i])
			return true;
	return m->control_server || manager_serves_passed(m);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *data)
{
	struct manager *m = data;

	retry_mqfs(m);
	manager_refresh(m);
	serve_web(m);
	serve_control(m);
	manager_tell(m);
	sd_event_source_set_time_relative(source, TICK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* The probes' memory is the kernel's, and mapped only while it is read. */
static int on_turn_over(sd_event_source *source, void *data)
{
	struct manager *m = data;

	(void)source;
	probe_unmap_slots(m->probe);
	return 0;
}

static bool same_addresses(char *const *a, char *const *b)
{
	size_t i;

	for (i = 0; a[i] && b[i]; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return !a[i] && !b[i];
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Takes the new settings; what only a start can change keeps its value and says so. */
static void apply(struct manager *m, struct config *c)
{
	struct config *old = m->config;
	bool web = !same_addresses(old->web_listen, c->web_listen);
	bool control = !same_text(old->control_socket, c->control_socket);

	if (old->probe != c->probe || old->queues_max != c->queues_max ||
	    old->records_max != c->records_max || old->peek != c->peek ||
	    old->peek_buffer_max != c->peek_buffer_max ||
	    !same_text(old->mqueue_path, c->mqueue_path))
		log_warning("Changes of probe, queues, mqueue, peek.mode and peek.buffer-max "
			    "settings take effect at the next start");
	c->probe = old->probe;
	c->peek = old->peek;
	c->peek_buffer_max = old->peek_buffer_max;
	c->queues_max = old->queues_max;
	c->records_max = old->records_max;
	if (web)
		stop_web(m);
	if (control)
		stop_control(m);
	m->config = c;
	namespaces_set_watched(m->namespaces, c->namespaces);
	choose_probed(m);
	table_set_filter(m->table, c->include, c->exclude);
	log_set_max_priority(c->log_priority);
	find_control_group(m);
	if (web && start_web(m) < 0)
		log_error("No memory to serve metrics");
	if (control)
		serve_control(m);
	manager_restart_watch(m);
	config_free(old);
}

static int parse_logged(struct manager *m, struct config **ret)
{
	_cleanup_free_ char *text = NULL;
	enum config_action action;
	char *rest, *line;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int r;

	if (!f)
		return -errno;
	r = config_parse(m->argc, m->argv, f, &action, ret);
	fclose(f);
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_error("%s", line);
	return r;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *data)
{
	struct manager *m = data;
	struct config *c;

	sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_ns(CLOCK_MONOTONIC) / 1000);
	m->config_bad = parse_logged(m, &c) < 0;
	if (m->config_bad) {
		log_error("The new configuration is bad, the old one stays in force");
	} else {
		apply(m, c);
		log_info("Configuration reloaded");
	}
	manager_tell(m);
	sd_notify(false, "READY=1");
	return 0;
}

static int add_sources(struct manager *m)
{
	static const int ending[] = {SIGTERM, SIGINT};
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGHUP);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&mask, ending[i]);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
		r = sd_event_add_signal(m->event, NULL, ending[i], NULL, NULL);
		if (r < 0)
			return r;
	}
	r = sd_event_add_signal(m->event, NULL, SIGHUP, on_reload, m);
	if (r < 0)
		return r;
	r = sd_event_add_post(m->event, NULL, on_turn_over, m);
	if (r < 0)
		return r;
	return sd_event_add_time_relative(m->event, NULL, CLOCK_MONOTONIC, TICK_USEC, 0, on_tick,
					  m);
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS_MAX)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_debug_errno(-errno, "The limit of descriptors cannot be raised, ignoring: %m");
}

int manager_new(struct manager **ret, struct config *config, int argc, char *const argv[])
{
	_cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return log_error_errno(-ENOMEM, "Cannot start: %m");
	m->argc = argc;
	m->argv = argv;
	m->started_at = (double)clock_ns(CLOCK_REALTIME) / NSEC_PER_SEC;
	m->web = (struct web){.ops = &manager_web_ops, .data = m};
	m->control = (struct control){.ops = &manager_control_ops, .data = m};
	m->config = config;
	raise_descriptor_limit();
	r = sd_event_new(&m->event);
	if (r >= 0)
		r = add_sources(m);
	if (r >= 0)
		r = manager_start_service(m);
	if (r >= 0)
		r = start_parts(m);
	if (r < 0)
		log_error_errno(r, "Cannot start: %m");
	else if (!serves(m))
		r = log_error_errno(
			-EADDRNOTAVAIL,
			"Neither metrics nor the control socket can be served, giving up");
	if (r < 0) {
		stop_web(m);
		stop_control(m);
		m->config = NULL;
		return r;
	}
	*ret = TAKE_PTR(m);
	return 0;
}

void manager_free(struct manager *m)
{
	if (!m)
		return;
	if (m->config) {
		stop_web(m);
		stop_control(m);
	}
	manager_stop_service(m);
	manager_stop_watch(m);
	table_free(m->table);
	peek_free(m->peek);
	probe_free(m->probe);
	manager_stop_reach(m);
	mqfs_free(m->mqfs);
	sd_event_unref(m->event);
	config_free(m->config);
	free(m);
}

/* What the first scrape need not wait for. */
static int on_settled(sd_event_source *source, void *userdata)
{
	struct manager *m = userdata;
	int r;

	(void)source;
	openers_prepare(m->openers);
	/* whoever takes the daemon over from now on gets no more than it needs */
	r = privilege_drop();
	if (r < 0)
		log_warning_errno(r, "Capabilities cannot be dropped, ignoring: %m");
	memory_give_back_blocks();
	memory_trim();
	return 0;
}

int manager_run(struct manager *m)
{
	sd_event_source *settled = NULL;
	int r;

	r = sd_event_add_defer(m->event, &settled, on_settled, m);
	if (r >= 0)
		r = sd_event_source_set_priority(settled, SD_EVENT_PRIORITY_IDLE);
	if (r >= 0)
		r = sd_event_source_set_floating(settled, true);
	sd_event_source_unref(settled);
	if (r < 0)
		return log_error_errno(r, "Cannot start: %m");

	log_info("Watching %s: probes %s, peek %s", m->mqfs ? mqfs_source(m->mqfs) : "no queues",
		 probe_mode_name(m->probe), peek_backend(m->peek));
	manager_ready(m);
	r = sd_event_loop(m->event);
	if (r < 0)
		return log_error_errno(r, "The event loop failed: %m");
	sd_notify(false, "STOPPING=1\nSTATUS=Stopping");
	return 0;
}
