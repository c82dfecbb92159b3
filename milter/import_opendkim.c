#include "milter/import_opendkim.h"

#include "milter/import_dataset.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <talloc.h>
#include <unistd.h>

#define DNS_BUDGET_S 20 /* the default of dns.budget, which must not be less than dns.timeout */

struct rule;
typedef void mapping(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting);

/* One setting: how it is mapped, to which option, or why it is not. */
struct rule {
	const char *name;
	mapping *map;        /* NULL: nothing is lost, or another part of the import reads it */
	const char *section; /* of the option; "verify" and "sign" only for filters that do so */
	const char *option;
	const char *why;
};

bool import_is_true(const char *value)
{
	return *value && strchr("TtYy1", *value);
}

static void set(struct import *import, const struct rule *rule, const char *value, const struct old_setting *setting)
{
	import_set(import, rule->section, NULL, rule->option, value, &setting->place);
}

/* Takes the value over and frees it. */
static void set_made(struct import *import, const struct rule *rule, char *value, const struct old_setting *setting)
{
	if (value)
		set(import, rule, value, setting);
	else
		import_out_of_memory(import);
	talloc_free(value);
}

static void as_is(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	set(import, rule, setting->value, setting);
}

static void as_path(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	set_made(import, rule, dataset_path(import, filter->base, setting->value), setting);
}

static void as_boolean(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	set(import, rule, import_is_true(setting->value) ? "yes" : "no", setting);
}

static void as_seconds(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	set_made(import, rule, talloc_asprintf(import, "%ss", setting->value), setting);
}

static void when_on(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	if (import_is_true(setting->value))
		import_note(import, &setting->place, "%s", rule->why);
}

static void when_off(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	if (!import_is_true(setting->value))
		import_note(import, &setting->place, "%s", rule->why);
}

static void always(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	import_note(import, &setting->place, "%s", rule->why);
}

static void as_list(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	struct dataset items;

	dataset_read(import, setting, ",", filter->base, &items);
	for (size_t i = 0; i < items.count; i++)
		import_set(import, rule->section, NULL, rule->option, items.entry[i].text, &items.entry[i].place);
}

static bool is_word(const char *text, const char *const *words)
{
	while (*words && strcasecmp(*words, text) != 0)
		words++;
	return *words;
}

/* Fields that are never signed, whatever a list says; and "." and "-", which stand for no field at all. */
static const char *const left_out[] = { "Return-Path", "Received", "Comments", "Keywords", "Bcc", "Resent-Bcc", "DKIM-Signature", ".", "-", NULL };

/* "*" stands for the default list, "+X" adds to it, "-X" takes away. */
static void as_omitted(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	struct dataset items;

	dataset_read(import, setting, ",:", filter->base, &items);
	for (size_t i = 0; i < items.count; i++) {
		const char *name = items.entry[i].text;

		if (name[0] == '-' && name[1])
			import_note(import, &items.entry[i].place, "%s stays as sign.headers has it: omit-headers only takes away", name + 1);
		else if (strcmp(name, "*") != 0 && !is_word(name + (*name == '+'), left_out))
			import_set(import, rule->section, NULL, rule->option, name + (*name == '+'), &items.entry[i].place);
	}
}

static void as_headers(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	struct dataset items;

	dataset_read(import, setting, ",:", filter->base, &items);
	for (size_t i = 0; i < items.count; i++) {
		const char *name = items.entry[i].text;

		if (strcmp(name, "*") == 0 || name[0] == '+' || name[0] == '-')
			import_note(import, &items.entry[i].place, "wanted names of fields, got %s: %s has no changes to a default list", name, rule->option);
		else
			import_set(import, rule->section, NULL, rule->option, name, &items.entry[i].place);
	}
}

static void as_canonicalization(struct import *import, const struct old_filter *filter, const struct rule *rule,
                                const struct old_setting *setting)
{
	(void)filter;
	/* One word is the header's; that of the body stays simple. */
	set_made(import, rule, talloc_asprintf(import, "%s%s", setting->value, strchr(setting->value, '/') ? "" : "/simple"), setting);
}

