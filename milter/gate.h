/*
 * What all sessions of one worker share: configuration, keys, resolver, caches. Made in two steps, because
 * key files are read before privileges are dropped and threads start after.
 */
#ifndef MILTER_GATE_H
#define MILTER_GATE_H

#include "conf/conf.h"
#include "dkim/key_cache.h"
#include "dkim/sign.h"
#include "dkim/verify.h"
#include "milter/gate_key.h"
#include "milter/key_prover.h"
#include "milter/shared.h"
#include "milter/sign_tables.h"

struct gate {
	const struct conf *conf;
	const struct conf_listener *listener;
	const char *host_name;              /* stands in for macro j */
	struct gate_key *keys;              /* only where the role may sign */
	size_t key_count;
	struct sign_tables *tables;         /* likewise; NULL: none */
	struct dkim_records *records;       /* dns.records, or NULL */
	struct dkim_sign_params sign_params;
	struct dkim_verify_params verify_params;
	struct dkim_resolver *resolver;     /* after gate_start(), only where keys are asked for */
	struct dkim_key_cache *key_cache;   /* likewise */
	struct key_prover *key_prover;      /* NULL: no key of state next */
	struct shared *shared;              /* set by the worker's command; NULL: nobody asks */
	unsigned row;                       /* its own in there */
	struct counters *counters;          /* of that row; NULL as above */
	struct av_class_map *class_map;     /* where the listener scans; else NULL, as the next two */
	struct av_client *av_client;        /* after gate_start_scanning() */
	struct scan_copies *copies;         /* likewise; NULL too when no copies are wanted or they cannot be made */
	bool tcp;                           /* the listener's family: every command gets its reply (see callbacks.c) */
};

/* Read keys and records file, as the user that started us. A key that cannot be loaded is logged and left out; the others serve.
 *   tcp         see above
 *   ret_error   on failure: what was wanted and what was got; a talloc string of mem
 *   ret         a talloc child of mem
 * Returns 0, -ENOMEM, or another negative errno. */
int gate_new(void *mem, const struct conf *conf, const struct conf_listener *listener, bool tcp, struct gate **ret,
             char **ret_error);

/* Start resolver and caches: threads begin here. Returns as gate_new(). */
int gate_start(struct gate *gate, char **ret_error);

/* Does the listener's role ever sign, ever verify? */
bool gate_may_sign(const struct conf_listener *listener);
bool gate_may_verify(const struct conf_listener *listener);

/* Does an option say quarantine? */
bool gate_may_quarantine(const struct gate *gate);

/* Do skip-recipients or copies ask for RCPT? */
bool gate_wants_recipients(const struct gate *gate);

/* Open clamd's addresses or the job queue, where the listener scans; after `shared` is set.
 *   jobs  sending end of the queue; not looked at where clamd scans
 * Returns as gate_new(). */
int gate_start_scanning(struct gate *gate, int jobs, char **ret_error);

/* Does it ask DNS for keys: those of others, or our own (sign.self-check, keys of state next)? sign.broken-signatures
 * asks for those of others too. */
bool gate_asks_dns(const struct conf *conf, const struct conf_listener *listener);

/* The library's parameters as the configuration says them; strings are borrowed from it. */
void gate_verify_params(const struct conf *conf, struct dkim_verify_params *ret);
void gate_sign_params(const struct conf_sign *conf, struct dkim_sign_params *ret);
void gate_resolver_params(const struct conf_dns *conf, const struct dkim_records *records,
                          struct dkim_resolver_params *ret);

#endif
