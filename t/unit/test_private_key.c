#include "dkim/private_key.h"

#include "dkim/public_key.h"
#include "t/unit/support.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

/* RFC 8463 appendix A.2 */
#define RFC8463_SEED "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
#define RFC8463_PUBLIC "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

#define TEXT_MAX (64 * 1024) /* octets of any PEM text here */

static const uint8_t digest[DKIM_DIGEST_OCTETS] = "thirty-two octets of a SHA-256 .";

static void *mem; /* of everything that lives as long as the program */

/* The texts that rows name. */
enum text {
	TEXT_RSA_PKCS8,
	TEXT_RSA_PKCS1,
	TEXT_ED25519,
	TEXT_RSA_512,
	TEXT_RSA_DAMAGED,
	TEXT_ENCRYPTED,
	TEXT_EC,
	TEXT_PUBLIC,
	TEXT_LITERAL, /* the row brings its own */
};

static struct view made[TEXT_LITERAL];

static struct view bio_text(BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);
	struct view text = { talloc_memdup(mem, p, (unsigned)n), (size_t)n };

	assert_non_null(text.p);
	BIO_free(bio);
	return text;
}

static struct view pkcs8(EVP_PKEY *key, const EVP_CIPHER *cipher)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, cipher ? "secret" : NULL, cipher ? 6 : 0, NULL, NULL),
	                 1);
	return bio_text(bio);
}

/* damage: change an octet in the middle of the modulus, which stands at the front. */
static struct view pkcs1(EVP_PKEY *key, bool damage)
{
	BIO *bio = BIO_new(BIO_s_mem());
	uint8_t *der = NULL;
	int n = i2d_PrivateKey(key, &der);

	assert_true(n > 0);
	if (damage)
		der[60] ^= 0x55;
	assert_true(PEM_write_bio(bio, "RSA PRIVATE KEY", "", der, n) > 0);
	OPENSSL_free(der);
	return bio_text(bio);
}

static struct view public_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	return bio_text(bio);
}

static void make_texts(void)
{
	EVP_PKEY *rsa = EVP_RSA_gen(1024), *small = EVP_RSA_gen(512);
	EVP_PKEY *ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *ec = EVP_EC_gen("P-256");

	mem = talloc_new(NULL);
	made[TEXT_RSA_PKCS8] = pkcs8(rsa, NULL);
	made[TEXT_RSA_PKCS1] = pkcs1(rsa, false);
	made[TEXT_ED25519] = pkcs8(ed25519, NULL);
	made[TEXT_RSA_512] = pkcs8(small, NULL);
	made[TEXT_RSA_DAMAGED] = pkcs1(rsa, true);
	made[TEXT_ENCRYPTED] = pkcs8(rsa, EVP_aes_128_cbc());
	made[TEXT_EC] = pkcs8(ec, NULL);
	made[TEXT_PUBLIC] = public_pem(rsa);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(small);
	EVP_PKEY_free(ed25519);
	EVP_PKEY_free(ec);
}

struct parse_row {
	const char *name;
	enum text text;
	struct view literal;
	int want;
	const char *want_error; /* what the text ends with */
	enum dkim_key_type want_type;
	unsigned want_bits;
};

