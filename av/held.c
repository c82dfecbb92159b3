#include "av/held.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <talloc.h>
#include <unistd.h>

#define GATHERED_MAX ((size_t)16 * 1024) /* the header of nearly every message */

struct av_held {
	int fd;
	size_t octets;    /* gathered ones included */
	size_t gathered;
	bool shared;      /* others may have the descriptor */
	void *map;        /* of map_octets, or NULL */
	size_t map_octets;
	char *copy;       /* malloc()ed, of all octets, or NULL */
	char room[GATHERED_MAX];
};

static void forget_view(struct av_held *held)
{
	if (held->map)
		(void)munmap(held->map, held->map_octets); /* fails only for what was never mapped */
	held->map = NULL;
	free(held->copy);
	held->copy = NULL;
}

static int held_destructor(struct av_held *held)
{
	forget_view(held);
	close(held->fd);
	return 0;
}

int av_held_new(void *mem, struct av_held **ret)
{
	struct av_held *held = talloc(mem, struct av_held);

	if (!held)
		return -ENOMEM;
	held->octets = held->gathered = held->map_octets = 0;
	held->shared = false;
	held->map = NULL;
	held->copy = NULL;
	held->fd = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (held->fd < 0) {
		talloc_free(held);
		return -errno;
	}
	talloc_set_destructor(held, held_destructor);
	*ret = held;
	return 0;
}

static int write_all(int fd, struct view octets)
{
	while (octets.n > 0) {
		ssize_t n = write(fd, octets.p, octets.n);

		if (n < 0 && errno != EINTR)
			return -errno;
		octets = view_slice(octets, n > 0 ? (size_t)n : 0, octets.n);
	}
	return 0;
}

static int flush(struct av_held *held)
{
	size_t n = held->gathered;

	held->gathered = 0;
	return write_all(held->fd, (struct view){ held->room, n });
}

int av_held_append(struct av_held *held, struct view octets)
{
	int r = 0;

	held->octets += octets.n;
	if (octets.n > GATHERED_MAX - held->gathered)
		r = flush(held);
	if (r == 0 && octets.n > GATHERED_MAX)
		return write_all(held->fd, octets);
	if (r == 0 && octets.n > 0) {
		memcpy(held->room + held->gathered, octets.p, octets.n);
		held->gathered += octets.n;
	}
	return r;
}

size_t av_held_octets(const struct av_held *held)
{
	return held->octets;
}

int av_held_seal(struct av_held *held)
{
	int r = flush(held);

	if (r == 0 && fcntl(held->fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE) < 0)
		r = -errno;
	return r;
}

int av_held_share(struct av_held *held)
{
	forget_view(held);
	held->shared = true;
	return held->fd;
}

static struct view mapped(struct av_held *held)
{
	if (!held->map && held->octets > 0) {
		held->map = mmap(NULL, held->octets, PROT_READ, MAP_PRIVATE, held->fd, 0);
		held->map_octets = held->octets;
		if (held->map == MAP_FAILED)
			held->map = NULL;
	}
	return (struct view){ held->map, held->map ? held->octets : 0 };
}

/* Returns false when there are not so many octets any more. */
static bool read_all(int fd, char *to, size_t octets)
{
	size_t done = 0;

	while (done < octets) {
		ssize_t n = pread(fd, to + done, octets - done, (off_t)done);

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static struct view copied(struct av_held *held)
{
	if (!held->copy && held->octets > 0) {
		held->copy = malloc(held->octets);
		if (held->copy && !read_all(held->fd, held->copy, held->octets))
			forget_view(held);
	}
	return (struct view){ held->copy, held->copy ? held->octets : 0 };
}

/* A scan child that was taken over could cut the memory below a map of it, which would kill us. */
struct view av_held_view(struct av_held *held)
{
	return held->shared ? copied(held) : mapped(held);
}

int av_held_cut(struct av_held *held)
{
	forget_view(held);
	held->octets = held->gathered = 0;
	return ftruncate(held->fd, 0) < 0 ? -errno : 0;
}
