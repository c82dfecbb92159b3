#include "milter/configuration.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <talloc.h>
#include <unistd.h>

static int configuration_destructor(struct configuration *configuration)
{
	if (configuration->fd >= 0)
		close(configuration->fd);
	return 0;
}

/* All children, whenever they start, read these same octets. */
static int seal(struct configuration *configuration)
{
	size_t done = 0;

	configuration->fd = memfd_create("postern.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (configuration->fd < 0)
		return -errno;
	while (done < configuration->n) {
		ssize_t n = write(configuration->fd, configuration->text + done, configuration->n - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return fcntl(configuration->fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ? -errno : 0;
}

int configuration_new(void *mem, const char *file, const char *text, size_t n, struct configuration **ret)
{
	struct configuration *configuration = talloc_zero(mem, struct configuration);
	int r = -ENOMEM;

	if (!configuration)
		return r;
	configuration->fd = -1;
	talloc_set_destructor(configuration, configuration_destructor);
	configuration->file = talloc_strdup(configuration, file);
	configuration->text = talloc_strndup(configuration, text, n);
	configuration->n = n;
	configuration->loaded = time(NULL);
	if (configuration->file && configuration->text)
		r = seal(configuration);
	if (r < 0) {
		talloc_free(configuration);
		return r;
	}
	*ret = configuration;
	return 0;
}
