// A table's rows as SQL: read_parquet with an explicit list of live files.
//
// A file may lack columns that came later, and partition values stand only in the log, so the
// SELECT begins with no rows of every column with its type, and the files follow by name.
#include "roadmill/base/json.h"
#include "roadmill/store.h"

#include "lake.h"

typedef struct text {
    rml_buffer *out;
    rml_store_copies *copies;
    rml_error *err;
    rml_status status;
    rml_arena arena;
} text;

static void put(text *t, rml_str s)
{
    if (t->status == RML_OK) {
        t->status = rml_buffer_str(t->out, s, t->err);
    }
}

static void put_c(text *t, const char *s)
{
    put(t, rml_str_of(s));
}

// An identifier in double quotes.
static void put_name(text *t, rml_str name)
{
    put_c(t, "\"");
    for (size_t i = 0; i < name.len; i++) {
        put(t, (rml_str){name.data + i, 1});
        if (name.data[i] == '"') {
            put_c(t, "\"");
        }
    }
    put_c(t, "\"");
}

static void put_literal(text *t, rml_str s)
{
    rml_str quoted = rml_sql_quote(&t->arena, s);
    if (quoted.data == NULL && t->status == RML_OK) {
        t->status = rml_fail_memory(t->err, s.len);
    }
    put(t, quoted);
}

// ---- Types -------------------------------------------------------------------------------------

static const struct {
    const char *delta, *sql;
} types[] = {
    {"boolean", "BOOLEAN"},
    {"byte", "TINYINT"},
    {"short", "SMALLINT"},
    {"integer", "INTEGER"},
    {"long", "BIGINT"},
    {"float", "FLOAT"},
    {"double", "DOUBLE"},
    {"string", "VARCHAR"},
    {"binary", "BLOB"},
    {"void", "INTEGER"},
    {"date", "DATE"},
    {"timestamp", "TIMESTAMPTZ"},
    {"timestamp_ntz", "TIMESTAMP"},
};

// Delta's type, checked by rml_schema_parse before, as DuckDB's.
static void put_type(text *t, const rml_json *type)
{
    rml_str kind = rml_json_get_str(type, "type", RML_STR(""));
    if (type == NULL) {
        return;
    }
    if (type->kind == RML_JSON_STRING) {
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            if (rml_str_equal(type->string, rml_str_of(types[i].delta))) {
                put_c(t, types[i].sql);
                return;
            }
        }
        put(t, type->string); // decimal(p,s), which both write alike
    } else if (rml_str_equal(kind, RML_STR("array"))) {
        put_type(t, rml_json_get(type, "elementType"));
        put_c(t, "[]");
    } else if (rml_str_equal(kind, RML_STR("map"))) {
        put_c(t, "MAP(");
        put_type(t, rml_json_get(type, "keyType"));
        put_c(t, ", ");
        put_type(t, rml_json_get(type, "valueType"));
        put_c(t, ")");
    } else {
        put_c(t, "STRUCT(");
        const rml_json *fields = rml_json_get(type, "fields");
        for (const rml_json *f = fields ? fields->child : NULL; f != NULL; f = f->next) {
            put_name(t, rml_json_get_str(f, "name", RML_STR("")));
            put_c(t, " ");
            put_type(t, rml_json_get(f, "type"));
            put_c(t, f->next != NULL ? ", " : "");
        }
        put_c(t, ")");
    }
}

// ---- Files -------------------------------------------------------------------------------------

static bool same_partition(const rml_delta_file *a, const rml_delta_file *b)
{
    bool same = a->partition_count == b->partition_count;
    for (size_t i = 0; same && i < a->partition_count; i++) {
        const rml_delta_value *x = &a->partition[i], *y = &b->partition[i];
        same = x->null == y->null && rml_str_equal(x->name, y->name) &&
               rml_str_equal(x->text, y->text);
    }
    return same;
}

static const rml_json *type_of(const rml_json *fields, rml_str name)
{
    for (const rml_json *f = fields->child; f != NULL; f = f->next) {
        if (rml_str_equal(rml_json_get_str(f, "name", RML_STR("")), name)) {
            return rml_json_get(f, "type");
        }
    }
    return NULL;
}

