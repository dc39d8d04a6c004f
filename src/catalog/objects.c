// Objects, what they were made from, and finding them by name or by the start of their hash.
#include "database.h"

#include "roadmill/os.h"

enum { PREFIX_MIN = 4 };

static rml_status read_object(sqlite3_stmt *s, rml_arena *arena, rml_object_row *out,
                              rml_error *err)
{
    RML_TRY(rml_sql_text(s, 0, arena, &out->kind, err));
    RML_TRY(rml_sql_text(s, 1, arena, &out->hash, err));
    RML_TRY(rml_sql_text(s, 2, arena, &out->name, err));
    RML_TRY(rml_sql_text(s, 3, arena, &out->body, err));
    out->created_ns = sqlite3_column_int64(s, 4);
    return RML_OK;
}

static rml_status add_name(rml_catalog *c, const rml_object_row *row, int64_t created_ns,
                           rml_error *err)
{
    if (row->name.len == 0) {
        return RML_OK;
    }
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, RML_SQL_NAME_ADD, &s, err));
    rml_sql_bind(s, 1, row->kind);
    rml_sql_bind(s, 2, row->name);
    rml_sql_bind(s, 3, row->hash);
    sqlite3_bind_int64(s, 4, created_ns);
    return rml_database_run(c, s, err);
}

static rml_status add_object(rml_catalog *c, const rml_object_row *row, int64_t created_ns,
                             rml_error *err)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, RML_SQL_OBJECT_ADD, &s, err));
    rml_sql_bind(s, 1, row->kind);
    rml_sql_bind(s, 2, row->hash);
    rml_sql_bind(s, 3, row->name);
    rml_sql_bind(s, 4, row->body);
    sqlite3_bind_int64(s, 5, created_ns);
    return rml_database_run(c, s, err);
}

// RML_OK if it is there and the same, RML_END if it is not there.
static rml_status compare_object(rml_catalog *c, const rml_object_row *row, rml_error *err)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, RML_SQL_OBJECT_OF, &s, err));
    rml_sql_bind(s, 1, row->hash);
    rml_status st = rml_sql_step(c, s, err);
    if (st == RML_OK && !rml_str_equal(rml_sql_view(s, 0), row->kind)) {
        st = rml_fail(err, RML_ERR_CONFLICT, rml_catalog_place(c), NULL,
                      "expected %.*s %.12s, found a %.*s of that hash", RML_FMT(row->kind),
                      row->hash.data, RML_FMT(rml_sql_view(s, 0)));
    } else if (st == RML_OK && !rml_str_equal(rml_sql_view(s, 3), row->body)) {
        st = rml_fail(err, RML_ERR_CONFLICT, rml_catalog_place(c), NULL,
                      "expected the body that %.*s %.12s has, found another one",
                      RML_FMT(row->kind), row->hash.data);
    }
    rml_sql_end(s);
    return st;
}

rml_status rml_catalog_put(rml_catalog *c, const rml_object_row *row, rml_error *err)
{
    rml_hash hash;
    if (!rml_hash_parse(row->hash, &hash)) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_catalog_place(c), NULL,
                        "expected a hash of 64 hexadecimal digits, found \"%.*s\"",
                        RML_FMT(row->hash));
    }
    bool own;
    RML_TRY(rml_change_enter(c, &own, err));
    int64_t now_ns = rml_clock_unix_ns();
    rml_status st = compare_object(c, row, err);
    if (st == RML_END) {
        st = add_object(c, row, row->created_ns != 0 ? row->created_ns : now_ns, err);
    }
    if (st == RML_OK) {
        st = add_name(c, row, now_ns, err);
    }
    return rml_change_leave(c, own, st, err);
}

static void bind_kind(sqlite3_stmt *s, const char *kind)
{
    if (kind) {
        rml_sql_bind(s, 1, rml_str_of(kind));
    }
}

static bool is_prefix(rml_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char ch = text.data[i];
        if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f'))) {
            return false;
        }
    }
    return text.len >= PREFIX_MIN && text.len < RML_HASH_TEXT;
}

static rml_status get_by_name(rml_catalog *c, const char *kind, rml_str name, rml_arena *arena,
                              rml_object_row *out, rml_error *err)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, RML_SQL_OBJECT_BY_NAME, &s, err));
    bind_kind(s, kind);
    rml_sql_bind(s, 2, name);
    rml_status st = rml_sql_step(c, s, err);
    st = st == RML_OK ? read_object(s, arena, out, err) : st;
    rml_sql_end(s);
    return st;
}

