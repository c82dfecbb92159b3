#include "milter/cmd_message.h"

#include "milter/cmd.h"
#include "milter/mail_file.h"

#include <string.h>
#include <sysexits.h>

int cmd_message_parse(const char *command, void *mem, struct view text, struct cmd_message *ret)
{
	struct cmd_message message = { .text = text };
	int r = header_list_new(mem, NULL, &message.headers);

	if (r == 0)
		r = header_list_parse(message.headers, message.text, &message.body);
	if (r < 0)
		return cmd_fail(command, cmd_code(r), "header: wanted at most %d fields of %d octets together: %s",
		                HEADER_FIELDS_MAX, HEADER_OCTETS_MAX, strerror(-r));
	*ret = message;
	return EX_OK;
}

int cmd_message_read(const char *command, void *mem, const char *path, struct cmd_message *ret)
{
	struct view text;
	char *error;
	int r = mail_file_read(mem, path, &text, &error);

	if (r < 0)
		return cmd_fail(command, cmd_code(r), "%s", error ? error : strerror(-r));
	return cmd_message_parse(command, mem, text, ret);
}
