/* The way to a clamd: the message is streamed from the memory that holds it. */
#include "av/scan.h"

#include <errno.h>
#include <poll.h>
#include <talloc.h>

static void no_clamd(struct av_scan *scan, unsigned milliseconds)
{
	scan->state = SCAN_UNSENT;
	(void)poll(NULL, 0, milliseconds < AV_CLAMD_NAP_MS ? (int)milliseconds : AV_CLAMD_NAP_MS);
}

/* A clamd that is stopped breaks off all it has under way: the message is not remembered for it. */
static void broken(struct av_scan *scan)
{
	if (scan->report.tries >= AV_TRIES_MAX)
		scan_finish(scan, AV_FAILED, -ECONNRESET);
	else
		scan_unsent(scan);
}

static void answered(struct av_scan *scan)
{
	clamd_call_reply(scan->call, &scan->report.reply);
	scan_finish(scan, AV_SCANNED, 0);
}

void scan_clamd_step(struct av_scan *scan, unsigned milliseconds)
{
	const char *name;
	int r = 0;

	if (!scan->call)
		r = clamd_call_new(scan, scan->client->clamd, av_held_view(scan->held), &scan->call);
	if (r == 0)
		r = clamd_call_step(scan->call, scan->state == SCAN_BEGUN ? milliseconds : 0);
	name = clamd_call_begun(scan->call);
	if (scan->state != SCAN_BEGUN && (name || r == 0 || r == -ECONNRESET || r == -EFBIG))
		scan_begun(scan);
	if (name)
		scan->report.clamd = name;
	if (r == 0)
		answered(scan);
	else if (r == -ECONNRESET)
		broken(scan);
	else if (r == -ENOTCONN)
		no_clamd(scan, milliseconds);
	else if (r == -EFBIG)
		scan_finish(scan, AV_TOO_LARGE, 0);
	else if (r != -EAGAIN)
		scan_finish(scan, AV_FAILED, r);
}
