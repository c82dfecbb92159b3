#include "conf/source.h"

#include "conf/tokens.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

/*
 * libconfuse ends at the first fault and skips what it does not know only with faults of its own (an empty
 * unknown section swallows what follows). So: callbacks never refuse anything, they write down; and when it stops at an unknown
 * name, that statement is taken out of the text and the text is read once more.
 */
struct reader {
	struct token_list *tokens;
	struct fault_list *faults;
	struct source *source;
	struct source_item *last;
	unsigned reads;  /* how often the text was read */
	bool again;      /* an unknown statement was taken out */
	bool stopped;    /* a fault that is no unknown name */
	int error;
};

/* libconfuse hands nothing of ours to its callbacks. Its lexer is global too, so this takes nothing away. */
static struct reader *reader;

static size_t current_token(const cfg_t *cfg)
{
	const size_t i = cfg->line > 0 ? (size_t)cfg->line - 1 : 0;

	return i < reader->tokens->count ? i : reader->tokens->count - 1;
}

static struct source_section *section_of(size_t opening)
{
	/* The one that is being read is among the last. */
	for (size_t i = reader->source->count; i-- > 0;)
		if (reader->source->section[i]->opening == opening)
			return reader->source->section[i];
	return reader->source->section[0];
}

char *source_section_name(void *mem, const struct source_section *section)
{
	char *title, *name;

	if (!section->kind->titled)
		return talloc_strdup(mem, section->kind->name);
	title = conf_quote(mem, section->title);
	name = title ? talloc_asprintf(mem, "%s %s", section->kind->name, title) : NULL;
	talloc_free(title);
	return name;
}

char *source_option_name(void *mem, const struct source_section *section, const char *name)
{
	char *full, *own;

	if (!section->kind->parent)
		return talloc_strdup(mem, name);
	own = source_section_name(mem, section);
	full = own ? talloc_asprintf(mem, "%s%s%s", own, section->kind->titled ? " " : ".", name) : NULL;
	talloc_free(own);
	return full;
}

#define TOKEN_SHOWN_MAX 200 /* octets of a token that an error repeats */

static bool is_fit_to_show(const char *text)
{
	size_t n = 0;

	while (text[n] >= ' ' && text[n] <= '~')
		n++;
	return !text[n] && n <= TOKEN_SHOWN_MAX;
}

/* A token as an error shows it: strings may hold any octet and have any length. */
static const char *show_token(void *mem, size_t i)
{
	char *text, *cut;

	if (reader->tokens->token[i].kind == TOKEN_END)
		return "end of file";
	text = token_string(mem, reader->tokens, i);
	if (!text || is_fit_to_show(text))
		return text;
	cut = talloc_strndup(mem, text, TOKEN_SHOWN_MAX);
	return cut ? conf_quote(mem, cut) : NULL;
}

static void fault_at(size_t token, const char *name, const char *wanted, const char *got)
{
	const struct token *at = &reader->tokens->token[token];
	char *option = source_option_name(reader->source, section_of(at->parent), name);

	if (option && wanted && got)
		faults_add(reader->faults, at->line, option, wanted, got);
	else
		reader->error = -ENOMEM;
	talloc_free(option);
}

static void fault_unknown(size_t token)
{
	const struct source_section *section = section_of(reader->tokens->token[token].parent);
	const char *name = show_token(reader->source, token);
	char *wanted = name ? option_suggest(reader->source, section->kind->name, name) : NULL;

	fault_at(token, name ? name : "", wanted, name);
	talloc_free(wanted);
}

static int add_section(const struct option_section *kind, const char *title, unsigned line, size_t opening)
{
	struct source *source = reader->source;
	struct source_section *section = talloc_zero(source, struct source_section);
	size_t rows;

	(void)option_rows(&rows);
	if (!section)
		return -ENOMEM;
	*section = (struct source_section){ kind, talloc_strdup(section, title), line, opening,
	                                    talloc_zero_array(section, const struct source_item *, (unsigned)rows) };
	source->section = talloc_realloc(source, source->section, struct source_section *, (unsigned)source->count + 1);
	if (!source->section || !section->title || !section->item)
		return -ENOMEM;
	source->section[source->count++] = section;
	return 0;
}

