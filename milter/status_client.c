#include "milter/status_client.h"

#include "conf/conf.h"
#include "milter/cmd.h"
#include "milter/status_wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

#define DEFAULT_FILE "/etc/postern/postern.conf"

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* One packet, NUL-terminated. Returns its octets, 0 at the end of the connection, or a negative errno. */
static ssize_t receive(int fd, char packet[STATUS_LINE_MAX + 1], int *ret_fd)
{
	union {
		struct cmsghdr header;
		char octets[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { packet, STATUS_LINE_MAX };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.octets, .msg_controllen = sizeof control.octets };
	struct cmsghdr *header;
	ssize_t n;

	do {
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	packet[n] = '\0';
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(header), sizeof *ret_fd);
	return n;
}

static int take_answer(void *mem, int fd, status_client_take *take, void *arg, int *ret_fd, char **ret_error)
{
	char packet[STATUS_LINE_MAX + 1];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = receive(fd, packet, ret_fd)) > 0) {
		if (packet[0] == STATUS_DONE)
			return 0;
		if (packet[0] == STATUS_FAILED)
			return -EBADMSG;
		if (packet[0] == STATUS_ERROR)
			*ret_error = talloc_asprintf_append(*ret_error ? *ret_error : talloc_strdup(mem, ""), "%s%s", *ret_error ? "\n" : "", packet + 1);
		else if (take)
			r = take(arg, packet + 1);
	}
	if (r == 0)
		*ret_error = talloc_strdup(mem, "the daemon ended before it answered");
	return r == 0 ? -ECONNRESET : r;
}

int status_ask(void *mem, const char *path, const char *word, status_client_take *take, void *arg, int *ret_fd, char **ret_error)
{
	int fd = connect_to(path), received = -1, r;

	*ret_error = NULL;
	if (fd < 0) {
		*ret_error = talloc_asprintf(mem, "wanted a running daemon at %s, got \"%s\"", path, strerror(-fd));
		return fd;
	}
	r = send(fd, word, strlen(word), MSG_NOSIGNAL) < 0 ? -errno : take_answer(mem, fd, take, arg, &received, ret_error);
	close(fd);
	if (ret_fd && r == 0)
		*ret_fd = received;
	else if (received >= 0)
		close(received);
	if (r < 0 && !*ret_error)
		*ret_error = talloc_strdup(mem, strerror(-r));
	return r;
}

static int parse(void *mem, const char *command, const char *file, const char *text, size_t n, const struct conf **ret)
{
	struct conf_errors errors;
	int r = conf_parse(mem, text, n, file, ret, &errors);

	for (size_t i = 0; r < 0 && i < errors.count; i++)
		(void)fprintf(stderr, "%s\n", errors.text[i]); /* nothing is left to do when this fails */
	return r < 0 ? cmd_fail(command, EX_CONFIG, "%s: %s", file, r == -EINVAL ? "not a configuration" : strerror(-r)) : EX_OK;
}

static const char *default_path(void)
{
	const struct conf_option_info *info;

	for (size_t i = 0; (info = conf_option_info(i)); i++)
		if (strcmp(info->section, "status") == 0 && strcmp(info->name, "socket") == 0)
			return info->default_value;
	return "";
}

int status_find(void *mem, const char *command, const char *file, const struct conf **ret_conf, const char **ret_path)
{
	char *text, *error = NULL;
	size_t n;
	int code, r;

	*ret_conf = NULL;
	r = conf_read_file(mem, file ? file : DEFAULT_FILE, &text, &n, &error);
	if (r == -ENOENT && !file) { /* the daemon may run without one: its default holds, quoted in the table */
		const char *quoted = default_path();

		*ret_path = strlen(quoted) < 2 ? "" : talloc_strndup(mem, quoted + 1, strlen(quoted) - 2);
		return *ret_path ? EX_OK : EX_OSERR;
	}
	if (r < 0)
		return cmd_fail(command, EX_NOINPUT, "%s", error ? error : strerror(-r));
	code = parse(mem, command, file ? file : DEFAULT_FILE, text, n, ret_conf);
	if (code == EX_OK)
		*ret_path = (*ret_conf)->status.socket;
	return code;
}
