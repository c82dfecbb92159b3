#include "av/engine_part.h"

#include <errno.h>
#include <string.h>

/* One scan, for libclamav's callbacks. */
struct scan {
	const struct av_engine_ban *ban; /* NULL: let all types pass */
	const char *name;
	struct av_reply *reply;
	bool found, banned;
	int error; /* errno of what libclamav could not write, open or allocate */
};

/* What libclamav calls a layer that a callback refused. */
#define REFUSED_PREFIX "Detected.By.Callback"

static void on_virus_found(int fd, const char *name, void *context)
{
	struct scan *scan = context;

	(void)fd;
	if (name && strncmp(name, REFUSED_PREFIX, strlen(REFUSED_PREFIX)) == 0)
		return;
	scan->found = true;
	/* libclamav may find without a name (CL_VIRUS and NULL was seen for limits). */
	av_finding_add(scan->reply, name ? AV_SIGNATURE : AV_LIMIT, view_of(name ? name : "libclamav"), scan->name);
}

static bool is_banned(const struct av_engine_ban *ban, const char *type)
{
	if (!ban || !ban->true_types || !type)
		return false;
	for (const char *const *banned = ban->true_types; *banned; banned++)
		if (view_eq_nocase(view_of(*banned), view_of(type)))
			return true;
	return false;
}

/* errno, if it is one of those that mean: there was something to write or to open, and it was not. */
static void note_errno(struct scan *scan)
{
	static const int errors[] = { ENOSPC, EDQUOT, EFBIG, EROFS, EIO, ENOMEM, EMFILE, ENFILE };

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (errno == errors[i])
			scan->error = errno;
}

/* Each layer, served from libclamav's cache of clean layers or not. Refusing it makes all layers around it unclean, so that the
 * cache does not know them the next time: a ban holds for the second copy too. */
static cl_error_t on_layer(int fd, const char *type, const char **ancestors, size_t parent_size, const char *file_name, size_t size,
                           const char *octets, uint32_t level, uint32_t attributes, void *context)
{
	struct scan *scan = context;

	note_errno(scan);
	(void)fd, (void)ancestors, (void)parent_size, (void)file_name, (void)size, (void)octets, (void)level, (void)attributes;
	if (!is_banned(scan->ban, type))
		return CL_CLEAN;
	scan->banned = true;
	av_finding_add(scan->reply, AV_BANNED, view_of(type), scan->name);
	return CL_VIRUS;
}

void av_engine_set_callbacks(struct cl_engine *cl)
{
	cl_engine_set_clcb_virus_found(cl, on_virus_found);
	cl_engine_set_clcb_file_inspection(cl, on_layer);
}

static void add(const struct scan *scan, enum av_finding_kind kind, const char *name)
{
	av_finding_add(scan->reply, kind, view_of(name), scan->name);
}

/* libclamav goes on as if nothing were there when it cannot write what it has unpacked, and calls the rest clean; but it says so. */
void av_engine_scan_message(void *arg, const char *text)
{
	struct scan *scan = arg;

	note_errno(scan);
	if (strstr(text, "Can't create temporary directory"))
		scan->error = errno;
}

static const char *failure_text(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG ? "temporary files are full" : strerror(error);
}

/* What was left out counts as clean in libclamav's cache: use it no more. */
static void fail(struct av_engine *engine, const struct scan *scan, const char *why)
{
	engine->cache_off = true;
	if (cl_engine_set_num(engine->cl, CL_ENGINE_DISABLE_CACHE, 1) != CL_SUCCESS)
		add(scan, AV_FAILURE, "cache");
	add(scan, AV_FAILURE, why);
}

static void scan_once(struct av_engine *engine, struct view octets, struct scan *scan)
{
	cl_fmap_t *map = cl_fmap_open_memory(octets.p, octets.n);
	const char *virus = NULL;
	cl_error_t result;

	scan->found = scan->banned = false;
	scan->error = errno = 0; /* a file that cannot be written leaves its mark */
	if (!map) {
		add(scan, AV_FAILURE, "no memory");
		return;
	}
	av_engine_listen_scan(scan);
	result = cl_scanmap_callback(map, NULL, &virus, NULL, engine->cl, &engine->options, scan);
	note_errno(scan);
	av_engine_listen_scan(NULL);
	cl_fmap_close(map);
	if (result == CL_VIRUS && !scan->found && !scan->banned)
		on_virus_found(-1, virus, scan);
	if (result != CL_VIRUS && result != CL_CLEAN)
		fail(engine, scan, scan->error ? failure_text(scan->error) : cl_strerror(result));
	else if (scan->error)
		fail(engine, scan, failure_text(scan->error));
}

/* What was refused has not been scanned: once more, refusing nothing, and without the cache, which would take it for clean. */
static void scan_refused(struct av_engine *engine, struct view octets, struct scan *scan)
{
	if (cl_engine_set_num(engine->cl, CL_ENGINE_DISABLE_CACHE, 1) != CL_SUCCESS) {
		add(scan, AV_FAILURE, "cache");
		return;
	}
	scan->ban = NULL;
	scan_once(engine, octets, scan);
	if (!engine->cache_off && cl_engine_set_num(engine->cl, CL_ENGINE_DISABLE_CACHE, 0) != CL_SUCCESS)
		add(scan, AV_FAILURE, "cache");
}

void av_engine_scan(struct av_engine *engine, const struct av_engine_ban *ban, struct view octets, const char *name,
                    struct av_reply *reply)
{
	struct scan scan = { .ban = ban, .name = name, .reply = reply };

	if (octets.n == 0)
		return;
	if (octets.n > engine->max_octets) {
		add(&scan, AV_LIMIT, "size");
		return;
	}
	scan_once(engine, octets, &scan);
	if (scan.banned)
		scan_refused(engine, octets, &scan);
}