static const struct parse_row parse_rows[] = {
	{ "RSA, PKCS#8", TEXT_RSA_PKCS8, VIEW_INIT(""), 0, NULL, DKIM_KEY_RSA, 1024 },
	{ "RSA, PKCS#1", TEXT_RSA_PKCS1, VIEW_INIT(""), 0, NULL, DKIM_KEY_RSA, 1024 },
	{ "Ed25519, PKCS#8", TEXT_ED25519, VIEW_INIT(""), 0, NULL, DKIM_KEY_ED25519, 256 },
	{ "Ed25519, seed", TEXT_LITERAL, VIEW_INIT(RFC8463_SEED), 0, NULL, DKIM_KEY_ED25519, 256 },
	{ "Ed25519, seed with line end", TEXT_LITERAL, VIEW_INIT(RFC8463_SEED "\r\n"), 0, NULL, DKIM_KEY_ED25519, 256 },
	{ "seed of 31 octets", TEXT_LITERAL, VIEW_INIT("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyufw=="), -EBADMSG,
	  "wanted an Ed25519 seed of 32 octets in base64, got 31 octets", 0, 0 },
	{ "neither PEM nor base64", TEXT_LITERAL, VIEW_INIT("my secret key!"), -EBADMSG,
	  "wanted a private key in PEM or 32 octets in base64, got neither", 0, 0 },
	{ "nothing", TEXT_LITERAL, VIEW_INIT(""), -ENODATA, "wanted a private key, got nothing", 0, 0 },
	{ "R76 RSA of 512 bits", TEXT_RSA_512, VIEW_INIT(""), -EKEYREJECTED,
	  "wanted an RSA key of at least 1024 bits, got 512", 0, 0 },
	{ "RSA with a wrong number", TEXT_RSA_DAMAGED, VIEW_INIT(""), -EBADMSG,
	  "wanted a sound RSA key, got one that cannot sign", 0, 0 },
	{ "encrypted: no question at the terminal", TEXT_ENCRYPTED, VIEW_INIT(""), -ENOKEY,
	  "wanted a key without passphrase, got an encrypted one", 0, 0 },
	{ "elliptic curve", TEXT_EC, VIEW_INIT(""), -EKEYREJECTED, "wanted an RSA or Ed25519 key, got EC", 0, 0 },
	{ "public half", TEXT_PUBLIC, VIEW_INIT(""), -EBADMSG,
	  "wanted a private key, got \"PUBLIC KEY\" that holds none", 0, 0 },
	{ "PEM with nothing in it", TEXT_LITERAL, VIEW_INIT("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"),
	  -EBADMSG, "wanted a private key, got \"PRIVATE KEY\" that holds none", 0, 0 },
	{ "PEM that stops after the first words", TEXT_LITERAL, VIEW_INIT("-----BEGIN "), -EBADMSG,
	  "wanted a private key, got \"\" that holds none", 0, 0 },
	{ "NUL octets", TEXT_LITERAL, VIEW_INIT("\0\0\0\0"), -EBADMSG,
	  "wanted a private key in PEM or 32 octets in base64, got neither", 0, 0 },
};

static void assert_ends_with(const char *text, const char *end)
{
	size_t n = strlen(end);

	assert_non_null(text);
	if (strlen(text) < n || strcmp(text + strlen(text) - n, end) != 0)
		fail_msg("want \"... %s\", got \"%s\"", end, text);
}

static void test_parse(void **state)
{
	const struct parse_row *row = *state;
	struct view text = guarded(row->text == TEXT_LITERAL ? row->literal : made[row->text]);
	struct dkim_private_key *key = NULL;
	char *error = NULL;
	int r = dkim_private_key_parse(mem, "a name", text, &key, &error);

	guarded_free(text);
	if (r != row->want)
		fail_msg("want %d, got %d: %s", row->want, r, error ? error : "-");
	if (r) {
		assert_null(key);
		assert_memory_equal(error, "a name: ", 8);
		assert_ends_with(error, row->want_error);
		return;
	}
	assert_int_equal(dkim_private_key_type(key), row->want_type);
	assert_int_equal(dkim_private_key_bits(key), row->want_bits);
	dkim_private_key_free(key);
}

static void test_parse_cut(void **state)
{
	struct view texts[] = { made[TEXT_RSA_PKCS8], made[TEXT_ED25519], made[TEXT_ENCRYPTED] };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		for (size_t n = 0; n < texts[i].n - 2; n += 7) {
			struct view text = guarded(view_slice(texts[i], 0, n));
			struct dkim_private_key *key = NULL;
			char *error = NULL;

			assert_int_not_equal(dkim_private_key_parse(mem, "cut", text, &key, &error), 0);
			assert_non_null(error);
			talloc_free(error);
			guarded_free(text);
		}
	}
}

/* Files. */

static char directory[] = "/tmp/postern-test-XXXXXX";
static char path[sizeof directory + 10];

enum kind { REGULAR, MISSING, DIRECTORY, FIFO, LINK, LARGE };

