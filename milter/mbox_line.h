/* The line "From joe@example.com Sat Nov 21 10:00:00 2026" that MTAs put above a message which they hand to an alias's program. */
#ifndef MILTER_MBOX_LINE_H
#define MILTER_MBOX_LINE_H

#include "dkim/view.h"

/* Cut the line off.
 *   message     with CRLF line ends
 *   ret_sender  the envelope sender in it, inside message; its p is NULL when there is no such line
 * Returns what follows the line: message itself when there is none. */
struct view mbox_line_cut(struct view message, struct view *ret_sender);

#endif