/* accept, discard, quarantine, reject, tempfail: one letter is enough. */
static const char *action_word(char letter)
{
	static const char *const words[] = { "accept", "discard", "quarantine", "reject", "tempfail" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (letter && letter == words[i][0])
			return words[i];
	return NULL;
}

static void set_action(struct import *import, const char *section, const char *option, const char *value, const struct import_place *place)
{
	const char *word = action_word(ascii_lower(*value));

	if (word && strcmp(word, "discard") == 0) {
		import_note(import, place, "discard becomes reject: mail is not thrown away without a word");
		word = "reject";
	}
	if (word && strcmp(option, "on-key-error") == 0 && strcmp(word, "accept") != 0 && strcmp(word, "tempfail") != 0) {
		import_note(import, place, "%s becomes tempfail: a key that fails can be mended while mail waits", word);
		word = "tempfail";
	}
	import_set(import, section, NULL, option, word ? word : value, place);
}

static void as_action(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	set_action(import, rule->section, rule->option, setting->value, &setting->place);
}

static void as_quarantine(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	if (import_is_true(setting->value))
		set(import, rule, "quarantine", setting);
}

/* The actions by the names that On-... and -C have for them. */
static const struct action_name {
	const char *setting, *word, *option;
} action_names[] = {
	{ "On-BadSignature", "badsignature", "on-fail" },
	{ "On-NoSignature",  "nosignature",  "on-none" },
	{ "On-DNSError",     "dnserror",     "on-temperror" },
	{ "On-KeyNotFound",  "keynotfound",  "on-permerror" },
};

#define ACTION_NAMES (sizeof action_names / sizeof *action_names)

/* For whatever has no setting of its own. */
static void as_default_action(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)rule;
	for (size_t i = 0; i < ACTION_NAMES; i++)
		if (!old_settings_find(filter->settings, action_names[i].setting))
			set_action(import, "verify", action_names[i].option, setting->value, &setting->place);
}

/* dkim-filter's -C badsignature=reject,dnserror=tempfail */
static void as_action_list(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	struct dataset items;

	(void)rule;
	dataset_read(import, setting, ",", filter->base, &items);
	for (size_t i = 0; i < items.count; i++) {
		const char *value = strchr(items.entry[i].text, '=');
		size_t n = value ? (size_t)(value - items.entry[i].text) : 0, j = 0;

		while (j < ACTION_NAMES && (strlen(action_names[j].word) != n || strncasecmp(action_names[j].word, items.entry[i].text, n) != 0))
			j++;
		if (j < ACTION_NAMES)
			set_action(import, "verify", action_names[j].option, value + 1, &setting->place);
		else
			import_note(import, &setting->place, "no counterpart for %s", items.entry[i].text);
	}
}

static void as_authserv_id(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (strcmp(setting->value, "HOSTNAME") != 0)
		as_is(import, filter, rule, setting);
	else if (gethostname(host, sizeof host - 1) < 0)
		import_fault(import, &setting->place, "the name of this host: %s", strerror(errno));
	else
		set(import, rule, host, setting);
}

static void as_user(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	size_t n = strcspn(setting->value, ":");

	(void)filter;
	if (setting->value[n])
		import_note(import, &setting->place, "the group of %s is that of a unix socket alone: workers have the groups of their user", setting->value);
	set_made(import, rule, talloc_strndup(import, setting->value, n), setting);
}

static void as_dns_timeout(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	long seconds = strtol(setting->value, NULL, 10); /* what is no number is told by as_seconds() */

	if (strcmp(setting->value, "0") == 0) {
		import_note(import, &setting->place, "no limit becomes 5m, the longest there is");
		set(import, rule, "5m", setting);
		import_set(import, "dns", NULL, "budget", "5m", &setting->place);
		return;
	}
	as_seconds(import, filter, rule, setting);
	if (seconds > DNS_BUDGET_S)
		as_seconds(import, filter, &(struct rule){ .section = "dns", .option = "budget" }, setting);
}

static void as_header_limit(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	import_note(import, &setting->place, "a message with a larger header is not refused, only left alone");
	set(import, rule, strcmp(setting->value, "0") == 0 ? "16M" : setting->value, setting);
}

static void as_key_bits(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	if (strtol(setting->value, NULL, 10) < 1024 && *setting->value >= '0' && *setting->value <= '9') {
		import_note(import, &setting->place, "%s becomes 1024: shorter keys must not pass (RFC 8301 section 3.2)", setting->value);
		set(import, rule, "1024", setting);
	} else {
		set(import, rule, setting->value, setting);
	}
}