struct file_row {
	const char *name;
	enum kind kind;
	mode_t mode;
	uid_t owner;
	struct view text;
	int want;
	const char *want_error;
};

#define SEED_TEXT VIEW_INIT(RFC8463_SEED "\n")

static const struct file_row file_rows[] = {
	{ "mode 0600", REGULAR, 0600, 0, SEED_TEXT, 0, NULL },
	{ "mode 0400", REGULAR, 0400, 0, SEED_TEXT, 0, NULL },
	{ "mode 0640", REGULAR, 0640, 0, SEED_TEXT, 0, NULL },
	{ "mode 0644", REGULAR, 0644, 0, SEED_TEXT, -EPERM, "wanted no access for others, got mode 0644" },
	{ "mode 0601", REGULAR, 0601, 0, SEED_TEXT, -EPERM, "wanted no access for others, got mode 0601" },
	{ "mode 0660", REGULAR, 0660, 0, SEED_TEXT, -EPERM, "wanted no write access for the group, got mode 0660" },
	{ "another owner", REGULAR, 0600, 65534, SEED_TEXT, -EPERM, "wanted owner root or uid 0, got uid 65534" },
	{ "empty", REGULAR, 0600, 0, VIEW_INIT(""), -ENODATA, "wanted a private key, got an empty file" },
	{ "larger than a key can be", LARGE, 0600, 0, VIEW_INIT(""), -EFBIG, "wanted at most 65536 octets, got 65537" },
	{ "missing", MISSING, 0, 0, VIEW_INIT(""), -ENOENT, "No such file or directory" },
	{ "a directory", DIRECTORY, 0700, 0, VIEW_INIT(""), -EISDIR, "wanted a regular file, got a directory" },
	{ "a fifo nobody writes to", FIFO, 0600, 0, VIEW_INIT(""), -EINVAL, "wanted a regular file, got a fifo" },
	{ "a symbolic link", LINK, 0600, 0, SEED_TEXT, 0, NULL },
};

static void write_file(const char *file, const struct file_row *row)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, row->text.p, row->text.n), row->text.n);
	if (row->kind == LARGE)
		assert_int_equal(ftruncate(fd, DKIM_PRIVATE_KEY_FILE_MAX + 1), 0);
	assert_int_equal(fchown(fd, row->owner, (gid_t)-1), 0);
	assert_int_equal(fchmod(fd, row->mode), 0);
	assert_int_equal(close(fd), 0);
}

static void make_file(const struct file_row *row)
{
	char *target = talloc_asprintf(mem, "%s.target", path);

	if (row->kind == DIRECTORY) {
		assert_int_equal(mkdir(path, row->mode), 0);
	} else if (row->kind == FIFO) {
		assert_int_equal(mkfifo(path, row->mode), 0);
	} else if (row->kind == LINK) {
		write_file(target, row);
		assert_int_equal(symlink(target, path), 0);
	} else if (row->kind != MISSING) {
		write_file(path, row);
	}
}

static void remove_file(const struct file_row *row)
{
	if (row->kind == DIRECTORY)
		assert_int_equal(rmdir(path), 0);
	else if (row->kind != MISSING)
		assert_int_equal(unlink(path), 0);
	if (row->kind == LINK)
		assert_int_equal(unlink(talloc_asprintf(mem, "%s.target", path)), 0);
}

static void test_load(void **state)
{
	const struct file_row *row = *state;
	struct dkim_private_key *key = NULL;
	char *error = NULL;
	struct stat st;
	int r;

	if (geteuid() != 0 && row->owner != 0) {
		skip(); /* only root can give files away */
		return;
	}
	make_file(row);
	r = dkim_private_key_load(mem, path, &key, &error);
	if (r == 0) {
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(dkim_private_key_modified(key), st.st_mtim.tv_sec);
	}
	remove_file(row);
	if (r != row->want)
		fail_msg("want %d, got %d: %s", row->want, r, error ? error : "-");
	assert_int_equal(key != NULL, r == 0);
	if (r) {
		assert_memory_equal(error, path, strlen(path));
		assert_ends_with(error, row->want_error);
	}
	dkim_private_key_free(key);
}

