#include "av/engine_part.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The message itself may be as large as allowed; the Received: field of our own comes on top. */
#define OWN_FIELD_MAX 1024

struct progress {
	av_engine_progress *function;
	void *arg;
	unsigned from, percent; /* loading is most of the work, compiling the rest */
};

static char **listener;
static void *scanning;

/* Of what libclamav says about one failure: the last lines name file and line, the first ones why. */
#define MESSAGES_MAX 1000 /* octets */

static void on_message(enum cl_msg severity, const char *full, const char *text, void *context)
{
	int n = (int)strcspn(text, "\r\n");
	char *longer;

	(void)full;
	(void)context; /* is not there yet when a scan begins */
	if (scanning)
		av_engine_scan_message(scanning, text);
	if (!listener || severity != CL_MSG_ERROR || (*listener && strlen(*listener) > MESSAGES_MAX))
		return;
	if (asprintf(&longer, "%s; %.*s", *listener ? *listener : "", n, text) < 0)
		return;
	free(*listener);
	*listener = longer;
}

void av_engine_listen(char **ret)
{
	listener = ret;
}

void av_engine_listen_scan(void *scan)
{
	scanning = scan;
}

static int begin_library(void)
{
	static bool begun;

	if (begun)
		return 0;
	cl_set_clcb_msg(on_message);
	if (cl_init(CL_INIT_DEFAULT) != CL_SUCCESS)
		return -EIO;
	begun = true;
	return 0;
}

static int errno_of(cl_error_t error)
{
	switch (error) {
	case CL_EMEM:
		return -ENOMEM;
	case CL_EOPEN:
	case CL_ESTAT:
		return -ENOENT;
	case CL_EACCES:
		return -EACCES;
	default: /* which error a malformed line gives depends on the kind of file */
		return -EINVAL;
	}
}

/* A partition takes 128 octets of its table or more, an icon or a level of paragraphs 14 or more. */
#define PARTITION_OCTETS 128
#define ITEM_OCTETS 14

/* Limits of libclamav that it does not tell about when they are reached (normalizing of HTML and scripts, programs inside files,
 * patterns over large files, partitions, icons, levels of HWP 3 paragraphs) lie where no file can reach them. Those that it tells about
 * (Heuristics.Limits.Exceeded.*) are the settings'. Only PCRE's limits stay libclamav's: without them one pattern may take hours. */
static cl_error_t set_limits(struct cl_engine *cl, const struct av_engine_settings *settings, size_t max_octets)
{
	long long largest = (long long)(max_octets > settings->max_scan_size ? max_octets : settings->max_scan_size) + 1;
	const struct { enum cl_engine_field field; long long value; } limits[] = {
		{ CL_ENGINE_MAX_FILESIZE, largest },
		{ CL_ENGINE_MAX_SCANSIZE, (long long)settings->max_scan_size },
		{ CL_ENGINE_MAX_FILES, settings->max_files },
		{ CL_ENGINE_MAX_RECURSION, settings->max_recursion },
		{ CL_ENGINE_MAX_SCANTIME, settings->scan_ms },
		{ CL_ENGINE_BYTECODE_TIMEOUT, settings->scan_ms },
		{ CL_ENGINE_MAX_EMBEDDEDPE, largest },
		{ CL_ENGINE_MAX_HTMLNORMALIZE, largest },
		{ CL_ENGINE_MAX_HTMLNOTAGS, largest },
		{ CL_ENGINE_MAX_SCRIPTNORMALIZE, largest },
		{ CL_ENGINE_MAX_ZIPTYPERCG, largest },
		{ CL_ENGINE_PCRE_MAX_FILESIZE, largest },
		{ CL_ENGINE_MAX_PARTITIONS, largest / PARTITION_OCTETS },
		{ CL_ENGINE_MAX_ICONSPE, largest / ITEM_OCTETS },
		{ CL_ENGINE_MAX_RECHWP3, largest / ITEM_OCTETS },
		{ CL_ENGINE_BYTECODE_SECURITY, CL_BYTECODE_TRUST_SIGNED },
	};

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		cl_error_t error = cl_engine_set_num(cl, limits[i].field, limits[i].value);

		if (error != CL_SUCCESS)
			return error;
	}
	return CL_SUCCESS;
}

static void set_options(struct cl_scan_options *options, const struct av_engine_settings *settings)
{
	memset(options, 0, sizeof *options);
	options->parse = ~0U;
	options->general = CL_SCAN_GENERAL_HEURISTICS | CL_SCAN_GENERAL_ALLMATCHES;
	options->heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE | CL_SCAN_HEURISTIC_ENCRYPTED_DOC;
	if (settings->macros)
		options->heuristic |= CL_SCAN_HEURISTIC_MACROS;
}

