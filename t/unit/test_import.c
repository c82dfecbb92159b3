/* Old settings and what becomes of each: opendkim's and dkim-filter's, then clamav-milter's. */
#include "milter/import_clamav.h"
#include "milter/import_command.h"
#include "milter/import_opendkim.h"

#include "conf/conf.h"
#include "t/unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <talloc.h>

#define KEYS "Domain example.com\nSelector sel\nKeyFile /k.pem\n"
#define SOCKET "Socket inet:4443@127.0.0.1\n"
#define SIGN SOCKET "Mode s\n" KEYS
#define VERIFY SOCKET "Mode v\n"

static const struct row {
	const char *name;
	const char *in;
	const char *out;  /* stands in the result; NULL: there is none */
	const char *said; /* one of the notes or faults; NULL: there are none */
} rows[] = {
	/* roles */
	{ "mode v", VERIFY, "listener \"inbound\" {\n\tsocket = \"inet:4443@127.0.0.1\"\n\trole = verify\n}\n", NULL },
	{ "mode s alone asks where mail comes from", SIGN, "\trole = auto\n\tinternal-hosts = {\"127.0.0.1\"}\n\toriginating-daemons = {}\n",
	  "f: opendkim: mail that is not to be signed is verified now; role = sign is for a socket that only gets mail of your own users" },
	{ "mode sv", SOCKET "Mode sv\n" KEYS, "\trole = auto\n", NULL },
	{ "no mode, and keys", SOCKET KEYS, "\trole = auto\n", NULL },
	{ "no mode and no keys", SOCKET, "\trole = verify\n", "f: Mode: there is no key, so mail is only verified" },
	{ "another mode", SOCKET "Mode x\n", NULL, "f:2: Mode: wanted s, v or sv, got \"x\"" },
	/* sockets */
	{ "local:", "Mode v\nSocket local:/run/o.sock\n", "\tsocket = \"unix:/run/o.sock\"\n", NULL },
	{ "a bare path", "Mode v\nSocket /run/o.sock\n", "\tsocket = \"unix:/run/o.sock\"\n", NULL },
	{ "IPv6 in brackets", "Mode v\nSocket inet6:8891@[::1]\n", "\tsocket = \"inet6:8891@[::1]\"\n", NULL },
	{ "no socket", "Mode v\n", NULL, "f: Socket: wanted one, got none" },
	{ "an unusable socket", "Mode v\nSocket inet:x@y\n", NULL,
	  "f:2: Socket: wanted inet:PORT@HOST (Postfix writes inet:HOST:PORT for it), inet6:PORT@HOST, unix:/PATH or systemd:NAME, got \"inet:x@y\"" },
	{ "UMask of a unix socket", "Mode v\nSocket local:/s\nUMask 007\n", "\tsocket-mode = 0660\n", NULL },
	{ "a unix socket has the group of its user", "Mode v\nSocket local:/s\nUserID root\n", "\tsocket-group = \"root\"\n", NULL },
	{ "or the one that is named", "Mode v\nSocket local:/s\nUserID root:mail\n", "\tsocket-group = \"mail\"\n",
	  "f:3: UserID: the group of root:mail is that of a unix socket alone: workers have the groups of their user" },
	{ "a user that is not here", "Mode v\nSocket local:/s\nUserID no-such-user\n", "\tsocket = \"unix:/s\"\n\trole = verify\n}",
	  "f:3: UserID: this host has no user no-such-user, whose group the socket had: see socket-group" },
	{ "UMask that is none", "Mode v\nSocket local:/s\nUMask 9\n", NULL, "f:3: UMask: wanted a number in octal such as 007, got \"9\"" },
	/* who is signed for */
	{ "internal hosts", SOCKET KEYS "InternalHosts 10.1.2.3/8, [2001:db8::5]/32,192.0.2.1,localhost\n",
	  "\tinternal-hosts = {\"10.0.0.0/8\", \"2001:db8::/32\", \"192.0.2.1\", \"127.0.0.1\", \"::1\"}\n", NULL },
	{ "a netmask", SOCKET KEYS "InternalHosts 192.0.2.7/255.255.255.0\n", "{\"192.0.2.0/24\"}", NULL },
	{ "a host name", SOCKET KEYS "InternalHosts csl:mx.example.com\n", "\tinternal-hosts = {}\n",
	  "f:5: InternalHosts: mx.example.com is no address or network: internal-hosts has no names" },
	{ "an exception", SOCKET KEYS "InternalHosts 10.0.0.0/8,!10.1.0.0/16\n", NULL,
	  "f:5: InternalHosts: wanted addresses and networks, got the exception !10.1.0.0/16: internal-hosts has none; write what is left of "
	  "the network around it" },
	{ "daemon names", SOCKET KEYS "MTA ORIGINATING,MSA\n", "\toriginating-daemons = {\"ORIGINATING\", \"MSA\"}\n", NULL },
	{ "daemon names as macros", SOCKET KEYS "MacroList {daemon_name}|A|B\n", "\toriginating-daemons = {\"A\", \"B\"}\n", NULL },
	{ "other macros", SOCKET KEYS "MacroList x=y\n", "\toriginating-daemons = {}\n",
	  "f:5: MacroList: the macro x is not looked at: only {daemon_name} and {auth_type} are" },
	{ "a database", SOCKET KEYS "InternalHosts db:/etc/hosts.db\n", "\tinternal-hosts = {}\n",
	  "f:5: InternalHosts: wanted a list, or a file behind file:, refile: or csl:, got db:/etc/hosts.db, which is not followed" },
	{ "a database by its name", SOCKET KEYS "MTA /etc/names.db\n", NULL,
	  "f:5: MTA: wanted a list, or a file behind file:, refile: or csl:, got /etc/names.db, which is not followed" },
	{ "a file that is not there", SOCKET KEYS "InternalHosts refile:/nonexistent\n", NULL, "f:5: InternalHosts: /nonexistent: No such file or directory" },
	{ "of a verifier", VERIFY "InternalHosts 10.0.0.0/8\n", "\trole = verify\n}\n", "f:3: InternalHosts: role = verify verifies all mail that comes in by this socket" },
	/* keys */
	{ "one key", SOCKET KEYS, "\tkey \"sel.example.com\" {\n\t\tselector = \"sel\"\n\t\tdomain = \"example.com\"\n\t\tfile = \"/k.pem\"\n\t}\n", NULL },
	{ "one key for two domains", SOCKET "Domain a.example,b.example\nSelector s\nKeyFile /k\n", "\tkey \"s.b.example\" {\n\t\tselector = \"s\"\n\t\tdomain = \"b.example\"\n", NULL },
	{ "a key without selector", SOCKET "Domain a.example\nKeyFile /k\n", NULL,
	  "f: Selector: wanted Domain, Selector and KeyFile, or KeyTable and SigningTable, to sign with; got none" },
	{ "a wrong domain", SOCKET "Domain a..example\nSelector s\nKeyFile /k\n", NULL,
	  "f:2: Domain: wanted a domain name (an international one in UTF-8 or as xn--...), got \"a..example\"" },
	{ "tables", SOCKET "KeyTable file:/k\nSigningTable refile:/s\n", "\tkey-table = \"file:/k\"\n\tsigning-table = \"refile:/s\"\n", NULL },
	{ "tables below BaseDirectory", SOCKET "BaseDirectory /etc/dkim\nKeyTable file:k\nSigningTable ./s\n",
	  "\tkey-table = \"file:/etc/dkim/k\"\n\tsigning-table = \"/etc/dkim/./s\"\n", NULL },
	{ "a KeyTable in LDAP", SOCKET "KeyTable ldap://h/\nSigningTable /s\n", NULL, "f:2: KeyTable: wanted a file, bare or behind file: or refile:, got ldap://h/" },
	{ "a KeyTable alone", SOCKET "KeyTable /k\n", NULL, "f:2: KeyTable: wanted a SigningTable beside it, got none" },
	{ "all rows", SOCKET "KeyTable /k\nSigningTable /s\nMultipleSignatures yes\n", "\tsigning-table-rows = all\n", NULL },
	{ "a verifier's keys are not read", VERIFY KEYS, "\trole = verify\n}\nverify {\n", NULL },
	/* signing */
	{ "canonicalization when nothing is said", SOCKET KEYS, "\tcanonicalization = simple/simple\n", NULL },
	{ "one word is the header's", SOCKET KEYS "Canonicalization relaxed\n", "\tcanonicalization = relaxed/simple\n", NULL },
	{ "both", SOCKET KEYS "Canonicalization relaxed/relaxed\n", "\tcanonicalization = relaxed/relaxed\n", NULL },
	{ "unknown canonicalization", SOCKET KEYS "Canonicalization nowsp\n", NULL,
	  "f:5: Canonicalization: wanted relaxed/relaxed, relaxed/simple, simple/relaxed or simple/simple, got \"nowsp/simple\"" },
	{ "nothing is oversigned unless it is said", SOCKET KEYS, "\toversign = {}\n", NULL },
	{ "oversigned", SOCKET KEYS "OversignHeaders From,To\n", "\toversign = {\"From\", \"To\"}\n", NULL },
	{ "omitted, with what is never signed", SOCKET KEYS "OmitHeaders *,+X-Foo,Reply-To:Bcc\n", "\tomit-headers = {\"X-Foo\", \"Reply-To\"}\n", NULL },
	{ "omit nothing", SOCKET KEYS "OmitHeaders .\n", "\toversign = {}\n}\n", NULL },
	{ "signed", SOCKET KEYS "SignHeaders From,Subject\n", "\theaders = {\"From\", \"Subject\"}\n", NULL },
	{ "changes to the default list", SOCKET KEYS "SignHeaders *,+X\n", "sign {\n", "f:5: SignHeaders: wanted names of fields, got *: headers has no changes to a default list" },
	{ "subdomains", SOCKET KEYS "SubDomains Yes\n", "\tsubdomains = yes\n", NULL },
	{ "expiry", SOCKET KEYS "SignatureTTL 86400\n", "\texpire = 86400s\n", NULL },
	{ "a key that fails", SOCKET KEYS "On-SignatureError reject\n", "\ton-key-error = tempfail\n", "f:5: On-SignatureError: reject becomes tempfail: a key that fails can be mended while mail waits" },
	{ "rsa-sha1", SOCKET KEYS "SignatureAlgorithm rsa-sha1\n", "sign {\n", "f:5: SignatureAlgorithm: the key decides: rsa-sha256 or ed25519-sha256, never rsa-sha1 (RFC 8301)" },
	{ "rsa-sha256", SOCKET KEYS "SignatureAlgorithm rsa-sha256\n", "sign {\n", NULL },
	{ "keys open to others", SOCKET KEYS "RequireSafeKeys no\n", "sign {\n", "f:5: RequireSafeKeys: key files must be closed to all but their owner and group" },
	/* verifying */
	{ "DNS errors when nothing is said", VERIFY, "verify {\n\ton-temperror = tempfail\n}\n", NULL },
	{ "actions", VERIFY "On-BadSignature r\nOn-NoSignature quarantine\nOn-DNSError accept\nOn-KeyNotFound t\n",
	  "verify {\n\ton-fail = reject\n\ton-none = quarantine\n\ton-permerror = tempfail\n\ton-temperror = accept\n}\n", NULL },
	{ "the default action and an exception", VERIFY "On-BadSignature accept\nOn-Default reject\n",
	  "verify {\n\ton-fail = accept\n\ton-none = reject\n\ton-permerror = reject\n\ton-temperror = reject\n}\n", NULL },
	{ "discard", VERIFY "On-BadSignature discard\n", "\ton-fail = reject\n", "f:3: On-BadSignature: discard becomes reject: mail is not thrown away without a word" },
	{ "no action", VERIFY "On-BadSignature explode\n", NULL, "f:3: On-BadSignature: wanted accept, tempfail, reject or quarantine, got \"explode\"" },
	{ "quarantine", VERIFY "Quarantine yes\n", "\ton-fail = quarantine\n", NULL },
	{ "clock", VERIFY "ClockDrift 60\n", "\tclock-skew = 60s\n", NULL },
	{ "a clock that is no number", VERIFY "ClockDrift soon\n", NULL,
	  "f:3: ClockDrift: wanted 0, or a time of whole seconds such as 30s, 5m or 1h, at most 7d, got \"soons\"" },
	{ "key size", VERIFY "MinimumKeyBits 2048\n", "\tminimum-rsa-bits = 2048\n", NULL },
	{ "small keys", VERIFY "MinimumKeyBits 512\n", "\tminimum-rsa-bits = 1024\n", "f:3: MinimumKeyBits: 512 becomes 1024: shorter keys must not pass (RFC 8301 section 3.2)" },
	{ "signatures", VERIFY "MaximumSignaturesToVerify 3\n", "\tmax-signatures = 3\n", NULL },
	{ "a signer's actions are not read", SIGN "On-BadSignature reject\n", "sign {\n",
	  "f: opendkim: mail that is not to be signed is verified now; role = sign is for a socket that only gets mail of your own users" },
	/* the rest */
	{ "name", VERIFY "AuthservID mx.example.net\n", "authserv-id = \"mx.example.net\"\n", NULL },
	{ "user", VERIFY "UserID dkim\n", "user = \"dkim\"\n", NULL },
	{ "user and group", VERIFY "UserID dkim:mail\n", "user = \"dkim\"\n", "f:3: UserID: the group of dkim:mail is that of a unix socket alone: workers have the groups of their user" },
	{ "name servers", VERIFY "Nameservers 192.0.2.1,192.0.2.2\n", "dns {\n\tservers = {\"192.0.2.1\", \"192.0.2.2\"}\n}\n", NULL },
	{ "DNS timeout", VERIFY "DNSTimeout 10\n", "\ttimeout = 10s\n", NULL },
	{ "a long DNS timeout", VERIFY "DNSTimeout 30\n", "\ttimeout = 30s\n\tbudget = 30s\n", NULL },
	{ "no DNS timeout", VERIFY "DNSTimeout 0\n", "\ttimeout = 5m\n\tbudget = 5m\n", "f:3: DNSTimeout: no limit becomes 5m, the longest there is" },
	{ "trust anchor", VERIFY "TrustAnchorFile /root.key\n", "\ttrust-anchor = \"/root.key\"\n", NULL },
	{ "header limit", VERIFY "MaximumHeaders 65536\n", "header-size-limit = 65536\n", "f:3: MaximumHeaders: a message with a larger header is not refused, only left alone" },
	{ "syslog", VERIFY "Syslog yes\n", "log {\n\ttarget = syslog\n}\n", NULL },
	{ "what is off has no need of a counterpart", VERIFY "SendReports no\nSoftwareHeader false\nDiagnostics 0\n", "verify {\n", NULL },
	{ "what is on has", VERIFY "SendReports true\n", "verify {\n", "f:3: SendReports: no reports are sent (RFC 6651)" },
	{ "peers", VERIFY "PeerList 192.0.2.1\n", "verify {\n", "f:3: PeerList: no client is left alone: let the MTA not ask the filter for it (Postfix: smtpd_milter_maps)" },
	{ "scripts", VERIFY "FinalPolicyScript /x.lua\n", "verify {\n", "f:3: FinalPolicyScript: there are no scripts" },
	{ "an unknown name", VERIFY "Sockett x\n", "verify {\n", "f:3: Sockett: no setting of opendkim.conf(5) or dkim-filter has this name" },
	{ "any case, comments, blanks", "  socket\tinet:1@h # x\n#Mode s\n\nMODE v", "\tsocket = \"inet:1@h\"\n\trole = verify\n", NULL },
	{ "the last one counts", VERIFY "ClockDrift 1\nClockDrift 2\n", "\tclock-skew = 2s\n", NULL },
};

