// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends and receives on one queue with several processes, checks every message that arrives, and
 * prints what was really done as one JSON object, for others' counters to be compared with.
 */
#include <fcntl.h>
#include <getopt.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "options.h"
#include "payload.h"
#include "stamps.h"

#define WORKERS_MAX  (2 * PAYLOAD_SENDERS_MAX)
#define ERRNOS_MAX   134
#define NSEC_PER_SEC 1000000000L
#define TICK_NS	     5000000L

struct totals {
	uint64_t messages;
	uint64_t bytes;
	uint64_t errors[ERRNOS_MAX];
	uint64_t faults[PAYLOAD_FAULTS];
};

struct options {
	const char *queue;
	const char *stamps; /* file; NULL: none */
	uint64_t senders, receivers;
	uint64_t messages; /* of all senders together; 0: no limit */
	uint64_t seconds;  /* 0: no limit */
	uint64_t size_min, size_max;
	uint64_t priorities, first_priority;
	uint64_t send_rate, receive_rate; /* per process and second; 0: as fast as it goes */
	uint64_t depth, message_size;
	bool nonblock, keep, quiet, own_priority, no_priority;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

/* No SA_RESTART: a worker asleep in a call must come out of it. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static void nap(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / NSEC_PER_SEC;
}

/* Sleeps until one period after *next, so that a rate holds on average. */
static void pace(struct timespec *next, uint64_t rate)
{
	if (!rate)
		return;
	next->tv_nsec += NSEC_PER_SEC / (long)rate;
	next->tv_sec += next->tv_nsec / NSEC_PER_SEC;
	next->tv_nsec %= NSEC_PER_SEC;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static void count_error(struct totals *totals, mqd_t queue, short events)
{
	int error = errno;

	totals->errors[error]++;
	if (error == EAGAIN)
		poll(&(struct pollfd){.fd = queue, .events = events}, 1, 10);
	else if (error != EINTR)
		die("%s: %s", events == POLLOUT ? "mq_send" : "mq_receive", strerror(error));
}

static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void send_all(const struct options *o, mqd_t queue, unsigned int index,
		     struct totals *totals)
{
	uint64_t share = o->messages / o->senders + (index < o->messages % o->senders);
	struct payload_head head = {.queue = payload_queue_id(o->queue),
				    .pid = (uint32_t)getpid(),
				    .sender = (uint16_t)index};
	uint64_t random = 88172645463325252ULL + index * 2654435761U;
	char *buffer = malloc(o->size_max);
	struct stamps stamps = {};
	struct timespec next;

	if (!buffer)
		die("out of memory");
	if (o->stamps)
		stamps_init(&stamps, share);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!stop && (!o->messages || totals->messages < share)) {
		size_t size = o->size_min + draw(&random) % (o->size_max - o->size_min + 1);

		head.priority =
			(uint16_t)(o->first_priority +
				   (o->own_priority ? index : draw(&random) % o->priorities));
		head.sequence++;
		payload_fill(buffer, size, &head);
		while (mq_send(queue, buffer, size, head.priority) < 0) {
			count_error(totals, queue, POLLOUT);
			if (stop)
				goto out;
		}
		if (o->stamps)
			stamps_note(&stamps, head.sequence);
		totals->messages++;
		totals->bytes += size;
		pace(&next, o->send_rate);
	}
out:
	if (o->stamps)
		stamps_write(&stamps, o->stamps);
	free(stamps.items);
	free(buffer);
}

static void receive_all(const struct options *o, mqd_t queue, size_t size_max,
			struct totals *totals)
{
	struct payload_order *order = calloc(1, sizeof(*order));
	uint32_t id = payload_queue_id(o->queue);
	char *buffer = malloc(size_max);
	struct timespec next;

