#!/usr/bin/python3
"""Print t/RULES.md: each rule of DKIM that postern keeps, the code that keeps it, the tests that hold it.

    t/rules.py > t/RULES.md

Rules are written down here, in RULES; tests are found in the test sources by their names, which begin with the
number of the rule: "R3 a duplicate tag ..." in a table, test_R42_... as a function.
"""

import ast
import functools
import re
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

HEAD = """\
# Rules and tests

Written by `t/rules.py`; `t/e2e/test_rules.py` holds it to the tree. RFC 6376 unless another is named. A test is named
`file: row`; the rows of unit tests are the names that the test programs print.
"""

Rule = namedtuple("Rule", "number words file function")
Test = namedtuple("Test", "rule file name")

SECTIONS = [
    ("The DKIM-Signature field (sections 3.2, 3.5, 6.1.1)", [
        Rule(1, "`v=` is required and is exactly `1`", "dkim/signature.c", "check_version"),
        Rule(2, "the case of tag names matters", "dkim/tag_list.c", "tag_list_find"),
        Rule(3, "a duplicate tag spoils the whole list", "dkim/tag_list.c", "tag_list_append"),
        Rule(4, "unknown tags are ignored", "dkim/signature.c", "read_values"),
        Rule(5, "an empty tag-spec is an error, one final semicolon is none", "dkim/tag_list.c", "tag_list_parse"),
        Rule(6, "folding white space around name, sign and value goes", "dkim/tag_list.c", "tag_spec_parse"),
        Rule(7, "`b=` stands anywhere; its value with all blanks around it is emptied, all else is kept", "dkim/header_hash.c", "add_signature_field"),
        Rule(8, "folding white space inside `b=` and `bh=` counts for hashing, not for decoding", "dkim/base64.c", "base64_decode"),
        Rule(9, "`v= a= b= bh= d= h= s=` are required, none is empty", "dkim/signature.c", "check_required"),
        Rule(10, "an unknown `a=` is permerror; its case does not matter (decided)", "dkim/signature.c", "read_algorithm"),
        Rule(11, "`c=` is simple/simple when absent, one name alone is that of the header; unknown is permerror", "dkim/signature.c", "read_canonicalization"),
        Rule(12, "`q=` is a list of which one item must be dns/txt", "dkim/signature.c", "read_query_methods"),
        Rule(13, "`d=` and `s=` compare and are asked for in any case", "dkim/name_table.c", "name_table_find"),
        Rule(14, "the domain of `i=` is `d=` or lies below it, at a label's border", "dkim/domain.c", "domain_is_within"),
        Rule(15, "`i=` is `@d` when absent, has an at sign, and a local part that may be quoted-printable", "dkim/signature.c", "read_identity"),
        Rule(16, "`h=` covers From, or it is permerror", "dkim/signature.c", "check_together"),
        Rule(17, "names in `h=` compare in any case, blanks may stand around the colons", "dkim/signature.c", "dkim_signature_covers"),
        Rule(18, "an empty name in `h=` is an error", "dkim/signature.c", "read_signed_headers"),
        Rule(19, "`h=` may list fields that are absent", "dkim/header_hash.c", "add_listed_fields"),
        Rule(20, "a signature never selects itself, and ours never list DKIM-Signature (decided)", "dkim/header.c", "header_selection_next"),
        Rule(21, "other DKIM-Signature fields may be covered", "dkim/header_hash.c", "add_listed_fields"),
        Rule(22, "`t=`, `x=`, `l=` are digits, of any length, without wrapping", "dkim/signature.c", "number_parse"),
        Rule(23, "`x=` lies after `t=`", "dkim/signature.c", "check_together"),
        Rule(24, "expired is fail, or policy when configured so; the clock may be off (decided)", "dkim/verify.c", "check_claims"),
        Rule(25, "`t=` in the future beyond the clock's skew is policy; 0 is legal (decided)", "dkim/verify.c", "check_claims"),
        Rule(26, "`l=` beyond the body fails", "dkim/verify.c", "check_body"),
        Rule(27, "`l=0` hashes nothing at all; a body covered in part is policy (decided)", "dkim/verify.c", "check_policy"),
        Rule(28, "`z=` is never used to verify", "dkim/signature.c", "read_values"),
        Rule(29, "octets above 127 stand only where RFC 8616 lets them", "dkim/tag_list.c", "is_tag_value"),
        Rule(30, "signatures are independent of each other, one result for each", "dkim/verify.c", "dkim_verify_new"),
    ]),
    ("Choosing and canonicalizing header fields (sections 3.4, 3.7, 5.4.2)", [
        Rule(31, "fields of one name are taken from the bottom, one per mention in `h=`", "dkim/header.c", "header_selection_next"),
        Rule(32, "a field put above an oversigned name breaks the signature, above another it does not", "dkim/header_hash.c", "add_listed_fields"),
        Rule(33, "simple takes the octets as they came", "dkim/canon.c", "dkim_canon_header"),
        Rule(34, "relaxed: name in lower case, no blank around the colon, unfolded, runs of blanks are one, none at the end", "dkim/canon.c", "add_relaxed_header"),
        Rule(35, "a fold right after the colon leaves no blank", "dkim/canon.c", "add_relaxed_header"),
        Rule(36, "an empty or blank value is the name and its colon", "dkim/canon.c", "add_relaxed_value"),
        Rule(37, "hashed in the order of `h=`, then the signature without its CRLF", "dkim/header_hash.c", "dkim_header_block"),
        Rule(38, "NUL and octets above 127 pass untouched", "dkim/canon.c", "dkim_canon_header"),
        Rule(39, "an MTA that cuts leading blanks: exactly one is put back, and the log tells the guess (decided)", "milter/message.c", "needs_leading_space"),
        Rule(40, "folds that came as LF are CRLF again before hashing", "dkim/header.c", "copy_folds"),
        Rule(41, "long fields and long headers are never cut", "dkim/header.c", "list_append"),
        Rule(42, "the MTA's own Received is not seen by the verifier and never signed", "dkim/sign.c", "name_is_signed"),
        Rule(43, "fields that earlier filters added are fields like all others", "milter/message.c", "message_header"),
    ]),
    ("The body (sections 3.4.3, 3.4.4, 3.7)", [
        Rule(44, "an empty body is one CRLF in simple, nothing in relaxed", "dkim/canon.c", "dkim_canon_body_finish"),
        Rule(45, "a body of empty lines alone is an empty body; in relaxed, of blank lines too", "dkim/canon.c", "dkim_canon_body_finish"),
        Rule(46, "a missing last CRLF is added", "dkim/canon.c", "dkim_canon_body_finish"),
        Rule(47, "simple: empty lines at the end are one CRLF, nothing else changes", "dkim/canon.c", "take_line_ends"),
        Rule(48, "relaxed: runs of blanks are one, none at a line's end, then no empty lines at the end", "dkim/canon.c", "update_relaxed"),
        Rule(49, "the hash does not depend on how the body is cut into chunks", "dkim/canon.c", "dkim_canon_body_update"),
        Rule(50, "a bare CR or LF is data", "dkim/canon.c", "resolve_pending_cr"),
        Rule(51, "NUL, long lines and leading dots pass as they are", "dkim/canon.c", "emit_data"),
        Rule(52, "signatures that differ in `c=` or `l=` have hashes of their own", "dkim/body_hash.c", "dkim_body_hashes_get"),
        Rule(53, "a body hash that differs is told apart from a signature that does", "dkim/verify.c", "check_body"),
    ]),
    ("Key records (sections 3.6, 6.1.2)", [
        Rule(54, "the strings of one record are joined with nothing between", "dkim/resolver_answer.c", "join_strings"),
        Rule(55, "`v=` is optional and exactly DKIM1; behind another tag it is accepted and logged (decided)", "dkim/key_record.c", "dkim_key_record_parse"),
        Rule(56, "`k=` is rsa when absent; unknown is permerror; it must fit `a=`", "dkim/key_record.c", "read_type"),
        Rule(57, "`h=` limits the hashes", "dkim/verify.c", "dkim_key_allows"),
        Rule(58, "`s=` must hold `*` or `email`", "dkim/key_record.c", "tag_has_item"),
        Rule(59, "`p=` is required; empty is revoked, not missing; blanks inside are fine; else base64", "dkim/key_record.c", "dkim_key_record_parse"),
        Rule(60, "a duplicate tag spoils the record: no revoked key comes back", "dkim/key_record.c", "read_tags"),
        Rule(61, "`t=y`: told, but never treated worse than no signature", "milter/policy.c", "policy_verify"),
        Rule(62, "`t=s`: the domain of `i=` is `d=`", "dkim/verify.c", "dkim_key_allows"),
        Rule(63, "unknown flags and tags, `n=` and `g=` are ignored", "dkim/key_record.c", "dkim_key_record_parse"),
        Rule(64, "`\\;` is an escape that leaked from a zone file: invalid, and told by its own reason", "dkim/key_record.c", "has_escaped_semicolon"),
        Rule(65, "no name and no record are permerror; SERVFAIL, REFUSED and silence are temperror", "dkim/verify.c", "answer_reason"),
        Rule(66, "CNAME and DNAME are followed, other types in the answer skipped", "dkim/resolver_answer.c", "resolver_answer_from_result"),
        Rule(67, "of several records each is tried; one that verifies is enough", "dkim/verify.c", "try_keys"),
        Rule(68, "a truncated answer is asked for again over TCP", "dkim/resolver_context.c", "resolver_context_new"),
        Rule(69, "an RSA key is a SubjectPublicKeyInfo or a bare RSAPublicKey", "dkim/public_key.c", "decode_rsa"),
        Rule(70, "a selector may have dots", "dkim/signature.c", "read_selector"),
        Rule(71, "a name that DNS cannot hold is permerror without a query; no dot at the end of `d=`", "dkim/domain.c", "domain_is_valid"),
        Rule(72, "`d=` of a single label is policy", "dkim/domain.c", "domain_is_single_label"),
        Rule(73, "keys are kept for their TTL and no longer, answers without a key too", "dkim/key_cache.c", "lifetime"),
    ]),
    ("Cryptography (RFC 8301, RFC 8463)", [
        Rule(74, "rsa-sha1 never passes and is never made", "dkim/signature.c", "check_together"),
        Rule(75, "RSA below 1024 bits does not pass, 1024 to 4096 work, above 8192 is not tried", "dkim/public_key.c", "limit_rsa"),
        Rule(76, "the signer refuses RSA below 1024 bits and warns below 2048", "dkim/private_key_parse.c", "accept_rsa"),
        Rule(77, "PKCS#1 v1.5 padding is checked in full, the signature is as long as the modulus", "dkim/public_key.c", "verify_rsa"),
        Rule(78, "Ed25519: PureEdDSA over the SHA-256 hash; `p=` is 32 raw octets", "dkim/public_key.c", "verify_ed25519"),
        Rule(79, "the messages of RFC 8463 appendix A pass", "dkim/verify.c", "try_key"),
        Rule(80, "both keys sign, under selectors of their own; each passes without the other", "dkim/sign.c", "dkim_sign_finish"),
        Rule(81, "a key of one kind with an algorithm of the other is permerror", "dkim/public_key.c", "algorithm_fits"),
    ]),
    ("Results (sections 6.2, 6.3; RFC 6008, RFC 7372, RFC 8601)", [
        Rule(82, "the words of RFC 8601 and no others", "dkim/reason.c", "dkim_result_text"),
        Rule(83, "each reason has its one result", "dkim/reason.c", "dkim_reason_result"),
        Rule(84, "the form of a result: comment, then reason, then properties", "milter/authres.c", "add_result"),
        Rule(85, "what is no token is quoted, comments and quoted strings are escaped", "milter/authres.c", "add_quoted"),
        Rule(86, "header.b has eight octets, more where signatures would look alike", "milter/authres.c", "telling_length"),
        Rule(87, "no signature is dkim=none, nothing tested is none", "milter/authres.c", "authres_build"),
        Rule(88, "one field for all results, folded, on top, the blank after its colon right", "milter/authres.c", "authres_build"),
        Rule(89, "incoming fields under our name are deleted, all of them, the highest index first", "milter/authres_claims.c", "authres_claims"),
        Rule(90, "deletions go before insertions", "milter/actions.c", "actions_steps"),
        Rule(91, "a version of the field that we do not know makes no difference", "milter/authres_claims.c", "authres_claims"),
        Rule(92, "nothing is refused by default; when told to: 5.7.20, 5.7.21, 4.7.5, and the text names the signature", "milter/policy.c", "policy_verify"),
        Rule(93, "work and time have limits: signatures looked at, DNS budget; the rest is temperror", "dkim/verify.c", "candidate_finish"),
    ]),
    ("Signing (section 5; RFC 6377, RFC 8058)", [
        Rule(94, "From is always signed; one From field with a mailbox, or no signature", "dkim/domain.c", "header_from_domain"),
        Rule(95, "trace fields, Bcc and what filters touch are never signed", "dkim/sign.c", "name_is_signed"),
        Rule(96, "what this pass deletes or adds is in no signature", "dkim/sign.c", "collect_names"),
        Rule(97, "all instances of a name are signed", "dkim/sign.c", "collect_names"),
        Rule(98, "From is oversigned; what is absent is not", "dkim/sign.c", "collect_names"),
        Rule(99, "`h=` in the order of the message, lines of 78, `b=` last", "dkim/sign.c", "build_unsigned_field"),
        Rule(100, "`d=` is the key's domain, an A-label; there is no `i=` to be outside of it", "dkim/sign.c", "build_unsigned_field"),
        Rule(101, "`t=` always, `x=` when configured", "dkim/sign.c", "build_unsigned_field"),
        Rule(102, "inserted above all signatures that are there", "milter/message_sign.c", "sign_decide"),
        Rule(103, "each new signature is verified before it leaves", "dkim/sign_check.c", "dkim_sign_check"),
        Rule(104, "8-bit bodies are signed as they are, never converted", "dkim/sign.c", "dkim_sign_body"),
        Rule(105, "mail from the null sender is signed by its From like any other", "milter/choose_keys.c", "choose_domain"),
        Rule(106, "List-Unsubscribe and List-Unsubscribe-Post are both signed", "dkim/sign.c", "name_is_signed"),
        Rule(107, "a key signs for its own domain and, when told to, those below; broken signatures of others stay, or go when told to", "milter/policy.c", "policy_key_signs"),
    ]),
    ("Internationalized mail and reports (RFC 8616, RFC 6651)", [
        Rule(108, "U-labels are A-labels before they are compared or asked for", "dkim/signature.c", "map_names"),
        Rule(109, "the local part of `i=` may be UTF-8", "dkim/signature.c", "is_quoted_printable"),
        Rule(110, "labels that are not valid are permerror", "dkim/idna.c", "idna_to_ascii"),
        Rule(111, "`r=y` is accepted and ignored: no reports are sent", "dkim/signature.c", "read_values"),
    ]),
]

