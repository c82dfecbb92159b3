/* What the tests of the scanner share: a database and samples, made when they run. */
#ifndef T_AV_SUPPORT_H
#define T_AV_SUPPORT_H

#include "av/engine.h"
#include "dkim/view.h"

/* The EICAR test file of 68 octets, put together at run time: no scanner shall find one in this tree or in the program. */
struct view eicar(void);

/* A new folder under /tmp; database_remove() takes it away with what lies in it. */
char *database_new(void);
void database_remove(char *folder);

/* Write a file into it; the file's name decides what libclamav reads. */
void database_file(const char *folder, const char *name, const char *text);

/* The usual one: EICAR as a pattern (test.ndb: "Eicar-Pattern", anywhere in a file of any type) and a pattern that counts in
 * HTML alone after normalization ("Html-Pattern"). libclamav adds ".UNOFFICIAL" to both. */
#define EICAR_NAME "Eicar-Pattern.UNOFFICIAL"
void database_usual(const char *folder);

/* Settings with which nothing is in the way. */
struct av_engine_settings usual_settings(const char *folder);

/* Load the usual database; temporary files go to the folder. Any failure ends the test. */
struct av_engine *usual_engine(const char *folder);

/* Is there such a finding? name may be NULL: of any name. */
bool has_finding(const struct av_reply *reply, enum av_finding_kind kind, const char *name);

/* All of them in one line, "signature Eicar-Pattern.UNOFFICIAL (x.zip), limit parts"; for a failed test's message. */
const char *findings_text(const struct av_reply *reply);

#endif