	if (!buffer || !order)
		die("out of memory");
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!stop) {
		unsigned int priority;
		enum payload_fault fault;
		ssize_t n = mq_receive(queue, buffer, size_max, o->no_priority ? NULL : &priority);

		if (n < 0) {
			count_error(totals, queue, POLLIN);
			continue;
		}
		if (o->no_priority)
			priority = ((struct payload_head *)buffer)->priority;
		totals->messages++;
		totals->bytes += (uint64_t)n;
		fault = payload_check(buffer, (size_t)n, id, priority);
		if (fault == PAYLOAD_GOOD)
			fault = payload_note(order, buffer, (size_t)n);
		totals->faults[fault]++;
		pace(&next, o->receive_rate);
	}
	free(order);
	free(buffer);
}

static mqd_t open_queue(const struct options *o)
{
	struct mq_attr attr = {.mq_maxmsg = (long)o->depth, .mq_msgsize = (long)o->message_size};
	mqd_t queue = mq_open(o->queue, O_RDWR | O_CREAT, 0600, &attr);

	if (queue < 0)
		die("mq_open %s: %s", o->queue, strerror(errno));
	return queue;
}

static pid_t start_worker(const struct options *o, unsigned int index, size_t size_max,
			  struct totals *totals)
{
	bool sends = index < o->senders;
	pid_t parent = getpid(), pid = fork();
	mqd_t queue;

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	queue = mq_open(o->queue, (sends ? O_WRONLY : O_RDONLY) | (o->nonblock ? O_NONBLOCK : 0));
	if (queue < 0)
		die("mq_open %s: %s", o->queue, strerror(errno));
	if (sends)
		send_all(o, queue, index, totals);
	else
		receive_all(o, queue, size_max, totals);
	_exit(EXIT_SUCCESS);
}

/* Whether all of pids[0..n) have ended; ends the program when one failed. */
static bool reap(pid_t pids[], unsigned int n)
{
	bool all = true;

	for (unsigned int i = 0; i < n; i++) {
		int status;

		if (!pids[i])
			continue;
		if (waitpid(pids[i], &status, WNOHANG) != pids[i]) {
			all = false;
			continue;
		}
		if (status)
			die("process %d ended with status %#x", (int)pids[i], (unsigned int)status);
		pids[i] = 0;
	}
	return all;
}

/* A signal that comes just before a call does not interrupt it: signal until all are gone. */
static void stop_workers(pid_t pids[], unsigned int n)
{
	while (!reap(pids, n)) {
		for (unsigned int i = 0; i < n; i++)
			if (pids[i])
				kill(pids[i], SIGTERM);
		nap(TICK_NS);
	}
}

static void wait_empty(mqd_t queue)
{
	struct mq_attr attr;

	while (!stop && mq_getattr(queue, &attr) == 0 && attr.mq_curmsgs)
		nap(TICK_NS);
}

static void print_totals(const char *done, const char *call, const struct totals workers[],
			 unsigned int n)
{
	struct totals sum = {};
	const char *comma = "";

	for (unsigned int i = 0; i < n; i++) {
		sum.messages += workers[i].messages;
		sum.bytes += workers[i].bytes;
		for (unsigned int e = 0; e < ERRNOS_MAX; e++)
			sum.errors[e] += workers[i].errors[e];
	}
	printf(",\"%s\":%llu,\"%s_bytes\":%llu,\"%s_errors\":{", done,
	       (unsigned long long)sum.messages, done, (unsigned long long)sum.bytes, call);
	for (int e = 0; e < ERRNOS_MAX; e++) {
		if (!sum.errors[e])
			continue;
		printf("%s\"%s\":%llu", comma, strerrorname_np(e),
		       (unsigned long long)sum.errors[e]);
		comma = ",";
	}
	putchar('}');
}

/* Returns the number of bad messages. */
static uint64_t print_faults(const struct totals receivers[], unsigned int n)
{
	uint64_t bad = 0;

	printf(",\"faults\":{");
	for (unsigned int f = PAYLOAD_GOOD + 1; f < PAYLOAD_FAULTS; f++) {
		uint64_t sum = 0;

		for (unsigned int i = 0; i < n; i++)
			sum += receivers[i].faults[f];
		printf("%s\"%s\":%llu", f == PAYLOAD_GOOD + 1 ? "" : ",", payload_fault_names[f],
		       (unsigned long long)sum);
		bad += sum;
	}
	putchar('}');
	return bad;
}

