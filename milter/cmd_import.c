/* postern import: an old configuration as postern.conf. */
#include "conf/conf.h"
#include "milter/cmd.h"
#include "milter/cmd_options.h"
#include "milter/import_clamav.h"
#include "milter/import_command.h"
#include "milter/import_opendkim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>
#include <unistd.h>

#define SOURCES_MAX 16 /* old daemons of one host */

struct source {
	struct old_settings settings;
	struct old_filter filter;
};

struct importing {
	struct cmd_strings command_lines;
	const char *clamav, *output;
	struct import *import;
	struct source sources[SOURCES_MAX];
	size_t source_count;
};

static const struct cmd_option options[] = {
	{ "dkim-filter", 'd', "LINE", "a command line of opendkim or dkim-filter, its options\nin one argument; may be repeated, for the daemon that\n"
	  "verifies and the one that signs", CMD_STRINGS, offsetof(struct importing, command_lines), 0, 0, NULL },
	{ "clamav-milter", 'm', "FILE", "a clamav-milter.conf", CMD_STRING, offsetof(struct importing, clamav), 0, 0, NULL },
	{ "output", 'o', "FILE", "write FILE, which must not exist (standard output)", CMD_STRING, offsetof(struct importing, output), 0, 0, NULL },
};

static const struct cmd_syntax syntax = {
	.name = "import",
	.usage = "[options] [OPENDKIM.CONF...]",
	.doc = "Writes a postern.conf that does what old filters did: opendkim with its file or command line,\n"
	       "dkim-filter, clamav-milter. Each old daemon becomes a listener. What has no counterpart is named on\n"
	       "standard error, and in comments.\n\n"
	       "Exit codes: 0 written; 65 an old setting is wrong, nothing is written; 66 a file cannot be read;\n"
	       "73 the output exists or cannot be made; 64, 71, 74 sysexits.h.\n",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.operands_max = SOURCES_MAX,
};

/* The next source; NULL: there are too many. */
static struct source *add_source(struct importing *o, const char *name, const char *shown)
{
	struct source *source;

	if (o->source_count == SOURCES_MAX)
		return NULL;
	source = &o->sources[o->source_count++];
	source->filter = (struct old_filter){ .settings = &source->settings, .place = { name, 0, shown } };
	return source;
}

static int read_command_lines(struct importing *o)
{
	for (size_t i = 0; i < o->command_lines.count; i++) {
		char *name = talloc_asprintf(o, "command line %zu", i + 1);
		struct source *source = name ? add_source(o, name, "opendkim") : NULL;

		if (!source)
			return cmd_usage("import", "wanted at most %d sources, got more", SOURCES_MAX);
		old_command_parse(o->import, o->command_lines.string[i], name, &source->settings);
	}
	return EX_OK;
}

static int read_files(struct importing *o, char **files)
{
	for (; *files; files++) {
		struct source *source = add_source(o, *files, "opendkim");

		if (!source)
			return cmd_usage("import", "wanted at most %d sources, got more", SOURCES_MAX);
		if (access(*files, R_OK) < 0)
			return cmd_fail("import", EX_NOINPUT, "%s: %s", *files, strerror(errno));
		old_settings_read(o->import, &opendkim_syntax, *files, &source->filter.place, &source->settings);
	}
	return EX_OK;
}

static void map_sources(struct importing *o)
{
	bool verified = false;

	for (size_t i = 0; i < o->source_count; i++) {
		import_mode(o->import, &o->sources[i].filter);
		verified = verified || o->sources[i].filter.verifies;
	}
	for (size_t i = 0; i < o->source_count; i++) {
		struct old_filter *filter = &o->sources[i].filter;

		filter->alone = !verified;
		import_listener(o->import, filter);
		import_keys(o->import, filter);
		import_settings(o->import, filter);
	}
}

