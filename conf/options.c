#include "conf/options.h"

#include <stddef.h>
#include <string.h>

static const struct option_section sections[] = {
	{ "",         NULL,   false },
	{ "listener", "",     true },
	{ "dns",      "",     false },
	{ "sign",     "",     false },
	{ "key",      "sign", true },
	{ "verify",   "",     false },
	{ "av",       "",     false },
	{ "status",   "",     false },
	{ "log",      "",     false },
};

static const struct value_word roles[] = {
	{ "verify", CONF_VERIFY }, { "sign", CONF_SIGN }, { "auto", CONF_AUTO }, { NULL, 0 },
};
static const struct value_word actions[] = {
	{ "accept", CONF_ACCEPT }, { "tempfail", CONF_TEMPFAIL }, { "reject", CONF_REJECT }, { "quarantine", CONF_QUARANTINE }, { NULL, 0 },
};
static const struct value_word key_error_actions[] = { { "accept", CONF_ACCEPT }, { "tempfail", CONF_TEMPFAIL }, { NULL, 0 } };
static const struct value_word yes_or_no[] = { { "yes", true }, { "no", false }, { NULL, 0 } };
static const struct value_word self_checks[] = {
	{ "off", CONF_CHECK_OFF }, { "local", CONF_CHECK_LOCAL }, { "dns", CONF_CHECK_DNS }, { NULL, 0 },
};
static const struct value_word signature_choices[] = { { "strip", true }, { "keep", false }, { NULL, 0 } };
static const struct value_word key_states[] = {
	{ "next", CONF_KEY_NEXT }, { "active", CONF_KEY_ACTIVE }, { "retired", CONF_KEY_RETIRED }, { NULL, 0 },
};
static const struct value_word row_choices[] = { { "all", true }, { "first", false }, { NULL, 0 } };
static const struct value_word expired_results[] = { { "policy", true }, { "fail", false }, { NULL, 0 } };
static const struct value_word scan_actions[] = {
	{ "accept", CONF_SCAN_ACCEPT }, { "header", CONF_SCAN_HEADER }, { "quarantine", CONF_SCAN_QUARANTINE },
	{ "tempfail", CONF_SCAN_TEMPFAIL }, { "discard", CONF_SCAN_DISCARD }, { "reject", CONF_SCAN_REJECT }, { NULL, 0 },
};
static const struct value_word reloads[] = {
	{ "auto", CONF_RELOAD_AUTO }, { "concurrent", CONF_RELOAD_CONCURRENT }, { "sequential", CONF_RELOAD_SEQUENTIAL }, { NULL, 0 },
};
static const struct value_word log_targets[] = {
	{ "auto", CONF_LOG_AUTO }, { "stderr", CONF_LOG_STDERR }, { "syslog", CONF_LOG_SYSLOG }, { "journal", CONF_LOG_JOURNAL }, { NULL, 0 },
};
static const struct value_word log_formats[] = { { "text", CONF_LOG_TEXT }, { "json", CONF_LOG_JSON }, { NULL, 0 } };
static const struct value_word log_levels[] = {
	{ "error", CONF_LOG_ERROR }, { "warning", CONF_LOG_WARNING }, { "info", CONF_LOG_INFO }, { "debug", CONF_LOG_DEBUG }, { NULL, 0 },
};

#define SECONDS(n) ((n) * UINT64_C(1000))
#define MINUTES(n) SECONDS((n) * 60)
#define SIZE_GIGABYTES(n) ((n) * UINT64_C(1073741824))
#define DAYS(n) MINUTES((n) * 24 * 60)
#define FIELD(type, field) offsetof(type, field)

#define RANGE(low, high) { .minimum = (low), .maximum = (high) }
#define WORDS(table) { .words = (table) }
#define VALID(function) { .is_valid = (function) }

#define ACTIONS_WANTED "accept, tempfail, reject or quarantine"
#define SCAN_ACTIONS_WANTED "accept, header, quarantine, tempfail, discard or reject"
#define TABLE_WANTED "an absolute path, bare or behind file: or refile:, or an empty string"
#define TIME_WANTED "a time such as 500ms, 5s or 2m"

/* One value with a default, a list of values with one, and a value that must be given. */
#define ONE(section, name, offset, parser, rule, wanted, default_text, doc) \
	{ { section, name, wanted, default_text, doc }, false, offset, parser, rule, NULL }