/* What comes out. */

static struct dkim_private_key *parsed(struct view text)
{
	struct dkim_private_key *key = NULL;
	char *error = NULL;

	if (dkim_private_key_parse(mem, "test", text, &key, &error))
		fail_msg("%s", error);
	return key;
}

/* The key's public text must load as a record, and must verify the key's signature. */
static void assert_signs(const struct dkim_private_key *key)
{
	enum dkim_algorithm algorithm = dkim_private_key_type(key) == DKIM_KEY_RSA ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
	struct dkim_key_record record = { .type = dkim_private_key_type(key) };
	struct dkim_public_key *public_key = NULL;
	struct buf text, signature;

	buf_init(&text, mem, TEXT_MAX);
	buf_init(&signature, mem, TEXT_MAX);
	assert_int_equal(dkim_private_key_public_text(key, &text), 0);
	assert_int_equal(dkim_private_key_sign(key, digest, &signature), 0);
	record.public_key = buf_view(&text);
	assert_int_equal(dkim_public_key_parse(mem, &record, &public_key), DKIM_REASON_PASS);
	assert_int_equal(dkim_public_key_bits(public_key), dkim_private_key_bits(key));
	assert_int_equal(dkim_public_key_verify(public_key, algorithm, digest, buf_view(&signature)), DKIM_REASON_PASS);
	talloc_free(public_key);
	buf_free(&text);
	buf_free(&signature);
}

/* As a file it would not even be opened. */
static void test_too_long(void **state)
{
	struct dkim_private_key *key = NULL;
	struct view text = { talloc_zero_size(mem, DKIM_PRIVATE_KEY_FILE_MAX + 1), DKIM_PRIVATE_KEY_FILE_MAX + 1 };
	char *error = NULL;

	(void)state;
	assert_int_equal(dkim_private_key_parse(mem, "test", text, &key, &error), -EFBIG);
	assert_string_equal(error, "test: wanted at most 65536 octets, got 65537");
	assert_null(key);
}

static void test_no_file_no_age(void **state)
{
	struct dkim_private_key *key;

	(void)state;
	assert_int_equal(dkim_private_key_generate(DKIM_KEY_ED25519, 0, &key), 0);
	assert_int_equal(dkim_private_key_modified(key), -1);
	dkim_private_key_free(key);
}

static void test_signs(void **state)
{
	static const enum text texts[] = { TEXT_RSA_PKCS8, TEXT_RSA_PKCS1, TEXT_ED25519 };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct dkim_private_key *key = parsed(made[texts[i]]);

		assert_signs(key);
		dkim_private_key_free(key);
	}
}

static void test_rfc8463(void **state)
{
	struct dkim_private_key *key = parsed(VIEW(RFC8463_SEED));
	struct buf text;

	(void)state;
	buf_init(&text, mem, TEXT_MAX);
	assert_int_equal(dkim_private_key_public_text(key, &text), 0);
	assert_string_equal(buf_string(&text), RFC8463_PUBLIC);
	dkim_private_key_free(key);
}

/* Both forms of the PEM text are read back by us and by OpenSSL. */
static void assert_pem(const struct dkim_private_key *key)
{
	struct dkim_private_key *again;
	struct buf pem, want, got;
	EVP_PKEY *pkey;
	BIO *bio;

	buf_init(&pem, mem, TEXT_MAX);
	buf_init(&want, mem, TEXT_MAX);
	buf_init(&got, mem, TEXT_MAX);
	assert_int_equal(dkim_private_key_pem(key, &pem), 0);
	bio = BIO_new_mem_buf(buf_string(&pem), -1);
	pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	assert_non_null(pkey);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	again = parsed(buf_view(&pem));
	assert_int_equal(dkim_private_key_public_text(key, &want), 0);
	assert_int_equal(dkim_private_key_public_text(again, &got), 0);
	assert_string_equal(buf_string(&got), buf_string(&want));
	dkim_private_key_free(again);
}

struct generate_row {
	const char *name;
	enum dkim_key_type type;
	unsigned bits;
	int want;
	unsigned want_bits;
};

