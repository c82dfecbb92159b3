/*
 * What there is to say about one key of the configuration: `postern check` and `postern testkey` print it. It needs the
 * private key only while it is filled in.
 */
#ifndef MILTER_KEY_REPORT_H
#define MILTER_KEY_REPORT_H

#include "conf/conf.h"
#include "dkim/buf.h"
#include "dkim/key_published.h"

/* How well DNS and our key agree. */
enum key_agreement {
	KEY_AGREES,    /* mail that it signs can be verified */
	KEY_DISAGREES, /* not published, revoked, another key, not for mail */
	KEY_UNKNOWN,   /* DNS gave no answer or was not asked, or our key could not be loaded */
};

struct key_report {
	const char *name, *domain, *selector; /* borrowed from the configuration; domain "%": that of each sender */
	enum conf_key_state state;
	const char *error;       /* why the file could not be loaded; NULL: it was. Of what follows only the DNS part counts then */
	enum dkim_key_type type;
	unsigned bits;
	int64_t modified;        /* when the file was last changed, in seconds since 1970; -1: not known */
	int64_t age_s;           /* since then, not below 0: the key itself may be older, if the file was copied. -1: not known */
	enum key_agreement agreement;
	bool test_mode;          /* the published record has t=y */
	const char *dns;         /* the same as text: "published by DNS", "sel._domainkey.example.com is not published" */
};

/* Fill in.
 *   mem    owner of texts
 *   key    NULL: could not be loaded, and error says why (borrowed)
 *   set    what DNS has; NULL: not asked, or no answer
 *   now    seconds since 1970
 * Returns 0 or -ENOMEM. */
int key_report_fill(void *mem, const struct conf_key *conf, const struct dkim_private_key *key, const char *error,
                    const struct dkim_key_set *set, int64_t now, struct key_report *ret);

/* "active, 2048-bit RSA for example.com, file changed 12 days ago; published by DNS" */
void key_report_text(const struct key_report *report, struct buf *out);

/* Append one object: name, domain, selector, state; then error when the file could not be
 * loaded, else type, bits, modified, age_s, dns_agrees (true, false or null), test_mode and dns. */
void key_report_json(const struct key_report *report, struct buf *out);

/* "RSA" or "Ed25519" */
const char *key_type_text(enum dkim_key_type type);

/* "12 days" */
void key_report_age(int64_t seconds, struct buf *out);

#endif