#define LIST(section, name, offset, parser, rule, wanted, default_text, doc) \
	{ { section, name, wanted, default_text, doc }, true, offset, parser, rule, NULL }
#define MUST(section, name, offset, parser, rule, wanted, example, doc) \
	{ { section, name, wanted, NULL, doc }, false, offset, parser, rule, example }

static const struct option rows[] = {
	ONE("", "authserv-id", FIELD(struct conf, authserv_id), value_string, VALID(value_is_authserv_id),
	    "a name without blanks such as mx.example.net, or an empty string", "\"\"",
	    "Name of this service in Authentication-Results; empty: the MTA's macro j, else the host name."),
	ONE("", "user", FIELD(struct conf, user), value_string, VALID(value_is_user),
	    "a user's name", "\"postern\"",
	    "User that the workers run as when the daemon is started by root."),
	ONE("", "drain-timeout", FIELD(struct conf, drain_timeout_ms), value_milliseconds, RANGE(0, MINUTES(60)),
	    "0, or " TIME_WANTED ", at most 1h", "60s",
	    "How long a worker that is told to stop may finish the messages it has begun."),
	ONE("", "idle-timeout", FIELD(struct conf, idle_timeout_s), value_seconds, RANGE(SECONDS(1), DAYS(1)),
	    "a time of whole seconds such as 30s, 2m or 1h, from 1s to 1d", "2h",
	    "How long an MTA may keep a connection without saying anything."),
	ONE("", "header-size-limit", FIELD(struct conf, header_size_limit), value_size, RANGE(1 << 10, 16 << 20),
	    "a size such as 4096, 64K or 2M, from 1K to 16M", "2M",
	    "Octets of a message's header; a message with more is neither verified nor signed."),
	ONE("", "header-count-limit", FIELD(struct conf, header_count_limit), value_number, RANGE(10, 100000),
	    "a number from 10 to 100000", "10000",
	    "Fields of a message's header; a message with more is neither verified nor signed."),

	MUST("listener", "socket", FIELD(struct conf_listener, socket), value_string, VALID(value_is_socket),
	     "inet:PORT@HOST (Postfix writes inet:HOST:PORT for it), inet6:PORT@HOST, unix:/PATH or systemd:NAME", "\"inet:4443@127.0.0.1\"",
	     "Where the MTA finds this listener."),
	MUST("listener", "role", FIELD(struct conf_listener, role), value_enum, WORDS(roles),
	     "verify, sign or auto", "verify",
	     "What is done with each message; auto decides by sender: see internal-hosts."),
	ONE("listener", "workers", FIELD(struct conf_listener, workers), value_number, RANGE(0, 64),
	    "a number from 0 to 64", "0",
	    "Worker processes; 0: one per CPU, at most 4."),
	ONE("listener", "socket-mode", FIELD(struct conf_listener, socket_mode), value_mode, RANGE(0, 0777),
	    "permissions in octal such as 0660", "0660",
	    "Permissions of a unix socket."),
	ONE("listener", "socket-group", FIELD(struct conf_listener, socket_group), value_string, VALID(value_is_group),
	    "a group's name, or an empty string", "\"\"",
	    "Group of a unix socket; empty: that of the process."),
	ONE("listener", "scan", FIELD(struct conf_listener, scan), value_boolean, WORDS(yes_or_no),
	    "yes or no", "no",
	    "Whether messages are scanned for viruses: see section av."),
	LIST("listener", "internal-hosts", FIELD(struct conf_listener, internal_hosts), value_networks, RANGE(0, 0),
	     "addresses and networks such as 192.0.2.0/24 or 2001:db8::/32, host part zero", "{\"127.0.0.0/8\", \"::1\"}",
	     "Role auto: mail of these clients is signed, like that of authenticated ones."),
	LIST("listener", "originating-daemons", FIELD(struct conf_listener, originating_daemons), value_string_list, VALID(value_is_daemon_name),
	     "names without blanks", "{\"ORIGINATING\"}",
	     "Role auto: mail that came in through an MTA's port of such a {daemon_name} is signed."),

	LIST("dns", "servers", FIELD(struct conf, dns), value_servers, RANGE(0, 0),
	     "addresses such as 127.0.0.1, 127.0.0.1@5353 or ::1@53", "{}",
	     "Resolvers to ask; none: those of /etc/resolv.conf."),
	ONE("dns", "timeout", FIELD(struct conf, dns.timeout_ms), value_milliseconds, RANGE(10, MINUTES(5)),
	    TIME_WANTED ", from 10ms to 5m", "5s",
	    "How long one query may take, all its retries together."),
	ONE("dns", "budget", FIELD(struct conf, dns.budget_ms), value_milliseconds, RANGE(10, MINUTES(10)),
	    TIME_WANTED ", from 10ms to 10m", "20s",
	    "How long all queries of one message may take together; not less than timeout."),
	ONE("dns", "trust-anchor", FIELD(struct conf, dns.trust_anchor), value_string, VALID(value_is_path_or_empty),
	    "an absolute path, or an empty string", "\"\"",
	    "File with the root's DS or DNSKEY records; empty: answers are not validated by DNSSEC."),
	ONE("dns", "records", FIELD(struct conf, dns.records), value_string, VALID(value_is_path_or_empty),
	    "an absolute path, or an empty string", "\"\"",
	    "File of TXT records in zone file form that are answered before any server is asked."),

	ONE("sign", "canonicalization", FIELD(struct conf, sign), value_canonicalization, RANGE(0, 0),
	    "relaxed/relaxed, relaxed/simple, simple/relaxed or simple/simple", "relaxed/relaxed",
	    "Canonicalization of header and body; simple does not survive most MTAs."),
	LIST("sign", "headers", FIELD(struct conf, sign.headers), value_string_list, VALID(value_is_header_name),
	     "names of header fields, without colon", "{}",
	     "Fields to sign when present; none: the built-in list. From is always signed."),
	LIST("sign", "omit-headers", FIELD(struct conf, sign.omit_headers), value_string_list, VALID(value_is_header_name),
	     "names of header fields, without colon", "{}",
	     "Fields to leave unsigned although they are in the list above. Never From."),
	/* What a reader sees or a mail program interprets: a second one added on the way must break the signature. */
	LIST("sign", "oversign", FIELD(struct conf, sign.oversign), value_string_list, VALID(value_is_header_name),
	     "names of header fields, without colon",
	     "{\"From\", \"Reply-To\", \"Subject\", \"Date\", \"To\", \"Cc\", \"Message-ID\", \"MIME-Version\", \"Content-Type\", \"Content-Transfer-Encoding\"}",
	     "Fields that, when present, are signed once more than they occur, so that none can be added. From always is."),
	ONE("sign", "expire", FIELD(struct conf, sign.expire_s), value_seconds, RANGE(0, DAYS(3650)),
	    "0, or a time of whole seconds such as 12h or 14d, at most 3650d", "0",
	    "How long a signature is valid (x=); 0: for ever."),
	ONE("sign", "subdomains", FIELD(struct conf, sign.subdomains), value_boolean, WORDS(yes_or_no),
	    "yes or no", "no",
	    "Whether the keys of example.com also sign mail from user@sub.example.com."),
	ONE("sign", "on-key-error", FIELD(struct conf, sign.on_key_error), value_enum, WORDS(key_error_actions),
	    "accept or tempfail", "tempfail",
	    "What becomes of a message that no key can sign though one should (see self-check): accept sends it unsigned."),
	ONE("sign", "self-check", FIELD(struct conf, sign.self_check), value_enum, WORDS(self_checks),
	    "off, local or dns", "local",
	    "Whether new signatures are verified before they leave: with our own public key, or with the published one."),
	ONE("sign", "broken-signatures", FIELD(struct conf, sign.strip_broken_signatures), value_boolean, WORDS(signature_choices),
	    "keep or strip", "keep",
	    "What becomes of signatures that do not fit the message any more: strip, for what list managers have changed."),
	ONE("sign", "key-table", FIELD(struct conf, sign.key_table), value_string, VALID(value_is_table),
	    TABLE_WANTED, "\"\"",
	    "OpenDKIM's KeyTable: names of keys with domain, selector and file."),
	ONE("sign", "signing-table", FIELD(struct conf, sign.signing_table), value_string, VALID(value_is_table),
	    TABLE_WANTED, "\"\"",
	    "OpenDKIM's SigningTable: which of these keys sign for which senders, beside the sections key."),
	ONE("sign", "signing-table-rows", FIELD(struct conf, sign.signing_table_all), value_boolean, WORDS(row_choices),
	    "first or all", "first",
	    "Whether the first row that stands for a sender counts alone, or all do (OpenDKIM's MultipleSignatures)."),

	ONE("key", "selector", FIELD(struct conf_key, selector), value_domain, VALID(value_is_selector),
	    "a selector such as sel2026, or an empty string", "\"\"",
	    "Selector under which the public key is published; empty: the title of the section."),
	MUST("key", "domain", FIELD(struct conf_key, domain), value_domain, VALID(value_is_domain),
	     "a domain name (an international one in UTF-8 or as xn--...)", "\"example.com\"",
	     "Domain that this key signs for: From decides."),
	MUST("key", "file", FIELD(struct conf_key, file), value_string, VALID(value_is_path),
	     "an absolute path", "\"/etc/postern/keys/sel2026.example.com.pem\"",
	     "Private key: PEM (RSA or Ed25519), or an Ed25519 seed in base64; closed to all but its owner and group."),
	ONE("key", "state", FIELD(struct conf_key, state), value_enum, WORDS(key_states),
	    "next, active or retired", "active",
	    "Whether the key signs: next waits until DNS has shown its record for the record's TTL; retired never does."),

	ONE("verify", "minimum-rsa-bits", FIELD(struct conf, verify.minimum_rsa_bits), value_number, RANGE(1024, 8192),
	    "a number from 1024 to 8192", "1024", /* RFC 8301 section 3.2 */
	    "Smallest RSA key that a signature may use and still pass."),
	ONE("verify", "max-signatures", FIELD(struct conf, verify.max_signatures), value_number, RANGE(1, 32),
	    "a number from 1 to 32", "8",
	    "Signatures of one message that are verified; further ones are not looked at."),
	ONE("verify", "clock-skew", FIELD(struct conf, verify.clock_skew_s), value_seconds, RANGE(0, DAYS(7)),
	    "0, or a time of whole seconds such as 30s, 5m or 1h, at most 7d", "5m",
	    "How far the signer's clock may be off when t= and x= are judged."),
	ONE("verify", "on-expired", FIELD(struct conf, verify.expired_is_policy), value_boolean, WORDS(expired_results),
	    "fail or policy", "fail",
	    "Result of a signature that has expired (x=)."),
	ONE("verify", "on-fail", FIELD(struct conf, verify.on_fail), value_enum, WORDS(actions),
	    ACTIONS_WANTED, "accept",
	    "What becomes of a message whose signatures do not verify."),
	ONE("verify", "on-none", FIELD(struct conf, verify.on_none), value_enum, WORDS(actions),
	    ACTIONS_WANTED, "accept",
	    "What becomes of a message without any signature."),
	ONE("verify", "on-permerror", FIELD(struct conf, verify.on_permerror), value_enum, WORDS(actions),
	    ACTIONS_WANTED, "accept",
	    "What becomes of a message whose signatures or keys are malformed, missing or revoked."),
	ONE("verify", "on-temperror", FIELD(struct conf, verify.on_temperror), value_enum, WORDS(actions),
	    ACTIONS_WANTED, "accept",
	    "What becomes of a message whose keys could not be fetched just now."),
	ONE("verify", "on-policy", FIELD(struct conf, verify.on_policy), value_enum, WORDS(actions),
	    ACTIONS_WANTED, "accept",
	    "What becomes of a message whose signatures verify but are not acceptable, such as with a weak key."),

	ONE("av", "database", FIELD(struct conf, av.database), value_string, VALID(value_is_path),
	    "an absolute path", "\"/var/lib/clamav\"",
	    "Folder of ClamAV's signatures, or one file of them."),
	ONE("av", "user", FIELD(struct conf, av.user), value_string, VALID(value_is_user_or_empty),
	    "a user's name, or an empty string", "\"\"",
	    "User that scans when the daemon is started by root; empty: that of the workers."),
	ONE("av", "scanners", FIELD(struct conf, av.scanners), value_number, RANGE(0, 64),
	    "a number from 0 to 64", "0",
	    "Scan processes; 0: one per CPU, at most 8."),
	ONE("av", "recycle", FIELD(struct conf, av.recycle), value_number, RANGE(0, 1000000),
	    "a number from 0 to 1000000", "1000",
	    "Scans after which a scan process makes way for a new one; 0: never."),
	ONE("av", "temp-size", FIELD(struct conf, av.temp_size), value_size, RANGE(1 << 20, SIZE_GIGABYTES(16)),
	    "a size such as 256M, from 1M to 16G", "256M",
	    "Octets of temporary files that one scan process may hold, in memory."),
	ONE("av", "official-only", FIELD(struct conf, av.official_only), value_boolean, WORDS(yes_or_no),
	    "yes or no", "no",
	    "Whether signed databases are loaded alone."),
	ONE("av", "pua", FIELD(struct conf, av.pua), value_boolean, WORDS(yes_or_no),
	    "yes or no", "no",
	    "Whether signatures of possibly unwanted applications are loaded."),
	ONE("av", "phishing-urls", FIELD(struct conf, av.phishing_urls), value_boolean, WORDS(yes_or_no),
	    "yes or no", "no",
	    "Whether links are judged by libclamav's phishing heuristics."),
	ONE("av", "macros", FIELD(struct conf, av.macros), value_boolean, WORDS(yes_or_no),
	    "yes or no", "no",
	    "Whether documents with macros are found suspect."),
	ONE("av", "scan-parts", FIELD(struct conf, av.scan_parts), value_boolean, WORDS(yes_or_no),
	    "yes or no", "yes",
	    "Whether each decoded part is scanned beside the whole message, which finds what libclamav's own mail parser does not see."),
	ONE("av", "max-size", FIELD(struct conf, av.max_size), value_size, RANGE(1 << 10, SIZE_GIGABYTES(1)),
	    "a size such as 50M, from 1K to 1G", "50M",
	    "Octets of a message; a larger one is unscannable."),
	ONE("av", "max-scan-size", FIELD(struct conf, av.max_scan_size), value_size, RANGE(1 << 10, SIZE_GIGABYTES(4)),
	    "a size such as 200M, from 1K to 4G", "200M",
	    "Octets of all that is unpacked from one message; beyond, it is unscannable."),
	ONE("av", "max-files", FIELD(struct conf, av.max_files), value_number, RANGE(1, 1000000),
	    "a number from 1 to 1000000", "2000",
	    "Files unpacked from one message; beyond, it is unscannable."),
	ONE("av", "max-recursion", FIELD(struct conf, av.max_recursion), value_number, RANGE(1, 100),
	    "a number from 1 to 100", "12",
	    "Archives within archives; beyond, the message is unscannable."),
	ONE("av", "max-parts", FIELD(struct conf, av.max_parts), value_number, RANGE(1, 100000),
	    "a number from 1 to 100000", "500",
	    "MIME parts of one message; beyond, it is unscannable."),
	ONE("av", "timeout", FIELD(struct conf, av.timeout_ms), value_milliseconds, RANGE(100, MINUTES(60)),
	    TIME_WANTED ", from 100ms to 1h", "30s",
	    "How long the scan of one message may take; then its process is killed."),
	LIST("av", "ban-extensions", FIELD(struct conf, av.ban_extensions), value_string_list, VALID(value_is_extension),
	    "extensions of file names, without the dot", "{}",
	    "Files that may not pass, by either of the last two extensions of their names."),
	LIST("av", "ban-types", FIELD(struct conf, av.ban_types), value_string_list, VALID(value_is_media_type),
	    "media types such as application/x-msdownload or video/*", "{}",
	    "Parts that may not pass, by the type that they declare."),
	LIST("av", "ban-true-types", FIELD(struct conf, av.ban_true_types), value_string_list, VALID(value_is_clamav_type),
	    "libclamav's types such as CL_TYPE_MSEXE", "{}",
	    "Files that may not pass, by the type that libclamav finds."),
	ONE("av", "ban-in-archives", FIELD(struct conf, av.ban_in_archives), value_boolean, WORDS(yes_or_no),
	    "yes or no", "yes",
	    "Whether names inside archives are judged like names of parts."),
	ONE("av", "reload", FIELD(struct conf, av.reload), value_enum, WORDS(reloads),
	    "auto, concurrent or sequential", "auto",
	    "How a changed database is loaded: beside the old one, or after it has left; auto: beside it when memory suffices. "
	    "What is loaded after it has left had better be whole: with a broken database nothing scans until there is another."),
	ONE("av", "reload-delay", FIELD(struct conf, av.reload_delay_ms), value_milliseconds, RANGE(0, MINUTES(60)),
	    "0, or " TIME_WANTED ", at most 1h", "10s",
	    "How long the database must be left unchanged before it is loaded anew."),

	ONE("av", "load-hold", FIELD(struct conf, av.load_hold_ms), value_milliseconds, RANGE(0, MINUTES(60)),
	    "0, or " TIME_WANTED ", at most 1h", "90s",
	    "How long a message waits for a scanner that is loading or busy; then on-error decides."),
	ONE("av", "queue-jobs", FIELD(struct conf, av.queue_jobs), value_number, RANGE(1, 100000),
	    "a number from 1 to 100000", "1024",
	    "Messages that wait or are scanned at one time; more are told to come again later."),
	ONE("av", "queue-size", FIELD(struct conf, av.queue_size), value_size, RANGE(1 << 20, SIZE_GIGABYTES(64)),
	    "a size such as 1G, from 1M to 64G", "1G",
	    "Octets of messages held for the scanner at one time; more are told to come again later."),
	LIST("av", "clamd", FIELD(struct conf, av.clamd), value_string_list, VALID(value_is_clamd),
	    "unix:/PATH, inet:PORT@HOST or inet6:PORT@HOST", "{}",
	    "Sockets of clamd, which then scans instead of the own scanner; the next one is taken when one fails."),
	ONE("av", "class-map", FIELD(struct conf, av.class_map), value_string, VALID(value_is_path_or_empty),
	    "an absolute path, or an empty string", "\"\"",
	    "File that says which signature names count as which class."),
	LIST("av", "ignore", FIELD(struct conf, av.ignore), value_string_list, VALID(value_is_pattern),
	    "names of signatures, with wildcards", "{}",
	    "Signatures that do not count."),
	ONE("av", "on-infected", FIELD(struct conf, av.on_infected), value_enum, WORDS(scan_actions),
	    SCAN_ACTIONS_WANTED, "reject",
	    "What becomes of a message with a virus."),
	ONE("av", "on-suspect", FIELD(struct conf, av.on_suspect), value_enum, WORDS(scan_actions),
	    SCAN_ACTIONS_WANTED, "header",
	    "What becomes of a message that a heuristic finds suspect."),
	ONE("av", "on-encrypted", FIELD(struct conf, av.on_encrypted), value_enum, WORDS(scan_actions),
	    SCAN_ACTIONS_WANTED, "header",
	    "What becomes of a message with an encrypted archive or document."),
	ONE("av", "on-banned", FIELD(struct conf, av.on_banned), value_enum, WORDS(scan_actions),
	    SCAN_ACTIONS_WANTED, "reject",
	    "What becomes of a message with a file that may not pass."),
	ONE("av", "on-unscannable", FIELD(struct conf, av.on_unscannable), value_enum, WORDS(scan_actions),
	    SCAN_ACTIONS_WANTED, "header",
	    "What becomes of a message that a limit or its own form keeps from being scanned wholly."),
	ONE("av", "on-error", FIELD(struct conf, av.on_error), value_enum, WORDS(scan_actions),
	    SCAN_ACTIONS_WANTED, "tempfail",
	    "What becomes of a message when the scanner fails."),
	ONE("av", "on-error-authenticated", FIELD(struct conf, av.on_error_authenticated), value_enum, WORDS(scan_actions),
	    SCAN_ACTIONS_WANTED, "tempfail",
	    "The same for clients that have authenticated."),
	ONE("av", "on-error-local", FIELD(struct conf, av.on_error_local), value_enum, WORDS(scan_actions),
	    SCAN_ACTIONS_WANTED, "tempfail",
	    "The same for mail without an SMTP client: pickup and bounces of Postfix."),
	ONE("av", "local-reject", FIELD(struct conf, av.local_reject), value_enum, WORDS(scan_actions),
	    SCAN_ACTIONS_WANTED, "quarantine",
	    "What reject and discard become for mail without an SMTP client, where nobody would be told."),
	ONE("av", "reject-text", FIELD(struct conf, av.reject_text), value_string, VALID(value_is_reply_text),
	    "printable ASCII, at most 255 octets", "\"message refused: %c (%v)\"",
	    "What the client is told; %c: the class, %v: the name that was found, %%: a percent sign."),
	LIST("av", "copy", FIELD(struct conf, av.copy), value_string_list, VALID(value_is_scan_class),
	    "infected, suspect, encrypted, banned, unscannable or error", "{}",
	    "Classes of messages of which a copy is kept in copy-directory."),
	ONE("av", "copy-directory", FIELD(struct conf, av.copy_directory), value_string, VALID(value_is_path),
	    "an absolute path", "\"/var/spool/postern\"",
	    "Folder for these copies; the workers' user must be able to write there."),
	ONE("av", "copy-age", FIELD(struct conf, av.copy_age_s), value_seconds, RANGE(SECONDS(1), DAYS(3650)),
	    "a time of whole seconds such as 12h or 14d, at most 3650d", "30d",
	    "How long a copy is kept."),
	ONE("av", "copy-size", FIELD(struct conf, av.copy_size), value_size, RANGE(1 << 20, SIZE_GIGABYTES(1024)),
	    "a size such as 1G, from 1M to 1024G", "1G",
	    "Octets of all copies; the oldest ones go first."),
	LIST("av", "skip-networks", FIELD(struct conf, av.skip_networks), value_networks, RANGE(0, 0),
	    "addresses and networks such as 192.0.2.0/24 or 2001:db8::/32, host part zero", "{}",
	    "Clients whose mail is not scanned."),
	ONE("av", "skip-authenticated", FIELD(struct conf, av.skip_authenticated), value_boolean, WORDS(yes_or_no),
	    "yes or no", "no",
	    "Whether mail of clients that have authenticated is left unscanned."),
	LIST("av", "skip-senders", FIELD(struct conf, av.skip_senders), value_string_list, VALID(value_is_pattern),
	    "mail addresses, with wildcards", "{}",
	    "Envelope senders whose mail is not scanned."),
	LIST("av", "skip-recipients", FIELD(struct conf, av.skip_recipients), value_string_list, VALID(value_is_pattern),
	    "mail addresses, with wildcards", "{}",
	    "Recipients whose mail is not scanned; a message with any other one is."),
	ONE("av", "skip-header", FIELD(struct conf, av.skip_header), value_boolean, WORDS(yes_or_no),
	    "yes or no", "no",
	    "Whether a message that is not scanned gets X-Virus-Status: Not-Scanned (policy)."),
	LIST("av", "remove-headers", FIELD(struct conf, av.remove_headers), value_string_list, VALID(value_is_header_name),
	    "names of header fields, without colon", "{\"X-Virus-Scanned\", \"X-Virus-Status\", \"X-Virus-Report\", \"X-Virus-Flag\"}",
	    "Fields that come in with a message and are removed, lest somebody else's word be taken for ours."),


	ONE("status", "socket", FIELD(struct conf, status.socket), value_string, VALID(value_is_path_or_empty),
	    "an absolute path, or an empty string", "\"/run/postern/status\"",
	    "Unix socket for postern status, postern reload and postern scan; empty: none."),

	ONE("log", "target", FIELD(struct conf, log.target), value_enum, WORDS(log_targets),
	    "auto, stderr, syslog or journal", "auto",
	    "Where log lines go; auto: the journal when started by systemd, else standard error when that is open, else syslog."),
	ONE("log", "format", FIELD(struct conf, log.format), value_enum, WORDS(log_formats),
	    "text or json", "text",
	    "Form of a log line: key=value words, or a JSON object."),
	ONE("log", "level", FIELD(struct conf, log.level), value_enum, WORDS(log_levels),
	    "error, warning, info or debug", "info",
	    "Least severe lines that are written; info has one line per message."),
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

const struct option_section *option_sections(size_t *ret_count)
{
	*ret_count = COUNT(sections);
	return sections;
}

const struct option_section *option_section_find(const char *name)
{
	for (size_t i = 0; i < COUNT(sections); i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

const struct option *option_rows(size_t *ret_count)
{
	*ret_count = COUNT(rows);
	return rows;
}

const struct option *option_find(const char *section, const char *name)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].info.section, section) == 0 && strcmp(rows[i].info.name, name) == 0)
			return &rows[i];
	return NULL;
}

const struct conf_option_info *conf_option_info(size_t i)
{
	return i < COUNT(rows) ? &rows[i].info : NULL;
}

static const char *find_word(const struct value_word *words, int value)
{
	while (words->text && words->value != value)
		words++;
	return words->text;
}

const char *conf_action_text(enum conf_action action)
{
	return find_word(actions, (int)action);
}

const char *conf_scan_action_text(enum conf_scan_action action)
{
	return find_word(scan_actions, (int)action);
}

const char *conf_role_text(enum conf_role role)
{
	return find_word(roles, (int)role);
}

const char *conf_key_state_text(enum conf_key_state state)
{
	return find_word(key_states, (int)state);
}