static const struct generate_row generate_rows[] = {
	{ "make RSA of 1024 bits", DKIM_KEY_RSA, 1024, 0, 1024 },
	{ "make RSA of 2048 bits", DKIM_KEY_RSA, 2048, 0, 2048 },
	{ "make Ed25519", DKIM_KEY_ED25519, 0, 0, 256 },
	{ "R76 make RSA of 1023 bits", DKIM_KEY_RSA, 1023, -EINVAL, 0 },
	{ "R75 make RSA of 8193 bits", DKIM_KEY_RSA, 8193, -EINVAL, 0 },
	{ "make RSA of 0 bits", DKIM_KEY_RSA, 0, -EINVAL, 0 },
};

static void test_generate(void **state)
{
	const struct generate_row *row = *state;
	struct dkim_private_key *key = NULL;

	assert_int_equal(dkim_private_key_generate(row->type, row->bits, &key), row->want);
	if (row->want) {
		assert_null(key);
		return;
	}
	assert_int_equal(dkim_private_key_bits(key), row->want_bits);
	assert_signs(key);
	assert_pem(key);
	dkim_private_key_free(key);
}

static void test_small_buffer(void **state)
{
	struct dkim_private_key *key = parsed(made[TEXT_RSA_PKCS8]);
	struct buf small;

	(void)state;
	buf_init(&small, mem, 100);
	assert_int_equal(dkim_private_key_sign(key, digest, &small), -EMSGSIZE);
	buf_clear(&small);
	assert_int_equal(dkim_private_key_pem(key, &small), -EMSGSIZE);
	buf_clear(&small);
	assert_int_equal(dkim_private_key_public_text(key, &small), -EMSGSIZE);
	dkim_private_key_free(key);
}

enum { THREADS = 8, ROUNDS = 50 };

struct signer {
	pthread_t thread;
	const struct dkim_private_key *key;
	void *mem;
	struct buf last;
	int failed;
};

static void *sign_often(void *argument)
{
	struct signer *signer = argument;

	for (int i = 0; i < ROUNDS; i++) {
		buf_clear(&signer->last);
		signer->failed |= dkim_private_key_sign(signer->key, digest, &signer->last);
	}
	return NULL;
}

/* Both schemes are deterministic: every thread must come to the same text. */
static void test_threads(void **state)
{
	struct signer signers[2 * THREADS] = { 0 };
	struct dkim_private_key *keys[2] = { parsed(made[TEXT_RSA_PKCS8]), parsed(made[TEXT_ED25519]) };

	(void)state;
	for (size_t i = 0; i < 2 * THREADS; i++) {
		signers[i].mem = talloc_new(NULL);
		signers[i].key = keys[i % 2];
		buf_init(&signers[i].last, signers[i].mem, TEXT_MAX);
		assert_int_equal(pthread_create(&signers[i].thread, NULL, sign_often, &signers[i]), 0);
	}
	for (size_t i = 0; i < 2 * THREADS; i++)
		assert_int_equal(pthread_join(signers[i].thread, NULL), 0);
	for (size_t i = 0; i < 2 * THREADS; i++) {
		assert_int_equal(signers[i].failed, 0);
		assert_string_equal(buf_string(&signers[i].last), buf_string(&signers[i % 2].last));
	}
	for (size_t i = 0; i < 2 * THREADS; i++)
		talloc_free(signers[i].mem);
	dkim_private_key_free(keys[0]);
	dkim_private_key_free(keys[1]);
}

/* Secrets in memory. They are learnt in a child process, so that learning leaves no copies in ours, and are
 * searched for in every mapping. They may stand only where core dumps do not look ("dd" of smaps(5)),
 * as libsodium and OpenSSL mark their guarded memory. */

enum { SECRET_OCTETS = 32, SECRETS_MAX = 4, BLOCK_OCTETS = 65536 };

struct secrets {
	uint8_t octets[SECRETS_MAX][SECRET_OCTETS];
	uint8_t block[BLOCK_OCTETS + SECRET_OCTETS];
};

