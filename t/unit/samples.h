/* Mails and archives for the scanner's tests, made when they run. */
#ifndef T_SAMPLES_H
#define T_SAMPLES_H

#include "dkim/view.h"

/* Encoded, in lines of 76 characters that end with LF. malloc()ed. */
struct view sample_base64(struct view octets);
struct view sample_uuencode(struct view octets, const char *name);

/* An archive with one file in it, of libarchive's `format` ("zip", "7zip", "gnutar", ...) and `filter` ("none", "gzip"); malloc()ed.
 *   password  NULL: none */
struct view sample_archive(const char *format, const char *filter, const char *name, struct view octets, const char *password);

/* One file as Macintoshes sent it (RFC 1741), and one as Outlook does (winmail.dat; [MS-OXTNEF] section 2.1.3). malloc()ed.
 *   title  the file's name, of at most 60 octets */
struct view sample_binhex(struct view octets, const char *title);
struct view sample_tnef(struct view octets, const char *title);

/* One with `count` files "f0.txt" ... of different text. */
struct view sample_archive_of_many(const char *format, unsigned count);

/* A message from a template:
 *     {eicar}    the test file itself      {eicar64}  in base64          {zip}   a zip of it (eicar.com), in base64
 *     {uu}       uuencoded as eicar.com    {hi64}     "hi\n" in base64   {0}     an octet 0
 *     {mail64}   a mail with that zip, its field names in upper case, in base64
 *     {cr}       a CR                      {8}        the octet e9
 * Lines end with LF in the template, and with CRLF in the message if `crlf`. malloc()ed. */
struct view sample_mail(const char *text, bool crlf);

void sample_free(struct view sample);

#endif
