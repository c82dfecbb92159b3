#include "milter/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map(int fd, struct shared **ret)
{
	void *memory = mmap(NULL, sizeof **ret, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*ret = memory;
	return 0;
}

/* Sealed: a worker that is taken over could else cut the memory below the supervisor, whose next look would kill it. */
static int make(int fd, struct shared **ret)
{
	if (ftruncate(fd, (off_t)sizeof **ret) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return map(fd, ret);
}

int shared_new(struct shared **ret, int *ret_fd)
{
	int fd = memfd_create("postern-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING), r;
	struct shared *shared = NULL;

	if (fd < 0)
		return -errno;
	r = make(fd, &shared);
	if (r == 0)
		r = av_shared_init(&shared->av);
	if (r < 0) {
		shared_unmap(shared);
		close(fd);
		return r;
	}
	*ret = shared;
	*ret_fd = fd;
	return 0;
}

void shared_row_clear(struct shared_rows *rows, unsigned row, struct counters *total)
{
	av_shared_forget_worker(&rows->shared->av, row);
	counters_move(total, &rows->shared->row[row].counters);
}

int shared_row_take(struct shared_rows *rows, unsigned *ret)
{
	for (unsigned row = 0; row < SHARED_ROWS; row++) {
		struct counters unwanted = { 0 };

		if (rows->taken[row])
			continue;
		rows->taken[row] = true;
		shared_row_clear(rows, row, &unwanted);
		*ret = row;
		return 0;
	}
	return -ENOSPC;
}

void shared_row_release(struct shared_rows *rows, unsigned row)
{
	rows->taken[row] = false;
}

int shared_map(int fd, struct shared **ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_size == (off_t)sizeof **ret ? map(fd, ret) : -EINVAL;
}

void shared_unmap(struct shared *shared)
{
	if (shared)
		(void)munmap(shared, sizeof *shared);
}
