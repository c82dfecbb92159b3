#include "av/clamd_answer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool cut_front(struct view *v, struct view front)
{
	if (!view_eq(view_slice(*v, 0, front.n), front))
		return false;
	*v = view_slice(*v, front.n, v->n);
	return true;
}

static bool cut_back(struct view *v, struct view back)
{
	if (v->n < back.n || !view_eq(view_slice(*v, v->n - back.n, v->n), back))
		return false;
	*v = view_slice(*v, 0, v->n - back.n);
	return true;
}

/* Digits at the front, of a number that fits. */
static bool cut_number(struct view *v, unsigned *ret)
{
	size_t n = 0;

	for (*ret = 0; n < v->n && n < 9 && v->p[n] >= '0' && v->p[n] <= '9'; n++)
		*ret = *ret * 10 + (unsigned)(v->p[n] - '0');
	*v = view_slice(*v, n, v->n);
	return n > 0;
}

bool clamd_answer_parse(struct view in, struct clamd_answer *ret)
{
	if (!cut_number(&in, &ret->id) || !cut_front(&in, VIEW(": ")))
		return false;
	ret->kind = CLAMD_VERSION;
	if (cut_front(&in, VIEW("ClamAV "))) {
		ret->text = in;
		return true;
	}
	if (view_eq(in, VIEW("INSTREAM size limit exceeded. ERROR")))
		ret->kind = CLAMD_TOO_LARGE;
	else if (cut_back(&in, VIEW(" ERROR")))
		ret->kind = CLAMD_ERROR;
	else if (!cut_front(&in, VIEW("stream: ")))
		return false;
	else if (view_eq(in, VIEW("OK")))
		ret->kind = CLAMD_OK;
	else if (cut_back(&in, VIEW(" FOUND")))
		ret->kind = CLAMD_FOUND;
	else
		return false;
	ret->text = in;
	return true;
}

static int64_t database_time(struct view text)
{
	char date[40]; /* "Sat Nov 21 08:00:00 2026" */
	struct tm tm = { .tm_isdst = -1 };

	if (text.n == 0 || text.n >= sizeof date)
		return 0;
	memcpy(date, text.p, text.n);
	date[text.n] = '\0';
	return strptime(date, "%a %b %d %H:%M:%S %Y", &tm) ? (int64_t)mktime(&tm) : 0;
}

void clamd_facts_parse(struct view text, struct av_facts *ret)
{
	struct view engine = { NULL, 0 }, database = { NULL, 0 };

	*ret = (struct av_facts){ .database = 0 };
	(void)view_next(&text, '/', &engine); /* what is not there stays empty */
	(void)view_next(&text, '/', &database);
	av_wire_name(ret->engine, sizeof ret->engine, engine.p, engine.n);
	(void)cut_number(&database, &ret->database);
	ret->database_time = database_time(text);
}

void clamd_answer_finding(const struct clamd_answer *answer, struct av_reply *reply)
{
	struct av_finding *finding = &reply->findings[0];
	struct view name = answer->text;

	reply->finding_count = 0;
	if (answer->kind != CLAMD_FOUND && answer->kind != CLAMD_ERROR)
		return;
	finding->kind = answer->kind == CLAMD_FOUND ? AV_SIGNATURE : AV_FAILURE;
	if (answer->kind == CLAMD_FOUND && view_eq(name, VIEW("(null)"))) { /* MaxFileSize with AlertExceedsMax: libclamav names nothing */
		finding->kind = AV_LIMIT;
		name = VIEW("size");
	}
	av_wire_name(finding->name, sizeof finding->name, name.p, name.n);
	reply->finding_count = 1;
}
