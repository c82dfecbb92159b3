/* The body as a stream, cut where the input says, against canon_reference.c; and the hash of it, with l=, against
 * libsodium's SHA-256. */
#include "dkim/body_hash.h"
#include "dkim/canon.h"
#include "t/fuzz/canon_reference.h"
#include "t/fuzz/fuzz.h"

#include <sodium.h>
#include <talloc.h>

#define OUT_MAX (1024 * 1024) /* far above libFuzzer's inputs */
#define CUTS_MAX 16

static int sink(void *context, const char *octets, size_t n)
{
	buf_add(context, (struct view){ octets, n });
	return buf_error(context);
}

/* Feed stream and hash with the same chunks: each in memory of its own. */
static void feed(struct dkim_canon_body *stream, struct dkim_body_hash *hash, struct view body, struct view cuts)
{
	for (size_t i = 0; body.n > 0; i++) {
		size_t n = cuts.n ? (uint8_t)cuts.p[i % cuts.n] : body.n;
		struct view chunk = copy_of(NULL, take(&body, n));

		CLAIM(n > 0 || cuts.n > 0);
		CLAIM(dkim_canon_body_update(stream, chunk) == 0);
		CLAIM(dkim_body_hash_update(hash, chunk) == 0);
		talloc_free((void *)(uintptr_t)chunk.p);
		if (n == 0 && i >= cuts.n) /* only empty chunks: the rest in one */
			cuts.n = 0;
	}
	CLAIM(dkim_canon_body_finish(stream) == 0);
	CLAIM(dkim_body_hash_finish(hash) == 0);
}

static void claim_hash(const struct dkim_body_hash *hash, struct view canonical, int64_t length)
{
	uint8_t digest[crypto_hash_sha256_BYTES];

	CLAIM(dkim_body_hash_octets(hash) == canonical.n);
	if (length != DKIM_LENGTH_UNLIMITED && (uint64_t)length < canonical.n)
		canonical.n = (size_t)length;
	crypto_hash_sha256(digest, (const uint8_t *)canonical.p, canonical.n);
	CLAIM_SAME(((struct view){ (const char *)dkim_body_hash_digest(hash), DKIM_DIGEST_OCTETS }),
	           ((struct view){ (const char *)digest, sizeof digest }));
}

/* Input: one octet of flags (1: relaxed, 2: l= follows in the next two octets, above: number of chunk sizes), the
 * chunk sizes, which are used in turn (none: the whole body at once), the body. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct view input = { (const char *)octets, n };
	uint8_t flags = take_octet(&input);
	enum dkim_canon canon = flags & 1 ? DKIM_RELAXED : DKIM_SIMPLE;
	int64_t length = flags & 2 ? take_octet(&input) * 256 + take_octet(&input) : DKIM_LENGTH_UNLIMITED;
	struct view cuts = take(&input, (flags >> 2) % CUTS_MAX);
	void *mem = talloc_new(NULL);
	struct dkim_canon_body stream;
	struct dkim_body_hash *hash;
	struct buf got, wanted;

	buf_init(&got, mem, OUT_MAX);
	buf_init(&wanted, mem, OUT_MAX);
	dkim_canon_body_init(&stream, canon, sink, &got);
	CLAIM(dkim_body_hash_new(mem, canon, length, &hash) == 0);
	feed(&stream, hash, input, cuts);
	reference_body(canon, input, &wanted);
	CLAIM(buf_error(&wanted) == 0);
	CLAIM_SAME(buf_view(&got), buf_view(&wanted));
	claim_hash(hash, buf_view(&wanted), length);
	talloc_free(mem);
	return 0;
}
