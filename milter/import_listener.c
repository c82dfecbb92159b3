#include "milter/import_dataset.h"
#include "milter/import_hosts.h"
#include "milter/import_opendkim.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#define SOCKET_MODE 0666 /* connecting takes the right to write; a socket is never executed */

static bool has(const struct old_settings *settings, const char *name)
{
	return old_settings_find(settings, name);
}

static bool has_keys(const struct old_settings *settings)
{
	return has(settings, "KeyTable") || has(settings, "KeyFile") || has(settings, "Domain") || has(settings, "KeyList");
}

void import_mode(struct import *import, struct old_filter *filter)
{
	const struct old_setting *mode = old_settings_find(filter->settings, "Mode");
	const struct old_setting *base = old_settings_find(filter->settings, "BaseDirectory");

	filter->base = base ? base->value : NULL;
	if (mode && (!*mode->value || strspn(mode->value, "sv") != strlen(mode->value)))
		import_fault(import, &mode->place, "wanted s, v or sv, got \"%s\"", mode->value);
	filter->verifies = !mode || strchr(mode->value, 'v');
	filter->signs = mode ? strchr(mode->value, 's') != NULL : has_keys(filter->settings);
	if (!mode && !filter->signs)
		import_note(import, &(struct import_place){ filter->place.file, 0, "Mode" }, "there is no key, so mail is only verified");
}

/* opendkim's notation; a bare path is a unix socket. */
static char *socket_text(void *mem, const char *old)
{
	if (strncmp(old, "local:", 6) == 0)
		return talloc_asprintf(mem, "unix:%s", old + 6);
	return strchr(old, ':') ? talloc_strdup(mem, old) : talloc_asprintf(mem, "unix:%s", old);
}

static void import_socket(struct import *import, const struct old_filter *filter)
{
	const struct old_setting *old = old_settings_find(filter->settings, "Socket");
	char *text = old ? socket_text(import, old->value) : NULL;

	if (!old)
		import_fault(import, &(struct import_place){ filter->place.file, 0, "Socket" }, "wanted one, got none");
	else if (!text)
		import_out_of_memory(import);
	else
		import_set(import, "listener", filter->listener, "socket", text, &old->place);
	talloc_free(text);
}

static void import_umask(struct import *import, const struct old_filter *filter)
{
	const struct old_setting *umask = old_settings_find(filter->settings, "UMask");
	char *end, *mode;
	long bits;

	if (!umask)
		return;
	bits = strtol(umask->value, &end, 8);
	if (end == umask->value || *end || bits < 0 || bits > 0777) {
		import_fault(import, &umask->place, "wanted a number in octal such as 007, got \"%s\"", umask->value);
		return;
	}
	mode = talloc_asprintf(import, "%04lo", SOCKET_MODE & ~bits);
	if (mode)
		import_set(import, "listener", filter->listener, "socket-mode", mode, &umask->place);
	else
		import_out_of_memory(import);
	talloc_free(mode);
}

/* "user:group", or the user's own group of this host. NULL: it has none. */
static const char *group_of(const char *user_id)
{
	const char *colon = strchr(user_id, ':');
	const struct passwd *user = colon ? NULL : getpwnam(user_id);
	const struct group *group = user ? getgrgid(user->pw_gid) : NULL;

	return colon ? colon + 1 : group ? group->gr_name : NULL;
}

/* opendkim made its socket as that user; the MTA's user often is in the user's group. */
static void import_group(struct import *import, const struct old_filter *filter)
{
	const struct old_setting *user = old_settings_find(filter->settings, "UserID");
	const char *group = user ? group_of(user->value) : NULL;

	if (group)
		import_set(import, "listener", filter->listener, "socket-group", group, &user->place);
	else if (user)
		import_note(import, &user->place, "this host has no user %s, whose group the socket had: see socket-group", user->value);
}

/* Who may connect: a matter of unix sockets alone. */
static void import_access(struct import *import, const struct old_filter *filter)
{
	const char *socket = import_get(import, "listener", filter->listener, "socket");

	if (!socket || strncmp(socket, "unix:", 5) != 0)
		return;
	import_umask(import, filter);
	import_group(import, filter);
}

static void import_host(struct import *import, const struct old_filter *filter, const struct dataset_entry *entry)
{
	char *network;

	if (strcmp(entry->text, "localhost") == 0) {
		import_set(import, "listener", filter->listener, "internal-hosts", "127.0.0.1", &entry->place);
		import_set(import, "listener", filter->listener, "internal-hosts", "::1", &entry->place);
	} else if (entry->text[0] == '!') {
		/* Left out, it would have mail signed that was not before. */
		import_fault(import, &entry->place, "wanted addresses and networks, got the exception %s: internal-hosts has none; write what is left of "
		             "the network around it", entry->text);
	} else if (!import_network(import, entry->text, &network)) {
		import_note(import, &entry->place, "%s is no address or network: internal-hosts has no names", entry->text);
	} else if (!network) {
		import_out_of_memory(import);
	} else {
		import_set(import, "listener", filter->listener, "internal-hosts", network, &entry->place);
	}
}