/* The result and all that was said, one line each. */
static char *finish(struct import *import, const char **ret_said)
{
	struct buf out;
	char *said = talloc_strdup(import, "");

	for (size_t i = 0; import_note_at(import, i); i++)
		said = talloc_asprintf_append(said, "%s\n", import_note_at(import, i));
	for (size_t i = 0; import_fault_at(import, i); i++)
		said = talloc_asprintf_append(said, "%s\n", import_fault_at(import, i));
	*ret_said = said;
	assert_int_equal(import_error(import), 0);
	if (import_fault_at(import, 0))
		return NULL;
	buf_init(&out, import, IMPORT_TEXT_MAX);
	import_write(import, &out);
	assert_int_equal(buf_error(&out), 0);
	return talloc_strdup(import, buf_string(&out));
}

static void claim_readable(void *mem, const char *text)
{
	const struct conf *conf;
	struct conf_errors errors;
	int r = conf_parse(mem, text, strlen(text), "result", &conf, &errors);

	if (r < 0 && errors.count > 0)
		print_error("%s\n%s", errors.text[0], text);
	assert_int_equal(r, 0);
}

static void claim(struct import *import, const char *out, const char *said)
{
	const char *got_said, *got = finish(import, &got_said);

	if (said)
		assert_non_null(strstr(got_said, talloc_asprintf(import, "%s\n", said)));
	else
		assert_string_equal(got_said, "");
	if (got)
		claim_readable(import, got);
	if (out && !(got && strstr(got, out)))
		print_error("%s%s", got ? got : "nothing\n", got_said);
	if (out)
		assert_true(got && strstr(got, out));
}

