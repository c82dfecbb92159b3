#include "milter/import_command.h"

#include <string.h>
#include <talloc.h>

/* A letter: the setting that it stands for, or why it stands for none. */
struct letter {
	char letter;
	bool has_value;
	const char *name;  /* of the setting; NULL: none */
	const char *value; /* of a letter without value */
	const char *why;   /* NULL: nothing is lost */
};

#define A_TEST "it tests; `postern check` and `postern verify` do"

static const struct letter letters[] = {
	{ 'A', false, "AutoRestart",           "yes", NULL },
	{ 'a', true,  "PeerList",              NULL,  NULL },
	{ 'b', true,  "Mode",                  NULL,  NULL },
	{ 'c', true,  "Canonicalization",      NULL,  NULL },
	{ 'C', true,  "-C",                    NULL,  NULL },
	{ 'd', true,  "Domain",                NULL,  NULL },
	{ 'D', false, "SubDomains",            "yes", NULL },
	{ 'e', true,  NULL,                    NULL,  A_TEST },
	{ 'f', false, "Background",            "no",  NULL },
	{ 'F', true,  NULL,                    NULL,  A_TEST },
	{ 'h', false, "SoftwareHeader",        "yes", NULL },
	{ 'i', true,  "InternalHosts",         NULL,  NULL },
	{ 'I', true,  "ExternalIgnoreList",    NULL,  NULL },
	{ 'k', true,  "KeyFile",               NULL,  NULL },
	{ 'K', false, "KeyList",               "yes", NULL },
	{ 'l', false, "Syslog",                "yes", NULL },
	{ 'L', true,  "Minimum",               NULL,  NULL },
	{ 'm', true,  "MTA",                   NULL,  NULL },
	{ 'M', true,  "MacroList",             NULL,  NULL },
	{ 'n', false, NULL,                    NULL,  A_TEST },
	{ 'o', true,  "OmitHeaders",           NULL,  NULL },
	{ 'p', true,  "Socket",                NULL,  NULL },
	{ 'P', true,  "PidFile",               NULL,  NULL },
	{ 'q', false, "Quarantine",            "yes", NULL },
	{ 'Q', false, NULL,                    NULL,  A_TEST },
	{ 'r', false, "RequiredHeaders",       "yes", NULL },
	{ 'R', false, "SendReports",           "yes", NULL },
	{ 's', true,  "Selector",              NULL,  NULL },
	{ 'S', true,  "SignatureAlgorithm",    NULL,  NULL },
	{ 't', true,  NULL,                    NULL,  A_TEST },
	{ 'T', true,  "DNSTimeout",            NULL,  NULL },
	{ 'u', true,  "UserID",                NULL,  NULL },
	{ 'U', true,  "POPDBFile",             NULL,  NULL },
	{ 'v', false, NULL,                    NULL,  NULL },
	{ 'V', false, NULL,                    NULL,  A_TEST },
	{ 'W', false, "LogWhy",                "yes", NULL },
	{ 'x', true,  "-x",                    NULL,  NULL },
};

struct words {
	char **word; /* talloc array */
	size_t count;
};

/* What stands between blanks; quotes join. Returns the octet behind the word; NULL: a quote stays open. */
static const char *next_word(const char *text, char *word)
{
	char quote = '\0';

	for (; *text && (quote || !ascii_is_fws(*text)); text++) {
		if (quote ? *text == quote : *text == '"' || *text == '\'')
			quote = quote ? '\0' : *text;
		else if (*text == '\\' && quote != '\'' && text[1])
			*word++ = *++text;
		else
			*word++ = *text;
	}
	*word = '\0';
	return quote ? NULL : text;
}

static void add_word(struct import *import, struct words *words, const char *text)
{
	char **grown = talloc_realloc(import, words->word, char *, (unsigned)words->count + 1);
	char *word = talloc_strdup(import, text);

	if (grown)
		words->word = grown;
	if (!grown || !word)
		import_out_of_memory(import);
	else
		words->word[words->count++] = word;
}

/* False: a fault was told. */
static bool split(struct import *import, const char *text, const char *name, struct words *words)
{
	char *word = talloc_strdup(import, text); /* no word is longer */

	if (!word)
		import_out_of_memory(import);
	while (word && text) {
		while (ascii_is_fws(*text))
			text++;
		if (!*text)
			break;
		text = next_word(text, word);
		if (text)
			add_word(import, words, word);
	}
	talloc_free(word);
	if (!text)
		import_fault(import, &(struct import_place){ name, 0, "syntax" }, "wanted a command line, got an open quote");
	return text && word;
}

static const struct letter *find_letter(char c)
{
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (letters[i].letter == c)
			return &letters[i];
	return NULL;
}

struct command {
	struct import *import;
	const char *name;
	struct old_settings *settings; /* of the options */
	const char *file;              /* -x */
	struct import_place file_place;
};

static void take_option(struct command *command, const struct letter *letter, const char *value)
{
	struct old_setting setting = { letter->name, value, { command->name, 0, NULL } };

	setting.place.shown = talloc_asprintf(command->import, "-%c", letter->letter);
	if (!setting.place.shown)
		import_out_of_memory(command->import);
	else if (letter->letter == 'x') {
		command->file = value;
		command->file_place = setting.place;
	} else if (letter->name)
		old_settings_add(command->import, command->settings, &setting);
	else if (letter->why)
		import_note(command->import, &setting.place, "%s", letter->why);
}

/* "-lfx FILE", "-xFILE": as getopt(3) reads them. Returns how many words behind this one were taken, or -1 after a fault. */
static int take_letters(struct command *command, const char *word, const char *next)
{
	for (const char *c = word + 1; *c; c++) {
		const struct letter *letter = find_letter(*c);
		const struct import_place place = { command->name, 0, word };

		if (!letter) {
			import_fault(command->import, &place, "wanted an option of opendkim(8) or dkim-filter, got -%c", *c);
			return -1;
		}
		if (letter->has_value && !c[1] && !next) {
			import_fault(command->import, &place, "wanted a value behind it, got none");
			return -1;
		}
		if (letter->has_value) {
			take_option(command, letter, c[1] ? c + 1 : next);
			return c[1] ? 0 : 1;
		}
		take_option(command, letter, letter->value);
	}
	return 0;
}

static void take_words(struct command *command, const struct words *words)
{
	/* The program's name and path may stand in front. */
	size_t i = words->count > 0 && words->word[0][0] != '-';

	while (i < words->count) {
		const char *word = words->word[i];
		int taken;

		if (word[0] != '-' || !word[1]) {
			import_fault(command->import, &(struct import_place){ command->name, 0, word }, "wanted an option, got an operand");
			return;
		}
		taken = take_letters(command, word, i + 1 < words->count ? words->word[i + 1] : NULL);
		if (taken < 0)
			return;
		i += 1 + (size_t)taken;
	}
}

void old_command_parse(struct import *import, const char *text, const char *name, struct old_settings *settings)
{
	struct old_settings options = { NULL, 0 };
	struct command command = { .import = import, .name = name, .settings = &options };
	struct words words = { NULL, 0 };

	if (!split(import, text, name, &words))
		return;
	take_words(&command, &words);
	if (command.file)
		old_settings_read(import, &opendkim_syntax, command.file, &command.file_place, settings);
	for (size_t i = 0; i < options.count; i++)
		old_settings_add(import, settings, &options.row[i]);
}