RULES = [rule for _, rules in SECTIONS for rule in rules]
NAME = re.compile(r"R(\d+) \S")
FUNCTION = re.compile(r"test_R(\d+)_")


def unit_tests(path):
    """Row names and names given to test_add() that begin with a rule."""
    for found in re.finditer(r'(?:\{|test_add\()\s*"((?:[^"\\]|\\.)*)"', path.read_text()):
        name = found[1].replace('\\"', '"').replace("\\\\", "\\")
        number = NAME.match(name)
        if number:
            yield Test(int(number[1]), path.relative_to(ROOT), name)


def strings_of_tables(tree):
    """Strings that stand as keys of dictionaries or as first items of tuples: the ids of parametrized tests."""
    for node in ast.walk(tree):
        first = node.keys if isinstance(node, ast.Dict) else node.elts[:1] if isinstance(node, ast.Tuple) else []
        for item in first:
            if isinstance(item, ast.Constant) and isinstance(item.value, str):
                yield item.value


def end_to_end_tests(path):
    tree = ast.parse(path.read_text())
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for pattern, names in ((FUNCTION, functions), (NAME, strings_of_tables(tree))):
        for name in names:
            number = pattern.match(name)
            if number:
                yield Test(int(number[1]), path.relative_to(ROOT), name)


@functools.lru_cache
def tests():
    """All tests that name a rule, in the order of their files."""
    found = []
    for path in sorted((ROOT / "t" / "unit").glob("test_*.c")):
        found += unit_tests(path)
    for path in sorted((ROOT / "t" / "e2e").glob("test_*.py")):
        found += end_to_end_tests(path)
    return found


def cell(text):
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


def row(rule, holding):
    """One line of the table; the rows of one file stand behind its name."""
    files = {}
    for test in holding:
        files.setdefault(test.file, []).append(cell(test.name.removeprefix(f"R{rule.number} ")))
    named = "<br>".join(f"`{file}`: {'; '.join(names)}" for file, names in files.items())
    return f"| R{rule.number} | {rule.words} | `{rule.file}` `{rule.function}()` | {named} |"


def table():
    found = tests()
    lines = [HEAD]
    for title, rules in SECTIONS:
        lines += [f"## {title}", "", "| | rule | kept by | held by |", "|---|---|---|---|"]
        lines += [row(rule, [test for test in found if test.rule == rule.number]) for rule in rules]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(), end="")
