/*
 * The configuration: what an administrator may say, read once, then never changed.
 * Every option stands in one table (conf/options.c); its default goes through the same parser as the file's text.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum conf_role { CONF_VERIFY, CONF_SIGN, CONF_AUTO };
enum conf_action { CONF_ACCEPT, CONF_TEMPFAIL, CONF_REJECT, CONF_QUARANTINE };
/* What becomes of a scanned message, the stricter ones later. */
enum conf_scan_action { CONF_SCAN_ACCEPT, CONF_SCAN_HEADER, CONF_SCAN_QUARANTINE, CONF_SCAN_TEMPFAIL, CONF_SCAN_DISCARD, CONF_SCAN_REJECT };
enum conf_reload { CONF_RELOAD_AUTO, CONF_RELOAD_CONCURRENT, CONF_RELOAD_SEQUENTIAL };
enum conf_self_check { CONF_CHECK_OFF, CONF_CHECK_LOCAL, CONF_CHECK_DNS };
enum conf_key_state { CONF_KEY_NEXT, CONF_KEY_ACTIVE, CONF_KEY_RETIRED };
enum conf_canon { CONF_SIMPLE, CONF_RELAXED };
enum conf_log_target { CONF_LOG_AUTO, CONF_LOG_STDERR, CONF_LOG_SYSLOG, CONF_LOG_JOURNAL };
enum conf_log_format { CONF_LOG_TEXT, CONF_LOG_JSON };
enum conf_log_level { CONF_LOG_ERROR, CONF_LOG_WARNING, CONF_LOG_INFO, CONF_LOG_DEBUG };

struct conf_network {
	sa_family_t family;   /* AF_INET or AF_INET6 */
	uint8_t address[16];  /* network order; 4 or 16 octets used */
	unsigned prefix;      /* bits */
};

struct conf_networks {
	struct conf_network *network;
	size_t count;
};

struct conf_listener {
	const char *name;     /* title of the section */
	const char *socket;   /* "inet:4443@127.0.0.1", "inet6:...", "unix:/path", "systemd:NAME" */
	enum conf_role role;
	unsigned workers;     /* processes; 0: one per CPU, at most 4 */
	mode_t socket_mode;   /* of a unix socket */
	const char *socket_group; /* of a unix socket; "" leaves it */
	struct conf_networks internal_hosts;     /* role auto: clients whose mail is signed */
	const char **originating_daemons;        /* role auto: {daemon_name} whose mail is signed; NULL-terminated */
	bool scan;            /* for viruses: section av says how */
	unsigned line;        /* of the section in the file; 0: none */
};

struct conf_key {
	const char *name;     /* title of the section; the selector unless that is said */
	const char *selector; /* in A-labels, whichever form the file has */
	const char *domain;   /* likewise */
	const char *file;
	enum conf_key_state state;
	unsigned line;
};

struct conf_dns {
	const char **servers; /* "address@port" or "address"; NULL-terminated; empty: /etc/resolv.conf */
	size_t server_count;
	unsigned timeout_ms;
	unsigned budget_ms;
	const char *trust_anchor; /* file, or "" */
	const char *records;      /* file, or "" */
};

struct conf_sign {
	struct conf_key *keys;
	size_t key_count;
	enum conf_canon header_canon, body_canon;
	const char **headers;      /* NULL-terminated; empty: the built-in list */
	const char **omit_headers; /* NULL-terminated */
	const char **oversign;     /* NULL-terminated */
	unsigned expire_s;         /* 0: no x= */
	bool subdomains;           /* a key for example.com also signs From: user@sub.example.com */
	enum conf_action on_key_error; /* CONF_ACCEPT or CONF_TEMPFAIL */
	enum conf_self_check self_check;
	bool strip_broken_signatures; /* of others, from mail that is to be signed */
	const char *key_table, *signing_table; /* "", "/path", "file:/path" or "refile:/path": conf/table_text.h */
	bool signing_table_all;    /* every row that stands for the sender counts, not the first alone */
};

struct conf_verify {
	unsigned minimum_rsa_bits;
	unsigned max_signatures;
	unsigned clock_skew_s;
	bool expired_is_policy;
	enum conf_action on_fail, on_none, on_permerror, on_temperror, on_policy;
};