static void map(struct import *import, struct old_settings *settings, const char *name)
{
	struct old_filter filter = { .settings = settings, .place = { name, 0, "opendkim" }, .alone = true };

	import_mode(import, &filter);
	import_listener(import, &filter);
	import_keys(import, &filter);
	import_settings(import, &filter);
}

static void test_opendkim(void **state)
{
	const struct row *row = *state;
	struct import *import = import_new(NULL);
	struct view in = guarded(view_of(row->in));
	struct old_settings settings = { NULL, 0 };

	old_settings_parse(import, &opendkim_syntax, in, "f", &settings);
	guarded_free(in); /* nothing points into it */
	map(import, &settings, "f");
	claim(import, row->out, row->said);
	talloc_free(import);
}

static const struct row command_rows[] = {
	{ "a verifier of dkim-milter's days", "-f -u dkim-milter -b v -l -p inet:4443@127.0.0.1",
	  "user = \"dkim-milter\"\nlistener \"inbound\" {\n\tsocket = \"inet:4443@127.0.0.1\"\n\trole = verify\n}\n", NULL },
	{ "with the program's path", "/usr/sbin/dkim-filter -b v -p local:/s", "\tsocket = \"unix:/s\"\n", NULL },
	{ "letters together, values joined", "-lfbv -pinet:1@h", "\tsocket = \"inet:1@h\"\n\trole = verify\n", NULL },
	{ "quotes and backslashes", "-b v -p 'local:/a b' -P \"x y\" -u ro\\ot", "user = \"root\"\nlistener \"inbound\" {\n\tsocket = \"unix:/a b\"\n", NULL },
	{ "all that signs", "-b sv -d example.com -s sel -k /k.pem -D -c relaxed/simple -o X-A,X-B -m ORIGINATING -i 192.0.2.0/24 -p inet:1@h",
	  "\tinternal-hosts = {\"192.0.2.0/24\"}\n\toriginating-daemons = {\"ORIGINATING\"}\n}\nsign {\n\tkey \"sel.example.com\" {\n", NULL },
	{ "actions of dkim-filter", "-b v -p inet:1@h -C badsignature=reject,dnserror=accept", "\ton-fail = reject\n\ton-temperror = accept\n", NULL },
	{ "an action that is none of ours", "-b v -p inet:1@h -C security=reject", "verify {\n", "c: -C: no counterpart for security=reject" },
	{ "a test option", "-b v -p inet:1@h -n", "verify {\n", "c: -n: it tests; `postern check` and `postern verify` do" },
	{ "an unknown letter", "-b v -Y", NULL, "c: -Y: wanted an option of opendkim(8) or dkim-filter, got -Y" },
	{ "a value that is missing", "-b v -p", NULL, "c: -p: wanted a value behind it, got none" },
	{ "an operand", "-b v more", NULL, "c: more: wanted an option, got an operand" },
	{ "an open quote", "-b 'v", NULL, "c: syntax: wanted a command line, got an open quote" },
	{ "a file that is not there", "-x /nonexistent -b v -p inet:1@h", NULL, "c: -x: /nonexistent: No such file or directory" },
};

