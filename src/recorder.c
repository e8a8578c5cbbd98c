// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "log.h"
#include "recorder.h"

#define FILE_PREFIX	"stall-"
#define FILE_SUFFIX	".json"
#define FILE_SIZE_MAX	(UINT64_C(1) << 30)
#define SERIALIZE_FLAGS (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

struct entry {
	struct record record;
	uint64_t size;
	char *text; /* of a record that is in no file */
};

struct recorder {
	char *directory;
	int dir; /* -1: not there yet */
	uint64_t records_max, size_max;
	struct entry *entries; /* in the order of their ids */
	size_t n;
	uint64_t size;
	uint64_t last_id;
	bool failed; /* to write, which was told */
};

static void file_name(uint64_t id, char name[64])
{
	snprintf(name, 64, FILE_PREFIX "%" PRIu64 FILE_SUFFIX, id);
}

static bool parse_file_name(const char *name, uint64_t *ret)
{
	size_t n = strlen(name), prefix = strlen(FILE_PREFIX), suffix = strlen(FILE_SUFFIX);
	char number[24];

	if (n <= prefix + suffix || n - prefix - suffix >= sizeof(number) ||
	    strncmp(name, FILE_PREFIX, prefix) != 0 || strcmp(name + n - suffix, FILE_SUFFIX) != 0)
		return false;
	n -= prefix + suffix;
	memcpy(number, name + prefix, n);
	number[n] = '\0';
	return parse_u64(number, 1, INT64_MAX, ret) == 0;
}

/* Borrowed from the object. */
static const char *serialize(struct json_object *json, size_t *ret_size)
{
	return json_object_to_json_string_length(json, SERIALIZE_FLAGS, ret_size);
}

static int read_file(int dir, const char *name, char **ret, size_t *ret_size)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_SIZE_MAX)
		return -EBADMSG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (size < (size_t)st.st_size) {
		n = read(fd, text + size, (size_t)st.st_size - size);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
	}
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

/* The whole file or nothing. */
static int write_file(int dir, const char *name, const char *text, size_t size)
{
	static const char temporary[] = ".new";
	_cleanup_close_ int fd = -1;
	int r;

	unlinkat(dir, temporary, 0);
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, size);
	if (r == 0 && renameat(dir, temporary, dir, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, temporary, 0);
	return r;
}

