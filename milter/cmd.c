#include "milter/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void complain(const char *command, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

/* Nothing is left to do when standard error itself fails. */
static void complain(const char *command, const char *format, va_list arguments)
{
	(void)fprintf(stderr, "postern %s: ", command);
	(void)vfprintf(stderr, format, arguments);
	(void)fputc('\n', stderr);
}

int cmd_usage(const char *command, const char *format, ...)
{
	va_list arguments;

	if (format) {
		va_start(arguments, format);
		complain(command, format, arguments);
		va_end(arguments);
	}
	(void)fprintf(stderr, "`postern %s --help` lists what it takes.\n", command);
	return EX_USAGE;
}

int cmd_fail(const char *command, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain(command, format, arguments);
	va_end(arguments);
	return code;
}

int cmd_finish(const char *command, int code)
{
	if (fflush(stdout) == EOF || ferror(stdout))
		return cmd_fail(command, EX_IOERR, "standard output: %s", strerror(errno));
	return code;
}

int cmd_code(int error)
{
	switch (error) {
	case 0:
		return EX_OK;
	case -ENOMEM:
		return EX_OSERR;
	case -ENOENT:
	case -ENOTDIR:
	case -EISDIR:
	case -EACCES:
		return EX_NOINPUT;
	case -EEXIST:
	case -EROFS:
		return EX_CANTCREAT;
	case -EINVAL:
	case -EBADMSG:
	case -E2BIG:
	case -EMSGSIZE:
	case -ENODATA:
	case -EFBIG:
	case -EPERM: /* a key file that others may read */
		return EX_DATAERR;
	default:
		return EX_IOERR;
	}
}

int cmd_number(const char *text, long long minimum, long long maximum, long long *ret)
{
	long long number;
	char *end;

	errno = 0;
	number = strtoll(text, &end, text[0] == '0' && text[1] == 'x' ? 16 : 10);
	if (errno || end == text || *end != '\0' || number < minimum || number > maximum)
		return -EINVAL;
	*ret = number;
	return 0;
}
