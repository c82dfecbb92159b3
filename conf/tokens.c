#include "conf/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

struct cutter {
	const char *text;
	size_t n;
	size_t at;
	unsigned line;
	size_t parent;   /* the innermost { that is still open */
	size_t text_n;   /* octets used of tokens->text */
	struct token_list *tokens;
	struct fault_list *faults;
};

static int peek(const struct cutter *c, size_t ahead)
{
	return ahead < c->n - c->at ? (unsigned char)c->text[c->at + ahead] : EOF;
}

static void put(struct cutter *c, char octet)
{
	c->tokens->text[c->text_n++] = octet;
}

static void put_string(struct cutter *c, const char *string)
{
	while (*string)
		put(c, *string++);
}

static const char *show_octet(int octet, char shown[static 8])
{
	if (octet == EOF)
		return "end of file";
	if (octet > ' ' && octet <= '~')
		(void)snprintf(shown, 8, "%c", octet);
	else
		(void)snprintf(shown, 8, "\\x%02x", (unsigned)octet & 0xffU);
	return shown;
}

static void fault_octet(struct cutter *c, const char *wanted, int octet)
{
	char shown[8];

	faults_add(c->faults, c->line, "syntax", wanted, show_octet(octet, shown));
}

static int begin_token(struct cutter *c, enum token_kind kind)
{
	struct token_list *tokens = c->tokens;
	size_t allocated = talloc_array_length(tokens->token);

	if (tokens->count == allocated) {
		struct token *larger = talloc_realloc(tokens, tokens->token, struct token, (unsigned)allocated * 2);

		if (!larger)
			return -ENOMEM;
		tokens->token = larger;
	}
	tokens->token[tokens->count++] = (struct token){ kind, c->line, c->parent, c->text_n, 0 };
	return 0;
}

static void end_token(struct cutter *c)
{
	struct token *token = &c->tokens->token[c->tokens->count - 1];

	token->n = c->text_n - token->offset;
}

static int add_token(struct cutter *c, enum token_kind kind, const char *text)
{
	int r = begin_token(c, kind);

	if (r)
		return r;
	put_string(c, text);
	end_token(c);
	return 0;
}

static int cut_open(struct cutter *c)
{
	int r = add_token(c, TOKEN_OPEN, "{");

	if (r)
		return r;
	c->at++;
	c->parent = c->tokens->count - 1;
	return token_opens_list(c->tokens, c->parent) ? 0 : add_token(c, TOKEN_SECTION_OPENED, TOKEN_SECTION_OPENED_NAME "=\"\"");
}

static int cut_close(struct cutter *c)
{
	int r = 0;

	if (c->parent == TOKEN_NONE) {
		faults_add(c->faults, c->line, "syntax", "an opening brace before it", "}");
		return -EINVAL;
	}
	if (c->parent == c->tokens->count - 1)
		r = add_token(c, TOKEN_EMPTY_LIST, "\"\"");
	c->parent = c->tokens->token[c->parent].parent;
	if (r == 0)
		r = add_token(c, TOKEN_CLOSE, "}");
	c->at++;
	return r;
}

static bool is_octal(int c)
{
	return c >= '0' && c <= '7';
}

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A numbered escape that libconfuse reads as one octet, and not as the end of the string. */
static bool numbered_escape_is_valid(const struct cutter *c)
{
	unsigned value = 0;
	size_t digits = 0;

	if (peek(c, 1) == 'x') {
		int high = hex_value(peek(c, 2)), low = hex_value(peek(c, 3));

		return high > 0 || (high == 0 && low > 0);
	}
	while (digits < 3 && is_octal(peek(c, 1 + digits)))
		value = value * 8 + (unsigned)(peek(c, 1 + digits++) - '0');
	return digits > 0 && value > 0 && value <= 0xff && (peek(c, 1 + digits) < '0' || peek(c, 1 + digits) > '9');
}