/* The directory and those above it, as far as they are missing. */
static int make_directory(const char *directory)
{
	_cleanup_free_ char *path = strdup(directory);

	if (!path)
		return -ENOMEM;
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int open_directory(struct recorder *r, bool make)
{
	int error = 0;

	if (r->dir >= 0)
		return 0;
	if (make)
		error = make_directory(r->directory);
	if (error < 0)
		return error;
	r->dir = open(r->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->dir < 0 ? -errno : 0;
}

static void save(struct recorder *r, struct entry *e, struct json_object *json)
{
	size_t size = 0;
	const char *text = serialize(json, &size);
	char name[64];
	int error = text ? open_directory(r, true) : -ENOMEM;

	file_name(e->record.id, name);
	if (error == 0)
		error = write_file(r->dir, name, text, size);
	r->size += size - e->size;
	e->size = size;
	free(TAKE_PTR(e->text));
	if (error == 0)
		return;
	if (!r->failed)
		log_warning_errno(error,
				  "Records of stalls cannot be written to %s, keeping them in "
				  "memory: %m",
				  r->directory);
	r->failed = true;
	e->text = text ? strndup(text, size) : NULL;
}

static void forget_first(struct recorder *r)
{
	struct entry *e = &r->entries[0];
	char name[64];

	file_name(e->record.id, name);
	if (r->dir >= 0)
		unlinkat(r->dir, name, 0);
	r->size -= e->size;
	free(e->text);
	memmove(e, e + 1, --r->n * sizeof(*e));
}

static void make_room(struct recorder *r)
{
	while (r->n && (r->n > r->records_max || r->size > r->size_max))
		forget_first(r);
}

static struct entry *add_entry(struct recorder *r)
{
	struct entry *grown = reallocarray(r->entries, r->n + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	r->entries = grown;
	grown[r->n] = (struct entry){};
	return &grown[r->n++];
}

static int load_file(struct recorder *r, const char *name, uint64_t id)
{
	_cleanup_free_ char *text = NULL;
	struct json_object *json = NULL;
	struct record record;
	struct entry *e;
	size_t size = 0;
	int error;

	error = read_file(r->dir, name, &text, &size);
	if (error == 0)
		error = record_parse(text, size, &record, &json);
	if (error < 0)
		return error;
	json_object_put(json);
	if (record.id != id)
		return -EBADMSG;
	e = add_entry(r);
	if (!e)
		return -ENOMEM;
	e->record = record;
	e->size = size;
	r->size += size;
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->record.id < y->record.id ? -1 : x->record.id > y->record.id;
}

static int load_directory(struct recorder *r)
{
	int fd = dup(r->dir);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;
	int error = 0;

	if (!stream) {
		error = -errno;
		close_fd(fd);
		return error;
	}
	while (error != -ENOMEM && (d = readdir(stream))) {
		uint64_t id;

		if (!parse_file_name(d->d_name, &id))
			continue;
		/* the number of a damaged one is not used again */
		if (id > r->last_id)
			r->last_id = id;
		error = load_file(r, d->d_name, id);
		if (error == -EBADMSG)
			log_warning("%s/%s is no record of a stall, ignoring", r->directory,
				    d->d_name);
		else if (error < 0)
			log_warning_errno(error, "%s/%s cannot be read, ignoring: %m", r->directory,
					  d->d_name);
	}
	closedir(stream);
	if (r->n)
		qsort(r->entries, r->n, sizeof(*r->entries), compare_entries);
	return error == -ENOMEM ? error : 0;
}

int recorder_new(struct recorder **ret, const struct recorder_options *options)
{
	_cleanup_(recorder_freep) struct recorder *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->dir = -1;
	r->records_max = options->records_max;
	r->size_max = options->size_max;
	r->directory = strdup(options->directory);
	if (!r->directory)
		return -ENOMEM;
	error = open_directory(r, false);
	if (error == 0)
		error = load_directory(r);
	if (error == -ENOMEM)
		return error;
	if (error < 0 && error != -ENOENT)
		log_warning_errno(error, "Records of stalls cannot be read from %s, ignoring: %m",
				  r->directory);
	make_room(r);
	*ret = TAKE_PTR(r);
	return 0;
}

void recorder_free(struct recorder *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		free(r->entries[i].text);
	free(r->entries);
	close_fd(r->dir);
	free(r->directory);
	free(r);
}

/* Sets the members of one object in another. */
static int set_members(struct json_object *to, struct json_object *from)
{
	json_object_object_foreach(from, key, value)
	{
		if (json_object_object_add(to, key, json_object_get(value)) < 0)
			return -ENOMEM;
	}
	return 0;
}

int recorder_add(struct recorder *r, const struct record *record, struct json_object *details)
{
	struct json_object *json;
	struct entry *e;
	int error = -ENOMEM;

	if (!r->records_max) {
		json_object_put(details);
		return 0;
	}
	e = add_entry(r);
	if (e) {
		e->record = *record;
		e->record.id = ++r->last_id;
	}
	json = e ? record_json(&e->record) : NULL;
	if (json && details)
		error = set_members(json, details);
	if (error == 0) {
		save(r, e, json);
		make_room(r);
	} else if (e) {
		r->n--;
	}
	json_object_put(json);
	json_object_put(details);
	return error;
}

static struct entry *find(const struct recorder *r, uint64_t id)
{
	struct entry key = {.record.id = id};

	return r->n ? bsearch(&key, r->entries, r->n, sizeof(*r->entries), compare_entries) : NULL;
}

static int read_document(struct recorder *r, const struct entry *e, struct json_object **ret)
{
	_cleanup_free_ char *text = NULL;
	struct record record;
	size_t size;
	char name[64];
	int error;

	if (e->text)
		return record_parse(e->text, strlen(e->text), &record, ret);
	file_name(e->record.id, name);
	error = read_file(r->dir, name, &text, &size);
	return error < 0 ? error : record_parse(text, size, &record, ret);
}

/* The document, with what is known by now in place of what was when it was written. */
static int read_entry(struct recorder *r, const struct entry *e, struct json_object **ret)
{
	struct json_object *json, *now;
	int error = read_document(r, e, &json);

	if (error < 0)
		return error;
	now = record_json(&e->record);
	error = now ? set_members(json, now) : -ENOMEM;
	json_object_put(now);
	if (error < 0)
		json_object_put(json);
	else
		*ret = json;
	return error;
}

int recorder_read(struct recorder *r, uint64_t id, struct json_object **ret)
{
	const struct entry *e = find(r, id);

	return e ? read_entry(r, e, ret) : -ENOENT;
}

int recorder_end(struct recorder *r, const struct mqw_key *key, enum stall_reason reason,
		 uint64_t ended_ns)
{
	struct json_object *json;
	struct entry *e = NULL;
	int error;

	for (size_t i = r->n; i-- > 0 && !e;) {
		const struct record *record = &r->entries[i].record;

		if (record->key.ino == key->ino && record->key.ipcns == key->ipcns &&
		    record->reason == reason && !record->ended_ns)
			e = &r->entries[i];
	}
	if (!e)
		return 0;
	e->record.ended_ns = ended_ns;
	error = read_entry(r, e, &json);
	if (error < 0)
		return error;
	save(r, e, json);
	json_object_put(json);
	return 0;
}

void recorder_set_limits(struct recorder *r, uint64_t records_max, uint64_t size_max)
{
	r->records_max = records_max;
	r->size_max = size_max;
	make_room(r);
}

size_t recorder_count(const struct recorder *r)
{
	return r->n;
}

const struct record *recorder_at(const struct recorder *r, size_t i)
{
	return &r->entries[i].record;
}

const struct record *recorder_find(const struct recorder *r, uint64_t id)
{
	const struct entry *e = find(r, id);

	return e ? &e->record : NULL;
}