static void usage(FILE *out)
{
	fputs("Usage: mqload [OPTION]... /QUEUE\n"
	      "  --senders=N, --receivers=N  processes (1 and 1)\n"
	      "  --messages=N                to send in all\n"
	      "  --seconds=N                 to run; without either: until SIGTERM\n"
	      "  --size=MIN[-MAX]            random message length in bytes (64)\n"
	      "  --priorities=N              N random priorities (1)\n"
	      "  --own-priority              one priority per sender instead\n"
	      "  --first-priority=N          the lowest of them (0)\n"
	      "  --no-priority               receivers do not ask for the priority\n"
	      "  --send-rate=N, --receive-rate=N  per process and second\n"
	      "  --nonblock                  O_NONBLOCK, with poll(2) after EAGAIN\n"
	      "  --depth=N, --message-size=N of a queue that is made (10, the largest length)\n"
	      "  --keep                      do not unlink the queue at the end\n"
	      "  --stamps=FILE               note there when sends returned, for mqtruth\n"
	      "  --quiet                     no output\n"
	      "The receivers take what is left when the senders have ended.\n",
	      out);
}

enum {
	OPT_SENDERS = 256,
	OPT_RECEIVERS,
	OPT_MESSAGES,
	OPT_SECONDS,
	OPT_SIZE,
	OPT_PRIORITIES,
	OPT_SEND_RATE,
	OPT_RECEIVE_RATE,
	OPT_NONBLOCK,
	OPT_DEPTH,
	OPT_MESSAGE_SIZE,
	OPT_KEEP,
	OPT_QUIET,
	OPT_FIRST_PRIORITY,
	OPT_OWN_PRIORITY,
	OPT_NO_PRIORITY,
	OPT_STAMPS,
	OPT_HELP,
};

static const struct option long_options[] = {
	{"senders", required_argument, NULL, OPT_SENDERS},
	{"receivers", required_argument, NULL, OPT_RECEIVERS},
	{"messages", required_argument, NULL, OPT_MESSAGES},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"size", required_argument, NULL, OPT_SIZE},
	{"priorities", required_argument, NULL, OPT_PRIORITIES},
	{"first-priority", required_argument, NULL, OPT_FIRST_PRIORITY},
	{"own-priority", no_argument, NULL, OPT_OWN_PRIORITY},
	{"no-priority", no_argument, NULL, OPT_NO_PRIORITY},
	{"send-rate", required_argument, NULL, OPT_SEND_RATE},
	{"receive-rate", required_argument, NULL, OPT_RECEIVE_RATE},
	{"nonblock", no_argument, NULL, OPT_NONBLOCK},
	{"depth", required_argument, NULL, OPT_DEPTH},
	{"message-size", required_argument, NULL, OPT_MESSAGE_SIZE},
	{"keep", no_argument, NULL, OPT_KEEP},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"stamps", required_argument, NULL, OPT_STAMPS},
	{"help", no_argument, NULL, OPT_HELP},
	{},
};

static void parse_size_range(struct options *o, char *s)
{
	char *dash = strchr(s, '-');

	if (dash)
		*dash++ = '\0';
	o->size_min = number("--size", s, 1, PAYLOAD_SIZE_MAX);
	o->size_max = dash ? number("--size", dash, o->size_min, PAYLOAD_SIZE_MAX) : o->size_min;
}