static void test_command(void **state)
{
	const struct row *row = *state;
	struct import *import = import_new(NULL);
	struct old_settings settings = { NULL, 0 };

	old_command_parse(import, row->in, "c", &settings);
	map(import, &settings, "c");
	claim(import, row->out, row->said);
	talloc_free(import);
}

#define CLAMAV "MilterSocket /run/c.sock\nClamdSocket unix:/run/clamd\n"

static const struct row clamav_rows[] = {
	{ "what is said by default", CLAMAV, "listener \"inbound\" {\n\tsocket = \"unix:/run/c.sock\"\n\trole = verify\n\tscan = yes\n}\n"
	  "av {\n\tmax-size = 100M\n\ttimeout = 120s\n\tclamd = {\"unix:/run/clamd\"}\n\ton-infected = quarantine\n\ton-suspect = quarantine\n\ton-encrypted = quarantine\n}\n", NULL },
	{ "socket options", CLAMAV "MilterSocketMode 660\nMilterSocketGroup mail\n", "\tsocket-mode = 660\n\tsocket-group = \"mail\"\n", NULL },
	{ "clamd by TCP", "MilterSocket inet:1@h\nClamdSocket tcp:192.0.2.1:3311\nClamdSocket tcp:192.0.2.2\nClamdSocket tcp:::1:3310\n",
	  "\tclamd = {\"inet:3311@192.0.2.1\", \"inet:3310@192.0.2.2\", \"inet6:3310@::1\"}\n", NULL },
	{ "no clamd", "MilterSocket inet:1@h\n", NULL, "f: clamav-milter: wanted a ClamdSocket, got none" },
	{ "actions", CLAMAV "OnInfected Blackhole\nOnFail Accept\n", "\ton-infected = discard\n\ton-suspect = discard\n\ton-encrypted = discard\n"
	  "\ton-error = header\n\ton-error-authenticated = header\n\ton-error-local = header\n", NULL },
	{ "no action", CLAMAV "OnInfected Explode\n", NULL, "f:3: OnInfected: wanted accept, header, quarantine, tempfail, discard or reject, got \"Explode\"" },
	{ "clean mail", CLAMAV "OnClean Reject\n", "av {\n", "f:3: OnClean: clean mail is always accepted" },
	{ "sizes and times", CLAMAV "MaxFileSize 25m\nReadTimeout 60\n", "\tmax-size = 25M\n\ttimeout = 60s\n", NULL },
	{ "networks", CLAMAV "LocalNet 192.0.2.9/24\nLocalNet 2001:db8::1\n", "\tskip-networks = {\"192.0.2.0/24\", \"2001:db8::1\"}\n", NULL },
	{ "local", CLAMAV "LocalNet local\n", "av {\n", "f:3: LocalNet: local is no address or network: skip-networks has neither names nor \"local\"" },
	{ "who has authenticated", CLAMAV "SkipAuthenticated .*\n", "\tskip-authenticated = yes\n", NULL },
	{ "some of them", CLAMAV "SkipAuthenticated file:/x\n", "av {\n", "f:3: SkipAuthenticated: only all authenticated clients can be left unscanned, not some" },
	{ "the text of a refusal", CLAMAV "RejectMsg \"100% virus: %v\"\n", "\treject-text = \"100%% virus: %v\"\n", NULL },
	{ "headers are added", CLAMAV "AddHeader Add\n", "\tremove-headers = {}\n", NULL },
	{ "headers are replaced", CLAMAV "AddHeader Replace\n", "\tclamd = {", NULL },
	{ "no headers", CLAMAV "AddHeader No\n", "av {\n", "f:3: AddHeader: X-Virus-Scanned and X-Virus-Status are added to whatever is scanned" },
	{ "a command", CLAMAV "VirusAction /x\n", "av {\n", "f:3: VirusAction: no command is run; av.copy keeps copies, and the log has a line for each message" },
	{ "an example", CLAMAV "Example\n", NULL, "f:3: Example: wanted a file that is in use, got an example: clamav-milter does not run with it" },
	{ "a hash inside a value", CLAMAV "RejectMsg a#b\n#Example\n", "\treject-text = \"a#b\"\n", NULL },
	{ "an unknown name", CLAMAV "OnInfekted Reject\n", "av {\n", "f:3: OnInfekted: no setting of clamav-milter.conf(5) has this name" },
};

