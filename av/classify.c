#include "av/classify.h"

#include "av/class_map.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *text, *status;
} classes[AV_CLASS_COUNT] = {
	[AV_CLASS_INFECTED] = { "infected", "Infected" },
	[AV_CLASS_BANNED] = { "banned", "Banned" },
	[AV_CLASS_ERROR] = { "error", "Not-Scanned" },
	[AV_CLASS_UNSCANNABLE] = { "unscannable", "Not-Scanned" },
	[AV_CLASS_SUSPECT] = { "suspect", "Suspect" },
	[AV_CLASS_ENCRYPTED] = { "encrypted", "Encrypted" },
	[AV_CLASS_CLEAN] = { "clean", "Clean" },
};

/* What libclamav's names say by themselves; the first row that fits counts. */
static const struct {
	const char *prefix;
	enum av_class class;
} prefixes[] = {
	{ "Heuristics.Limits.Exceeded", AV_CLASS_UNSCANNABLE },
	{ "Heuristics.Encrypted.", AV_CLASS_ENCRYPTED },
	{ "Heuristics.", AV_CLASS_SUSPECT }, /* macros in OLE2 documents among them */
	{ "PUA.", AV_CLASS_SUSPECT },
	{ "", AV_CLASS_INFECTED },
};

static const struct {
	enum av_class class; /* AV_CLASS_CLEAN: as the reply says */
	const char *name;
} outcomes[] = {
	[AV_SCANNED] = { AV_CLASS_CLEAN, "" },
	[AV_TOO_LARGE] = { AV_CLASS_UNSCANNABLE, "size" },
	[AV_BUSY] = { AV_CLASS_ERROR, "busy" },
	[AV_NO_SCANNER] = { AV_CLASS_ERROR, "no scanner" },
	[AV_LATE] = { AV_CLASS_ERROR, "timeout" },
	[AV_CRASHED] = { AV_CLASS_UNSCANNABLE, "crash" },
	[AV_FAILED] = { AV_CLASS_ERROR, "failure" },
};

const char *av_class_text(enum av_class class)
{
	return classes[class].text;
}

const char *av_class_status(enum av_class class)
{
	return classes[class].status;
}

static enum av_class class_of_signature(const struct av_class_map *map, const char *name)
{
	enum av_class class;
	size_t i = 0;

	if (av_class_map_find(map, name, &class))
		return class;
	while (strncasecmp(name, prefixes[i].prefix, strlen(prefixes[i].prefix)) != 0)
		i++;
	return prefixes[i].class;
}

enum av_class av_classify_finding(const struct av_class_map *map, const struct av_finding *finding)
{
	switch ((enum av_finding_kind)finding->kind) {
	case AV_SIGNATURE:
		return class_of_signature(map, finding->name);
	case AV_ENCRYPTED:
		return AV_CLASS_ENCRYPTED;
	case AV_BANNED:
		return AV_CLASS_BANNED;
	case AV_LIMIT:
	case AV_AMBIGUOUS:
		return AV_CLASS_UNSCANNABLE;
	case AV_FAILURE:
		break;
	}
	return AV_CLASS_ERROR;
}

static void add(struct av_verdicts *verdicts, enum av_class class, const char *name, const char *part)
{
	if (verdicts->name[class])
		return;
	verdicts->name[class] = name;
	verdicts->part[class] = part;
}

static bool is_empty(const struct av_verdicts *verdicts)
{
	for (enum av_class class = 0; class < AV_CLASS_CLEAN; class++)
		if (verdicts->name[class])
			return false;
	return true;
}

void av_classify(const struct av_class_map *map, const struct av_report *report, struct av_verdicts *ret)
{
	const struct av_reply *reply = &report->reply;

	*ret = (struct av_verdicts){ .name = { NULL } };
	if (report->outcome != AV_SCANNED) {
		add(ret, outcomes[report->outcome].class, outcomes[report->outcome].name, "");
		return;
	}
	for (uint32_t i = 0; i < reply->finding_count; i++) {
		enum av_class class = av_classify_finding(map, &reply->findings[i]);

		if (class != AV_CLASS_CLEAN)
			add(ret, class, reply->findings[i].name, reply->findings[i].part);
	}
	/* A flood of findings that are ignored, or of a milder class here than where they were counted, may have pushed out the one
	 * that counts: who scans knows no class-map. */
	if (!ret->name[AV_CLASS_INFECTED] && reply->findings_left_out > 0)
		add(ret, AV_CLASS_UNSCANNABLE, "findings", "");
	if (is_empty(ret))
		add(ret, AV_CLASS_CLEAN, "", "");
}
