// Rows that are asked themselves: whose they are, where the log does not say it because another
// program moved them, and what their digest is (docs/lake.md, "The digest of rows").
#include "lake.h"
#include "roadmill/codec.h"
#include "roadmill/parquet/rows.h"

enum { PART_ROWS = 1 << 18 };
#define PART_BYTES ((size_t)64 << 20)

// ---- Owners ------------------------------------------------------------------------------------

rml_str rml_lake_owner_column(rml_str table, rml_schema schema)
{
    static const struct {
        const char *table, *column;
    } others[] = {{"events", "query_hash"}, {"scenes", ""}}; // a scene does not tell its spec
    rml_str column = RML_STR("recording_id");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        column = rml_str_equal(table, rml_str_of(others[i].table)) ? rml_str_of(others[i].column)
                                                                   : column;
    }
    size_t at = column.len > 0 ? rml_schema_find(schema, column) : schema.count;
    return at < schema.count && schema.fields[at].type == RML_TYPE_STRING ? column : (rml_str){0};
}

rml_status rml_lake_row_owners(rml_lake *lake, const rml_delta *d, rml_str column,
                               const size_t *indexes, size_t count, rml_map *owners, rml_error *err)
{
    rml_buffer text = {0};
    rml_rows *rows = NULL;
    const rml_batch *b;
    rml_status st = rml_buffer_printf(&text, err, "SELECT DISTINCT coalesce(\"%.*s\", '') FROM (",
                                      RML_FMT(column));
    st = st ? st : rml_lake_select_text(&lake->copies, d, indexes, count, NULL, &text, err);
    st = st ? st : rml_buffer_str(&text, RML_STR(")"), err);
    st = st ? st : rml_lake_open_sql(lake, err);
    st = st ? st : rml_sql_query(lake->sql, rml_buffer_text(&text), &rows, err);
    while (st == RML_OK && (st = rml_rows_next(rows, &b, err)) == RML_OK) {
        for (size_t i = 0; st == RML_OK && i < b->count; i++) {
            st = rml_map_put(owners, rml_column_get_str(&b->columns[0], i), 1, err);
        }
    }
    rml_rows_close(rows);
    rml_buffer_reset(&text);
    return st == RML_END ? RML_OK : st;
}

rml_status rml_lake_owners(rml_lake *lake, rml_str table, const rml_delta *d, rml_map *owners,
                           rml_error *err)
{
    rml_arena arena = {0};
    rml_str column = rml_lake_owner_column(table, d->schema);
    size_t *indexes = RML_NEW_ARRAY(&arena, size_t, d->file_count + 1), count = 0;
    rml_status st = indexes == NULL ? rml_fail_memory(err, d->file_count) : RML_OK;
    for (size_t i = 0; st == RML_OK && i < d->file_count; i++) {
        if (d->files[i].owner.len > 0) {
            st = rml_map_put(owners, d->files[i].owner, 1, err);
        } else {
            indexes[count++] = i;
        }
    }
    if (st == RML_OK && count > 0 && column.len > 0) {
        st = rml_lake_row_owners(lake, d, column, indexes, count, owners, err);
    }
    rml_arena_reset(&arena);
    return st;
}

// ---- Digests -----------------------------------------------------------------------------------

// Rows on their way from SQL into the digest of their owner.
typedef struct reading {
    rml_rows_digest *digest;
    rml_batch part;
    size_t owner_at; // the column that tells the owner; schema.count: none
    rml_str owner;   // of the rows in part and digest
    bool any;
    rml_arena arena; // the owner's name
    rml_lake_digest_fn tell;
    void *context;
} reading;

static size_t weight_of(const rml_column *c)
{
    size_t weight = c->values.len + c->offsets.len + c->validity.len;
    for (size_t i = 0; i < c->child_count; i++) {
        weight += weight_of(&c->children[i]);
    }
    return weight;
}

static rml_status append(rml_batch *to, const rml_batch *from, size_t first, size_t count,
                         rml_error *err)
{
    for (size_t k = 0; k < to->schema.count; k++) {
        RML_TRY(rml_column_append(&to->columns[k], &from->columns[k], first, count, err));
    }
    to->count += count;
    return RML_OK;
}

// Adds the rows whose place among those to come is settled; those that only floats tell apart wait.
static rml_status settle(reading *r, bool more, rml_error *err)
{
    size_t open = r->part.count;
    RML_TRY(more ? rml_rows_open_end(&r->part, &open, err) : RML_OK);
    if (open == 0 && r->part.count > 0) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected rows that a text or an integer tells apart, found more than %zu "
                        "that only floats or nested columns do",
                        r->part.count);
    }
    rml_batch rest;
    RML_TRY(rml_batch_init(&rest, r->part.schema, err));
    rml_status st = append(&rest, &r->part, open, r->part.count - open, err);
    for (size_t k = 0; st == RML_OK && k < r->part.schema.count; k++) {
        rml_column_cut(&r->part.columns[k], open);
    }
    r->part.count = open;
    st = st ? st : rml_rows_digest_add(r->digest, &r->part, err);
    rml_batch_reset(&r->part);
    r->part = rest;
    return st;
}