static void test_clamav(void **state)
{
	const struct row *row = *state;
	struct import *import = import_new(NULL);
	struct old_settings settings = { NULL, 0 };
	const struct import_place place = { "f", 0, "clamav-milter" };

	old_settings_parse(import, &clamav_syntax, view_of(row->in), "f", &settings);
	import_clamav(import, &settings, &place, "inbound");
	claim(import, row->out, row->said);
	talloc_free(import);
}

static const struct pattern_row {
	const char *name, *in, *out; /* out NULL: says more than wildcards can */
} pattern_rows[] = {
	{ "a whole address", "^joe@example\\.com$", "joe@example.com" },
	{ "a domain", "@example\\.com$", "*@example.com" },
	{ "unanchored", "joe@", "*joe@*" },
	{ "anything between", "^a.*b$", "a*b" },
	{ "anything at the end", "^a.*", "a*" },
	{ "one octet", "^joe@example.com$", NULL },
	{ "a set", "[ab]@x", NULL },
	{ "a group", "\\(a\\)", NULL },
	{ "a literal star is no wildcard", "a\\*b", NULL },
	{ "a question mark is no wildcard there", "a?b", NULL },
	{ "a dollar inside", "a$b", NULL },
};

static void test_pattern(void **state)
{
	const struct pattern_row *row = *state;
	void *mem = talloc_new(NULL);
	char *out;

	assert_int_equal(import_pattern(mem, row->in, &out), row->out != NULL);
	if (row->out)
		assert_string_equal(out, row->out);
	talloc_free(mem);
}

