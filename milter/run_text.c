#include "milter/run_text.h"

#include "conf/conf.h"
#include "dkim/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <talloc.h>
#include <unistd.h>

/* An allocation that fails shows in the buffer. */
static void add_quoted(struct buf *out, const char *before, const char *value, const char *after)
{
	char *quoted = conf_quote(out->mem, value);

	if (!quoted && !out->error)
		out->error = -ENOMEM;
	buf_printf(out, "%s%s%s", before, quoted ? quoted : "", after);
	talloc_free(quoted);
}

static void add_option(struct buf *out, const char *before, const char *value)
{
	if (value)
		add_quoted(out, before, value, "\n");
}

/* Said here relative to the current folder, needed in processes that may have another. */
static int add_file(struct buf *out, const char *before, const char *file)
{
	char *folder, *path;

	if (!file || *file == '/') {
		add_option(out, before, file);
		return 0;
	}
	folder = getcwd(NULL, 0);
	if (!folder)
		return -errno;
	path = talloc_asprintf(out->mem, "%s/%s", folder, file);
	free(folder);
	if (!path)
		return -ENOMEM;
	add_option(out, before, path);
	talloc_free(path);
	return 0;
}

/* The listener is named after its role. */
static void add_listener(struct buf *out, const char *role, const char *socket, const struct run_options *options)
{
	if (!socket)
		return;
	buf_printf(out, "listener %s {\n", role);
	add_option(out, "\tsocket = ", socket);
	buf_printf(out, "\trole = %s\n", role);
	if (options->workers)
		buf_printf(out, "\tworkers = %lld\n", options->workers);
	if (options->scan)
		buf_add_string(out, "\tscan = yes\n");
	buf_add_string(out, "}\n");
}

static int add_scanner(struct buf *out, const struct run_options *options)
{
	int r;

	if (!options->scan)
		return 0;
	buf_add_string(out, "av {\n");
	r = add_file(out, "\tdatabase = ", options->scan);
	buf_add_string(out, "}\n");
	return r;
}

static int add_dns(struct buf *out, const struct run_options *options)
{
	int r;

	if (!options->dns.count && !options->records)
		return 0;
	buf_add_string(out, "dns {\n");
	for (size_t i = 0; i < options->dns.count; i++)
		add_quoted(out, i ? ", " : "\tservers = {", options->dns.string[i], "");
	if (options->dns.count)
		buf_add_string(out, "}\n");
	r = add_file(out, "\trecords = ", options->records);
	buf_add_string(out, "}\n");
	return r;
}

/* The section's title is domain and selector together: several domains may use one selector. */
static int add_key(struct buf *out, const char *text, char **ret_error)
{
	struct view rest = view_of(text), domain, selector;
	char *title;
	int r;

	if (!view_next(&rest, ':', &domain) || !domain.n || !view_next(&rest, ':', &selector) || !selector.n || !rest.n) {
		*ret_error = talloc_asprintf(out->mem, "--key: wanted DOMAIN:SELECTOR:FILE, got \"%s\"", text);
		return -EINVAL;
	}
	title = talloc_strndup(out->mem, text, domain.n + 1 + selector.n);
	if (!title)
		return -ENOMEM;
	add_quoted(out, "\tkey ", title, " {\n");
	title[domain.n] = '\0';
	add_option(out, "\t\tdomain = ", title);
	add_option(out, "\t\tselector = ", title + domain.n + 1);
	r = add_file(out, "\t\tfile = ", rest.p);
	buf_add_string(out, "\t}\n");
	talloc_free(title);
	return r;
}

static int add_keys(struct buf *out, const struct cmd_strings *keys, char **ret_error)
{
	int r = 0;

	if (!keys->count)
		return 0;
	buf_add_string(out, "sign {\n");
	for (size_t i = 0; r == 0 && i < keys->count; i++)
		r = add_key(out, keys->string[i], ret_error);
	buf_add_string(out, "}\n");
	return r;
}

int run_text(void *mem, const struct run_options *options, char **ret, char **ret_error)
{
	struct buf out;
	int r;

	*ret_error = NULL;
	buf_init(&out, mem, RUN_TEXT_MAX);
	add_option(&out, "authserv-id = ", options->authserv_id);
	add_option(&out, "user = ", options->user);
	add_listener(&out, "verify", options->verify, options);
	add_listener(&out, "sign", options->sign, options);
	r = add_dns(&out, options);
	if (r == 0)
		r = add_scanner(&out, options);
	if (r == 0)
		r = add_keys(&out, &options->keys, ret_error);
	if (options->log_level) {
		buf_add_string(&out, "log {\n");
		add_option(&out, "\tlevel = ", options->log_level);
		buf_add_string(&out, "}\n");
	}
	if (r == 0)
		r = buf_error(&out);
	if (r == 0) {
		*ret = talloc_strdup(mem, buf_string(&out));
		r = *ret ? 0 : -ENOMEM;
	}
	buf_free(&out);
	return r;
}
