/* The whole answer: its header, its two parts, its bounds. */
#include "milter/answer.h"

#include "t/unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <talloc.h>

#define NOW 1800000000 /* Fri, 15 Jan 2027 08:00:00 UTC */

static struct header_list *parse(void *mem, struct view header)
{
	struct header_list *headers;
	struct view body;

	assert_int_equal(header_list_new(mem, NULL, &headers), 0);
	assert_int_equal(header_list_parse(headers, header, &body), 0);
	return headers;
}

static struct answer answer_to(void *mem, struct view header, struct view text)
{
	return (struct answer){ .from = "dkim-test@example.org", .to = "joe@example.com", .headers = parse(mem, header), .text = text,
	                        .token = "0123abcd", .now = NOW };
}

static void test_message(void **state)
{
	void *mem = talloc_new(NULL);
	struct answer answer = answer_to(mem, VIEW("Subject: x\r\nMessage-ID: <1@example.com>\r\nX-Fold: a\r\n\tb\r\n\r\nbody\r\n"),
	                                 VIEW("text\n"));
	struct buf out;

	(void)state;
	buf_init(&out, mem, ANSWER_MAX);
	assert_int_equal(answer_compose(&answer, &out), 0);
	assert_string_equal(buf_string(&out),
		"From: DKIM reflector <dkim-test@example.org>\nTo: <joe@example.com>\nSubject: Re: x\n"
		"Date: Fri, 15 Jan 2027 08:00:00 +0000\nMessage-ID: <0123abcd@example.org>\n"
		"In-Reply-To: <1@example.com>\nReferences: <1@example.com>\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
		"Content-Type: multipart/mixed; boundary=\"=_0123abcd\"\nContent-Transfer-Encoding: 7bit\n\n"
		"This is a message of two parts in MIME format (RFC 2046).\n"
		"\n--=_0123abcd\nContent-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: 7bit\n\ntext\n"
		"\n--=_0123abcd\nContent-Type: text/rfc822-headers\nContent-Transfer-Encoding: 7bit\n\n"
		"Subject: x\nMessage-ID: <1@example.com>\nX-Fold: a\n\tb\n"
		"\n--=_0123abcd--\n");
	talloc_free(mem);
}

/* A message may carry any boundary but the one that was not known when it was sent. */
static void test_token_occurs(void **state)
{
	void *mem = talloc_new(NULL);
	struct answer in_header = answer_to(mem, VIEW("X: --=_0123abcd\r\n\r\n"), VIEW("text\n"));
	struct answer in_text = answer_to(mem, VIEW("X: y\r\n\r\n"), VIEW("0123abcd\n"));
	struct buf out;

	(void)state;
	buf_init(&out, mem, ANSWER_MAX);
	assert_int_equal(answer_compose(&in_header, &out), -EEXIST);
	buf_init(&out, mem, ANSWER_MAX);
	assert_int_equal(answer_compose(&in_text, &out), -EEXIST);
	talloc_free(mem);
}

static void test_no_message_id(void **state)
{
	void *mem = talloc_new(NULL);
	struct answer answer = answer_to(mem, VIEW("X: \xff\r\n\r\n"), VIEW("text\n"));
	struct buf out;

	(void)state;
	buf_init(&out, mem, ANSWER_MAX);
	assert_int_equal(answer_compose(&answer, &out), 0);
	assert_null(strstr(buf_string(&out), "In-Reply-To"));
	assert_null(strstr(buf_string(&out), "References"));
	assert_non_null(strstr(buf_string(&out), "Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: quoted-printable\n\nX: =FF\n"));
	talloc_free(mem);
}

/* Fields and lines are left out whole. */
static void test_cut(void **state)
{
	void *mem = talloc_new(NULL);
	char *header = talloc_strdup(mem, ""), *text = talloc_strdup(mem, "");
	struct answer answer;
	struct buf out;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		header = talloc_asprintf_append(header, "X-%04d: 0123456789012345678901234567\r\n", i);
		text = talloc_asprintf_append(text, "line %04d 0123456789012345678901234567\n", i);
	}
	answer = answer_to(mem, view_of(talloc_asprintf_append(header, "\r\n")), view_of(text));
	buf_init(&out, mem, ANSWER_MAX);
	assert_int_equal(answer_compose(&answer, &out), 0);
	assert_true(out.n < ANSWER_TEXT_MAX + ANSWER_HEADER_MAX + 2000);
	assert_non_null(strstr(buf_string(&out), "\n(cut here: an answer has at most 65536 octets of text)\n"));
	assert_non_null(strstr(buf_string(&out), "\nX-1723: 0123456789012345678901234567\nX-Postern-Cut: 1276 of 3000 fields are left out"));
	talloc_free(mem);
}

int main(void)
{
	test_add("message", test_message);
	test_add("a token that occurs", test_token_occurs);
	test_add("no Message-ID, 8-bit header", test_no_message_id);
	test_add("what is too much is cut", test_cut);
	return test_run("answer");
}
