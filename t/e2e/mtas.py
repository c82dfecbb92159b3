"""The mail servers that the gate is tested with, and all in which they differ for a test."""

from postfix import Postfix
from sendmail import Sendmail

MTAS = {mta.name: mta for mta in (Postfix, Sendmail)}

# What a row expects of each (gate.expects(NAME)), and why. Rows marked with needs(NAME) are run only where it is true.
DIFFERENCES = {
    # name: (with Postfix, with Sendmail, why)
    "SMTPUTF8": (
        True, False, "Debian builds Sendmail 8.17 without it: MAIL with that parameter is refused (555)"),
    "XCLIENT": (
        True, False, "Sendmail has nothing like it: a client is who it is"),
    "sendmail(1) hears of a refusal": (
        False, True, "Sendmail's hands its mail over by SMTP while the program waits; Postfix's leaves it in the queue directory for pickup"),
    "a bounce passes the filter": (
        True, False, "Sendmail hands what it writes itself to no filter; Postfix does with internal_mail_filter_classes = bounce"),
    "reply to a field of 90 kB": (
        250, 451, "Sendmail sends no packet above 65,535 octets to a filter and takes the filter for broken; Postfix cuts the field first"),
    "address fields stay as they are": (
        True, False, "Sendmail writes the fields that hold addresses anew when it delivers; of most that it does, relaxed canonicalization "
                     "sees nothing"),
    "longest line that is delivered whole": (
        998, 2040, "Postfix folds at smtp_line_length_limit, Sendmail's relay mailer at RELAY_MAILER_LL"),
    "longest line without a warning": (
        998, 990, "Sendmail's mailers for all who are no relay break lines at 990, unless SMTP_MAILER_LL says more"),
    "the header is completed before the filter": (
        True, False, "Sendmail adds Date, Message-ID and From behind its filters; Postfix, for its own clients, before them"),
}


def expected(mta, name):
    """mta: a key of MTAS."""
    return DIFFERENCES[name][list(MTAS).index(mta)]