struct conf_av {
	/* the scanner's */
	const char *database;      /* folder of ClamAV's signatures, or one file */
	const char *user;          /* to scan as when started as root; "": conf.user */
	unsigned scanners;         /* scan children; 0: one per CPU, at most 8 */
	unsigned recycle;          /* scans after which a child makes way for a new one; 0: never */
	size_t temp_size;          /* octets of temporary files of one child */
	bool official_only;        /* signed databases alone */
	bool pua, phishing_urls, macros, scan_parts;
	size_t max_size;           /* octets of a message */
	size_t max_scan_size;      /* octets of all that is unpacked from it */
	unsigned max_files, max_recursion, max_parts;
	unsigned timeout_ms;       /* of one scan */
	const char **ban_extensions; /* NULL-terminated, lower case, without dot */
	const char **ban_types;      /* declared media types, globs: "application/x-msdownload", "video/x-*" */
	const char **ban_true_types; /* libclamav's: "CL_TYPE_MSEXE" */
	bool ban_in_archives;
	enum conf_reload reload;
	unsigned reload_delay_ms;  /* quiet time wanted after a change of the database */
	/* the workers' */
	unsigned load_hold_ms;     /* how long mail waits for a scanner that is not there yet */
	unsigned queue_jobs;       /* messages on their way to and in the scanner, of all workers together */
	size_t queue_size;         /* octets of these */
	const char **clamd;        /* NULL-terminated; instead of the own scanner: "unix:/path", "inet:PORT@HOST" */
	const char *class_map;     /* file, or "" */
	const char **ignore;       /* names of signatures that never count, globs; NULL-terminated */
	enum conf_scan_action on_infected, on_suspect, on_encrypted, on_banned, on_unscannable, on_error;
	enum conf_scan_action on_error_authenticated, on_error_local; /* instead of on_error */
	enum conf_scan_action local_reject; /* instead of reject and discard for mail without an SMTP client */
	const char *reject_text;
	const char **copy;         /* words of classes; NULL-terminated */
	const char *copy_directory;
	unsigned copy_age_s;
	size_t copy_size;
	struct conf_networks skip_networks;
	bool skip_authenticated;
	const char **skip_senders, **skip_recipients; /* globs; NULL-terminated */
	bool skip_header;
	const char **remove_headers; /* NULL-terminated */
};

struct conf_status {
	const char *socket;        /* unix path; "": none */
};

struct conf_log {
	enum conf_log_target target;
	enum conf_log_format format;
	enum conf_log_level level;
};

struct conf {
	const char *authserv_id;   /* "": macro j, else the host name */
	const char *user;          /* to run as when started as root */
	unsigned drain_timeout_ms; /* how long a stopping worker may finish its messages */
	unsigned idle_timeout_s;   /* an MTA that says nothing for so long is let go (libmilter's time-out) */
	size_t header_size_limit;  /* octets of a message's header; beyond: neither verified nor signed */
	unsigned header_count_limit; /* fields */
	struct conf_listener *listeners;
	size_t listener_count;
	struct conf_dns dns;
	struct conf_sign sign;
	struct conf_verify verify;
	struct conf_av av;
	struct conf_status status;
	struct conf_log log;
};

/* Everything that is wrong, not the first fault alone. */
struct conf_errors {
	char **text;  /* "file:line: option: wanted what, got what", in the order of the lines; a talloc array */
	size_t count; /* at most CONF_ERRORS_MAX, the last of them says that there are more */
};
#define CONF_ERRORS_MAX 100
#define CONF_FILE_MAX (4 * 1024 * 1024) /* octets */

/* Read a configuration.
 *   text, n     the file's octets; borrowed only during the call; a NUL in it is an error
 *   file        its name, for the errors
 *   ret         a talloc child of mem; written only on success
 *   ret_errors  always written; its memory belongs to mem
 * Checks all that the text alone can show: values, ranges, unknown options, double titles, listeners without a
 * socket or two on one socket, a signing listener without a key. Opens no file. Returns 0, -EINVAL (see ret_errors) or -ENOMEM. */
int conf_parse(void *mem, const char *text, size_t n, const char *file, const struct conf **ret, struct conf_errors *ret_errors);

/* Read a file whole, of at most CONF_FILE_MAX octets. ret_error as in the errors above. Returns 0 or a negative errno. */
int conf_read_file(void *mem, const char *path, char **ret_text, size_t *ret_n, char **ret_error);

/* One row of the option table as the manual page and `postern check --defaults` need it. */
struct conf_option_info {
	const char *section;       /* "" for the top level */
	const char *name;
	const char *wanted;        /* what a value looks like: "accept, tempfail, reject or quarantine" */
	const char *default_value; /* as it would be written in a file; NULL: must be given */
	const char *doc;           /* one line */
};

/* Row number i of the table, from 0; NULL behind the last. */
const struct conf_option_info *conf_option_info(size_t i);

/* The whole table as a configuration that can be read: each option at its default, or an example where it
 * must be given, under a comment with its doc and what is wanted. A talloc string of mem; NULL when memory is out. */
char *conf_defaults_text(void *mem);

/* A string as a value in configuration text: in quotes, so that conf_parse() reads the same octets back.
 * Printable ASCII only, so it is fit for a terminal too. A talloc string of mem; NULL when memory is out. */
char *conf_quote(void *mem, const char *string);

/* Does any listener scan with the scanner of our own (not with clamd)? */
bool conf_uses_scanner(const struct conf *conf);

/* Would two configurations make the same scanner: every option that the scanner itself reads is equal? */
bool conf_scanner_equal(const struct conf *a, const struct conf *b);

/* True when the address lies in one of the networks; IPv4-mapped IPv6 counts as IPv4. */
bool conf_network_contains(const struct conf_network *networks, size_t count, const struct sockaddr *address);

/* "accept", "tempfail", ... */
const char *conf_action_text(enum conf_action action);
const char *conf_role_text(enum conf_role role);

/* "next", "active", "retired" */
const char *conf_key_state_text(enum conf_key_state state);
const char *conf_scan_action_text(enum conf_scan_action action);

#endif
