/* The verdict of `postern testkey` about one key: can mail be signed with it? Pure. */
#ifndef MILTER_KEY_TEST_H
#define MILTER_KEY_TEST_H

#include "dkim/buf.h"
#include "dkim/key_published.h"

/* What was found out. */
struct key_test {
	const char *name;                    /* selector._domainkey.domain */
	const struct dkim_key_set *set;      /* NULL: memory was out */
	const char *file;                    /* of the private key; NULL: none was given */
	const struct dkim_private_key *key;  /* NULL: none was given */
};

/* Judge.
 *   sentence  gets the verdict for people, without a dot at its end
 * Returns an exit code of sysexits.h: EX_OK; EX_NOHOST: no record; EX_DATAERR: no record can be used; EX_CONFIG: the record is not
 * the other half of the private key; EX_PROTOCOL: DNSSEC says that the answer is forged; EX_TEMPFAIL: no answer;
 * EX_OSERR. */
int key_test_judge(const struct key_test *test, struct buf *sentence);

#endif
