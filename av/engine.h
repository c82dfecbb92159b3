/*
 * libclamav behind one small wall: load, what was loaded, scan one layer. Used by the loader process (load) and its scan
 * children (scan). One thread each.
 */
#ifndef AV_ENGINE_H
#define AV_ENGINE_H

#include "av/findings.h"
#include "av/wire.h"
#include "dkim/view.h"

#include <stddef.h>

struct av_engine_settings {
	const char *database;     /* folder or file */
	const char *proof;        /* a file with one signature more (av/proof.h), not counted in the facts; NULL: none */
	bool official_only, pua, phishing_urls, macros;
	size_t max_size;          /* octets of what is scanned; libclamav's MaxFileSize stands above it */
	size_t max_scan_size;
	unsigned max_files, max_recursion;
	unsigned scan_ms;         /* after which libclamav is asked to give up (it looks now and then only) */
};

struct av_engine;

/* Load and compile a database: seconds to minutes, CPU-bound.
 *   progress   called now and then with percent from 0 to 100; may be NULL
 *   ret        free with av_engine_free(); written only on success
 *   ret_error  on failure: a malloc()ed text, wanted and got, with file and line where libclamav tells them; may be NULL when memory is out
 * A folder without any signature is -ENOENT. Returns 0, -ENOMEM, -EINVAL (malformed), -ENOENT or another negative errno. */
typedef void av_engine_progress(void *arg, unsigned percent);
int av_engine_load(const struct av_engine_settings *settings, av_engine_progress *progress, void *arg, struct av_engine **ret,
                   char **ret_error);
void av_engine_free(struct av_engine *engine); /* takes NULL */

/* The largest file that is scanned: max_size and some room for the Received: field of our own. */
size_t av_engine_max_octets(const struct av_engine *engine);

void av_engine_facts(const struct av_engine *engine, struct av_facts *ret);

/* The same of a database that is not loaded: its files' headers are read, and signatures counted. Before any engine.
 * Returns 0, -ENOENT (no signature), -EINVAL (a header is malformed) or another negative errno. */
int av_engine_peek(const char *database, struct av_facts *ret);

/* In a scan child, before its first scan: where temporary files go. Also sets malloc() up for scanning (mallopt). */
int av_engine_begin(struct av_engine *engine, const char *temporary_directory);

/* Scan octets in memory with all parsers of libclamav, all matches wanted. Findings are added to `reply`: signatures (limits
 * and heuristics among them), AV_ENCRYPTED, AV_BANNED for ban_true_types, AV_FAILURE for everything that is neither
 * clean nor found. Only a scan that ended with CL_CLEAN adds none.
 * After an AV_FAILURE this process scans without libclamav's cache of clean files, in which unscanned ones may be: slower, so a child
 * had better make way for a new one.
 *   name  of the part, for the findings; "" for the whole message */
struct av_engine_ban {
	const char *const *true_types; /* NULL-terminated: "CL_TYPE_MSEXE" */
};
void av_engine_scan(struct av_engine *engine, const struct av_engine_ban *ban, struct view octets, const char *name,
                    struct av_reply *reply);

#endif
