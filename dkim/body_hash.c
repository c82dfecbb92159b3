#include "dkim/body_hash.h"

#include "dkim/canon.h"
#include "dkim/digest.h"

#include <errno.h>
#include <talloc.h>

struct dkim_body_hash {
	struct dkim_canon_body body;
	int64_t length; /* as asked for */
	uint64_t octets; /* canonicalized so far */
	struct dkim_digest *digest;
	uint8_t result[DKIM_DIGEST_OCTETS];
};

/* Hash the octets up to l= and count all of them. */
static int sink(void *context, const char *octets, size_t n)
{
	struct dkim_body_hash *hash = context;
	uint64_t left = UINT64_MAX;
	struct view part = { octets, n };

	if (hash->length != DKIM_LENGTH_UNLIMITED)
		left = (uint64_t)hash->length > hash->octets ? (uint64_t)hash->length - hash->octets : 0;
	hash->octets += n;
	if (part.n > left)
		part.n = (size_t)left;
	return part.n ? dkim_digest_update(hash->digest, part) : 0;
}

int dkim_body_hash_new(void *mem, enum dkim_canon canon, int64_t length, struct dkim_body_hash **ret)
{
	struct dkim_body_hash *hash = talloc_zero(mem, struct dkim_body_hash);
	int r;

	if (!hash)
		return -ENOMEM;
	r = dkim_digest_new(hash, &hash->digest);
	if (r < 0) {
		talloc_free(hash);
		return r;
	}
	hash->length = length;
	dkim_canon_body_init(&hash->body, canon, sink, hash);
	*ret = hash;
	return 0;
}

bool dkim_body_hash_is(const struct dkim_body_hash *hash, enum dkim_canon canon, int64_t length)
{
	return hash->body.canon == canon && hash->length == length;
}

int dkim_body_hash_update(struct dkim_body_hash *hash, struct view chunk)
{
	return dkim_canon_body_update(&hash->body, chunk);
}

int dkim_body_hash_finish(struct dkim_body_hash *hash)
{
	int r = dkim_canon_body_finish(&hash->body);

	return r < 0 ? r : dkim_digest_finish(hash->digest, hash->result);
}

const uint8_t *dkim_body_hash_digest(const struct dkim_body_hash *hash)
{
	return hash->result;
}

uint64_t dkim_body_hash_octets(const struct dkim_body_hash *hash)
{
	return hash->octets;
}

int dkim_body_hashes_get(struct dkim_body_hashes *hashes, void *mem, enum dkim_canon canon, int64_t length,
                         struct dkim_body_hash **ret)
{
	struct dkim_body_hash **array;
	int r;

	for (size_t i = 0; i < hashes->count; i++)
		if (dkim_body_hash_is(hashes->hash[i], canon, length)) {
			*ret = hashes->hash[i];
			return 0;
		}
	array = talloc_realloc_size(mem, hashes->hash, (hashes->count + 1) * sizeof *array);
	if (!array)
		return -ENOMEM;
	hashes->hash = array;
	r = dkim_body_hash_new(mem, canon, length, &array[hashes->count]);
	if (r < 0)
		return r;
	*ret = array[hashes->count++];
	return 0;
}

int dkim_body_hashes_update(struct dkim_body_hashes *hashes, struct view chunk)
{
	int r = 0;

	for (size_t i = 0; i < hashes->count && r == 0; i++)
		r = dkim_body_hash_update(hashes->hash[i], chunk);
	return r;
}

int dkim_body_hashes_finish(struct dkim_body_hashes *hashes)
{
	int r = 0;

	for (size_t i = 0; i < hashes->count && r == 0; i++)
		r = dkim_body_hash_finish(hashes->hash[i]);
	return r;
}
