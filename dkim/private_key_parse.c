#include "dkim/base64.h"
#include "dkim/crypto_error.h"
#include "dkim/fault.h"
#include "dkim/private_key.h"
#include "dkim/private_key_file.h"
#include "dkim/private_key_new.h"
#include "dkim/secure_heap.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <string.h>

static const char pem_begin[] = "-----BEGIN "; /* RFC 7468 section 2 */

/* Characters of a foreign PEM label that an error shows. */
#define LABEL_SHOWN_MAX 40

/* Takes over `ed25519`, also on failure. Returns 0, -ENOMEM or -EIO. */
static int adopt_ed25519(EVP_PKEY *ed25519, struct dkim_private_key **ret)
{
	uint8_t *seed;
	size_t n = crypto_sign_SEEDBYTES;
	int r = -ENOMEM;

	seed = sodium_malloc(n);
	if (!seed)
		goto out;
	r = -EIO;
	if (EVP_PKEY_get_raw_private_key(ed25519, seed, &n) == 1 && n == crypto_sign_SEEDBYTES)
		r = private_key_new_ed25519(seed, ret);
out:
	sodium_free(seed);
	EVP_PKEY_free(ed25519);
	return r;
}

/* The default would ask at the terminal. */
static int refuse_passphrase(char *text, int size, int writing, void *was_asked)
{
	(void)text;
	(void)size;
	(void)writing;
	*(bool *)was_asked = true;
	return -1;
}

/* Why no key came out of the PEM text. */
static int pem_fault(void *mem, const char *name, struct view text, bool encrypted, char **ret_error)
{
	const char *label;
	struct view rest;

	if (crypto_out_of_memory())
		return fault(mem, ret_error, -ENOMEM, "%s: no guarded memory left for the key", name);
	if (encrypted)
		return fault(mem, ret_error, -ENOKEY, "%s: wanted a key without passphrase, got an encrypted one", name);
	label = memmem(text.p, text.n, pem_begin, sizeof pem_begin - 1);
	rest = view_slice(text, (size_t)(label - text.p) + sizeof pem_begin - 1, text.n);
	return fault(mem, ret_error, -EBADMSG, "%s: wanted a private key, got \"%s\" that holds none", name,
	             view_escape(mem, view_slice(rest, 0, view_find(rest, '-')), LABEL_SHOWN_MAX));
}

static int rsa_fault(void *mem, const char *name, int r, char **ret_error)
{
	if (r == -EBADMSG)
		return fault(mem, ret_error, r, "%s: wanted a sound RSA key, got one that cannot sign", name);
	return fault(mem, ret_error, r, "%s: %s", name, strerror(-r));
}

/* Takes over `rsa`, also on failure. */
static int accept_rsa(void *mem, const char *name, EVP_PKEY *rsa, struct dkim_private_key **ret, char **ret_error)
{
	int bits = EVP_PKEY_get_bits(rsa);
	int r;

	if (bits < DKIM_RSA_BITS_MIN_SIGN) {
		EVP_PKEY_free(rsa);
		return fault(mem, ret_error, -EKEYREJECTED, "%s: wanted an RSA key of at least %d bits, got %d", name,
		             DKIM_RSA_BITS_MIN_SIGN, bits);
	}
	r = private_key_adopt_rsa(rsa, ret);
	return r ? rsa_fault(mem, name, r, ret_error) : 0;
}

/* Takes over `key`, also on failure. */
static int accept_key(void *mem, const char *name, EVP_PKEY *key, struct dkim_private_key **ret, char **ret_error)
{
	int r;

	if (EVP_PKEY_is_a(key, "RSA"))
		return accept_rsa(mem, name, key, ret, ret_error);
	if (EVP_PKEY_is_a(key, "ED25519")) {
		r = adopt_ed25519(key, ret);
		return r ? fault(mem, ret_error, r, "%s: %s", name, strerror(-r)) : 0;
	}
	r = fault(mem, ret_error, -EKEYREJECTED, "%s: wanted an RSA or Ed25519 key, got %s", name,
	          EVP_PKEY_get0_type_name(key));
	EVP_PKEY_free(key);
	return r;
}

/* To be called within the secure heap. */
static int parse_pem(void *mem, const char *name, struct view text, struct dkim_private_key **ret, char **ret_error)
{
	EVP_PKEY *key = NULL;
	bool encrypted = false;
	BIO *bio;
	int r;

	bio = BIO_new_mem_buf(text.p, (int)text.n);
	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, &encrypted);
	r = key ? accept_key(mem, name, key, ret, ret_error) : pem_fault(mem, name, text, encrypted, ret_error);
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

static int parse_seed(void *mem, const char *name, struct view text, struct dkim_private_key **ret, char **ret_error)
{
	uint8_t *seed;
	size_t n;
	int r;

	seed = sodium_malloc(text.n);
	if (!seed)
		return fault(mem, ret_error, -ENOMEM, "%s: no guarded memory left for the key", name);
	if (base64_decode(text, text.n, seed, &n))
		r = fault(mem, ret_error, -EBADMSG, "%s: wanted a private key in PEM or 32 octets in base64, got neither", name);
	else if (n != crypto_sign_SEEDBYTES)
		r = fault(mem, ret_error, -EBADMSG, "%s: wanted an Ed25519 seed of %u octets in base64, got %zu octets", name,
		          crypto_sign_SEEDBYTES, n);
	else if ((r = private_key_new_ed25519(seed, ret)))
		r = fault(mem, ret_error, r, "%s: %s", name, strerror(-r));
	sodium_free(seed);
	return r;
}

int dkim_private_key_parse(void *mem, const char *name, struct view text, struct dkim_private_key **ret, char **ret_error)
{
	int r;

	if (text.n == 0)
		return fault(mem, ret_error, -ENODATA, "%s: wanted a private key, got nothing", name);
	if (text.n > DKIM_PRIVATE_KEY_FILE_MAX)
		return fault(mem, ret_error, -EFBIG, "%s: wanted at most %d octets, got %zu", name, DKIM_PRIVATE_KEY_FILE_MAX,
		             text.n);
	if (!memmem(text.p, text.n, pem_begin, sizeof pem_begin - 1))
		return parse_seed(mem, name, text, ret, ret_error);
	secure_heap_enter();
	r = parse_pem(mem, name, text, ret, ret_error);
	secure_heap_leave();
	return r;
}

int dkim_private_key_load(void *mem, const char *path, struct dkim_private_key **ret, char **ret_error)
{
	int64_t modified;
	char *octets;
	size_t n;
	int r;

	r = private_key_file_read(mem, path, &octets, &n, &modified, ret_error);
	if (r)
		return r;
	r = dkim_private_key_parse(mem, path, (struct view){ octets, n }, ret, ret_error);
	if (!r)
		private_key_set_modified(*ret, modified);
	sodium_free(octets);
	return r;
}