static rml_status end_owner(reading *r, rml_error *err)
{
    if (!r->any) {
        return RML_OK;
    }
    rml_hash hash;
    bool ordered = true;
    RML_TRY(settle(r, false, err));
    RML_TRY(rml_rows_digest_end(r->digest, &ordered, &hash, err));
    if (!ordered) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected rows of at most 1048576 recordings and channels, found more");
    }
    r->any = false;
    return r->tell(r->context, r->owner, &hash, err);
}

static rml_status begin_owner(reading *r, rml_str owner, rml_error *err)
{
    rml_arena_reset(&r->arena);
    r->owner = rml_arena_str(&r->arena, owner);
    r->any = true;
    return r->owner.data == NULL ? rml_fail_memory(err, owner.len) : RML_OK;
}

static rml_str owner_of(const reading *r, const rml_batch *b, size_t row)
{
    bool none = r->owner_at >= b->schema.count || rml_column_is_null(&b->columns[r->owner_at], row);
    return none ? RML_STR("") : rml_column_get_str(&b->columns[r->owner_at], row);
}

static rml_status take(reading *r, const rml_batch *b, rml_error *err)
{
    for (size_t from = 0; from < b->count;) {
        rml_str owner = owner_of(r, b, from);
        size_t n = 1;
        while (from + n < b->count && rml_str_equal(owner_of(r, b, from + n), owner)) {
            n++;
        }
        if (r->any && !rml_str_equal(r->owner, owner)) {
            RML_TRY(end_owner(r, err));
        }
        RML_TRY(r->any ? RML_OK : begin_owner(r, owner, err));
        RML_TRY(append(&r->part, b, from, n, err));
        from += n;
    }
    size_t weight = 0;
    for (size_t k = 0; k < r->part.schema.count; k++) {
        weight += weight_of(&r->part.columns[k]);
    }
    return r->part.count >= PART_ROWS || weight >= PART_BYTES ? settle(r, true, err) : RML_OK;
}

// The SELECT with its ORDER BY, for which the columns must be known.
static rml_status ordered_text(rml_lake *lake, rml_str select, rml_str column, rml_buffer *out,
                               rml_error *err)
{
    rml_buffer probe = {0};
    rml_rows *rows = NULL;
    rml_status st = rml_buffer_printf(&probe, err, "SELECT * FROM (%.*s) LIMIT 0", RML_FMT(select));
    st = st ? st : rml_sql_query(lake->sql, rml_buffer_text(&probe), &rows, err);
    st = st ? st : rml_buffer_printf(out, err, "SELECT * FROM (%.*s) ORDER BY ", RML_FMT(select));
    if (st == RML_OK && column.len > 0) {
        st = rml_buffer_printf(out, err, "coalesce(\"%.*s\", ''), ", RML_FMT(column));
    }
    st = st ? st : rml_rows_order_by(rml_rows_schema(rows), out, err);
    rml_rows_close(rows);
    rml_buffer_reset(&probe);
    return st;
}

rml_status rml_lake_digest_rows(rml_lake *lake, rml_str select, rml_str column,
                                rml_lake_digest_fn tell, void *context, rml_error *err)
{
    rml_buffer text = {0};
    rml_rows *rows = NULL;
    reading r = {.tell = tell, .context = context};
    const rml_batch *b;
    rml_status st = rml_lake_open_sql(lake, err);
    st = st ? st : ordered_text(lake, select, column, &text, err);
    st = st ? st : rml_sql_query(lake->sql, rml_buffer_text(&text), &rows, err);
    st = st ? st : rml_rows_digest_make(&r.digest, err);
    if (st == RML_OK) {
        rml_schema schema = rml_rows_schema(rows);
        r.owner_at = column.len > 0 ? rml_schema_find(schema, column) : schema.count;
        st = rml_batch_init(&r.part, schema, err);
    }
    while (st == RML_OK && (st = rml_rows_next(rows, &b, err)) == RML_OK) {
        st = take(&r, b, err);
    }
    st = st == RML_END ? end_owner(&r, err) : st;
    rml_batch_reset(&r.part);
    rml_rows_digest_free(r.digest);
    rml_arena_reset(&r.arena);
    rml_rows_close(rows);
    rml_buffer_reset(&text);
    return st;
}

static rml_status keep(void *context, rml_str owner, const rml_hash *digest, rml_error *err)
{
    (void)owner, (void)err;
    *(rml_hash *)context = *digest;
    return RML_OK;
}

rml_status rml_lake_digest_all(rml_lake *lake, rml_str select, rml_hash *out, rml_error *err)
{
    RML_TRY(rml_sha256("", 0, out) == RML_OK ? RML_OK : rml_fail_memory(err, 256));
    return rml_lake_digest_rows(lake, select, (rml_str){0}, keep, out, err);
}
