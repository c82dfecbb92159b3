#include "milter/choose_keys.h"

#include "milter/policy.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

/* The most specific domain that has a key for this sender: one of sub.example.com goes before one of example.com. */
static struct view choose_domain(const struct gate *gate, struct view from_domain, struct chosen_keys *chosen)
{
	struct view best = { NULL, 0 };

	for (size_t i = 0; i < gate->key_count; i++) {
		struct view domain = view_of(gate->keys[i].conf->domain);

		if (!policy_key_signs(domain, from_domain, gate->conf->sign.subdomains))
			continue;
		if (!gate_key_signs(&gate->keys[i]))
			chosen->idle = true;
		else if (domain.n > best.n)
			best = domain;
	}
	return best;
}

static bool is_chosen(const struct chosen_keys *chosen, const struct dkim_sign_key *key)
{
	for (size_t i = 0; i < chosen->count; i++)
		if (view_eq_nocase(chosen->keys[i].domain, key->domain) && view_eq_nocase(chosen->keys[i].selector, key->selector))
			return true;
	return false;
}

/* One signature for a domain and selector, however often they are named. */
static void add_key(struct chosen_keys *chosen, const struct loaded_key *loaded, struct dkim_sign_key key)
{
	if (!loaded) {
		chosen->missing = true;
	} else if (is_chosen(chosen, &key)) {
		return;
	} else if (chosen->count == CHOOSE_KEYS_MAX) {
		chosen->left_out++;
	} else {
		key.key = loaded->key;
		chosen->loaded[chosen->count] = loaded;
		chosen->keys[chosen->count++] = key;
	}
}

/* Every key of that domain signs, so RSA and Ed25519 together (RFC 8463 section 3). */
static void choose_sections(const struct gate *gate, struct view from_domain, struct chosen_keys *chosen)
{
	struct view domain = choose_domain(gate, from_domain, chosen);

	for (size_t i = 0; domain.n > 0 && i < gate->key_count; i++) {
		const struct conf_key *conf = gate->keys[i].conf;

		if (view_eq_nocase(view_of(conf->domain), domain) && gate_key_signs(&gate->keys[i]))
			add_key(chosen, gate->keys[i].loaded,
			        (struct dkim_sign_key){ .domain = view_of(conf->domain), .selector = view_of(conf->selector) });
	}
}

/* What the rows of one sender are collected with. */
struct collection {
	void *mem;
	const struct sign_tables *tables;
	const char *from_domain;
	struct chosen_keys *chosen;
};

/* Copies the text, with the From domain for each "%". */
static int fill_in(const struct collection *collection, const char *text, struct view *ret)
{
	struct buf out;
	int r;

	buf_init(&out, collection->mem, strlen(text) * DOMAIN_NAME_MAX);
	for (; *text; text++)
		if (*text == '%')
			buf_add_string(&out, collection->from_domain);
		else
			buf_add_char(&out, *text);
	r = buf_error(&out);
	if (r == 0)
		*ret = buf_view(&out); /* the memory stays with mem */
	return r;
}

#define IDENTITY_OCTETS_MAX 320 /* 64 for the local part, 255 for the domain: RFC 5321 section 4.5.3.1 */

/* RFC 6376 section 3.5: i= must lie within d=. OpenDKIM leaves out one that does not, and so do we. */
static void set_identity(struct dkim_sign_key *key, struct view identity)
{
	size_t at = identity.n;

	while (at > 0 && identity.p[at - 1] != '@')
		at--;
	if (at > 0 && identity.n <= IDENTITY_OCTETS_MAX && domain_is_within(view_slice(identity, at, identity.n), key->domain))
		key->identity = identity;
}

static int add_row(void *arg, const struct signing_row *row)
{
	const struct collection *collection = arg;
	const struct key_row *key_row = row->key ? row->key : key_table_find(collection->tables->keys, collection->from_domain);
	struct view identity = { NULL, 0 };
	struct dkim_sign_key key = { 0 };
	int r;

	if (!key_row)
		return 0;
	key.selector = view_of(key_row->selector);
	r = fill_in(collection, key_row->domain, &key.domain);
	if (r == 0 && row->identity)
		r = fill_in(collection, row->identity, &identity);
	if (r < 0)
		return r;
	set_identity(&key, identity);
	add_key(collection->chosen, sign_tables_key(collection->tables, key_row), key);
	return 0;
}

static int choose_rows(void *mem, const struct gate *gate, const struct from_mailbox *from, struct chosen_keys *chosen)
{
	struct collection collection = { .mem = mem, .tables = gate->tables, .chosen = chosen };
	char *user = view_string(mem, from->local);
	char *host = view_string(mem, from->domain);
	int r = 0;

	if (!host || (!user && !memchr(from->local.p, '\0', from->local.n)))
		return -ENOMEM;
	collection.from_domain = host;
	if (user) /* no table has a NUL */
		r = signing_table_match(gate->tables->senders, user, host, gate->conf->sign.signing_table_all, add_row, &collection);
	talloc_free(user);
	talloc_free(host);
	return r;
}

int choose_keys(void *mem, const struct gate *gate, const struct from_mailbox *from, struct chosen_keys *ret)
{
	*ret = (struct chosen_keys){ 0 };
	choose_sections(gate, from->domain, ret);
	return gate->tables ? choose_rows(mem, gate, from, ret) : 0;
}
