#include "milter/mbox_line.h"

#define FROM_ VIEW("From ")

struct view mbox_line_cut(struct view message, struct view *ret_sender)
{
	struct view line = view_slice(message, 0, view_find(message, '\n'));

	*ret_sender = (struct view){ NULL, 0 };
	if (!view_eq(view_slice(line, 0, FROM_.n), FROM_))
		return message;
	line = view_trim_fws(view_slice(line, FROM_.n, line.n));
	*ret_sender = view_slice(line, 0, view_find(line, ' '));
	return view_slice(message, view_find(message, '\n') + 1, message.n);
}