static const struct source_section *find_section(const struct option_section *kind, const char *title)
{
	for (size_t i = 0; i < reader->source->count; i++)
		if (reader->source->section[i]->kind == kind && strcmp(reader->source->section[i]->title, title) == 0)
			return reader->source->section[i];
	return NULL;
}

static void fault_repeated_option(size_t token, const char *name, unsigned first_line)
{
	char *got = talloc_asprintf(reader->source, "it again (first on line %u)", first_line);

	fault_at(token, name, "it once", got);
	talloc_free(got);
}

static void fault_repeated_section(const struct source_section *first, unsigned line)
{
	char *got = talloc_asprintf(reader->source, "it again (first on line %u)", first->line);
	char *name = source_section_name(reader->source, first);

	if (got && name)
		faults_add(reader->faults, line, name, "it once", got);
	else
		reader->error = -ENOMEM;
	talloc_free(name);
	talloc_free(got);
}

/* Token number `opening` is the { of a section that libconfuse has just entered. */
static void enter_section(const cfg_t *cfg, size_t opening)
{
	const struct token_list *tokens = reader->tokens;
	const struct option_section *kind = option_section_find(cfg->name);
	const size_t name = opening - (kind->titled ? 2 : 1);
	const char *title = cfg->title ? cfg->title : "";
	const struct source_section *first = find_section(kind, title);

	if (!token_is_word(tokens, name, cfg->name))
		fault_at(name, cfg->name, "the name of a section, without quotes", "quotes");
	else if (first)
		fault_repeated_section(first, tokens->token[name].line);
	if (reader->source->count >= SOURCE_SECTIONS_MAX) {
		if (reader->source->count == SOURCE_SECTIONS_MAX)
			fault_at(name, cfg->name, "10000 sections or fewer", "more");
		return;
	}
	if (add_section(kind, title, tokens->token[name].line, opening))
		reader->error = -ENOMEM;
}

static int on_section(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const size_t token = current_token(cfg);

	(void)opt;
	*(const char **)result = value;
	if (reader->tokens->token[token].kind == TOKEN_SECTION_OPENED)
		enter_section(cfg, token - 1);
	else
		fault_unknown(token - 2);
	return 0;
}

static int add_value(struct source_item *item, const char *value)
{
	item->values = talloc_realloc(item, item->values, const char *, (unsigned)item->count + 1);
	if (!item->values)
		return -ENOMEM;
	item->values[item->count] = talloc_strdup(item->values, value);
	return item->values[item->count++] ? 0 : -ENOMEM;
}

static int begin_item(const struct option *option, size_t statement, bool list)
{
	const size_t row = (size_t)(option - option_rows(&(size_t){ 0 }));
	const struct token *token = &reader->tokens->token[statement];
	struct source_section *section = section_of(token->parent);
	struct source_item *item = talloc_zero(section, struct source_item);

	reader->last = item;
	if (!item)
		return -ENOMEM;
	item->option = option;
	item->line = token->line;
	item->list = list;
	item->statement = statement;
	item->values = talloc_array(item, const char *, 0);
	if (section->item[row])
		fault_repeated_option(statement, option->info.name, section->item[row]->line);
	else
		section->item[row] = item;
	return 0;
}

