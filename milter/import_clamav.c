#include "milter/import_clamav.h"

#include "milter/import_hosts.h"

#include <string.h>
#include <strings.h>
#include <talloc.h>

#define CLAMD_PORT "3310"

struct clamav {
	struct import *import;
	const struct old_settings *settings;
	const char *listener; /* made of MilterSocket; NULL: none */
};

struct rule;
typedef void mapping(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting);

struct rule {
	const char *name;
	mapping *map;       /* NULL: nothing is lost */
	const char *option; /* of section av */
	const char *why;
};

static bool is_true(const char *value)
{
	return strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

static void set(const struct clamav *clamav, const char *option, const char *value, const struct old_setting *setting)
{
	import_set(clamav->import, "av", NULL, option, value, &setting->place);
}

/* Takes the value over and frees it. */
static void set_made(const struct clamav *clamav, const char *option, char *value, const struct old_setting *setting)
{
	if (value)
		set(clamav, option, value, setting);
	else
		import_out_of_memory(clamav->import);
	talloc_free(value);
}

static void always(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	import_note(clamav->import, &setting->place, "%s", rule->why);
}

static void when_on(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	if (is_true(setting->value))
		import_note(clamav->import, &setting->place, "%s", rule->why);
}

static void as_seconds(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	set_made(clamav, rule->option, talloc_asprintf(clamav->import, "%ss", setting->value), setting);
}

/* "10m" is ten megabytes there. */
static void as_size(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	char *size = talloc_strdup(clamav->import, setting->value);

	for (char *c = size; c && *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	set_made(clamav, rule->option, size, setting);
}

static const struct action {
	const char *old, *word;
} actions[] = {
	{ "Accept", "header" }, { "Reject", "reject" }, { "Defer", "tempfail" }, { "Blackhole", "discard" }, { "Quarantine", "quarantine" },
};

static const char *action_word(const char *old)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (strcasecmp(actions[i].old, old) == 0)
			return actions[i].word;
	return NULL;
}

/* Whatever clamd calls FOUND is "infected" there. */
static void as_infected(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	static const char *const options[] = { "on-infected", "on-suspect", "on-encrypted" };
	const char *word = action_word(setting->value);

	(void)rule;
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		set(clamav, options[i], word ? word : setting->value, setting);
}

static void as_error(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	static const char *const options[] = { "on-error", "on-error-authenticated", "on-error-local" };
	const char *word = action_word(setting->value);

	(void)rule;
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		set(clamav, options[i], word ? word : setting->value, setting);
}

static void unless_accept(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	if (strcasecmp(setting->value, "Accept") != 0)
		import_note(clamav->import, &setting->place, "%s", rule->why);
}

/* "unix:/path", "/path", "tcp:host:port", "tcp:host"; an IPv6 address has its port in any case. */
static void as_clamd(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	const char *value = setting->value, *host, *colon;
	char *text;

	if (strncmp(value, "tcp:", 4) != 0) {
		value += strncmp(value, "local:", 6) == 0 ? 6 : strncmp(value, "unix:", 5) == 0 ? 5 : 0;
		set_made(clamav, rule->option, talloc_asprintf(clamav->import, "unix:%s", value), setting);
		return;
	}
	host = value + 4;
	colon = strrchr(host, ':');
	if (!colon)
		text = talloc_asprintf(clamav->import, "inet:" CLAMD_PORT "@%s", host);
	else
		text = talloc_asprintf(clamav->import, "%s:%s@%.*s", memchr(host, ':', (size_t)(colon - host)) ? "inet6" : "inet", colon + 1,
		                       (int)(colon - host), host);
	set_made(clamav, rule->option, text, setting);
}

static void as_network(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	char *network;

	if (!import_network(clamav->import, setting->value, &network))
		import_note(clamav->import, &setting->place, "%s is no address or network: skip-networks has neither names nor \"local\"", setting->value);
	else
		set_made(clamav, rule->option, network, setting);
}

static void as_authenticated(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	static const char *const everybody[] = { ".*", ".", "^.*$", ".+", "^.+$", NULL };
	size_t i = 0;

	while (everybody[i] && strcmp(everybody[i], setting->value) != 0)
		i++;
	if (everybody[i])
		set(clamav, rule->option, "yes", setting);
	else
		import_note(clamav->import, &setting->place, "%s", rule->why);
}

static void as_reject_text(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	char *text = talloc_strdup(clamav->import, "");

	/* %v is the same in both; any other percent sign means itself there. */
	for (const char *c = setting->value; text && *c; c++)
		text = talloc_asprintf_append(text, "%s%c", *c == '%' && c[1] != 'v' ? "%" : "", *c);
	set_made(clamav, rule->option, text, setting);
}

static void as_header(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	if (strcasecmp(setting->value, "Add") == 0)
		import_set_empty(clamav->import, "av", NULL, rule->option);
	else if (strcasecmp(setting->value, "No") == 0)
		import_note(clamav->import, &setting->place, "X-Virus-Scanned and X-Virus-Status are added to whatever is scanned");
}

static void as_user(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	const char *user = import_get(clamav->import, "", NULL, "user");

	(void)rule;
	if (user && strcmp(user, setting->value) != 0)
		import_note(clamav->import, &setting->place, "workers run as %s, who must be able to reach clamd", user);
	else
		import_set(clamav->import, "", NULL, "user", setting->value, &setting->place);
}

static void as_syslog(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	(void)rule;
	if (is_true(setting->value))
		import_set(clamav->import, "log", NULL, "target", "syslog", &setting->place);
}

bool import_pattern(void *mem, const char *regex, char **ret)
{
	char *pattern = talloc_array(mem, char, (unsigned)(strlen(regex) + 3)), *out = pattern;

	*ret = pattern;
	if (!pattern)
		return true;
	if (*regex == '^')
		regex++;
	else
		*out++ = '*';
	for (; *regex && !(regex[0] == '$' && !regex[1]); regex++) {
		if (regex[0] == '.' && regex[1] == '*')
			*out++ = *++regex;
		else if (regex[0] == '\\' && regex[1] && strchr(".]^$", regex[1]))
			*out++ = *++regex;
		else if (strchr(".[]*^$\\?", *regex))
			break;
		else
			*out++ = *regex;
	}
	if (*regex && (*regex != '$' || regex[1])) {
		talloc_free(pattern);
		*ret = NULL;
		return false;
	}
	if (!*regex && (out == pattern || out[-1] != '*'))
		*out++ = '*';
	*out = '\0';
	return true;
}

static void allow(const struct clamav *clamav, struct old_setting *line)
{
	bool sender = strncmp(line->name, "From:", 5) == 0;
	const char *regex = line->name + (sender ? 5 : strncmp(line->name, "To:", 3) == 0 ? 3 : 0);
	char *pattern;

	if (!import_pattern(clamav->import, regex, &pattern))
		import_note(clamav->import, &line->place, "%s says more than wildcards can: see skip-senders and skip-recipients", regex);
	else
		set_made(clamav, sender ? "skip-senders" : "skip-recipients", pattern, line);
}

/* A file of regular expressions; lines that begin with #, : or ! are passed over. */
static void as_allow_list(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	static const struct old_syntax syntax = { .hash_anywhere = false };
	struct old_settings lines = { NULL, 0 };

	(void)rule;
	old_settings_read(clamav->import, &syntax, setting->value, &setting->place, &lines);
	for (size_t i = 0; i < lines.count; i++) {
		lines.row[i].place.shown = setting->place.shown;
		if (!strchr(":!", lines.row[i].name[0]))
			allow(clamav, &lines.row[i]);
	}
}

/* MilterSocket and what belongs to it, when it becomes a listener. */
static void as_socket(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	const char *value = setting->value;
	char *text;

	(void)rule;
	if (!clamav->listener) {
		import_note(clamav->import, &setting->place, "listeners of the other sources scan: take this socket out of the MTA's configuration");
		return;
	}
	if (strncmp(value, "inet", 4) == 0)
		text = talloc_strdup(clamav->import, value);
	else
		text = talloc_asprintf(clamav->import, "unix:%s", strchr(value, ':') ? strchr(value, ':') + 1 : value);
	if (text)
		import_set(clamav->import, "listener", clamav->listener, "socket", text, &setting->place);
	else
		import_out_of_memory(clamav->import);
	talloc_free(text);
}

static void as_socket_option(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	if (clamav->listener)
		import_set(clamav->import, "listener", clamav->listener, rule->option, setting->value, &setting->place);
}

static void as_example(const struct clamav *clamav, const struct rule *rule, const struct old_setting *setting)
{
	(void)rule;
	import_fault(clamav->import, &setting->place, "wanted a file that is in use, got an example: clamav-milter does not run with it");
}

static const struct rule rules[] = {
	{ "AddHeader",              as_header, "remove-headers", NULL },
	{ "AllowList",              as_allow_list, NULL, NULL },
	{ "Chroot",                 always, NULL, "workers are confined by other means: no new privileges, Landlock, seccomp" },
	{ "ClamdSocket",            as_clamd, "clamd", NULL },
	{ "Example",                as_example, NULL, NULL },
	{ "FixStaleSocket",         NULL, NULL, NULL }, /* always */
	{ "Foreground",             NULL, NULL, NULL }, /* systemd's matter */
	{ "LocalNet",               as_network, "skip-networks", NULL },
	{ "LogClean",               NULL, NULL, NULL }, /* each message has its line */
	{ "LogFacility",            NULL, NULL, NULL },
	{ "LogFile",                always, NULL, "the log goes to syslog or the journal, which keep files" },
	{ "LogFileMaxSize",         NULL, NULL, NULL },
	{ "LogFileUnlock",          NULL, NULL, NULL },
	{ "LogInfected",            NULL, NULL, NULL },
	{ "LogRotate",              NULL, NULL, NULL },
	{ "LogSyslog",              as_syslog, NULL, NULL },
	{ "LogTime",                NULL, NULL, NULL },
	{ "LogVerbose",             when_on, NULL, "log.level = debug tells more" },
	{ "MaxFileSize",            as_size, "max-size", NULL },
	{ "MilterSocket",           as_socket, NULL, NULL },
	{ "MilterSocketGroup",      as_socket_option, "socket-group", NULL },
	{ "MilterSocketMode",       as_socket_option, "socket-mode", NULL },
	{ "OnClean",                unless_accept, NULL, "clean mail is always accepted" },
	{ "OnFail",                 as_error, NULL, NULL },
	{ "OnInfected",             as_infected, NULL, NULL },
	{ "PidFile",                NULL, NULL, NULL },
	{ "ReadTimeout",            as_seconds, "timeout", NULL },
	{ "RejectMsg",              as_reject_text, "reject-text", NULL },
	{ "ReportHostname",         always, NULL, "X-Virus-Scanned has the name of authserv-id" },
	{ "SkipAuthenticated",      as_authenticated, "skip-authenticated", "only all authenticated clients can be left unscanned, not some" },
	{ "SupportMultipleRecipients", NULL, NULL, NULL },
	{ "TemporaryDirectory",     NULL, NULL, NULL }, /* memory */
	{ "User",                   as_user, NULL, NULL },
	{ "VirusAction",            always, NULL, "no command is run; av.copy keeps copies, and the log has a line for each message" },
	{ "Whitelist",              as_allow_list, NULL, NULL },
};

#define RULES (sizeof rules / sizeof *rules)

const char *import_clamav_name(size_t i)
{
	return i < RULES ? rules[i].name : NULL;
}

static const struct rule *find_rule(const char *name)
{
	for (size_t i = 0; i < RULES; i++)
		if (strcasecmp(rules[i].name, name) == 0)
			return &rules[i];
	return NULL;
}

/* Settings that have another default than their options. */
static void set_defaults(const struct clamav *clamav, const struct import_place *place)
{
	const struct old_setting quarantine = { "OnInfected", "Quarantine", *place };

	if (!old_settings_find(clamav->settings, "OnInfected"))
		as_infected(clamav, NULL, &quarantine);
	if (!old_settings_find(clamav->settings, "MaxFileSize"))
		import_set(clamav->import, "av", NULL, "max-size", "100M", place);
	if (!old_settings_find(clamav->settings, "ReadTimeout"))
		import_set(clamav->import, "av", NULL, "timeout", "120s", place);
	if (!old_settings_find(clamav->settings, "ClamdSocket"))
		import_fault(clamav->import, place, "wanted a ClamdSocket, got none");
	if (clamav->listener && !old_settings_find(clamav->settings, "MilterSocket"))
		import_fault(clamav->import, place, "wanted a MilterSocket, got none");
}

/* Those that may be repeated count each time, of the others the last. */
static bool counts(const struct old_settings *settings, const struct old_setting *setting)
{
	static const char *const repeated[] = { "ClamdSocket", "LocalNet" };

	for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++)
		if (strcasecmp(setting->name, repeated[i]) == 0)
			return true;
	return old_settings_find(settings, setting->name) == setting;
}

void import_clamav(struct import *import, const struct old_settings *settings, const struct import_place *place, const char *listener)
{
	const struct clamav clamav = { import, settings, listener };

	if (listener)
		import_set(import, "listener", listener, "role", "verify", place);
	for (size_t i = 0; i < settings->count; i++) {
		const struct old_setting *setting = &settings->row[i];
		const struct rule *rule = find_rule(setting->name);

		if (!rule)
			import_note(import, &setting->place, "no setting of clamav-milter.conf(5) has this name");
		else if (rule->map && counts(settings, setting))
			rule->map(&clamav, rule, setting);
	}
	set_defaults(&clamav, place);
	import_set_all(import, "listener", "scan", "yes", place);
}
