"""Every disagreement between postern and another verifier that is understood, with the rule that settles it.

A row says: this judge, where postern has this reason, answers so, and why postern is right. What no
row explains is a failure; a row that explains nothing any more is one, too.
"""

import re
from typing import Callable, NamedTuple

import reference


class Known(NamedTuple):
    judge: str
    rule: str
    postern: str       # postern's reason; "PASS" when it is the judge who refuses
    says: str          # a regular expression for what the judge says ("pass", or "fail: " and its own words)
    when: Callable     # of (message, signature): whether the message has what the row is about
    why: str


def always(message, signature):
    return True


def has_trait(text):
    return lambda message, signature: any(text in trait for trait in signature.traits + message.traits)


def bare_line_end(message, signature):
    return re.search(rb"(?<!\r)\n|\r(?!\n)", message.body)


def bare_lf(message, signature):
    return re.search(rb"(?<!\r)\n", message.body)


def no_final_line_end(message, signature):
    return message.body and not message.body.endswith(b"\r\n")


def blank_at_very_end(message, signature):
    return signature.body_canon == "relaxed" and re.search(rb"[ \t]\Z", message.body)


def blank_before_colon(message, signature):
    return any(re.match(rb"[^:]*[ \t]:", field) for field in message.fields())


def tab_before_colon(message, signature):
    return any(re.match(rb"[^:]*\t[ \t]*:", field) for field in message.fields())


def blank_behind_signature(message, signature):
    return signature.around_b[1]


def control_octets(message, signature):
    return any(re.search(rb"[\0\x0b\x0c]", field) for field in message.fields())


def more_names_than_fields(message, signature):
    return any(len(getattr(other, "names", ())) > len(message.items) for other in message.signatures())


def signature_ends_in_blanks(message, signature):
    return signature.header_canon == "simple" and re.search(rb"\s\Z", signature.field()[:-2])


def ed25519_key(message, signature):
    return signature.key.type == "ed25519"


def unlisted_from(message, signature):
    present = sum(reference.name_of(field) == b"from" for field in message.fields())
    return sum(name.lower() == b"from" for name in signature.names) < present


def several_records(message, signature):
    return any(len(texts) > 1 for texts in message.records.values())


FAR = "libopendkim reads the field as refused and goes on without it"
SELF = "section 3.7: the field under test is hashed once, at the end; selecting it by h= would hash its own b= (R20)"
BARE = "section 2.3: only CRLF ends a line; bare CR and LF are data, which reach the hash as they came"
DUPLICATE = "section 3.2: tags with duplicate names spoil the whole list"
SYNTAX = "section 3.2: what the ABNF does not allow is a syntax error, and section 6.1.1 has it ignored"
PARTIAL = "R27: a signature that leaves part of the body open says nothing about the message; section 8.2 warns of it"
BEYOND = "section 3.5, l=: it must not be larger than the body"
SHA1 = "RFC 8301 section 3.1: rsa-sha1 must not be used for verification"
ONE_LABEL = "R72: nobody signs for a whole top-level domain"
NAMES = "section 3.5, h=: hdr-name is not empty"
FROM = "section 6.1.1: From must be in h="
IDENTITY = "section 3.5, i=: an address, its local part in dkim-quoted-printable"
LATE = "section 3.5, t= and x=: the judge allows another difference of clocks than postern is told here (300 s)"
VERSION = "section 6.1.1: v= must be there and be 1"
LITERALS = "RFC 5234 section 2.3: literals of the ABNF compare in any case (R10)"
METHODS = "section 3.5, q=: a list, of which one known method is enough"
RECORDS = "section 6.1.2 step 4 leaves the order of several records open: R67 tries them all"
B64 = "section 3.5, b=: base64 alone"
KEY_FORM = "section 3.6.1, p=: RSAPublicKey, as RFC 6376 says, and SubjectPublicKeyInfo, as all the world does (erratum 3017)"
LIST_END = "section 3.4.4: blanks at the end of a line go, and a last line without CRLF is a line; one CRLF is added"
NO_ED25519 = "RFC 8463"
WSP = "section 3.4.2: WSP is SP and TAB; no other octet is taken away"
ONE_KEY = "section 3.6.1, p=: the DER encoding of one key; octets behind it belong to none"
U_LABELS = "RFC 8616 section 5: U-labels are mapped to A-labels before DNS is asked and names are compared"
NUMBER = "section 3.5: 1*DIGIT"