static void parse(int argc, char *argv[], struct options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case OPT_SENDERS:
			o->senders = number("--senders", optarg, 0, PAYLOAD_SENDERS_MAX);
			break;
		case OPT_RECEIVERS:
			o->receivers = number("--receivers", optarg, 0, PAYLOAD_SENDERS_MAX);
			break;
		case OPT_MESSAGES:
			o->messages = number("--messages", optarg, 1, UINT32_MAX);
			break;
		case OPT_SECONDS:
			o->seconds = number("--seconds", optarg, 1, 86400);
			break;
		case OPT_SIZE:
			parse_size_range(o, optarg);
			break;
		case OPT_PRIORITIES:
			o->priorities = number("--priorities", optarg, 1, PAYLOAD_PRIORITIES_MAX);
			break;
		case OPT_FIRST_PRIORITY:
			o->first_priority =
				number("--first-priority", optarg, 0, PAYLOAD_PRIORITIES_MAX);
			break;
		case OPT_OWN_PRIORITY:
			o->own_priority = true;
			break;
		case OPT_NO_PRIORITY:
			o->no_priority = true;
			break;
		case OPT_SEND_RATE:
			o->send_rate = number("--send-rate", optarg, 1, 1000000);
			break;
		case OPT_RECEIVE_RATE:
			o->receive_rate = number("--receive-rate", optarg, 1, 1000000);
			break;
		case OPT_NONBLOCK:
			o->nonblock = true;
			break;
		case OPT_DEPTH:
			o->depth = number("--depth", optarg, 1, 65536);
			break;
		case OPT_MESSAGE_SIZE:
			o->message_size = number("--message-size", optarg, 1, PAYLOAD_SIZE_MAX);
			break;
		case OPT_KEEP:
			o->keep = true;
			break;
		case OPT_QUIET:
			o->quiet = true;
			break;
		case OPT_STAMPS:
			o->stamps = optarg;
			break;
		case OPT_HELP:
			usage(stdout);
			exit(EXIT_SUCCESS);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind != argc - 1 || o->senders + o->receivers == 0) {
		usage(stderr);
		exit(2);
	}
	if (o->no_priority && o->size_min < sizeof(struct payload_head))
		die("--no-priority: messages of %zu bytes and more say theirs",
		    sizeof(struct payload_head));
	if (o->first_priority + (o->own_priority ? o->senders : o->priorities) >
	    PAYLOAD_PRIORITIES_MAX)
		die("more than %d priorities", PAYLOAD_PRIORITIES_MAX);
	if (o->stamps && !o->messages)
		die("--stamps: needs --messages");
	o->queue = argv[optind];
	if (!o->message_size)
		o->message_size = o->size_max;
}

int main(int argc, char *argv[])
{
	struct options o = {.senders = 1,
			    .receivers = 1,
			    .size_min = 64,
			    .size_max = 64,
			    .priorities = 1,
			    .depth = 10};
	pid_t pids[WORKERS_MAX];
	struct totals *totals;
	struct mq_attr attr;
	unsigned int n, senders;
	uint64_t bad;
	double start;
	mqd_t queue;

	parse(argc, argv, &o);
	senders = (unsigned int)o.senders;
	n = senders + (unsigned int)o.receivers;
	totals = mmap(NULL, sizeof(*totals) * n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (totals == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	queue = open_queue(&o);
	if (mq_getattr(queue, &attr) < 0)
		die("mq_getattr: %s", strerror(errno));
	catch_signals();
	start = now();
	for (unsigned int i = 0; i < n; i++)
		pids[i] = start_worker(&o, i, (size_t)attr.mq_msgsize, &totals[i]);

	while (!stop && !(o.seconds && now() - start >= (double)o.seconds))
		if (senders && reap(pids, senders))
			break;
		else
			nap(TICK_NS);
	stop_workers(pids, senders);
	if (o.receivers && senders)
		wait_empty(queue);
	stop_workers(pids + senders, n - senders);

	if (!o.keep)
		mq_unlink(o.queue);
	if (o.quiet && !freopen("/dev/null", "w", stdout))
		die("/dev/null: %s", strerror(errno));
	printf("{\"seconds\":%.3f", now() - start);
	print_totals("sent", "send", totals, senders);
	print_totals("received", "receive", totals + senders, n - senders);
	bad = print_faults(totals + senders, n - senders);
	printf("}\n");
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
