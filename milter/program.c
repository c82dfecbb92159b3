#include "milter/program.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

int program_own(void *mem, char **ret)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path);

	if (n < 0)
		return -errno;
	if ((size_t)n == sizeof path)
		return -ENAMETOOLONG;
	*ret = talloc_strndup(mem, path, (size_t)n);
	return *ret ? 0 : -ENOMEM;
}

int program_scanner(void *mem, const char *own, char **ret, char **ret_error)
{
	const char *slash = strrchr(own, '/');
	int n = slash ? (int)(slash - own) : 0;
	char *places[] = {
		talloc_asprintf(mem, "%.*s/postern-scanner", n, own),
		n >= 7 && memcmp(own + n - 7, "/milter", 7) == 0 ? talloc_asprintf(mem, "%.*s/av/postern-scanner", n - 7, own) : NULL,
		talloc_strdup(mem, POSTERN_LIBEXECDIR "/postern-scanner"),
	};

	*ret_error = NULL;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (places[i] && access(places[i], X_OK) == 0) {
			*ret = places[i];
			return 0;
		}
	*ret_error = talloc_asprintf(mem, "wanted the program postern-scanner beside %s or in %s, got none (built with -Dav=disabled?)", own,
	                             POSTERN_LIBEXECDIR);
	return -ENOENT;
}
