// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "journal.h"
#include "log.h"
#include "util.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

void journal_add(struct journal_entry *e, const char *format, ...)
{
	char *field = NULL;
	va_list ap;
	int n = -1;

	va_start(ap, format);
	if (e->n < ARRAY_SIZE(e->fields))
		n = vasprintf(&field, format, ap);
	va_end(ap);
	if (n < 0)
		e->failed = true;
	else
		e->fields[e->n++] = (struct iovec){field, (size_t)n};
}

/* Whether what is written to standard error is in the journal anyway: systemd.exec(5), $JOURNAL_STREAM. */
static bool standard_error_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	_cleanup_free_ char *own = NULL;
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0 ||
	    asprintf(&own, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino) < 0)
		return false;
	return strcmp(stream, own) == 0;
}

static void done(struct journal_entry *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->fields[i].iov_base);
	*e = (struct journal_entry){};
}

void journal_write(struct journal_entry *e, int priority, const char *id, const char *text)
{
	bool sent = false;

	if (!text)
		text = "Something is to be told, and there is no memory to say what";
	if (priority <= log_max_priority()) {
		journal_add(e, "MESSAGE=%s", text);
		journal_add(e, "MESSAGE_ID=%s", id);
		journal_add(e, "PRIORITY=%i", priority);
		/* sd_journal_sendv(3) is silent where there is no journal */
		sent = !e->failed && access(JOURNAL_SOCKET, W_OK) == 0 &&
		       sd_journal_sendv(e->fields, (int)e->n) == 0;
		if (!sent || !standard_error_is_journal())
			log_line(priority, "%s", text);
	}
	done(e);
}