static unsigned database_options(const struct av_engine_settings *settings)
{
	return CL_DB_BYTECODE | CL_DB_PHISHING | (settings->official_only ? CL_DB_OFFICIAL_ONLY : 0) | (settings->pua ? CL_DB_PUA : 0)
	       | (settings->phishing_urls ? CL_DB_PHISHING_URLS : 0);
}

static cl_error_t on_progress(size_t total, size_t done, void *context)
{
	struct progress *progress = context;
	unsigned percent = progress->from + (total ? (unsigned)(done * progress->percent / total) : progress->percent);

	if (progress->function)
		progress->function(progress->arg, percent > 100 ? 100 : percent);
	return CL_SUCCESS;
}

/* Before the database, so that official_only does not shut it out. */
static cl_error_t load_proof(struct cl_engine *cl, const char *proof)
{
	unsigned signatures = 0;

	return proof ? cl_load(proof, cl, &signatures, CL_DB_BYTECODE) : CL_SUCCESS;
}

static int load(struct av_engine *engine, const struct av_engine_settings *settings, struct progress *loading,
                struct progress *compiling, cl_error_t *ret_error)
{
	unsigned signatures = 0;

	*ret_error = set_limits(engine->cl, settings, engine->max_octets);
	if (*ret_error != CL_SUCCESS)
		return -EINVAL;
	av_engine_set_callbacks(engine->cl);
	*ret_error = load_proof(engine->cl, settings->proof);
	if (*ret_error != CL_SUCCESS)
		return errno_of(*ret_error);
	cl_engine_set_clcb_sigload_progress(engine->cl, on_progress, loading);
	cl_engine_set_clcb_engine_compile_progress(engine->cl, on_progress, compiling);
	*ret_error = cl_load(settings->database, engine->cl, &signatures, database_options(settings));
	if (*ret_error != CL_SUCCESS)
		return errno_of(*ret_error);
	if (signatures == 0)
		return -ENOENT;
	*ret_error = cl_engine_compile(engine->cl);
	if (*ret_error != CL_SUCCESS)
		return errno_of(*ret_error);
	av_engine_learn_facts(engine, settings->database, signatures);
	return 0;
}

static void tell_error(char **ret, const char *database, cl_error_t error, const char *message)
{
	const char *got = error == CL_SUCCESS ? "no signature" : cl_strerror(error);

	if (asprintf(ret, "%s: wanted a ClamAV database, got: %s%s", database, got, message ? message : "") < 0)
		*ret = NULL;
}

int av_engine_load(const struct av_engine_settings *settings, av_engine_progress *progress, void *arg, struct av_engine **ret,
                   char **ret_error)
{
	struct progress loading = { progress, arg, 0, 85 }, compiling = { progress, arg, 85, 15 };
	struct av_engine *engine;
	cl_error_t error = CL_SUCCESS;
	char *message = NULL;
	int r = begin_library();

	*ret_error = NULL;
	engine = calloc(1, sizeof *engine);
	if (r || !engine)
		goto out;
	engine->max_octets = settings->max_size + OWN_FIELD_MAX;
	set_options(&engine->options, settings);
	engine->cl = cl_engine_new();
	r = -ENOMEM;
	if (!engine->cl)
		goto out;
	av_engine_listen(&message);
	r = load(engine, settings, &loading, &compiling, &error);
	av_engine_listen(NULL);
	if (r)
		tell_error(ret_error, settings->database, error, message);
	if (r == 0) {
		*ret = engine;
		engine = NULL;
	}
out:
	free(message);
	av_engine_free(engine);
	return r == 0 && engine ? -ENOMEM : r;
}

void av_engine_free(struct av_engine *engine)
{
	if (!engine)
		return;
	if (engine->cl)
		cl_engine_free(engine->cl);
	free(engine);
}

size_t av_engine_max_octets(const struct av_engine *engine)
{
	return engine->max_octets;
}

void av_engine_facts(const struct av_engine *engine, struct av_facts *ret)
{
	*ret = engine->facts;
}

/* libclamav takes and gives back megabytes for each layer of a file (av/engine.h says what that costs): keep them. */
#define KEEP_BLOCKS_TO (32 * 1024 * 1024) /* the most that glibc takes */
#define KEEP_IN_ALL (64 * 1024 * 1024)

int av_engine_begin(struct av_engine *engine, const char *temporary_directory)
{
	/* Speed alone hangs on it, and an allocator other than glibc's refuses. */
	(void)mallopt(M_MMAP_THRESHOLD, KEEP_BLOCKS_TO);
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_IN_ALL);
	return cl_engine_set_str(engine->cl, CL_ENGINE_TMPDIR, temporary_directory) == CL_SUCCESS ? 0 : -ENOMEM;
}