// A partition value as text of its type; an empty text is null, a binary one has \u escapes.
static void put_partition(text *t, const rml_json *fields, const rml_delta_value *value)
{
    const rml_json *type = type_of(fields, value->name);
    bool string = type != NULL && type->kind == RML_JSON_STRING &&
                  rml_str_equal(type->string, RML_STR("string"));
    put_c(t, ", CAST(");
    if (value->null || (value->text.len == 0 && !string)) {
        put_c(t, "NULL");
    } else {
        put_literal(t, value->text);
    }
    put_c(t, " AS ");
    if (type != NULL) {
        put_type(t, type);
    } else {
        put_c(t, "VARCHAR");
    }
    put_c(t, ") AS ");
    put_name(t, value->name);
}

// The literal of a data file's local path.
static void put_file(text *t, rml_str folder, rml_str path)
{
    if (path.data[0] != '/') {
        path = rml_path_join(&t->arena, folder, path);
    }
    if (t->status == RML_OK && path.data == NULL) {
        t->status = rml_fail_memory(t->err, folder.len);
    }
    if (t->status == RML_OK && !rml_store_is_local(path)) {
        t->status = rml_store_copy(t->copies, path, &path, t->err);
    }
    if (t->status == RML_OK) {
        put_literal(t, path);
    }
}

static rml_str condition_of(const rml_lake_where *where, const rml_delta_file *file)
{
    return where == NULL || file->owner.len > 0 ? (rml_str){0}
           : file->rearranged                   ? where->moved
                                                : where->written;
}

// Files of one partition, from indexes[*at] on.
static void put_files(text *t, const rml_delta *d, const rml_json *fields, const size_t *indexes,
                      size_t count, const rml_lake_where *where, size_t *at)
{
    const rml_delta_file *first = &d->files[indexes[*at]];
    rml_str condition = condition_of(where, first);
    put_c(t, " UNION ALL BY NAME SELECT ");
    // Files may hold the partition's columns too: the log is right.
    put_c(t, first->partition_count > 0 ? "COLUMNS(lambda c: lower(c) NOT IN (''" : "*");
    for (size_t i = 0; i < first->partition_count; i++) {
        put_c(t, ", lower(");
        put_literal(t, first->partition[i].name);
        put_c(t, ")");
    }
    put_c(t, first->partition_count > 0 ? "))" : "");
    for (size_t i = 0; i < first->partition_count; i++) {
        put_partition(t, fields, &first->partition[i]);
    }
    put_c(t, " FROM read_parquet([");
    bool more = false;
    while (*at < count && same_partition(first, &d->files[indexes[*at]]) &&
           rml_str_equal(condition, condition_of(where, &d->files[indexes[*at]]))) {
        rml_str path = d->files[indexes[*at]].path;
        put_c(t, more ? ", " : "");
        put_file(t, d->folder, path);
        more = true;
        (*at)++;
    }
    put_c(t, "], union_by_name=true, hive_partitioning=false)");
    put_c(t, condition.len > 0 ? " WHERE " : "");
    put(t, condition);
}

rml_status rml_lake_select_text(rml_store_copies *copies, const rml_delta *d, const size_t *indexes,
                                size_t count, const rml_lake_where *where, rml_buffer *out,
                                rml_error *err)
{
    text t = {.out = out, .copies = copies, .err = err};
    const rml_json *schema = NULL;
    rml_status st = rml_json_parse(&t.arena, d->schema_text, d->folder, &schema, err);
    const rml_json *fields = st == RML_OK ? rml_json_get(schema, "fields") : NULL;
    if (fields != NULL) {
        put_c(&t, "SELECT ");
        for (const rml_json *f = fields->child; f != NULL; f = f->next) {
            put_name(&t, rml_json_get_str(f, "name", RML_STR("")));
            put_c(&t, f->next != NULL ? ", " : " FROM (SELECT ");
        }
        for (const rml_json *f = fields->child; f != NULL; f = f->next) {
            put_c(&t, "CAST(NULL AS ");
            put_type(&t, rml_json_get(f, "type"));
            put_c(&t, ") AS ");
            put_name(&t, rml_json_get_str(f, "name", RML_STR("")));
            put_c(&t, f->next != NULL ? ", " : " WHERE false");
        }
        for (size_t at = 0; at < count;) {
            put_files(&t, d, fields, indexes, count, where, &at);
        }
        put_c(&t, ")");
        st = t.status;
    }
    rml_arena_reset(&t.arena);
    return st;
}
