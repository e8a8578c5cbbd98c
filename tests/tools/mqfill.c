// SPDX-License-Identifier: GPL-2.0-or-later
/* One system call on one queue per command: the scripted side of the tests. */
#include <fcntl.h>
#include <getopt.h>
#include <mqueue.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "options.h"

struct options {
	bool nonblock;
	uint64_t depth, message_size, count;
	uint64_t rate; /* messages per second; 0: as fast as it goes */
	mode_t mode;
};

static mqd_t open_queue(const char *name, int flags, const struct options *o)
{
	struct mq_attr attr = {.mq_maxmsg = (long)o->depth, .mq_msgsize = (long)o->message_size};
	mqd_t queue;

	umask(0);
	queue = mq_open(name, flags | (o->nonblock ? O_NONBLOCK : 0), o->mode, &attr);
	if (queue < 0)
		die("mq_open: %s", strerror(errno));
	return queue;
}

static void pace(const struct options *o)
{
	if (o->rate)
		usleep((useconds_t)(1000000 / o->rate));
}

static int create(const char *name, char *args[], const struct options *o)
{
	(void)args;
	open_queue(name, O_RDWR | O_CREAT | O_EXCL, o);
	return 0;
}

static int unlink_queue(const char *name, char *args[], const struct options *o)
{
	(void)args;
	(void)o;
	if (mq_unlink(name) < 0)
		die("mq_unlink: %s", strerror(errno));
	return 0;
}

/* Sends "PRIORITY:PAYLOAD". */
static void send_one(mqd_t queue, char *message)
{
	char *payload = strchr(message, ':');

	if (!payload)
		die("\"%s\" is not PRIORITY:PAYLOAD", message);
	*payload++ = '\0';
	if (mq_send(queue, payload, strlen(payload),
		    (unsigned int)number("priority", message, 0, 32767)) < 0)
		die("mq_send: %s", strerrorname_np(errno));
}

/* Sends the arguments, or without any, each line of standard input as it comes. */
static int send_each(const char *name, char *args[], const struct options *o)
{
	mqd_t queue = open_queue(name, O_WRONLY, o);
	char *line = NULL;
	size_t size = 0;

	if (!*args)
		while (getline(&line, &size, stdin) > 0) {
			line[strcspn(line, "\n")] = '\0';
			send_one(queue, line);
			pace(o);
		}
	for (; *args; args++)
		send_one(queue, *args);
	free(line);
	return 0;
}

/* Sends standard input as one message. */
static int send_input(const char *name, char *args[], const struct options *o)
{
	mqd_t queue = open_queue(name, O_WRONLY, o);
	struct mq_attr attr;
	size_t size;
	char *buffer;

	if (!args[0] || args[1])
		die("send-input: one PRIORITY");
	if (mq_getattr(queue, &attr) < 0 || !(buffer = malloc((size_t)attr.mq_msgsize)))
		die("mq_getattr: %s", strerror(errno));
	size = fread(buffer, 1, (size_t)attr.mq_msgsize, stdin);
	if (mq_send(queue, buffer, size, (unsigned int)number("priority", args[0], 0, 32767)) < 0)
		die("mq_send: %s", strerrorname_np(errno));
	free(buffer);
	return 0;
}

/* Receives --count messages, or with --nonblock as many as there are, as "PRIORITY:PAYLOAD" lines. */
static int receive(const char *name, char *args[], const struct options *o)
{
	mqd_t queue = open_queue(name, O_RDONLY, o);
	struct mq_attr attr;
	char *buffer;

	(void)args;
	if (mq_getattr(queue, &attr) < 0 || !(buffer = malloc((size_t)attr.mq_msgsize)))
		die("mq_getattr: %s", strerror(errno));
	for (uint64_t i = 0; i < o->count; i++) {
		unsigned int priority;
		ssize_t n = mq_receive(queue, buffer, (size_t)attr.mq_msgsize, &priority);

		if (n < 0 && errno == EAGAIN && o->count == UINT64_MAX)
			break;
		if (n < 0)
			die("mq_receive: %s", strerrorname_np(errno));
		printf("%u:", priority);
		fwrite(buffer, 1, (size_t)n, stdout);
		putchar('\n');
		fflush(stdout);
		pace(o);
	}
	free(buffer);
	return 0;
}

/* Sends a message of each PRIORITY in turn and receives one, --count times. */
static int overtake(const char *name, char *args[], const struct options *o)
{
	mqd_t queue = open_queue(name, O_RDWR, o);
	unsigned int priorities[8], n = 0;
	struct mq_attr attr;
	char *buffer;

	for (; *args && n < sizeof(priorities) / sizeof(priorities[0]); args++)
		priorities[n++] = (unsigned int)number("priority", *args, 0, 32767);
	if (!n || mq_getattr(queue, &attr) < 0 || !(buffer = calloc(1, (size_t)attr.mq_msgsize)))
		die("overtake: %s", n ? strerror(errno) : "which PRIORITY?");
	for (uint64_t i = 0; i < o->count; i++) {
		unsigned int priority = priorities[i % n];

		if (mq_send(queue, buffer, (size_t)attr.mq_msgsize, priority) < 0 ||
		    mq_receive(queue, buffer, (size_t)attr.mq_msgsize, &priority) < 0)
			die("mq_send, mq_receive: %s", strerrorname_np(errno));
		pace(o);
	}
	free(buffer);
	return 0;
}

