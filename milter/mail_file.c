#include "milter/mail_file.h"

#include "dkim/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#define READ_OCTETS 65536

static bool is_bare_lf(struct view text, size_t i)
{
	return text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r');
}

int mail_file_to_crlf(void *mem, struct view text, struct view *ret)
{
	size_t first = view_find(text, '\n'), extra = 0, n = 0;
	char *out;

	if (first == text.n || !is_bare_lf(text, first)) {
		*ret = text;
		return 0;
	}
	for (size_t i = first; i < text.n; i++)
		extra += is_bare_lf(text, i);
	out = talloc_size(mem, text.n + extra);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < text.n; i++) {
		if (is_bare_lf(text, i))
			out[n++] = '\r';
		out[n++] = text.p[i];
	}
	*ret = (struct view){ out, n };
	return 0;
}

static int read_all(int fd, struct buf *out)
{
	char octets[READ_OCTETS];
	ssize_t n;

	do {
		n = read(fd, octets, sizeof octets);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			buf_add(out, (struct view){ octets, (size_t)n });
	} while (n != 0 && !buf_error(out));
	return buf_error(out);
}

static int explain(void *mem, const char *path, size_t maximum, int error, char **ret_error)
{
	if (error == -EMSGSIZE)
		*ret_error = talloc_asprintf(mem, "%s: wanted at most %zu octets, got more", path, maximum);
	else
		*ret_error = talloc_asprintf(mem, "%s: %s", path, strerror(-error));
	return *ret_error ? error : -ENOMEM;
}

int mail_file_read_octets(void *mem, const char *path, size_t maximum, struct view *ret, char **ret_error)
{
	bool standard_input = !path || strcmp(path, "-") == 0;
	int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	const char *name = standard_input ? "standard input" : path;
	struct buf octets;
	int r;

	*ret_error = NULL;
	if (fd < 0)
		return explain(mem, name, maximum, -errno, ret_error);
	buf_init(&octets, mem, maximum);
	r = read_all(fd, &octets);
	if (!standard_input)
		(void)close(fd); /* only read from */
	if (r < 0) {
		buf_free(&octets);
		return explain(mem, name, maximum, r, ret_error);
	}
	*ret = buf_view(&octets);
	return 0;
}

int mail_file_read(void *mem, const char *path, struct view *ret, char **ret_error)
{
	struct view text;
	int r = mail_file_read_octets(mem, path, MAIL_FILE_MAX, &text, ret_error);

	return r < 0 ? r : mail_file_to_crlf(mem, text, ret);
}
