#include "conf/values.h"

#include "conf/table_text.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#define NAME_MAX_OCTETS 255 /* of an authserv-id or a daemon's name: they go into every message and log line */
#define USER_MAX_OCTETS 32  /* useradd(8) */
#define DOMAIN_MAX_OCTETS 253
#define LABEL_MAX_OCTETS 63

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_printable(const char *text, const char *except)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || strchr(except, *text))
			return false;
	return true;
}

bool value_is_authserv_id(const char *text)
{
	return strlen(text) <= NAME_MAX_OCTETS && is_printable(text, "()<>@,;:\\\"/[]?="); /* RFC 2045 section 5.1 */
}

bool value_is_daemon_name(const char *text)
{
	return *text && strlen(text) <= NAME_MAX_OCTETS && is_printable(text, "");
}

bool value_is_group(const char *text)
{
	const size_t n = strlen(text);

	if (n > USER_MAX_OCTETS || *text == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_letter_or_digit(text[i]) && !strchr("_-.", text[i]) && !(text[i] == '$' && i + 1 == n))
			return false;
	return true;
}

bool value_is_user(const char *text)
{
	return *text && value_is_group(text);
}

bool value_is_path_or_empty(const char *text)
{
	return *text == '\0' || value_is_path(text);
}

bool value_is_table(const char *text)
{
	return value_is_path_or_empty(table_path(text)) && (*text == '\0' || *table_path(text));
}

bool value_is_path(const char *text)
{
	return *text == '/';
}

static bool is_label(const char *text, size_t n)
{
	if (n == 0 || n > LABEL_MAX_OCTETS || text[0] == '-' || text[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_letter_or_digit(text[i]) && text[i] != '-' && text[i] != '_')
			return false;
	return true;
}

bool value_is_domain(const char *text)
{
	if (strlen(text) > DOMAIN_MAX_OCTETS)
		return false;
	for (;;) {
		const size_t n = strcspn(text, ".");

		if (!is_label(text, n))
			return false;
		if (text[n] == '\0')
			return true;
		text += n + 1;
	}
}

bool value_is_selector(const char *text)
{
	return *text == '\0' || value_is_domain(text);
}

bool value_is_header_name(const char *text)
{
	return *text && is_printable(text, ":");
}

static bool is_port(const char *text, size_t n)
{
	unsigned port = 0;

	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port <= UINT16_MAX;
}

static bool is_port_at_host(const char *text)
{
	const size_t n = strcspn(text, "@");

	return is_port(text, n) && (text[n] == '\0' || (text[n + 1] && is_printable(text + n + 1, "@")));
}

static bool is_socket_path(const char *text)
{
	return *text == '/' && strlen(text) < sizeof ((struct sockaddr_un *)NULL)->sun_path;
}

static bool is_systemd_name(const char *text)
{
	return *text && strlen(text) <= NAME_MAX_OCTETS && is_printable(text, ":");
}

bool value_is_socket(const char *text)
{
	static const struct {
		const char *prefix;
		bool (*is_valid)(const char *rest);
	} forms[] = {
		{ "inet:", is_port_at_host },
		{ "inet6:", is_port_at_host },
		{ "unix:", is_socket_path },
		{ "local:", is_socket_path },
		{ "systemd:", is_systemd_name },
	};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		const size_t n = strlen(forms[i].prefix);

		if (strncmp(text, forms[i].prefix, n) == 0)
			return forms[i].is_valid(text + n);
	}
	return false;
}

bool value_is_user_or_empty(const char *text)
{
	return *text == '\0' || value_is_user(text);
}

bool value_is_extension(const char *text)
{
	if (!*text || strlen(text) > NAME_MAX_OCTETS)
		return false;
	for (; *text; text++)
		if (!is_letter_or_digit(*text) && !strchr("_-", *text))
			return false;
	return true;
}

bool value_is_pattern(const char *text)
{
	return *text && strlen(text) <= NAME_MAX_OCTETS && is_printable(text, "");
}

bool value_is_media_type(const char *text)
{
	const char *slash = strchr(text, '/');

	return value_is_pattern(text) && slash && slash != text && slash[1] && !strchr(slash + 1, '/');
}

bool value_is_clamav_type(const char *text)
{
	return strncmp(text, "CL_TYPE_", strlen("CL_TYPE_")) == 0 && value_is_extension(text);
}

bool value_is_scan_class(const char *text)
{
	static const char *const classes[] = { "infected", "suspect", "encrypted", "banned", "unscannable", "error" };

	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (strcmp(text, classes[i]) == 0)
			return true;
	return false;
}

bool value_is_clamd(const char *text)
{
	return value_is_socket(text) && (strncmp(text, "unix:", strlen("unix:")) == 0 || strncmp(text, "inet:", strlen("inet:")) == 0 ||
	                                 strncmp(text, "inet6:", strlen("inet6:")) == 0);
}

bool value_is_reply_text(const char *text)
{
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return *text && strlen(text) <= NAME_MAX_OCTETS;
}
