/* A fault told in two ways at once: an errno for the program, a sentence for the admin. */
#ifndef DKIM_FAULT_H
#define DKIM_FAULT_H

/* Format the sentence ("/etc/k.pem: wanted ..., got ...").
 *   error      negative errno
 *   ret_error  a talloc string that belongs to mem
 * Returns error, or -ENOMEM when there is no memory for the sentence: then *ret_error is untouched. */
int fault(void *mem, char **ret_error, int error, const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