#define SIGNS_ALL "role = sign signs all mail of its domains that comes in by this socket: let the MTA send only its own users' there\n"

static const struct daemons_row {
	const char *name, *asked, *said;
} daemons_rows[] = {
	{ "two daemons, two listeners", "-m ORIGINATING", "2: -m: " SIGNS_ALL },
	{ "what the one that signed asked by itself is noted too", "", "2: opendkim: " SIGNS_ALL },
};

/* The old set-up of two daemons, one for each direction. */
static void test_two_daemons(void **state)
{
	const struct daemons_row *row = *state;
	struct import *import = import_new(NULL);
	struct old_settings settings[2] = { { NULL, 0 }, { NULL, 0 } };
	struct old_filter filters[2];
	const char *said, *out;

	old_command_parse(import, "-f -u dkim -b v -l -p inet:4443@127.0.0.1", "1", &settings[0]);
	old_command_parse(import, talloc_asprintf(import, "-f -u other -b s %s -d example.com -s sel -k /k -p inet:4445@127.0.0.1", row->asked), "2",
	                  &settings[1]);
	for (size_t i = 0; i < 2; i++) {
		filters[i] = (struct old_filter){ .settings = &settings[i], .place = { i ? "2" : "1", 0, "opendkim" } };
		import_mode(import, &filters[i]);
		import_listener(import, &filters[i]);
		import_keys(import, &filters[i]);
		import_settings(import, &filters[i]);
	}
	out = finish(import, &said);
	claim_readable(import, out);
	assert_non_null(strstr(out, "listener \"inbound\" {\n\tsocket = \"inet:4443@127.0.0.1\"\n\trole = verify\n}\n"
	                            "listener \"originating\" {\n\tsocket = \"inet:4445@127.0.0.1\"\n\trole = sign\n}\n"));
	assert_string_equal(said, talloc_asprintf(import, "%s2: -u: user stays dkim, got other as well\n", row->said));
	talloc_free(import);
}