STRICT = "section 3.6.1, t=s: i= and d= must be the same domain"

CRASHED = "fail: left out: crashed"  # by chance: what lies behind the array decides

KNOWN = [
    # dkimpy passes what must not pass
    Known("dkimpy", "R71", "BAD_DOMAIN", "pass", always, "section 3.5, d=: a domain name has no final dot"),
    Known("dkimpy", "R15", "BAD_IDENTITY", "pass", always, IDENTITY),
    Known("dkimpy", "R18", "BAD_SIGNED_HEADERS", "pass", always, NAMES),
    Known("dkimpy", "R27", "BODY_NOT_COVERED", "pass", always, PARTIAL),
    Known("dkimpy", "R26", "BODY_SHORTER_THAN_L", "pass", always, BEYOND),
    Known("dkimpy", "R24", "EXPIRED", "pass", always, LATE),
    Known("dkimpy", "R25", "IN_FUTURE", "pass", always, LATE),
    Known("dkimpy", "R23", "EXPIRES_BEFORE_SIGNED", "pass", always, "section 3.5, x=: it must be greater than t="),
    Known("dkimpy", "R50", "BODY_HASH_DIFFERS", "pass", bare_lf, BARE),
    Known("dkimpy", "R59", "KEY_BAD_DATA", "pass", has_trait("R59 octets behind"), ONE_KEY),
    Known("dkimpy", "R16", "FROM_NOT_SIGNED", "pass", always, FROM),
    Known("dkimpy", "R57", "KEY_HASH_REFUSED", "pass", always, "section 6.1.2 step 7: h= must list the hash"),
    Known("dkimpy", "R62", "KEY_STRICT_IDENTITY", "pass", always, STRICT),
    Known("dkimpy", "R74", "SHA1", "pass", always, SHA1),
    Known("dkimpy", "R77", "SIGNATURE_DIFFERS", "pass", has_trait("R77"), "RFC 8017 section 8.2.2 step 1: as long as the modulus"),
    Known("dkimpy", "R3", "TAG_SYNTAX", "pass", always, SYNTAX),
    Known("dkimpy", "R72", "TOP_LEVEL_DOMAIN", "pass", always, ONE_LABEL),
    # dkimpy refuses what is good
    Known("dkimpy", "R34", "PASS", "fail: left out: Unexpected characters", blank_before_colon, "RFC 5322 section 4.5: blanks may stand before the colon"),
    Known("dkimpy", "R50", "PASS", "fail: ValidationError: body hash mismatch", bare_lf, BARE),
    Known("dkimpy", "R46", "PASS", "fail: ValidationError: body hash mismatch", blank_at_very_end, LIST_END),
    Known("dkimpy", "R10", "PASS", "fail: ValidationError: unknown signature algorithm", has_trait("R10 a= in capitals"), LITERALS),
    Known("dkimpy", "R11", "PASS", "fail: MessageFormatError: invalid c= value", has_trait("R11 c= in capitals"), LITERALS),
    Known("dkimpy", "R12", "PASS", "fail: ValidationError: q= value is not dns/txt", has_trait("R12"), METHODS),
    Known("dkimpy", "R56", "PASS", "fail: signature", has_trait("R56 k= in capitals"), LITERALS),
    Known("dkimpy", "R58", "PASS", "fail: UnknownKeyTypeError", has_trait("R58 s= is a list"), "section 3.6.1, s=: a colon list"),
    Known("dkimpy", "R67", "PASS", "fail: ", has_trait("before"), RECORDS),
    Known("dkimpy", "R108", "PASS", "fail: (signature|ValidationError: i= domain|KeyFormatError)", has_trait("R108"), U_LABELS),
    Known("dkimpy", "R20", "PASS", "fail: signature", has_trait("R20"), SELF),
    Known("dkimpy", "R33", "PASS", "fail: signature", signature_ends_in_blanks, "section 3.4.1: simple changes nothing, at the end neither"),
    Known("dkimpy", "R7", "PASS", "fail: signature", blank_behind_signature, "section 3.7: b= is hashed with all white space around its value gone"),
    Known("dkimpy", "R32", "PASS", "fail: signature", unlisted_from, "section 5.4.2: a field that h= does not list takes no part"),

    # libopendkim passes what must not pass
    Known("opendkim", "R11", "BAD_CANONICALIZATION", "pass", always, SYNTAX),
    Known("opendkim", "R71", "BAD_DOMAIN", "pass", always, SYNTAX),
    Known("opendkim", "R22", "BAD_LENGTH", "pass", always, NUMBER),
    Known("opendkim", "R50", "BODY_HASH_DIFFERS", "pass", bare_line_end, BARE),
    Known("opendkim", "R12", "BAD_QUERY_METHOD", "pass", always, METHODS),
    Known("opendkim", "R8", "BAD_SIGNATURE_DATA", "pass", always, B64),
    Known("opendkim", "R18", "BAD_SIGNED_HEADERS", "pass", always, NAMES),
    Known("opendkim", "R27", "BODY_NOT_COVERED", "pass", always, PARTIAL),
    Known("opendkim", "R56", "KEY_BAD_DATA", "pass", ed25519_key, "section 3.6.1, k=: the default is rsa, and an Ed25519 key is none"),
    Known("opendkim", "R59", "KEY_BAD_DATA", "pass", has_trait("R59 octets behind"), ONE_KEY),
    Known("opendkim", "R60", "KEY_DUPLICATE_TAG", "pass", always, DUPLICATE),
    Known("opendkim", "R3", "TAG_DUPLICATE", "pass", always, DUPLICATE),
    Known("opendkim", "R5", "TAG_SYNTAX", "pass", always, SYNTAX),
    Known("opendkim", "R74", "SHA1", "pass", always, SHA1),
    Known("opendkim", "R72", "TOP_LEVEL_DOMAIN", "pass", always, ONE_LABEL),
    # libopendkim refuses what is good
    Known("opendkim", "R15", "PASS", "fail: invalid domain coverage", has_trait("R15 i= quoted-printable"), "section 2.11: =40 in the local part is an octet of it, not the @"),
    Known("opendkim", "R31", "PASS", CRASHED, more_names_than_fields, "h= may list more names than there are fields; libopendkim writes past its array"),
    Known("opendkim", "R50", "PASS", "fail: length tag value exceeds body size", bare_line_end, BARE),
    Known("opendkim", "R50", "PASS", "fail: signature verification failed, bh 1", bare_line_end, BARE),
    Known("opendkim", "R46", "PASS", "fail: (signature verification failed, bh 1|unknown error, bh -1|length tag value)", no_final_line_end, "section 3.4: a missing last CRLF is added"),
    Known("opendkim", "R29", "PASS", "fail: .* missing, bh 0", has_trait("R29"), "RFC 8616 lets UTF-8 stand in values; an unknown tag is ignored whole (R4)"),
    Known("opendkim", "R108", "PASS", "fail: .* missing, bh 0", has_trait("R108"), U_LABELS),
    Known("opendkim", "R109", "PASS", "fail: .* missing, bh 0", has_trait("R109"), "RFC 8616 section 5: UTF-8 may stand in the local part of i="),
    Known("opendkim", "R22", "PASS", "fail: signature expired", has_trait("R22 x= of 24 digits"), "section 3.5, x=: digits beyond what a machine holds are a time far ahead"),
    Known("opendkim", "R25", "PASS", "fail: signature timestamp in the future", has_trait("R25 t= is 0"), "0 is 1970"),
    Known("opendkim", "R6", "PASS", "fail: signature verification failed, bh -1", has_trait("R6 blanks before the = of b"), "section 3.2: FWS may stand before the ="),
    Known("opendkim", "R34", "PASS", "fail: signature verification failed, bh -1", control_octets, WSP),
    Known("opendkim", "R20", "PASS", "fail: signature verification failed, bh -1", has_trait("R20"), SELF),
    Known("opendkim", "R34", "PASS", "fail: signature verification failed, bh -1", tab_before_colon, "RFC 5322 section 4.5: a TAB before the colon is WSP, too; " + FAR),
    Known("opendkim", "R34", "PASS", "fail: left out: header: Syntax error", tab_before_colon, "the same for DKIM-Signature itself"),
    Known("opendkim", "R69", "PASS", "fail: unable to apply public key", has_trait("R69"), KEY_FORM),
    Known("opendkim", "R67", "PASS", "fail: unknown error, bh -1", several_records, RECORDS),

    # Mail::DKIM passes what must not pass
    Known("maildkim", "R11", "BAD_CANONICALIZATION", "pass", always, SYNTAX),
    Known("maildkim", "R15", "BAD_IDENTITY", "pass", always, IDENTITY),
    Known("maildkim", "R22", "BAD_LENGTH", "pass", always, NUMBER),
    Known("maildkim", "R22", "BAD_TIMESTAMP", "pass", always, NUMBER),
    Known("maildkim", "R8", "BAD_SIGNATURE_DATA", "pass", always, B64),
    Known("maildkim", "R18", "BAD_SIGNED_HEADERS", "pass", always, NAMES),
    Known("maildkim", "R1", "BAD_VERSION", "pass", always, VERSION),
    Known("maildkim", "R1", "NO_VERSION", "pass", always, VERSION),
    Known("maildkim", "R27", "BODY_NOT_COVERED", "pass", always, PARTIAL),
    Known("maildkim", "R26", "BODY_SHORTER_THAN_L", "pass", always, BEYOND),
    Known("maildkim", "R59", "KEY_BAD_DATA", "pass", has_trait("R59 octets behind"), ONE_KEY),
    Known("maildkim", "R16", "FROM_NOT_SIGNED", "pass", always, FROM),
    Known("maildkim", "R25", "IN_FUTURE", "pass", always, LATE),
    Known("maildkim", "R62", "KEY_STRICT_IDENTITY", "pass", always, STRICT + "; FWS may stand around the colons of t="),
    Known("maildkim", "R56", "KEY_BAD_TYPE", "pass", always, "section 3.6.1, k=: an empty value is no key type"),
    Known("maildkim", "R60", "KEY_DUPLICATE_TAG", "pass", always, DUPLICATE),
    Known("maildkim", "R5", "KEY_SYNTAX", "pass", always, SYNTAX),
    Known("maildkim", "R3", "TAG_DUPLICATE", "pass", always, DUPLICATE),
    Known("maildkim", "R9", "TAG_MISSING", "pass", always, "section 3.5: a, b, bh, d, h and s are required"),
    Known("maildkim", "R5", "TAG_SYNTAX", "pass", always, SYNTAX),
    Known("maildkim", "R72", "TOP_LEVEL_DOMAIN", "pass", always, ONE_LABEL),
    # Mail::DKIM refuses what is good
    Known("maildkim", "R46", "PASS", "fail: fail .body has been altered", no_final_line_end, "section 3.4.3: a missing last CRLF is added"),
    Known("maildkim", "R20", "PASS", "fail: fail .message has been altered", has_trait("R20"), SELF),
    Known("maildkim", "R34", "PASS", "fail: (fail .message has been altered|invalid .unsupported algorithm\\))", has_trait("colon of DKIM-Signature"), "section 3.7: only the value of b= is taken out, the blank before the colon stays or goes as c= says"),
    Known("maildkim", "R69", "PASS", "fail: invalid .public key: OpenSSL error", has_trait("R69"), KEY_FORM),
    Known("maildkim", "R58", "PASS", "fail: invalid .public key: does not support email", has_trait("R58 s= is a list"), "section 3.6.1, s=: FWS may stand around the colons"),
    Known("maildkim", "R57", "PASS", "fail: invalid .public key: does not support hash", has_trait("R57 h= lists"), "section 3.6.1, h=: FWS may stand around the colons"),
    Known("maildkim", "R63", "PASS", "fail: invalid .public key: granularity", has_trait("R63 g="), "section 3.6.1: g= is gone since RFC 6376"),
    Known("maildkim", "R67", "PASS", "fail: invalid .public key: (revoked|unsupported version)", has_trait("before"), RECORDS),
    Known("maildkim", "R56", "PASS", "fail: invalid .public key: unsupported key type", has_trait("R56 k= in capitals"), LITERALS),
    Known("maildkim", "R108", "PASS", "fail: invalid .(public key: not available|bad identity)", has_trait("R108"), U_LABELS),
    Known("maildkim", "R24", "PASS", "fail: invalid .signature is expired", has_trait("R24 expired within the skew"), LATE),
    Known("maildkim", "R78", "PASS", "fail: invalid .unsupported algorithm ed25519", ed25519_key, NO_ED25519),
    Known("maildkim", "R12", "PASS", "fail: invalid .unsupported query protocol", has_trait("R12"), METHODS),
]


def explanation(judge, message, signature, reason, verdict):
    """The row that explains the disagreement, or None."""
    says = "pass" if verdict["result"] == "pass" else f"fail: {verdict['reason']}"
    for row in KNOWN:
        if row.judge == judge and row.postern == reason and re.match(row.says, says) and row.when(message, signature):
            return row
    return None