static void as_rows(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	set(import, rule, import_is_true(setting->value) ? "all" : "first", setting);
}

static void as_syslog(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	if (import_is_true(setting->value))
		set(import, rule, "syslog", setting);
}

static void unless_its_own(struct import *import, const struct old_filter *filter, const struct rule *rule, const struct old_setting *setting)
{
	(void)filter;
	if (strcasecmp(setting->value, rule->option) != 0)
		import_note(import, &setting->place, "%s", rule->why);
}

#define NO_LENGTH   "l= is never written: it leaves the end of a message unsigned (RFC 6376 section 8.2)"
#define NO_SCRIPT   "there are no scripts"
#define NO_LDAP     "there are no databases: KeyTable and SigningTable are files"
#define NO_REPORTS  "no reports are sent (RFC 6651)"
#define NO_REWRITE  "headers are signed as they leave; nothing foresees what an MTA changes later"
#define NO_REFUSAL  "messages that break RFC 5322 are judged by their signatures alone"
#define NO_TEST     "it is for tests; `postern verify` and dns.records do such"
#define NO_STATS    "no statistics file is written: the log has a line for each message"
#define NO_RESIGN   "mail is not signed anew after it was verified"
#define NO_VBR      "VBR (RFC 5518) is not looked at"
#define NO_CHROOT   "workers are confined by other means: no new privileges, Landlock, seccomp"
#define NO_ADSP     "ADSP (RFC 5617) is historic and not looked at"

