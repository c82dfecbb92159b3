/*
 * The words of a configuration text, cut before libconfuse 3.3 sees them, because it
 *   - counts three lines for each one-line comment, so no line number would be right;
 *   - takes an unterminated comment for the end of the file and says nothing;
 *   - stays in the middle of an unterminated string, so that the next text is misread;
 *   - passes over octets that it does not know ("workers = *2" is 2);
 *   - fills in ${VARIABLE} from the environment, which differs from process to process.
 * What it gets instead is one token per line: its line number is then the token's, and the token
 * knows where it stood. Escapes inside strings, the grammar and the options are left to libconfuse.
 */
#ifndef CONF_TOKENS_H
#define CONF_TOKENS_H

#include "conf/faults.h"

enum token_kind {
	TOKEN_WORD,           /* without quotes */
	TOKEN_STRING,         /* with quotes */
	TOKEN_EQUALS,
	TOKEN_COMMA,
	TOKEN_OPEN,           /* { */
	TOKEN_CLOSE,          /* } */
	TOKEN_SECTION_OPENED, /* added behind the { of each section: a call of libconfuse's for sections too */
	TOKEN_EMPTY_LIST,     /* added between the braces of {}: likewise */
	TOKEN_END,
};

#define TOKEN_NONE SIZE_MAX
#define TOKEN_SECTION_OPENED_NAME "__section"

struct token {
	enum token_kind kind;
	unsigned line;   /* in the file, from 1 */
	size_t parent;   /* number of the { around it; TOKEN_NONE outside of braces */
	size_t offset;   /* its text for libconfuse, in token_list.text */
	size_t n;        /* octets; 0 once removed */
};

struct token_list {
	struct token *token; /* the last is TOKEN_END */
	size_t count;        /* TOKEN_END included */
	char *text;
};

/* Cut `text` into tokens.
 * Strings come out in double quotes, without line ends and with every $ escaped; braces come out balanced.
 *   ret  a talloc child of mem; written only on success
 * Returns 0, -ENOMEM, or -EINVAL when what follows a fault cannot be read (all faults are in `faults`). Single
 * octets out of place are faults too, but are passed over: look at faults_count(). */
int tokens_cut(void *mem, const char *text, size_t n, struct fault_list *faults, struct token_list **ret);

/* True when token i is a word that reads `word`. */
bool token_is_word(const struct token_list *tokens, size_t i, const char *word);

/* True when the { numbered `open` begins a list, not a section. */
bool token_opens_list(const struct token_list *tokens, size_t open);

/* A NUL-terminated copy of its text; of mem; NULL when memory is out. */
char *token_string(void *mem, const struct token_list *tokens, size_t i);

/* Make the statement that begins with token i (an option with its value or list, or a section with all that is in it)
 * disappear from tokens_text(). */
void tokens_remove_statement(struct token_list *tokens, size_t i);

/* One token per line: token i is on line i + 1. NULL when memory is out. */
char *tokens_text(void *mem, const struct token_list *tokens);

#endif
