#include "dkim/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <talloc.h>

int fault(void *mem, char **ret_error, int error, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = talloc_vasprintf(mem, format, arguments);
	va_end(arguments);
	if (!text)
		return -ENOMEM;
	*ret_error = text;
	return error;
}