static const struct rule rules[] = {
	{ "-C",                       as_action_list, "verify", NULL, NULL },
	{ "-x",                       NULL, NULL, NULL, NULL },
	{ "ADSPAction",               always, NULL, NULL, NO_ADSP },
	{ "ADSPNoSuchDomain",         when_on, NULL, NULL, NO_ADSP },
	{ "AddAllSignatureResults",   NULL, NULL, NULL, NULL },
	{ "AllowSHA1Only",            when_on, NULL, NULL, "rsa-sha1 never passes (RFC 8301 section 3.1)" },
	{ "AlwaysAddARHeader",        NULL, NULL, NULL, NULL }, /* it always is */
	{ "AuthservID",               as_authserv_id, "", "authserv-id", NULL },
	{ "AuthservIDWithJobID",      when_on, NULL, NULL, "the queue id stands in the log, not in the field" },
	{ "AutoRestart",              NULL, NULL, NULL, NULL }, /* workers always are */
	{ "AutoRestartCount",         NULL, NULL, NULL, NULL },
	{ "AutoRestartRate",          NULL, NULL, NULL, NULL },
	{ "Background",               NULL, NULL, NULL, NULL }, /* systemd's matter */
	{ "BaseDirectory",            NULL, NULL, NULL, NULL },
	{ "BodyLengthDB",             always, "sign", NULL, NO_LENGTH },
	{ "BodyLengths",              when_on, "sign", NULL, NO_LENGTH },
	{ "BogusKey",                 always, "verify", NULL, "a key that DNSSEC calls bogus gives temperror" },
	{ "Canonicalization",         as_canonicalization, "sign", "canonicalization", NULL },
	{ "CaptureUnknownErrors",     when_on, NULL, NULL, "a message that meets an error of ours is tempfailed" },
	{ "ChangeRootDirectory",      always, NULL, NULL, NO_CHROOT },
	{ "ClockDrift",               as_seconds, "verify", "clock-skew", NULL },
	{ "DNSConnect",               when_on, NULL, NULL, "the resolver takes TCP by itself where it is needed" },
	{ "DNSTimeout",               as_dns_timeout, "dns", "timeout", NULL },
	{ "DiagnosticDirectory",      always, NULL, NULL, "z= is not written or read; `postern verify --explain` explains failures without it" },
	{ "Diagnostics",              when_on, NULL, NULL, "z= is not written or read; `postern verify --explain` explains failures without it" },
	{ "DisableCryptoInit",        NULL, NULL, NULL, NULL },
	{ "Domain",                   NULL, NULL, NULL, NULL },
	{ "DomainKeysCompat",         when_on, "verify", NULL, "DomainKeys (RFC 4870) is historic" },
	{ "DontSignMailTo",           always, "sign", NULL, "whether mail is signed depends on its sender alone" },
	{ "EnableCoredumps",          when_on, NULL, NULL, "workers hold keys and write no core dumps" },
	{ "ExemptDomains",            always, NULL, NULL, "no domain is left alone: who writes From is not known before it is verified" },
	{ "ExternalIgnoreList",       always, NULL, NULL, "it only kept lines out of the log that there are none of: hosts that are to be signed for belong into InternalHosts" },
	{ "FinalPolicyScript",        always, NULL, NULL, NO_SCRIPT },
	{ "FixCRLF",                  when_on, NULL, NULL, "octets are hashed as the MTA hands them over" },
	{ "IdentityHeader",           always, "sign", NULL, "i= comes from the SigningTable alone" },
	{ "IdentityHeaderRemove",     when_on, "sign", NULL, "i= comes from the SigningTable alone" },
	{ "IgnoreMalformedMail",      NULL, NULL, NULL, NULL },
	{ "InternalHosts",            NULL, NULL, NULL, NULL },
	{ "KeepAuthResults",          when_on, "verify", NULL, "fields that claim to be our own are always removed (RFC 8601 section 5)" },
	{ "KeepTemporaryFiles",       when_on, NULL, NULL, "there are none; `postern verify --header-block` shows what is hashed" },
	{ "KeyFile",                  NULL, NULL, NULL, NULL },
	{ "KeyList",                  always, "sign", NULL, "dkim-filter's list of keys is not read: write sections key, or a KeyTable with a SigningTable" },
	{ "KeyTable",                 NULL, NULL, NULL, NULL },
	{ "LDAPAuthMechanism",        always, NULL, NULL, NO_LDAP },
	{ "LDAPAuthName",             always, NULL, NULL, NO_LDAP },
	{ "LDAPAuthRealm",            always, NULL, NULL, NO_LDAP },
	{ "LDAPAuthUser",             always, NULL, NULL, NO_LDAP },
	{ "LDAPBindPassword",         always, NULL, NULL, NO_LDAP },
	{ "LDAPBindUser",             always, NULL, NULL, NO_LDAP },
	{ "LDAPDisableCache",         always, NULL, NULL, NO_LDAP },
	{ "LDAPKeepaliveIdle",        always, NULL, NULL, NO_LDAP },
	{ "LDAPKeepaliveInterval",    always, NULL, NULL, NO_LDAP },
	{ "LDAPKeepaliveProbes",      always, NULL, NULL, NO_LDAP },
	{ "LDAPTimeout",              always, NULL, NULL, NO_LDAP },
	{ "LDAPUseTLS",               always, NULL, NULL, NO_LDAP },
	{ "LogResults",               NULL, NULL, NULL, NULL }, /* always in the log */
	{ "LogWhy",                   NULL, NULL, NULL, NULL },
	{ "MTA",                      NULL, NULL, NULL, NULL },
	{ "MTACommand",               always, NULL, NULL, NO_REPORTS },
	{ "MacroList",                NULL, NULL, NULL, NULL },
	{ "MaximumHeaders",           as_header_limit, "", "header-size-limit", NULL },
	{ "MaximumSignaturesToVerify", as_is, "verify", "max-signatures", NULL },
	{ "MaximumSignedBytes",       always, "sign", NULL, NO_LENGTH },
	{ "MilterDebug",              always, NULL, NULL, "log.level = debug tells more" },
	{ "Minimum",                  always, "verify", NULL, "a signature that leaves part of the body unsigned never passes" },
	{ "MinimumKeyBits",           as_key_bits, "verify", "minimum-rsa-bits", NULL },
	{ "Mode",                     NULL, NULL, NULL, NULL },
	{ "MultipleSignatures",       as_rows, "sign", "signing-table-rows", NULL },
	{ "MustBeSigned",             always, "verify", NULL, "which fields must be signed is the signer's choice, but for From" },
	{ "Nameservers",              as_list, "dns", "servers", NULL },
	{ "NoHeaderB",                when_on, "verify", NULL, "header.b is always written (RFC 6008)" },
	{ "OmitHeaders",              as_omitted, "sign", "omit-headers", NULL },
	{ "On-BadSignature",          as_action, "verify", "on-fail", NULL },
	{ "On-DNSError",              as_action, "verify", "on-temperror", NULL },
	{ "On-Default",               as_default_action, "verify", NULL, NULL },
	{ "On-InternalError",         always, NULL, NULL, "a message that meets an error of ours is tempfailed" },
	{ "On-KeyNotFound",           as_action, "verify", "on-permerror", NULL },
	{ "On-NoSignature",           as_action, "verify", "on-none", NULL },
	{ "On-Security",              always, NULL, NULL, "limits have results of their own: header-size-limit, max-signatures" },
	{ "On-SignatureError",        as_action, "sign", "on-key-error", NULL },
	{ "OversignHeaders",          as_headers, "sign", "oversign", NULL },
	{ "POPDBFile",                always, "sign", NULL, "POP before SMTP is not asked: let such clients authenticate, or list them in internal-hosts" },
	{ "PeerList",                 always, NULL, NULL, "no client is left alone: let the MTA not ask the filter for it (Postfix: smtpd_milter_maps)" },
	{ "PidFile",                  NULL, NULL, NULL, NULL }, /* systemd's matter */
	{ "Quarantine",               as_quarantine, "verify", "on-fail", NULL },
	{ "QueryCache",               NULL, NULL, NULL, NULL }, /* always */
	{ "RedirectFailuresTo",       always, "verify", NULL, "mail is not redirected; on-fail = quarantine keeps it" },
	{ "RemoveARAll",              when_on, "verify", NULL, "fields that claim to be our own are removed, those of others stay" },
	{ "RemoveARFrom",             always, "verify", NULL, "fields that claim to be our own are removed, those of others stay" },
	{ "RemoveOldSignatures",      when_on, "sign", NULL, "signatures that are there already stay" },
	{ "ReplaceHeaders",           always, "sign", NULL, NO_REWRITE },
	{ "ReplaceRules",             always, "sign", NULL, NO_REWRITE },
	{ "ReportAddress",            always, NULL, NULL, NO_REPORTS },
	{ "ReportBccAddress",         always, NULL, NULL, NO_REPORTS },
	{ "RequestReports",           when_on, NULL, NULL, NO_REPORTS },
	{ "RequireSafeKeys",          when_off, "sign", NULL, "key files must be closed to all but their owner and group" },
	{ "RequiredHeaders",          when_on, NULL, NULL, NO_REFUSAL },
	{ "ResignAll",                when_on, NULL, NULL, NO_RESIGN },
	{ "ResignMailTo",             always, NULL, NULL, NO_RESIGN },
	{ "ResolverConfiguration",    always, NULL, NULL, "the resolver has the options of section dns alone" },
	{ "ResolverTracing",          when_on, NULL, NULL, "the resolver has the options of section dns alone" },
	{ "ScreenPolicyScript",       always, NULL, NULL, NO_SCRIPT },
	{ "SelectCanonicalizationHeader", always, "sign", NULL, "no field of a message chooses its canonicalization" },
	{ "Selector",                 NULL, NULL, NULL, NULL },
	{ "SendADSPReports",          when_on, NULL, NULL, NO_ADSP },
	{ "SendReports",              when_on, NULL, NULL, NO_REPORTS },
	{ "SenderHeaders",            unless_its_own, NULL, "From", "From alone decides who signs: it is what DKIM signs for readers" },
	{ "SenderMacro",              always, NULL, NULL, "From alone decides who signs: it is what DKIM signs for readers" },
	{ "SetupPolicyScript",        always, NULL, NULL, NO_SCRIPT },
	{ "SignHeaders",              as_headers, "sign", "headers", NULL },
	{ "SignatureAlgorithm",       unless_its_own, NULL, "rsa-sha256", "the key decides: rsa-sha256 or ed25519-sha256, never rsa-sha1 (RFC 8301)" },
	{ "SignatureTTL",             as_seconds, "sign", "expire", NULL },
	{ "SigningTable",             NULL, NULL, NULL, NULL },
	{ "SMTPURI",                  always, NULL, NULL, NO_REPORTS },
	{ "Socket",                   NULL, NULL, NULL, NULL },
	{ "SoftStart",                when_on, NULL, NULL, NO_LDAP },
	{ "SoftwareHeader",           when_on, NULL, NULL, "no field names the program" },
	{ "Statistics",               always, NULL, NULL, NO_STATS },
	{ "StatisticsName",           always, NULL, NULL, NO_STATS },
	{ "StatisticsPolicyScript",   always, NULL, NULL, NO_SCRIPT },
	{ "StatisticsPrefix",         always, NULL, NULL, NO_STATS },
	{ "StrictHeaders",            when_on, NULL, NULL, NO_REFUSAL },
	{ "StrictTestMode",           when_on, NULL, NULL, NO_TEST },
	{ "SubDomains",               as_boolean, "sign", "subdomains", NULL },
	{ "Syslog",                   as_syslog, "log", "target", NULL },
	{ "SyslogFacility",           unless_its_own, NULL, "mail", "lines go to the facility mail" },
	{ "SyslogName",               always, NULL, NULL, "lines are named postern; process= in each tells the listener" },
	{ "SyslogSuccess",            NULL, NULL, NULL, NULL }, /* log.level info */
	{ "TemporaryDirectory",       NULL, NULL, NULL, NULL }, /* nothing is written there */
	{ "TestDNSData",              always, NULL, NULL, NO_TEST },
	{ "TestPublicKeys",           always, NULL, NULL, NO_TEST },
	{ "TrustAnchorFile",          as_path, "dns", "trust-anchor", NULL },
	{ "TrustSignaturesFrom",      always, "verify", NULL, "each signature is judged by itself; whose it is stands in header.d" },
	{ "UMask",                    NULL, NULL, NULL, NULL },
	{ "UnprotectedKey",           unless_its_own, NULL, "none", "the comment \"secure key\" tells which keys DNSSEC protects; it changes no result" },
	{ "UserID",                   as_user, "", "user", NULL },
	{ "VBR-Certifiers",           always, NULL, NULL, NO_VBR },
	{ "VBR-PurgeFields",          when_on, NULL, NULL, NO_VBR },
	{ "VBR-TrustedCertifiers",    always, NULL, NULL, NO_VBR },
	{ "VBR-TrustedCertifiersOnly", when_on, NULL, NULL, NO_VBR },
	{ "VBR-Type",                 always, NULL, NULL, NO_VBR },
	{ "WeakSyntaxChecks",         NULL, NULL, NULL, NULL },
	{ "X-Header",                 when_on, NULL, NULL, "no field names the program" },
};