/* Each value that libconfuse finds, also those of lists one by one. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct token_list *tokens = reader->tokens;
	const size_t token = current_token(cfg);
	const size_t parent = tokens->token[token].parent;
	const bool in_list = parent != TOKEN_NONE && token_opens_list(tokens, parent);
	const size_t statement = (in_list ? parent : token) - 2;
	const struct option *option = option_find(option_section_find(cfg->name) ? cfg->name : "", opt->name);

	*(const char **)result = value;
	if (!token_is_word(tokens, statement, opt->name)) {
		fault_at(statement, opt->name, "the name of an option, without quotes", "quotes");
		return 0;
	}
	if (!reader->last || reader->last->statement != statement)
		reader->error = begin_item(option, statement, in_list);
	if (reader->error == 0 && tokens->token[token].kind != TOKEN_EMPTY_LIST)
		reader->error = add_value(reader->last, value);
	return 0;
}

/* What libconfuse says, and what it then wanted. "unexpected token" is missing: it depends on the place. */
static const struct {
	const char *message; /* its beginning, untranslated: we never call setlocale() */
	const char *wanted;
} syntax_messages[] = {
	{ "missing equal sign", "= after an option's name" },
	{ "missing opening brace", "{ after a section's name or title" },
	{ "missing title", "a title after the section's name" },
	{ "premature end of file", "a value" },
};

static const char *syntax_wanted(const char *message, size_t token)
{
	const struct token *at = reader->tokens->token;
	const size_t parent = at[token].parent;

	for (size_t i = 0; i < sizeof syntax_messages / sizeof *syntax_messages; i++)
		if (strncmp(message, syntax_messages[i].message, strlen(syntax_messages[i].message)) == 0)
			return syntax_messages[i].wanted;
	if (token > 0 && (at[token - 1].kind == TOKEN_EQUALS || at[token - 1].kind == TOKEN_COMMA))
		return "a value";
	if (parent != TOKEN_NONE && token_opens_list(reader->tokens, parent))
		return at[token - 1].kind == TOKEN_OPEN ? "a value or }" : ", or }";
	return "the name of an option or a section";
}

static void on_error(cfg_t *cfg, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
	const size_t token = current_token(cfg);
	const char *got;

	(void)arguments; /* the token says the same, and where it stood */
	if (reader->again || reader->stopped)
		return;
	if (strncmp(format, "no such option", 14) == 0 || strncmp(format, "no sub-section", 14) == 0) {
		fault_unknown(token);
		tokens_remove_statement(reader->tokens, token);
		reader->again = true;
		return;
	}
	reader->stopped = true;
	got = show_token(reader->source, token);
	if (got)
		faults_add(reader->faults, reader->tokens->token[token].line, "syntax", syntax_wanted(format, token), got);
	else
		reader->error = -ENOMEM;
}

static void add_option_opts(const char *section, cfg_opt_t *opts, size_t *n)
{
	size_t count;
	const struct option *rows = option_rows(&count);

	/* All are lists for libconfuse: a list where one value is wanted is then a fault of this option, not of the syntax. */
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].info.section, section) == 0)
			opts[(*n)++] = (cfg_opt_t){ .name = rows[i].info.name, .type = CFGT_STR,
			                            .flags = CFGF_LIST | CFGF_NODEFAULT, .parsecb = on_value };
}

static cfg_opt_t *section_opts(void *mem, const char *section);

static int add_section_opts(void *mem, const char *parent, cfg_opt_t *opts, size_t *n)
{
	size_t count;
	const struct option_section *sections = option_sections(&count);

	for (size_t i = 0; i < count; i++) {
		cfg_opt_t *inner;

		if (!sections[i].parent || strcmp(sections[i].parent, parent) != 0)
			continue;
		inner = section_opts(mem, sections[i].name);
		if (!inner)
			return -ENOMEM;
		opts[(*n)++] = (cfg_opt_t){ .name = sections[i].name, .type = CFGT_SEC, .subopts = inner,
		                            .flags = sections[i].titled ? CFGF_MULTI | CFGF_TITLE : CFGF_NONE };
	}
	return 0;
}

