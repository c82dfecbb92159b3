#include "milter/sign_tables.h"

#include "conf/table_text.h"
#include "dkim/fault.h"
#include "dkim/regular_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

static int read_open_file(void *mem, const char *path, int fd, size_t size, char **ret, size_t *ret_n, char **ret_error)
{
	char *text;
	int r;

	if (size > TABLE_FILE_MAX)
		return fault(mem, ret_error, -EFBIG, "%s: wanted at most %d octets, got %zu", path, TABLE_FILE_MAX, size);
	text = talloc_size(mem, size + 1);
	if (!text)
		return -ENOMEM;
	r = regular_file_read(mem, path, fd, text, size, ret_n, ret_error);
	if (r < 0) {
		talloc_free(text);
		return r;
	}
	text[*ret_n] = '\0';
	*ret = text;
	return 0;
}

static int read_file(void *mem, const char *path, char **ret, size_t *ret_n, char **ret_error)
{
	struct stat st;
	int fd, r;

	r = regular_file_open(mem, path, &fd, &st, ret_error);
	if (r < 0)
		return r;
	r = read_open_file(mem, path, fd, (size_t)st.st_size, ret, ret_n, ret_error);
	close(fd);
	return r;
}

/* A file that cannot be read is one more fault. */
static int tell(void *mem, char *error, struct conf_errors *errors)
{
	if (!error)
		return -ENOMEM;
	errors->text = talloc_array(mem, char *, 1);
	if (!errors->text)
		return -ENOMEM;
	errors->text[0] = error;
	errors->count = 1;
	return -EINVAL;
}

/* One table: its file, then its rows, by the function for its kind. */
typedef int parse_table(struct sign_tables *tables, char *text, size_t n, bool refile, struct fault_list *faults);

static int parse_keys(struct sign_tables *tables, char *text, size_t n, bool refile, struct fault_list *faults)
{
	(void)refile; /* a name is a name: see the fault for "*" */
	return key_table_parse(tables, text, n, faults, &tables->keys);
}

static int parse_senders(struct sign_tables *tables, char *text, size_t n, bool refile, struct fault_list *faults)
{
	return signing_table_parse(tables, text, n, refile, tables->keys, faults, &tables->senders);
}

static int read_table(void *mem, struct sign_tables *tables, const char *spec, parse_table *parse, struct conf_errors *errors)
{
	struct fault_list *faults;
	char *text = NULL, *error = NULL;
	size_t n;
	int r;

	r = read_file(tables, table_path(spec), &text, &n, &error);
	if (r < 0)
		return tell(mem, talloc_steal(mem, error), errors);
	faults = faults_new(tables, table_path(spec));
	r = faults ? parse(tables, text, n, table_is_refile(spec), faults) : -ENOMEM;
	if (r == 0 && faults_count(faults) > 0)
		r = faults_finish(faults, mem, errors) < 0 ? -ENOMEM : -EINVAL;
	talloc_free(faults);
	return r;
}

int sign_tables_read(void *mem, const struct conf_sign *conf, struct sign_tables **ret, struct conf_errors *ret_errors)
{
	struct sign_tables *tables = talloc_zero(mem, struct sign_tables);
	int r;

	*ret_errors = (struct conf_errors){ NULL, 0 };
	if (!tables)
		return -ENOMEM;
	r = read_table(mem, tables, conf->key_table, parse_keys, ret_errors);
	if (r == 0)
		r = read_table(mem, tables, conf->signing_table, parse_senders, ret_errors);
	if (r < 0) {
		talloc_free(tables);
		return r;
	}
	*ret = tables;
	return 0;
}

static int compare_files(const void *a, const void *b)
{
	const struct key_row *x = *(const struct key_row *const *)a, *y = *(const struct key_row *const *)b;

	return strcmp(x->file, y->file);
}

/* Rows with the same file, of which there is at least one. Returns how many, or -ENOMEM. */
static int load_shared(struct sign_tables *tables, const struct key_row *const *rows, size_t count, sign_tables_lost *lost, void *arg,
                       size_t *ret_rows)
{
	struct loaded_key *loaded = NULL;
	char *error = NULL;
	size_t same = 0;
	int r;

	r = loaded_key_new(tables, rows[0]->file, &loaded, &error);
	if (r == -ENOMEM)
		return r;
	for (; same < count && strcmp(rows[same]->file, rows[0]->file) == 0; same++) {
		tables->loaded[rows[same] - tables->keys->rows] = loaded;
		if (!loaded)
			lost(arg, rows[same], error ? error : strerror(-r));
	}
	talloc_free(error);
	*ret_rows = same;
	return 0;
}

int sign_tables_load_keys(struct sign_tables *tables, sign_tables_lost *lost, void *arg)
{
	const size_t count = tables->keys->count;
	const struct key_row **by_file = talloc_array(tables, const struct key_row *, (unsigned)count);
	size_t same = 0;
	int r = 0;

	tables->loaded = talloc_zero_array(tables, struct loaded_key *, (unsigned)count);
	if (!by_file || !tables->loaded)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		by_file[i] = &tables->keys->rows[i];
	qsort(by_file, count, sizeof *by_file, compare_files);
	for (size_t i = 0; r == 0 && i < count; i += same)
		r = load_shared(tables, by_file + i, count - i, lost, arg, &same);
	talloc_free(by_file);
	return r;
}

const struct loaded_key *sign_tables_key(const struct sign_tables *tables, const struct key_row *row)
{
	return tables->loaded[row - tables->keys->rows];
}

struct conf_key sign_tables_conf_key(const struct key_row *row)
{
	return (struct conf_key){ .name = row->name, .selector = row->selector, .domain = row->domain, .file = row->file,
	                          .state = CONF_KEY_ACTIVE, .line = row->line };
}