#define RULES (sizeof rules / sizeof *rules)

const char *import_setting_name(size_t i)
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

static bool concerns(const struct rule *rule, const struct old_filter *filter)
{
	if (rule->section && strcmp(rule->section, "sign") == 0)
		return filter->signs;
	return !rule->section || strcmp(rule->section, "verify") != 0 || filter->verifies;
}

/* Where opendkim does otherwise than postern when nothing is said. */
static void import_silent_defaults(struct import *import, const struct old_filter *filter)
{
	const struct import_place place = { filter->place.file, 0, "default" };

	if (filter->signs && !old_settings_find(filter->settings, "Canonicalization"))
		import_set(import, "sign", NULL, "canonicalization", "simple/simple", &place);
	if (filter->signs && !old_settings_find(filter->settings, "OversignHeaders"))
		import_set_empty(import, "sign", NULL, "oversign");
	if (filter->verifies && !old_settings_find(filter->settings, "On-DNSError") && !old_settings_find(filter->settings, "On-Default") &&
	    !import_get(import, "verify", NULL, "on-temperror"))
		import_set(import, "verify", NULL, "on-temperror", "tempfail", &place);
}

void import_settings(struct import *import, const struct old_filter *filter)
{
	for (size_t i = 0; i < filter->settings->count; i++) {
		const struct old_setting *setting = &filter->settings->row[i];
		const struct rule *rule = find_rule(setting->name);

		if (old_settings_find(filter->settings, setting->name) != setting)
			continue;
		if (!rule)
			import_note(import, &setting->place, "no setting of opendkim.conf(5) or dkim-filter has this name");
		else if (rule->map && concerns(rule, filter))
			rule->map(import, filter, rule, setting);
	}
	import_silent_defaults(import, filter);
}