/* 32 octets out of the middle of both primes, as a number of OpenSSL and as DER have them. */
static void tell_primes(EVP_PKEY *key, int fd)
{
	static const char *const names[] = { OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2 };
	uint8_t octets[64];

	for (size_t i = 0; i < 2; i++) {
		BIGNUM *prime = NULL;

		if (EVP_PKEY_get_bn_param(key, names[i], &prime) != 1 || BN_bn2lebinpad(prime, octets, 64) != 64 ||
		    write(fd, octets + 16, SECRET_OCTETS) != SECRET_OCTETS || BN_bn2binpad(prime, octets, 64) != 64 ||
		    write(fd, octets + 16, SECRET_OCTETS) != SECRET_OCTETS)
			_exit(1);
	}
}

static void tell_seed(EVP_PKEY *key, int fd)
{
	uint8_t seed[SECRET_OCTETS];
	size_t n = sizeof seed;

	if (EVP_PKEY_get_raw_private_key(key, seed, &n) != 1 || write(fd, seed, n) != SECRET_OCTETS)
		_exit(1);
}

static size_t learn_secrets(const char *file, struct secrets *ret)
{
	size_t n = 0;
	ssize_t got;
	int fds[2], status;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		BIO *bio = BIO_new_file(file, "r");
		EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

		(EVP_PKEY_is_a(key, "RSA") ? tell_primes : tell_seed)(key, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	while ((got = read(fds[0], (uint8_t *)ret->octets + n, sizeof ret->octets - n)) > 0)
		n += (size_t)got;
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	return n / SECRET_OCTETS;
}

static size_t count_in_block(const struct secrets *secrets, size_t count, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += memmem(secrets->block, n, secrets->octets[i], SECRET_OCTETS) != NULL;
	return found;
}

/* Read through the kernel: sanitizers forbid looking at freed memory, and that is where copies would be. */
static size_t count_in_mapping(int memory, struct secrets *secrets, size_t count, unsigned long from, unsigned long to)
{
	size_t found = 0;

	for (; from < to; from += BLOCK_OCTETS) {
		size_t wanted = to - from < sizeof secrets->block ? to - from : sizeof secrets->block;
		ssize_t n = pread(memory, secrets->block, wanted, (off_t)from);

		if (n > 0)
			found += count_in_block(secrets, count, (size_t)n);
	}
	return found;
}

/* Address spaces that sanitizers set aside are as large as this or larger. */
#define MAPPING_SEARCHED_MAX (1UL << 30)

static void search_memory(struct secrets *secrets, size_t count, size_t *ret_guarded, size_t *ret_elsewhere)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	int memory = open("/proc/self/mem", O_RDONLY);
	unsigned long from = 0, to = 0, a, b;
	char line[512], access[8];
	bool readable = false;

	assert_true(maps && memory >= 0);
	while (fgets(line, sizeof line, maps)) {
		if (sscanf(line, "%lx-%lx %7s", &a, &b, access) == 3) {
			from = a;
			to = b;
			readable = access[0] == 'r';
		} else if (strncmp(line, "VmFlags:", 8) == 0 && readable && to - from < MAPPING_SEARCHED_MAX) {
			*(strstr(line, " dd") ? ret_guarded : ret_elsewhere) += count_in_mapping(memory, secrets, count, from, to);
		}
	}
	fclose(maps);
	close(memory);
}

struct secret_row {
	const char *name;
	const char *arguments; /* of openssl genpkey */
};

