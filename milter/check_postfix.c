/* postern check --postfix: the table of milter/postfix_findings.h over a Postfix's configuration. */
#include "milter/check.h"

#include "milter/postfix_findings.h"
#include "milter/postfix_run.h"

#include <talloc.h>

static void add_finding(void *arg, const struct postfix_finding *finding, const char *where, const char *got)
{
	struct check *check = arg;

	check_add(check, finding->state, "postfix", finding->id, "%s%s%s%s%s", where, *where ? ": " : "", finding->text, *got ? ": " : "", got);
	check_advise(check, finding->advice);
}

/* What is as it should be: which mail meets which listener. */
static void add_uses(struct check *check, const struct postfix_site *site)
{
	for (size_t i = 0; i < site->entry_count; i++) {
		const struct postfix_entry *entry = &site->entries[i];

		for (size_t k = 0; postfix_entry_filtered(entry) && k < entry->milter_count; k++)
			if (entry->milters[k].listener)
				check_add(check, CHECK_OK, "postfix", "use", "%s: %s, listener %s, role %s", entry->name, entry->milters[k].spec,
				          entry->milters[k].listener->name, conf_role_text(entry->milters[k].listener->role));
	}
}

void check_postfix(struct check *check, const struct conf *conf, const char *directory)
{
	const struct postfix_conf *postfix;
	struct postfix_site *site;
	char *error = NULL;

	if (postfix_conf_read(check, directory, &postfix, &error) < 0 || postfix_site_new(check, postfix, conf, &site) < 0) {
		check_add(check, CHECK_FAILS, "postfix", "postconf", "%s", error ? error : "out of memory");
		return;
	}
	add_uses(check, site);
	if (postfix_find(site, add_finding, check) < 0)
		check_add(check, CHECK_FAILS, "postfix", "postconf", "out of memory");
	talloc_free(site);
}
