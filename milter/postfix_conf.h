/* Postfix's configuration as postconf(1) prints it: the parameters of main.cf with their defaults, and the services of master.cf. */
#ifndef MILTER_POSTFIX_CONF_H
#define MILTER_POSTFIX_CONF_H

#include <stdbool.h>
#include <stddef.h>

#define POSTFIX_PARAMETERS_MAX 20000 /* Postfix has a thousand of its own; each transport adds a dozen */
#define POSTFIX_SERVICES_MAX 2000

struct postfix_parameter {
	const char *name;
	const char *value; /* "" when empty */
};

struct postfix_service {
	const char *name;    /* "smtp", "127.0.0.1:10025", "private/x" */
	const char *type;    /* "inet", "unix", "pass", ... */
	char chroot;         /* 'y', 'n' or '-' */
	const char *command; /* "smtpd", without its arguments */
	struct postfix_parameter *own; /* its -o options */
	size_t own_count;
};

struct postfix_conf {
	struct postfix_parameter *parameters; /* in the order of their names */
	size_t parameter_count;
	struct postfix_service *services;
	size_t service_count;
};

/* The three outputs.
 *   parameters  `postconf -x`: "name = value"
 *   services    `postconf -M`: "name type private unprivileged chroot wakeup processes command ..."
 *   own         `postconf -Px`: "service/type/name = value"
 *   ret         a talloc child of mem; written only on success
 *   ret_error   on failure a talloc string of mem: the line at fault; NULL when memory was out
 * Returns 0, -EINVAL or -ENOMEM. */
int postfix_conf_parse(void *mem, const char *parameters, const char *services, const char *own, const struct postfix_conf **ret,
                       char **ret_error);

/* The value that a service sees: its own, else main.cf's or the default; "" for a parameter that this Postfix does not know.
 *   service  NULL: main.cf's */
const char *postfix_value(const struct postfix_conf *conf, const struct postfix_service *service, const char *name);

/* Whether the service's line in master.cf sets it. */
bool postfix_sets(const struct postfix_service *service, const char *name);

/* The service of this name and type; NULL: there is none. */
const struct postfix_service *postfix_service_find(const struct postfix_conf *conf, const char *name, const char *type);

/* Whether a list (commas, blanks) such as receive_override_options has the word, in any case. */
bool postfix_list_has(const char *list, const char *word);

bool postfix_is_yes(const char *value);

/* A time such as "300s", "5m" or "1h" in seconds; a number alone is in seconds. -1 when it is none. */
long postfix_seconds(const char *value);

#endif