/* Without the setting, opendkim takes this host alone. */
static void import_internal_hosts(struct import *import, const struct old_filter *filter)
{
	static const struct old_setting none = { "InternalHosts", "127.0.0.1", { "default", 0, "InternalHosts" } };
	const struct old_setting *old = old_settings_find(filter->settings, "InternalHosts");
	struct dataset hosts;

	import_set_empty(import, "listener", filter->listener, "internal-hosts");
	dataset_read(import, old ? old : &none, ",", filter->base, &hosts);
	for (size_t i = 0; i < hosts.count; i++)
		import_host(import, filter, &hosts.entry[i]);
}

/* {daemon_name} is the one macro that role auto looks at beside {auth_type}: "daemon_name|ORIGINATING". */
static void import_macros(struct import *import, const struct old_filter *filter)
{
	const struct old_setting *old = old_settings_find(filter->settings, "MacroList");
	struct dataset macros = { NULL, 0 };

	if (old)
		dataset_read(import, old, ",", filter->base, &macros);
	for (size_t i = 0; i < macros.count; i++) {
		char *next, *name = strtok_r((char *)macros.entry[i].text, "|=", &next);

		if (!name || strcmp(name + (*name == '{'), *name == '{' ? "daemon_name}" : "daemon_name") != 0) {
			import_note(import, &macros.entry[i].place, "the macro %s is not looked at: only {daemon_name} and {auth_type} are", name ? name : "");
			continue;
		}
		for (name = strtok_r(NULL, "|", &next); name; name = strtok_r(NULL, "|", &next))
			import_set(import, "listener", filter->listener, "originating-daemons", name, &macros.entry[i].place);
	}
}

static void import_daemons(struct import *import, const struct old_filter *filter)
{
	const struct old_setting *old = old_settings_find(filter->settings, "MTA");
	struct dataset names = { NULL, 0 };

	import_set_empty(import, "listener", filter->listener, "originating-daemons");
	if (old)
		dataset_read(import, old, ",", filter->base, &names);
	for (size_t i = 0; i < names.count; i++)
		import_set(import, "listener", filter->listener, "originating-daemons", names.entry[i].text, &names.entry[i].place);
	import_macros(import, filter);
}

/* What only role auto asks, of a listener with a fixed role. */
static bool note_unasked(struct import *import, const struct old_filter *filter, const char *name, const char *why)
{
	const struct old_setting *old = old_settings_find(filter->settings, name);

	if (old)
		import_note(import, &old->place, "%s", why);
	return old;
}

static void note_fixed_role(struct import *import, const struct old_filter *filter)
{
	static const char *const asked[] = { "InternalHosts", "MTA", "MacroList" };
	const char *why = filter->signs ? "role = sign signs all mail of its domains that comes in by this socket: let the MTA send only its own users' there"
	                                : "role = verify verifies all mail that comes in by this socket";

	bool noted = false;

	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		noted = note_unasked(import, filter, asked[i], why) || noted;
	if (filter->signs && !noted) /* it signed mail of this host and of authenticated clients alone */
		import_note(import, &filter->place, "%s", why);
}

/* A filter that only signs still looks at where mail comes from. Where another one takes the mail from outside, its socket
 * tells that; where it is alone, role auto asks the same as it did. */
static const char *role_of(const struct old_filter *filter)
{
	if (!filter->signs)
		return "verify";
	return filter->verifies || filter->alone ? "auto" : "sign";
}

/* A title that no other listener has: "inbound", "inbound-2". */
static char *make_title(struct import *import, const char *role)
{
	const char *name = *role == 'v' ? "inbound" : *role == 's' ? "originating" : "mail";
	char *title = talloc_strdup(import, name);

	for (unsigned i = 2; title && import_get(import, "listener", title, "socket"); i++) {
		talloc_free(title);
		title = talloc_asprintf(import, "%s-%u", name, i);
	}
	return title;
}

void import_listener(struct import *import, struct old_filter *filter)
{
	const char *role = role_of(filter);

	filter->listener = make_title(import, role);
	if (!filter->listener) {
		import_out_of_memory(import);
		return;
	}
	import_socket(import, filter);
	import_set(import, "listener", filter->listener, "role", role, &filter->place);
	import_access(import, filter);
	if (*role != 'a') {
		note_fixed_role(import, filter);
		return;
	}
	if (!filter->verifies)
		import_note(import, &filter->place, "mail that is not to be signed is verified now; role = sign is for a socket that only gets mail of your own users");
	import_internal_hosts(import, filter);
	import_daemons(import, filter);
}