/* A backslash in double quotes: the escapes are libconfuse's, only the line must not end in them. */
static void cut_escape(struct cutter *c)
{
	int next = peek(c, 1);

	if (next == '\n') {
		c->line++;
		c->at += 2;
		return;
	}
	if ((next == 'x' || (next >= '0' && next <= '9')) && !numbered_escape_is_valid(c))
		fault_octet(c, "\\x01 to \\xff or \\1 to \\377 after a backslash", next);
	put(c, '\\');
	put(c, next == EOF ? '\\' : (char)next);
	c->at += next == EOF ? 1 : 2;
}

static void cut_double_quoted_octet(struct cutter *c)
{
	if (peek(c, 0) == '\\')
		cut_escape(c);
	else
		put(c, c->text[c->at++]);
}

/* In single quotes a backslash counts only before another one and before a quote. */
static void cut_single_quoted_octet(struct cutter *c)
{
	char octet = c->text[c->at++];

	if (octet == '\\' && (peek(c, 0) == '\\' || peek(c, 0) == '\''))
		octet = c->text[c->at++];
	if (octet == '\\' || octet == '"')
		put(c, '\\');
	put(c, octet);
}

static int cut_string(struct cutter *c)
{
	const int quote = peek(c, 0);
	const unsigned first_line = c->line;
	int r = begin_token(c, TOKEN_STRING);

	if (r)
		return r;
	c->at++;
	put(c, '"');
	while (peek(c, 0) != quote) {
		if (peek(c, 0) == EOF) {
			faults_add(c->faults, first_line, "syntax", "a quote that ends this string", "end of file");
			return -EINVAL;
		}
		if (peek(c, 0) == '\n') {
			put_string(c, "\\n");
			c->line++;
			c->at++;
		} else if (peek(c, 0) == '$') {
			put_string(c, "\\$"); /* "${" would read the environment */
			c->at++;
		} else if (quote == '"') {
			cut_double_quoted_octet(c);
		} else {
			cut_single_quoted_octet(c);
		}
	}
	c->at++;
	put(c, '"');
	end_token(c);
	return 0;
}

static bool begins_comment(const struct cutter *c)
{
	return peek(c, 0) == '#' || (peek(c, 0) == '/' && (peek(c, 1) == '/' || peek(c, 1) == '*'));
}

static int skip_comment(struct cutter *c)
{
	const unsigned first_line = c->line;

	if (peek(c, 0) == '#' || peek(c, 1) == '/') {
		while (peek(c, 0) != EOF && peek(c, 0) != '\n')
			c->at++;
		return 0;
	}
	for (c->at += 2; peek(c, 0) != '*' || peek(c, 1) != '/'; c->at++) {
		if (peek(c, 0) == EOF) {
			faults_add(c->faults, first_line, "syntax", "*/ at the end of this comment", "end of file");
			return -EINVAL;
		}
		if (peek(c, 0) == '\n')
			c->line++;
	}
	c->at += 2;
	return 0;
}

static bool is_word_octet(int octet)
{
	return octet != EOF && (octet > 127 || (octet > ' ' && octet < 127 && !strchr("\"#$'()*+,;<=>?\\`{|}", octet)));
}

static int cut_word(struct cutter *c)
{
	int r = begin_token(c, TOKEN_WORD);

	if (r)
		return r;
	while (is_word_octet(peek(c, 0)) && !begins_comment(c))
		put(c, c->text[c->at++]);
	end_token(c);
	return 0;
}

static int cut_symbol(struct cutter *c, enum token_kind kind, const char *text)
{
	c->at++;
	return add_token(c, kind, text);
}

static int cut_one(struct cutter *c)
{
	int octet = peek(c, 0);

	if (begins_comment(c))
		return skip_comment(c);
	switch (octet) {
	case '\n':
		c->line++;
		c->at++;
		return 0;
	case ' ': case '\t': case '\r':
		c->at++;
		return 0;
	case '"': case '\'':
		return cut_string(c);
	case '{':
		return cut_open(c);
	case '}':
		return cut_close(c);
	case '=':
		return cut_symbol(c, TOKEN_EQUALS, "=");
	case ',':
		return cut_symbol(c, TOKEN_COMMA, ",");
	default:
		break;
	}
	if (is_word_octet(octet))
		return cut_word(c);
	if (octet == '(' || octet == ')')
		faults_add(c->faults, c->line, "syntax", "quotes around a value with parentheses", "parentheses");
	else
		fault_octet(c, octet == '+' ? "=" : "quotes around a value with this character", octet);
	c->at++;
	return 0;
}