/* A file may say what it likes: it ends neither a string nor a comment. */
static void test_hostile_values(void **state)
{
	static const char in[] = "Socket local:/a\"b\\${HOME}\nMode v\nStatistics\x01\x7f \xff\n" "AuthservID a\"b\n";
	struct import *import = import_new(NULL);
	struct old_settings settings = { NULL, 0 };
	const char *said;

	(void)state;
	old_settings_parse(import, &opendkim_syntax, view_of(in), "f", &settings);
	map(import, &settings, "f");
	assert_null(finish(import, &said));
	assert_non_null(strstr(said, "f:4: AuthservID: wanted a name without blanks such as mx.example.net, or an empty string, got \"a\\\"b\"\n"));
	talloc_free(import);
	import = import_new(NULL);
	settings = (struct old_settings){ NULL, 0 };
	old_settings_parse(import, &opendkim_syntax, VIEW("Socket local:/a\"b\\${HOME}\nMode v\nX\x01\x7f\xff y\n"), "f", &settings);
	map(import, &settings, "f");
	claim(import, "\tsocket = \"unix:/a\\\"b\\\\\\${HOME}\"\n", "f:3: X??\?: no setting of opendkim.conf(5) or dkim-filter has this name");
	talloc_free(import);
}

static void test_nul(void **state)
{
	struct import *import = import_new(NULL);
	struct old_settings settings = { NULL, 0 };

	(void)state;
	old_settings_parse(import, &opendkim_syntax, VIEW("Mode v\nSo\0cket x\n"), "f", &settings);
	assert_string_equal(import_fault_at(import, 0), "f:2: syntax: wanted text, got a NUL octet");
	talloc_free(import);
}

int main(void)
{
	TEST_ROWS(rows, test_opendkim);
	TEST_ROWS(command_rows, test_command);
	TEST_ROWS(clamav_rows, test_clamav);
	TEST_ROWS(pattern_rows, test_pattern);
	TEST_ROWS(daemons_rows, test_two_daemons);
	test_add("hostile values", test_hostile_values);
	test_add("a NUL", test_nul);
	return test_run("import");
}