static rml_status get_by_prefix(rml_catalog *c, const char *kind, rml_str prefix, rml_arena *arena,
                                rml_object_row *out, rml_error *err)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, RML_SQL_OBJECT_BY_PREFIX, &s, err));
    bind_kind(s, kind);
    rml_sql_bind(s, 2, prefix);
    rml_status st = rml_sql_step(c, s, err);
    st = st == RML_OK ? read_object(s, arena, out, err) : st;
    rml_status more = st == RML_OK ? rml_sql_step(c, s, err) : RML_END;
    if (more == RML_OK) {
        st = rml_fail(err, RML_ERR_ARGUMENT, rml_catalog_place(c), "give more digits",
                      "expected a unique prefix, found %.*s to begin %.12s and %.12s",
                      RML_FMT(prefix), out->hash.data, rml_sql_view(s, 1).data);
    } else if (more != RML_END) {
        st = more;
    }
    rml_sql_end(s);
    return st;
}

rml_status rml_catalog_get(rml_catalog *c, const char *kind, rml_str name_or_prefix,
                           rml_arena *arena, rml_object_row *out, rml_error *err)
{
    // A whole hash before any name, since a thing may be named by the hash of another.
    bool prefix = is_prefix(name_or_prefix), whole = name_or_prefix.len == RML_HASH_TEXT - 1;
    rml_status st = RML_END;
    if (prefix && whole) {
        st = get_by_prefix(c, kind, name_or_prefix, arena, out, err);
    }
    if (st == RML_END) {
        st = get_by_name(c, kind, name_or_prefix, arena, out, err);
    }
    if (st == RML_END && prefix && !whole) {
        st = get_by_prefix(c, kind, name_or_prefix, arena, out, err);
    }
    if (st != RML_END) {
        return st;
    }
    return rml_fail(err, RML_ERR_MISSING, rml_catalog_place(c), NULL,
                    "expected the name of a %s or %d or more digits of its hash, found \"%.*s\", "
                    "which is neither",
                    kind ? kind : "thing", PREFIX_MIN, RML_FMT(name_or_prefix));
}

rml_status rml_catalog_list(rml_catalog *c, const char *kind, rml_arena *arena, rml_array *rows,
                            rml_error *err)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, RML_SQL_OBJECT_LIST, &s, err));
    bind_kind(s, kind);
    rml_status st;
    while ((st = rml_sql_step(c, s, err)) == RML_OK) {
        rml_object_row *row = rml_array_push(rows, err);
        st = row ? read_object(s, arena, row, err) : RML_ERR_MEMORY;
        if (st != RML_OK) {
            break;
        }
    }
    rml_sql_end(s);
    return st == RML_END ? RML_OK : st;
}

rml_status rml_catalog_link(rml_catalog *c, const rml_edge *edge, rml_error *err)
{
    bool own;
    RML_TRY(rml_change_enter(c, &own, err));
    sqlite3_stmt *s;
    rml_status st = rml_sql_start(c, RML_SQL_EDGE_ADD, &s, err);
    if (st == RML_OK) {
        rml_sql_bind(s, 1, edge->from);
        rml_sql_bind(s, 2, edge->to);
        rml_sql_bind(s, 3, edge->role);
        st = rml_database_run(c, s, err);
    }
    return rml_change_leave(c, own, st, err);
}

static rml_status read_edge(sqlite3_stmt *s, rml_arena *arena, rml_array *edges, rml_error *err)
{
    rml_edge *edge = rml_array_push(edges, err);
    if (!edge) {
        return RML_ERR_MEMORY;
    }
    RML_TRY(rml_sql_text(s, 0, arena, &edge->from, err));
    RML_TRY(rml_sql_text(s, 1, arena, &edge->to, err));
    return rml_sql_text(s, 2, arena, &edge->role, err);
}

rml_status rml_catalog_edges(rml_catalog *c, rml_str hash, bool up, rml_arena *arena,
                             rml_array *edges, rml_error *err)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, up ? RML_SQL_EDGES_UP : RML_SQL_EDGES_DOWN, &s, err));
    rml_sql_bind(s, 1, hash);
    rml_status st;
    while ((st = rml_sql_step(c, s, err)) == RML_OK) {
        st = read_edge(s, arena, edges, err);
        if (st != RML_OK) {
            break;
        }
    }
    rml_sql_end(s);
    return st == RML_END ? RML_OK : st;
}