static int map_clamav(struct importing *o)
{
	const struct import_place place = { o->clamav, 0, "clamav-milter" };
	struct old_settings settings = { NULL, 0 };

	if (!o->clamav)
		return EX_OK;
	if (access(o->clamav, R_OK) < 0)
		return cmd_fail("import", EX_NOINPUT, "%s: %s", o->clamav, strerror(errno));
	old_settings_read(o->import, &clamav_syntax, o->clamav, &place, &settings);
	import_clamav(o->import, &settings, &place, o->source_count ? NULL : "inbound");
	return EX_OK;
}

/* Nothing is left to do when standard error fails. */
static void print_texts(const struct import *import)
{
	for (size_t i = 0; import_note_at(import, i); i++)
		(void)fprintf(stderr, "%s\n", import_note_at(import, i));
	for (size_t i = 0; import_fault_at(import, i); i++)
		(void)fprintf(stderr, "%s\n", import_fault_at(import, i));
}

/* All of it, or no file. */
static int write_file(const char *path, struct view text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), r = 0;

	if (fd < 0)
		return cmd_fail("import", EX_CANTCREAT, "%s: %s", path, strerror(errno));
	while (text.n > 0 && r == 0) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno != EINTR)
			r = -errno;
		else if (n > 0)
			text = view_slice(text, (size_t)n, text.n);
	}
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0)
		return EX_OK;
	(void)unlink(path); /* half a file is none */
	return cmd_fail("import", EX_IOERR, "%s: %s", path, strerror(-r));
}

/* What the values say together is conf_parse()'s to judge. */
static int check_whole(struct importing *o, const struct buf *out)
{
	const struct conf *conf;
	struct conf_errors errors;
	struct view text = buf_view(out);
	int r = conf_parse(o, text.p, text.n, "result", &conf, &errors);

	for (size_t i = 0; i < errors.count; i++)
		(void)fprintf(stderr, "%s\n", errors.text[i]);
	if (r == -EINVAL)
		return cmd_fail("import", EX_DATAERR, "wanted a configuration that works together, got the errors above: nothing is written");
	return r < 0 ? cmd_fail("import", EX_OSERR, "%s", strerror(-r)) : EX_OK;
}

static int write_result(struct importing *o)
{
	struct buf out;
	int code;

	buf_init(&out, o, IMPORT_TEXT_MAX);
	import_write(o->import, &out);
	if (import_error(o->import) || buf_error(&out))
		return cmd_fail("import", EX_OSERR, "%s", strerror(import_error(o->import) ? -import_error(o->import) : -buf_error(&out)));
	code = check_whole(o, &out);
	if (code != EX_OK)
		return code;
	if (o->output)
		return write_file(o->output, buf_view(&out));
	(void)fputs(buf_string(&out), stdout); /* cmd_finish() looks at ferror() */
	return EX_OK;
}

static int run(struct importing *o, char **files)
{
	int code;

	if (!o->command_lines.count && !*files && !o->clamav)
		return cmd_usage("import", "wanted an opendkim.conf, --dkim-filter or --clamav-milter, got none");
	code = read_files(o, files);
	if (code == EX_OK)
		code = read_command_lines(o);
	if (code != EX_OK)
		return code;
	map_sources(o);
	code = map_clamav(o);
	print_texts(o->import);
	if (code == EX_OK && import_fault_at(o->import, 0))
		code = cmd_fail("import", EX_DATAERR, "the settings above are wrong: nothing is written");
	return code == EX_OK ? write_result(o) : code;
}

int cmd_import(int argc, char **argv)
{
	struct importing *o = talloc_zero(NULL, struct importing);
	int first, code;

	if (!o)
		return cmd_fail("import", EX_OSERR, "out of memory");
	o->import = import_new(o);
	if (!o->import)
		code = cmd_fail("import", EX_OSERR, "out of memory");
	else if (cmd_options_parse(argc, argv, &syntax, o, &first, &code) == 0)
		code = run(o, argv + first);
	talloc_free(o);
	return cmd_finish("import", code);
}