/* Keeps the queue open until a signal ends the program. */
static int hold(const char *name, char *args[], const struct options *o)
{
	(void)args;
	open_queue(name, O_RDWR, o);
	puts("holding");
	fflush(stdout);
	pause();
	return 0;
}

/* Registers with mq_notify(3), then says so, then says when it comes. */
static int notify(const char *name, char *args[], const struct options *o)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	mqd_t queue = open_queue(name, O_RDONLY, o);
	sigset_t set;
	int number;

	(void)args;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (mq_notify(queue, &event) < 0)
		die("mq_notify: %s", strerror(errno));
	puts("registered");
	fflush(stdout);
	sigwait(&set, &number);
	puts("notified");
	return 0;
}

static void post(union sigval value)
{
	sem_post(value.sival_ptr);
}

/* The same by a function that runs in a thread of its own. */
static int notify_thread(const char *name, char *args[], const struct options *o)
{
	static sem_t notified;
	struct sigevent event = {.sigev_notify = SIGEV_THREAD,
				 .sigev_notify_function = post,
				 .sigev_value.sival_ptr = &notified};
	mqd_t queue = open_queue(name, O_RDONLY, o);

	(void)args;
	sem_init(&notified, 0, 0);
	if (mq_notify(queue, &event) < 0)
		die("mq_notify: %s", strerror(errno));
	puts("registered");
	fflush(stdout);
	sem_wait(&notified);
	puts("notified");
	return 0;
}

static void enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWIPC) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

/* A process that executes a program and ends. */
static void run_true(void)
{
	char *const argv[] = {(char *)"true", NULL}, *const env[] = {NULL};
	pid_t pid;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, env) == 0)
		waitpid(pid, NULL, 0);
}

/*
 * Enters one IPC namespace after the other, --count times, and opens the queue of that name there; at the end the
 * first one again, with the queue of the last one open until a signal ends the program.
 */
static int wander(const char *name, char *args[], const struct options *o)
{
	size_t n = 0;
	mqd_t queue = -1;

	while (args[n])
		n++;
	if (!n)
		die("wander: which NAMESPACE?");
	for (uint64_t i = 0; i < o->count; i++) {
		enter(args[i % n]);
		if (queue >= 0)
			mq_close(queue);
		queue = open_queue(name, O_RDWR, o);
		run_true();
	}
	enter(args[0]);
	puts("holding");
	fflush(stdout);
	pause();
	return 0;
}

static const struct verb {
	const char *name;
	int (*run)(const char *name, char *args[], const struct options *o);
} verbs[] = {
	{"create", create},	    {"unlink", unlink_queue}, {"send", send_each},
	{"send-input", send_input}, {"receive", receive},     {"hold", hold},
	{"notify", notify},	    {"overtake", overtake},   {"notify-thread", notify_thread},
	{"wander", wander},
};

static const char usage[] =
	"Usage: mqfill [--nonblock] [--depth=N] [--message-size=N] [--mode=OCTAL] [--count=N] "
	"[--rate=N] VERB "
	"/QUEUE [ARG]...\n"
	"  create, unlink, hold (open until killed), notify (wait for mq_notify),\n"
	"  notify-thread (the same with SIGEV_THREAD),\n"
	"  send [PRIORITY:PAYLOAD]... (without any, lines of standard input),\n"
	"  send-input PRIORITY (standard input as one message),\n"
	"  receive (--count messages; with --nonblock and no count, all there are),\n"
	"  overtake PRIORITY... (--count times a message is sent and one received),\n"
	"  wander NAMESPACE... (files to enter, --count of them in turn, the queue open)\n";

static const struct option long_options[] = {
	{"nonblock", no_argument, NULL, 'n'},
	{"depth", required_argument, NULL, 'd'},
	{"message-size", required_argument, NULL, 's'},
	{"mode", required_argument, NULL, 'm'},
	{"count", required_argument, NULL, 'c'},
	{"rate", required_argument, NULL, 'r'},
	{},
};

int main(int argc, char *argv[])
{
	struct options o = {.depth = 10, .message_size = 1024, .mode = 0600};
	int c;

	while ((c = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		switch (c) {
		case 'n':
			o.nonblock = true;
			break;
		case 'd':
			o.depth = number("--depth", optarg, 1, 65536);
			break;
		case 's':
			o.message_size = number("--message-size", optarg, 1, 16U << 20);
			break;
		case 'm':
			o.mode = (mode_t)strtoul(optarg, NULL, 8);
			break;
		case 'c':
			o.count = number("--count", optarg, 1, UINT32_MAX);
			break;
		case 'r':
			o.rate = number("--rate", optarg, 1, 1000000);
			break;
		default:
			die("%s", usage);
		}
	}
	if (!o.count)
		o.count = o.nonblock ? UINT64_MAX : 1;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && optind + 1 < argc; i++)
		if (!strcmp(argv[optind], verbs[i].name))
			return verbs[i].run(argv[optind + 1], argv + optind + 2, &o);
	die("%s", usage);
}