static const struct secret_row secret_rows[] = {
	{ "no copy of an RSA key's primes outside guarded memory", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024 -quiet" },
	{ "no copy of an Ed25519 seed outside guarded memory", "-algorithm ED25519" },
};

static void *sign_once(void *argument)
{
	struct signer *signer = argument;

	signer->failed = dkim_private_key_sign(signer->key, digest, &signer->last);
	return NULL;
}

static void sign_in_thread(const struct dkim_private_key *key)
{
	struct signer signer = { .key = key };

	buf_init(&signer.last, mem, TEXT_MAX);
	assert_int_equal(pthread_create(&signer.thread, NULL, sign_once, &signer), 0);
	assert_int_equal(pthread_join(signer.thread, NULL), 0);
	assert_int_equal(signer.failed, 0);
}

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER true /* gcc */
#elif defined(__has_feature)
#define ADDRESS_SANITIZER __has_feature(address_sanitizer) /* clang */
#else
#define ADDRESS_SANITIZER false
#endif
static const bool address_sanitizer = ADDRESS_SANITIZER;

/* Not under the address sanitizer: it keeps freed stack frames and blocks, so that they look like copies. */
static void test_secrets(void **state)
{
	const struct secret_row *row = *state;
	struct secrets *secrets;
	size_t in_guarded = 0, elsewhere = 0, count;
	struct dkim_private_key *key = NULL;
	char *error = NULL, *command;

	secrets = sodium_malloc(sizeof *secrets);
	command = talloc_asprintf(mem, "umask 077; openssl genpkey %s -out %s 2>%s.err", row->arguments, path, path);
	assert_int_equal(system(command), 0);
	count = learn_secrets(path, secrets);
	assert_true(count > 0);
	assert_int_equal(dkim_private_key_load(mem, path, &key, &error), 0);
	sign_in_thread(key);
	assert_signs(key);
	memset(secrets->block, 0, sizeof secrets->block);
	search_memory(secrets, count, &in_guarded, &elsewhere);
	assert_true(in_guarded > count); /* our own list, and the key */
	assert_int_equal(elsewhere, 0);
	dkim_private_key_free(key);
	sodium_free(secrets);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(talloc_asprintf(mem, "%s.err", path)), 0);
}

/* A process that may lock no memory at all, and is not root, still gets its keys. */
static int without_locked_memory(void)
{
	const struct rlimit none = { 0, 0 };
	struct dkim_private_key *key = NULL;
	struct buf signature;

	buf_init(&signature, NULL, TEXT_MAX);
	if (setrlimit(RLIMIT_MEMLOCK, &none) || (geteuid() == 0 && setresuid(65534, 65534, 65534)))
		return 1;
	if (dkim_private_key_init())
		return 2;
	if (dkim_private_key_generate(DKIM_KEY_RSA, 1024, &key) || dkim_private_key_sign(key, digest, &signature))
		return 3;
	dkim_private_key_free(key);
	if (dkim_private_key_generate(DKIM_KEY_ED25519, 0, &key) || dkim_private_key_sign(key, digest, &signature))
		return 4;
	dkim_private_key_free(key);
	buf_free(&signature);
	return 0;
}

static int without_locked_memory_status; /* taken before anything else: init must come first in a process */

static void run_without_locked_memory(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(without_locked_memory());
	if (child < 0 || waitpid(child, &without_locked_memory_status, 0) != child)
		abort();
}

static void test_without_locked_memory(void **state)
{
	(void)state;
	assert_int_equal(without_locked_memory_status, 0);
}

static void test_init_again(void **state)
{
	(void)state;
	assert_int_equal(dkim_private_key_init(), 0);
}

int main(void)
{
	int r;

	run_without_locked_memory();
	if (dkim_private_key_init() || !mkdtemp(directory))
		return 1;
	snprintf(path, sizeof path, "%s/key", directory);
	make_texts();
	TEST_ROWS(parse_rows, test_parse);
	test_add("PEM texts cut at any place", test_parse_cut);
	TEST_ROWS(file_rows, test_load);
	test_add("a text that is too long for a key", test_too_long);
	test_add("a key without a file has no age", test_no_file_no_age);
	test_add("what is signed verifies with the published key", test_signs);
	test_add("R79 the key of RFC 8463", test_rfc8463);
	TEST_ROWS(generate_rows, test_generate);
	test_add("a buffer that is too small", test_small_buffer);
	test_add("many threads, one key", test_threads);
	if (!address_sanitizer)
		TEST_ROWS(secret_rows, test_secrets);
	test_add("no memory may be locked", test_without_locked_memory);
	test_add("a second init does nothing", test_init_again);
	dkim_private_key_free(NULL);
	r = test_run("private_key");
	talloc_free(mem);
	return rmdir(directory) ? 1 : r;
}
