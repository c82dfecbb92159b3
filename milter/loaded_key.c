#include "milter/loaded_key.h"

#include <errno.h>
#include <talloc.h>

#define PUBLIC_TEXT_MAX 8192 /* octets; an RSA key of 16,384 bits has 2,800 */

static int loaded_key_destructor(struct loaded_key *loaded)
{
	dkim_private_key_free(loaded->key);
	return 0;
}

/* By way of the text that is published: what verifiers read. */
static int load_public_half(struct loaded_key *loaded)
{
	struct dkim_key_record record;
	enum dkim_reason reason;
	struct buf text;
	int r;

	buf_init(&text, loaded, PUBLIC_TEXT_MAX);
	buf_printf(&text, "k=%s; p=", dkim_private_key_type(loaded->key) == DKIM_KEY_RSA ? "rsa" : "ed25519");
	r = dkim_private_key_public_text(loaded->key, &text);
	if (r == 0)
		r = buf_error(&text);
	if (r < 0)
		return r;
	reason = dkim_key_record_parse(buf_view(&text), &record);
	if (reason == DKIM_REASON_PASS)
		reason = dkim_public_key_parse(loaded, &record, &loaded->public_key);
	buf_free(&text);
	if (reason == DKIM_REASON_PASS || reason == DKIM_REASON_KEY_TOO_LARGE)
		return 0;
	return reason == DKIM_REASON_OUT_OF_MEMORY ? -ENOMEM : -EIO;
}

int loaded_key_new(void *mem, const char *file, struct loaded_key **ret, char **ret_error)
{
	struct loaded_key *loaded = talloc_zero(mem, struct loaded_key);
	int r;

	*ret_error = NULL;
	if (!loaded)
		return -ENOMEM;
	talloc_set_destructor(loaded, loaded_key_destructor);
	r = dkim_private_key_load(mem, file, &loaded->key, ret_error);
	if (r == 0)
		r = load_public_half(loaded);
	if (r < 0) {
		talloc_free(loaded);
		return r;
	}
	*ret = loaded;
	return 0;
}
