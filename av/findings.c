#include "av/findings.h"

#include <string.h>

/* Kinds of findings, the least grave first; guesses are a kind of their own. */
enum grade { GUESS, ENCRYPTED, INCOMPLETE_LIMIT, INCOMPLETE_AMBIGUOUS, INCOMPLETE_FAILURE, BANNED, VIRUS };
#define GRADES (VIRUS + 1)

static bool begins(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static enum grade grade_of_signature(const char *name)
{
	if (begins(name, "Heuristics.Limits."))
		return INCOMPLETE_LIMIT;
	return begins(name, "Heuristics.") || begins(name, "PUA.") ? GUESS : VIRUS;
}

static enum grade grade_of(const struct av_finding *finding)
{
	switch ((enum av_finding_kind)finding->kind) {
	case AV_SIGNATURE:
		return grade_of_signature(finding->name);
	case AV_ENCRYPTED:
		return ENCRYPTED;
	case AV_BANNED:
		return BANNED;
	case AV_LIMIT:
		return INCOMPLETE_LIMIT;
	case AV_AMBIGUOUS:
		return INCOMPLETE_AMBIGUOUS;
	case AV_FAILURE:
		break;
	}
	return INCOMPLETE_FAILURE;
}

/* Of the findings whose grade has another one too, the last of the least grave. There always is one: grades are fewer than places. */
static uint32_t least_grave(const struct av_reply *reply, const unsigned count[GRADES])
{
	uint32_t least = AV_FINDINGS_MAX;

	for (uint32_t i = 0; i < reply->finding_count; i++) {
		enum grade grade = grade_of(&reply->findings[i]);

		if (count[grade] > 1 && (least == AV_FINDINGS_MAX || grade <= grade_of(&reply->findings[least])))
			least = i;
	}
	return least;
}

static void add_to_full(struct av_reply *reply, const struct av_finding *finding)
{
	unsigned count[GRADES] = { 0 };
	enum grade grade = grade_of(finding);
	uint32_t least;

	for (uint32_t i = 0; i < reply->finding_count; i++)
		count[grade_of(&reply->findings[i])]++;
	least = least_grave(reply, count);
	if (count[grade] == 0 || grade > grade_of(&reply->findings[least]))
		reply->findings[least] = *finding;
	reply->findings_left_out++;
}

static bool is_there(const struct av_reply *reply, const struct av_finding *finding)
{
	for (uint32_t i = 0; i < reply->finding_count; i++)
		if (reply->findings[i].kind == finding->kind && strcmp(reply->findings[i].name, finding->name) == 0)
			return true;
	return false;
}

void av_finding_add(struct av_reply *reply, enum av_finding_kind kind, struct view name, const char *part)
{
	struct av_finding finding = { .kind = kind };

	av_wire_name(finding.name, sizeof finding.name, name.p, name.n);
	if (finding.name[0] == '\0')
		memcpy(finding.name, "unknown", sizeof "unknown");
	av_wire_name(finding.part, sizeof finding.part, part, strlen(part));
	if (is_there(reply, &finding))
		return;
	if (reply->finding_count < AV_FINDINGS_MAX)
		reply->findings[reply->finding_count++] = finding;
	else
		add_to_full(reply, &finding);
}
