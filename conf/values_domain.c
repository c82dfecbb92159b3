#include "conf/values.h"

#include <errno.h>
#include <idn2.h>

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text > 0x7f)
			return false;
	return true;
}

int value_domain(void *mem, const struct value_rule *rule, const char *const *values, size_t count, void *field,
                 size_t *ret_bad)
{
	uint8_t *mapped = NULL;
	const char *a_labels;
	int code, r;

	*ret_bad = 0;
	if (is_ascii(values[0]))
		return value_string(mem, rule, values, count, field, ret_bad);
	code = idn2_lookup_u8((const uint8_t *)values[0], &mapped, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (code != IDN2_OK)
		return code == IDN2_MALLOC ? -ENOMEM : -EINVAL;
	a_labels = (const char *)mapped;
	r = value_string(mem, rule, &a_labels, 1, field, ret_bad);
	idn2_free(mapped);
	return r;
}
