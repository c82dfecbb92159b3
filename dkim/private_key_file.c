#include "dkim/private_key_file.h"

#include "dkim/fault.h"
#include "dkim/private_key.h"
#include "dkim/regular_file.h"

#include <errno.h>
#include <sodium.h>
#include <unistd.h>

static int check_owner_and_mode(void *mem, const char *path, const struct stat *st, char **ret_error)
{
	unsigned mode = st->st_mode & 07777;

	if (st->st_uid != 0 && st->st_uid != geteuid())
		return fault(mem, ret_error, -EPERM, "%s: wanted owner root or uid %u, got uid %u", path, (unsigned)geteuid(),
		             (unsigned)st->st_uid);
	if (mode & S_IRWXO)
		return fault(mem, ret_error, -EPERM, "%s: wanted no access for others, got mode %04o", path, mode);
	if (mode & S_IWGRP)
		return fault(mem, ret_error, -EPERM, "%s: wanted no write access for the group, got mode %04o", path, mode);
	return 0;
}

static int check_file(void *mem, const char *path, const struct stat *st, char **ret_error)
{
	int r;

	r = check_owner_and_mode(mem, path, st, ret_error);
	if (r)
		return r;
	if (st->st_size == 0)
		return fault(mem, ret_error, -ENODATA, "%s: wanted a private key, got an empty file", path);
	if (st->st_size > DKIM_PRIVATE_KEY_FILE_MAX)
		return fault(mem, ret_error, -EFBIG, "%s: wanted at most %d octets, got %lld", path, DKIM_PRIVATE_KEY_FILE_MAX,
		             (long long)st->st_size);
	return 0;
}

static int read_guarded(void *mem, const char *path, int fd, size_t size, char **ret, size_t *ret_n, char **ret_error)
{
	char *octets;
	int r;

	octets = sodium_malloc(size);
	if (!octets)
		return fault(mem, ret_error, -ENOMEM, "%s: no guarded memory left for the key file", path);
	r = regular_file_read(mem, path, fd, octets, size, ret_n, ret_error);
	if (r) {
		sodium_free(octets);
		return r;
	}
	*ret = octets; /* ownership moves to the caller */
	return 0;
}

int private_key_file_read(void *mem, const char *path, char **ret, size_t *ret_n, int64_t *ret_modified, char **ret_error)
{
	struct stat st;
	int fd, r;

	r = regular_file_open(mem, path, &fd, &st, ret_error);
	if (r)
		return r;
	r = check_file(mem, path, &st, ret_error);
	if (!r)
		r = read_guarded(mem, path, fd, (size_t)st.st_size, ret, ret_n, ret_error);
	close(fd);
	if (!r)
		*ret_modified = st.st_mtim.tv_sec;
	return r;
}
