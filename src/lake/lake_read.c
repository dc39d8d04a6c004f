// Reading the lake by SQL: a table's complete rows, or any query over views of them.
#include <string.h>

#include "lake.h"
#include "sql_rows.h"

rml_status rml_lake_open_sql(rml_lake *lake, rml_error *err)
{
    return lake->sql != NULL ? RML_OK : rml_sql_open(&lake->sql, err);
}

// ---- Select ------------------------------------------------------------------------------------

static bool is_wanted(const rml_lake_read *read, const rml_delta_file *file)
{
    bool wanted = read == NULL || read->owners == NULL || file->owner.len == 0;
    for (size_t i = 0; !wanted && i < read->owner_count; i++) {
        wanted = rml_str_equal(read->owners[i], file->owner);
    }
    return wanted;
}

static rml_status table_text(rml_lake *lake, rml_str table, const rml_lake_read *read,
                             rml_lake_complete *complete, rml_buffer *out, rml_error *err);

// "COLUMN IN (owners)", of rows that say themselves whose they are.
static rml_status put_owners(const rml_lake_read *read, rml_str column, rml_arena *arena,
                             rml_buffer *out, rml_error *err)
{
    if (column.len == 0) {
        return rml_buffer_str(out, RML_STR("false"), err);
    }
    RML_TRY(rml_buffer_printf(out, err, "\"%.*s\" IN (''", RML_FMT(column)));
    for (size_t i = 0; i < read->owner_count; i++) {
        rml_str quoted = rml_sql_quote(arena, read->owners[i]);
        RML_TRY(quoted.data == NULL ? rml_fail_memory(err, read->owners[i].len)
                                    : rml_buffer_printf(out, err, ", %.*s", RML_FMT(quoted)));
    }
    return rml_buffer_str(out, RML_STR(")"), err);
}

// Which rows count of files that do not say whose they are. What another program only moved may be
// rows of an owner that is not complete, so those join on `recordings`.
static rml_status where_text(rml_lake *lake, rml_str table, const rml_delta *d,
                             const rml_lake_read *read, rml_arena *arena, rml_lake_where *out,
                             rml_error *err)
{
    rml_buffer text = {0};
    rml_lake_complete complete = {0};
    rml_str column = rml_lake_owner_column(table, d->schema);
    rml_status st = RML_OK;
    if (read != NULL && read->owners != NULL) {
        st = put_owners(read, column, arena, &text, err);
    }
    out->written = rml_arena_str(arena, rml_buffer_text(&text));
    bool joins =
        rml_str_equal(column, RML_STR("recording_id")) &&
        !rml_str_equal(table, RML_STR(RML_LAKE_ROOT)) &&
        rml_lake_latest(lake, RML_STR(RML_LAKE_ROOT), &(const rml_delta *){0}, NULL) == RML_OK;
    if (st == RML_OK && joins) {
        st = rml_buffer_printf(&text, err, "%srecording_id IN (SELECT recording_id FROM (",
                               text.len > 0 ? " AND " : "");
        st = st ? st : table_text(lake, RML_STR(RML_LAKE_ROOT), NULL, &complete, &text, err);
        st = st ? st : rml_buffer_str(&text, RML_STR("))"), err);
    }
    out->moved = rml_arena_str(arena, rml_buffer_text(&text));
    if (st == RML_OK && (out->written.data == NULL || out->moved.data == NULL)) {
        st = rml_fail_memory(err, text.len);
    }
    rml_lake_complete_reset(&complete);
    rml_buffer_reset(&text);
    return st;
}

static rml_status files_text(rml_lake *lake, rml_str table, const rml_delta *d,
                             const rml_lake_read *read, rml_lake_complete *complete,
                             rml_buffer *out, rml_error *err)
{
    rml_arena arena = {0};
    rml_lake_where where = {0};
    size_t *indexes = RML_NEW_ARRAY(&arena, size_t, d->file_count + 1);
    rml_status st = indexes == NULL ? rml_fail_memory(err, d->file_count) : RML_OK;
    size_t count = 0;
    bool foreign = false;
    for (size_t i = 0; st == RML_OK && i < d->file_count; i++) {
        bool whole = false;
        st = rml_lake_is_complete(lake, complete, &d->files[i], &whole, err);
        if (whole && is_wanted(read, &d->files[i])) {
            indexes[count++] = i;
            foreign = foreign || d->files[i].owner.len == 0;
        }
    }
    if (st == RML_OK && foreign) {
        st = where_text(lake, table, d, read, &arena, &where, err);
    }
    if (st == RML_OK) {
        st = rml_lake_select_text(&lake->copies, d, indexes, count, &where, out, err);
    }
    rml_arena_reset(&arena);
    return st;
}