static int cut_all(struct cutter *c)
{
	int r = 0;

	while (r == 0 && c->at < c->n)
		r = cut_one(c);
	if (r)
		return r;
	if (c->parent != TOKEN_NONE) {
		faults_add(c->faults, c->tokens->token[c->parent].line, "syntax", "a closing brace for the { of this line", "end of file");
		return -EINVAL;
	}
	return add_token(c, TOKEN_END, "");
}

int tokens_cut(void *mem, const char *text, size_t n, struct fault_list *faults, struct token_list **ret)
{
	struct cutter c = { .text = text, .n = n, .line = 1, .parent = TOKEN_NONE, .faults = faults };
	const size_t largest = 1 + strlen(TOKEN_SECTION_OPENED_NAME "=\"\""); /* what one octet, a {, can become */
	int r = -ENOMEM;

	if (n > CONF_FILE_MAX)
		return -EINVAL;
	c.tokens = talloc_zero(mem, struct token_list);
	if (!c.tokens)
		return -ENOMEM;
	c.tokens->token = talloc_array(c.tokens, struct token, 64);
	c.tokens->text = talloc_array(c.tokens, char, (unsigned)(n * largest + 1));
	if (c.tokens->token && c.tokens->text)
		r = cut_all(&c);
	if (r) {
		talloc_free(c.tokens);
		return r;
	}
	*ret = c.tokens;
	return 0;
}

bool token_is_word(const struct token_list *tokens, size_t i, const char *word)
{
	const struct token *token = &tokens->token[i];

	return token->kind == TOKEN_WORD && token->n == strlen(word) && memcmp(tokens->text + token->offset, word, token->n) == 0;
}

bool token_opens_list(const struct token_list *tokens, size_t open)
{
	return open > 0 && tokens->token[open - 1].kind == TOKEN_EQUALS;
}

char *token_string(void *mem, const struct token_list *tokens, size_t i)
{
	return talloc_strndup(mem, tokens->text + tokens->token[i].offset, tokens->token[i].n);
}

static size_t after_closing(const struct token_list *tokens, size_t open)
{
	size_t i = open + 1;

	/* Braces are balanced, and the closing one has the parent of the opening one. */
	while (tokens->token[i].kind != TOKEN_CLOSE || tokens->token[i].parent != tokens->token[open].parent)
		i++;
	return i + 1;
}

static bool is_value(const struct token *token)
{
	return token->kind == TOKEN_WORD || token->kind == TOKEN_STRING;
}

static size_t statement_end(const struct token_list *tokens, size_t i)
{
	size_t next = i + 1;

	if (tokens->token[next].kind == TOKEN_EQUALS) {
		next++;
		if (is_value(&tokens->token[next]))
			return next + 1;
	} else if (is_value(&tokens->token[next]) && tokens->token[next + 1].kind != TOKEN_EQUALS) {
		next++; /* a title, or what stands behind an include */
	}
	return tokens->token[next].kind == TOKEN_OPEN ? after_closing(tokens, next) : next;
}

void tokens_remove_statement(struct token_list *tokens, size_t i)
{
	const size_t end = statement_end(tokens, i);

	for (; i < end; i++)
		tokens->token[i].n = 0;
}

char *tokens_text(void *mem, const struct token_list *tokens)
{
	size_t n = 1;
	char *text;

	for (size_t i = 0; i < tokens->count; i++)
		n += tokens->token[i].n + 1;
	text = talloc_array(mem, char, (unsigned)n);
	if (!text)
		return NULL;
	n = 0;
	for (size_t i = 0; i < tokens->count; i++) {
		memcpy(text + n, tokens->text + tokens->token[i].offset, tokens->token[i].n);
		n += tokens->token[i].n;
		text[n++] = '\n';
	}
	text[n] = '\0';
	return text;
}
