#define SD_JOURNAL_SUPPRESS_LOCATION /* our source lines mean nothing to who reads a mail log */

#include "milter/log_write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define LOG_IDENTIFIER "postern"

static const int priorities[] = {
	[CONF_LOG_ERROR] = LOG_ERR,
	[CONF_LOG_WARNING] = LOG_WARNING,
	[CONF_LOG_INFO] = LOG_INFO,
	[CONF_LOG_DEBUG] = LOG_DEBUG,
};

int log_priority(enum conf_log_level level)
{
	return priorities[level];
}

enum conf_log_level log_level_of_priority(int priority)
{
	switch (LOG_PRI(priority)) {
	case LOG_WARNING:
		return CONF_LOG_WARNING;
	case LOG_NOTICE:
	case LOG_INFO:
		return CONF_LOG_INFO;
	case LOG_DEBUG:
		return CONF_LOG_DEBUG;
	default:
		return CONF_LOG_ERROR;
	}
}

/* systemd sets $JOURNAL_STREAM to device:inode of the stream that it gave us; it does not hold any more once stderr
 * was redirected (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%ju:%ju", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* A daemon without a terminal or a file has its stderr at /dev/null, or none. */
static bool stderr_is_open(void)
{
	struct stat null, st;

	if (fstat(STDERR_FILENO, &st) < 0)
		return false;
	return stat("/dev/null", &null) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != null.st_rdev;
}

enum conf_log_target log_target_choose(enum conf_log_target wanted)
{
	if (wanted != CONF_LOG_AUTO)
		return wanted;
	if (stderr_is_journal())
		return CONF_LOG_JOURNAL;
	return stderr_is_open() ? CONF_LOG_STDERR : CONF_LOG_SYSLOG;
}

int log_target_open(enum conf_log_target target)
{
	int fd;

	if (target == CONF_LOG_SYSLOG)
		openlog(LOG_IDENTIFIER, LOG_PID | LOG_NDELAY, LOG_MAIL);
	if (target != CONF_LOG_JOURNAL)
		return 0;
	fd = sd_journal_stream_fd(LOG_IDENTIFIER, LOG_INFO, 0); /* only to see whether there is a journal */
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Line and line end leave in one call: lines of several processes do not mix as long as they are below PIPE_BUF. */
static void write_stderr(const char *line, size_t n)
{
	struct iovec parts[] = { { (void *)line, n }, { "\n", 1 } };
	size_t i = 0;
	ssize_t r;

	while (i < 2) {
		r = writev(STDERR_FILENO, parts + i, (int)(2 - i));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return;
		for (; i < 2 && (size_t)r >= parts[i].iov_len; i++)
			r -= (ssize_t)parts[i].iov_len;
		if (i < 2) {
			parts[i].iov_base = (char *)parts[i].iov_base + r;
			parts[i].iov_len -= (size_t)r;
		}
	}
}

static void write_syslog(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* vsyslog(), because syslog() comes back to this log (log.c). */
static void write_syslog(int priority, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsyslog(priority, format, arguments);
	va_end(arguments);
}

void log_target_write(enum conf_log_target target, enum conf_log_level level, const char *line, size_t n)
{
	int priority = log_priority(level);

	switch (target) {
	case CONF_LOG_SYSLOG:
		write_syslog(priority, "%s", line);
		break;
	case CONF_LOG_JOURNAL:
		(void)sd_journal_send("MESSAGE=%s", line, "PRIORITY=%i", priority, "SYSLOG_FACILITY=%i", LOG_FAC(LOG_MAIL),
		                      "SYSLOG_IDENTIFIER=%s", LOG_IDENTIFIER, NULL);
		break;
	default:
		write_stderr(line, n);
	}
}