// Appends the SELECT over the complete files of a table. read NULL: all owners, present version.
static rml_status table_text(rml_lake *lake, rml_str table, const rml_lake_read *read,
                             rml_lake_complete *complete, rml_buffer *out, rml_error *err)
{
    if (read == NULL || read->version == 0) {
        const rml_delta *d = NULL;
        RML_TRY(rml_lake_latest(lake, table, &d, err));
        return files_text(lake, table, d, read, complete, out, err);
    }
    rml_arena arena = {0};
    rml_delta d = {0};
    rml_str path;
    rml_status st = rml_lake_path(lake, table, &arena, &path, err);
    if (st == RML_OK) {
        st = rml_delta_open(&d, path, read->version - 1, err);
    }
    if (st == RML_OK) {
        st = files_text(lake, table, &d, read, complete, out, err);
    }
    rml_delta_close(&d);
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_lake_select(rml_lake *lake, const rml_lake_read *read, rml_rows **out,
                           rml_error *err)
{
    *out = NULL;
    RML_TRY(rml_lake_check_name(read->table, err));
    rml_lake_complete complete = {0};
    rml_buffer text = {0};
    rml_status st = rml_buffer_printf(&text, err, "SELECT %s FROM (",
                                      read->columns != NULL ? read->columns : "*");
    if (st == RML_OK) {
        st = table_text(lake, rml_str_of(read->table), read, &complete, &text, err);
    }
    if (st == RML_OK) {
        st = rml_buffer_printf(&text, err, ")%s%s%s%s", read->where != NULL ? " WHERE " : "",
                               read->where != NULL ? read->where : "",
                               read->order != NULL ? " ORDER BY " : "",
                               read->order != NULL ? read->order : "");
    }
    if (st == RML_OK) {
        st = rml_lake_open_sql(lake, err);
    }
    if (st == RML_OK) {
        st = rml_sql_query(lake->sql, rml_buffer_text(&text), out, err);
    }
    rml_buffer_reset(&text);
    rml_lake_complete_reset(&complete);
    return st;
}

// ---- Views -------------------------------------------------------------------------------------

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// True when the name stands in the text as a word, in any case.
static bool mentions(rml_str text, rml_str name)
{
    for (size_t i = 0; i + name.len <= text.len; i++) {
        bool found = (i == 0 || !is_word(text.data[i - 1])) &&
                     (i + name.len == text.len || !is_word(text.data[i + name.len]));
        for (size_t k = 0; found && k < name.len; k++) {
            char c = text.data[i + k];
            found = (c >= 'A' && c <= 'Z' ? (char)(c + 32) : c) == name.data[k];
        }
        if (found) {
            return true;
        }
    }
    return false;
}

static rml_status make_view(rml_lake *lake, rml_str name, const rml_lake_read *read,
                            rml_lake_complete *complete, rml_error *err)
{
    rml_buffer text = {0};
    rml_status st =
        rml_buffer_printf(&text, err, "CREATE OR REPLACE VIEW \"%.*s\" AS ", RML_FMT(name));
    if (st == RML_OK) {
        st = table_text(lake, name, read, complete, &text, err);
    }
    if (st == RML_OK) {
        st = rml_sql_run(lake->sql, rml_buffer_text(&text), err);
    }
    rml_buffer_reset(&text);
    return st;
}

// Only tables that the query names get their view, unless it names none (as SHOW TABLES does).
// read: the owners whose rows the views have; NULL is all.
static rml_status query_views(rml_lake *lake, const rml_lake_read *read, rml_str sql,
                              rml_rows **out, rml_error *err)
{
    *out = NULL;
    rml_arena arena = {0};
    rml_array names = RML_ARRAY(rml_str);
    rml_lake_complete complete = {0};
    rml_status st = rml_lake_open_sql(lake, err);
    if (st == RML_OK) {
        st = rml_lake_names(lake, (rml_str){0}, &arena, &names, err);
    }
    bool any = false;
    for (size_t i = 0; i < names.count; i++) {
        any = any || mentions(sql, *RML_AT(&names, rml_str, i));
    }
    for (size_t i = 0; st == RML_OK && i < names.count; i++) {
        rml_str name = *RML_AT(&names, rml_str, i);
        if (rml_lake_check_name(name.data, NULL) == RML_OK && (!any || mentions(sql, name))) {
            st = make_view(lake, name, read, &complete, err);
        }
    }
    if (st == RML_OK) {
        st = rml_sql_query(lake->sql, sql, out, err);
    }
    rml_lake_complete_reset(&complete);
    rml_array_reset(&names);
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_lake_sql(rml_lake *lake, rml_str sql, rml_rows **out, rml_error *err)
{
    return query_views(lake, NULL, sql, out, err);
}

rml_status rml_lake_sql_of(rml_lake *lake, rml_str owner, rml_str sql, rml_rows **out,
                           rml_error *err)
{
    const rml_lake_read read = {.owners = &owner, .owner_count = 1};
    return query_views(lake, &read, sql, out, err);
}
