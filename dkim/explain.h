/*
 * What the verdict on one signature rests on, and what may have happened to its message on the way.
 *
 * The facts are those of the verification itself: the same functions give the canonical header block and the
 * hashes. When a hash differs, changes that mail systems are known to make are undone one at a time, then two
 * together, and each message made so is judged by verifying it. A guess that is named is therefore a proof: that
 * header has the signature, that body the hash.
 */
#ifndef DKIM_EXPLAIN_H
#define DKIM_EXPLAIN_H

#include "dkim/tag_list.h"
#include "dkim/verify.h"

/* What bounds the search. A header above what Postfix passes on (102,400 octets), with more fields or with a body above
 * these, is not guessed about: one guess costs about as much as one verification. */
#define DKIM_EXPLAIN_HEADER_MAX (100 * 1024)
#define DKIM_EXPLAIN_FIELDS_MAX 1000 /* real messages have less than 200 */
#define DKIM_EXPLAIN_BODY_MAX (4 * 1024 * 1024)
#define DKIM_EXPLAIN_TRIES_MAX 5000  /* changed headers, or bodies, per signature: some tenths of a second for small ones */
#define DKIM_EXPLAIN_OCTETS_MAX (256 * 1024 * 1024) /* likewise, changed or verified: some seconds */
#define DKIM_EXPLAIN_LINES_MAX 50000 /* line ends of a body that are tried as its former end */
#define DKIM_EXPLAIN_GUESSES_MAX 4   /* two changes each of header and body are undone together at most */

struct dkim_explain_input {
	const struct header_list *headers;
	struct view body;                        /* all of it, as received */
	const struct dkim_verify_result *result; /* of the signature */
	const struct dkim_key_set *keys;         /* dkim_verify_keys(); may be NULL */
};

enum dkim_explain_part { DKIM_EXPLAIN_HEADER, DKIM_EXPLAIN_BODY };

/* One change to undo. The search ends with the first that does it: another one would only describe the same octets. */
struct dkim_guess {
	enum dkim_explain_part part;
	const char *name;   /* the same word for ever: "subject-tag" */
	const char *text;   /* completes "would verify if ..." */
	const char *detail; /* the fields concerned, or how much; NULL when there is nothing to add */
};

enum dkim_explain_state {
	DKIM_EXPLAIN_UNKNOWN, /* the signature cannot be read so far, or (header) there is no key to try it with */
	DKIM_EXPLAIN_GOOD,
	DKIM_EXPLAIN_DIFFERS,
};

struct dkim_explain {
	struct tag_list tags;       /* of the signature field; empty when the list cannot be read */
	struct view bad_tag;        /* the tag-spec at fault then */
	const char *key_name;       /* the name that is asked for; NULL when s= or d= cannot be read */
	bool hashed;                /* the signature could be read as far as hashing takes; else all below is empty */
	struct view header_block;   /* canonical, as it goes into the hash */
	uint64_t body_octets;       /* size of the canonical body */
	uint64_t body_octets_hashed; /* those of l= */
	uint8_t header_hash[DKIM_DIGEST_OCTETS]; /* computed */
	uint8_t header_hash_claimed[DKIM_DIGEST_OCTETS]; /* taken out of an RSA signature: what its signer hashed */
	bool header_claim_known; /* false: no RSA key, or it did not make this signature value */
	uint8_t body_hash[DKIM_DIGEST_OCTETS];   /* computed; the claimed one is result->signature.body_hash */
	enum dkim_explain_state header, body;
	struct dkim_guess *guesses; /* those of one part belong together: with all of them undone it verifies */
	size_t guess_count;
	bool header_explained, body_explained; /* guesses were found for it */
	size_t tries;               /* changed messages that were verified */
	const char *not_searched;   /* why there was no search, or why it ended early; NULL otherwise */
};

/* Explain one signature.
 *   ret  a talloc object of mem; views point into the input, which must outlive it
 * Returns 0, -ENOMEM or -EIO. */
int dkim_explain(void *mem, const struct dkim_explain_input *input, struct dkim_explain **ret);

/* Row i of the table of guesses, those for the header first; NULL behind the last. For tests and documentation. */
const struct dkim_guess *dkim_explain_row(size_t i);

#endif