/* Our table in libconfuse's form; a talloc object. NULL when memory is out. */
static cfg_opt_t *section_opts(void *mem, const char *section)
{
	size_t rows, sections, n = 0;
	cfg_opt_t *opts;

	(void)option_rows(&rows);
	(void)option_sections(&sections);
	opts = talloc_zero_array(mem, cfg_opt_t, (unsigned)(rows + sections + 2)); /* the last one ends the table */
	if (!opts)
		return NULL;
	if (*section)
		opts[n++] = (cfg_opt_t){ .name = TOKEN_SECTION_OPENED_NAME, .type = CFGT_STR, .flags = CFGF_LIST | CFGF_NODEFAULT,
		                         .parsecb = on_section };
	add_option_opts(section, opts, &n);
	if (add_section_opts(opts, section, opts, &n)) {
		talloc_free(opts);
		return NULL;
	}
	return opts;
}

/* True when an empty string stands at i where libconfuse wants a name: it fails there without a word. */
static bool is_empty_name(size_t i)
{
	const struct token *at = &reader->tokens->token[i];

	if (at->kind != TOKEN_STRING || at->n > strlen("\"\""))
		return false;
	if (i == 0)
		return true;
	if (at[-1].kind == TOKEN_WORD && at[1].kind == TOKEN_OPEN)
		return false; /* a title */
	return at[-1].kind != TOKEN_EQUALS && at[-1].kind != TOKEN_COMMA &&
	       !(at[-1].kind == TOKEN_OPEN && token_opens_list(reader->tokens, i - 1));
}

/* Why reading ended when libconfuse did not say. An escape that ends a string (\0) was told when the tokens were cut. */
static int fault_unsaid(void)
{
	for (size_t i = 0; i < reader->tokens->count; i++) {
		if (!is_empty_name(i))
			continue;
		faults_add(reader->faults, reader->tokens->token[i].line, "syntax", "the name of an option or a section", "\"\"");
		reader->stopped = true;
		return 0;
	}
	reader->stopped = faults_count(reader->faults) > 0;
	return reader->stopped ? 0 : -ENOMEM;
}

static int parse_tokens(void *mem)
{
	char *text = tokens_text(mem, reader->tokens);
	cfg_opt_t *opts = section_opts(mem, "");
	cfg_t *cfg = opts ? cfg_init(opts, CFGF_NONE) : NULL;
	int r = -ENOMEM;

	if (text && cfg) {
		(void)cfg_set_error_function(cfg, on_error);
		r = cfg_parse_buf(cfg, text);
		r = r == CFG_SUCCESS || reader->again || reader->stopped ? 0 : fault_unsaid();
	}
	if (cfg)
		(void)cfg_free(cfg);
	talloc_free(opts);
	talloc_free(text);
	return r ? r : reader->error;
}

/* Each read but the last has found a fault: reading on has no use once no more are kept. */
static bool must_read_again(void)
{
	return reader->again && !faults_full(reader->faults) && reader->reads <= CONF_ERRORS_MAX;
}

/* Read the tokens once, into an empty source. */
static int read_once(void *mem, struct source **ret)
{
	int r;

	reader->reads++;
	reader->again = false;
	reader->last = NULL;
	reader->source = talloc_zero(mem, struct source);
	if (!reader->source)
		return -ENOMEM;
	r = add_section(option_section_find(""), "", 0, TOKEN_NONE);
	if (r == 0)
		r = parse_tokens(reader->source);
	reader->source->cut_short = reader->stopped || reader->again;
	if (r || must_read_again())
		talloc_free(reader->source);
	else
		*ret = reader->source;
	return r;
}

int source_read(void *mem, const char *text, size_t n, struct fault_list *faults, struct source **ret)
{
	struct reader this = { .faults = faults };
	void *scratch = talloc_new(NULL);
	int r = scratch ? tokens_cut(scratch, text, n, faults, &this.tokens) : -ENOMEM;

	reader = &this;
	if (r == 0)
		do
			r = read_once(mem, ret);
		while (r == 0 && must_read_again());
	reader = NULL;
	talloc_free(scratch);
	return r;
}
