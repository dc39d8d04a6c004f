// Aliases, settings and counters. An alias or a counter changes together with its audit entry.
#include "database.h"

#include "roadmill/base/json.h"

static rml_status set_text(rml_catalog *c, rml_sql which, rml_str key, rml_str value,
                           rml_error *err)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, which, &s, err));
    rml_sql_bind(s, 1, key);
    rml_sql_bind(s, 2, value);
    return rml_database_run(c, s, err);
}

// RML_END if there is none.
static rml_status get_text(rml_catalog *c, rml_sql which, rml_str key, rml_arena *arena,
                           rml_str *out, rml_error *err)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, which, &s, err));
    rml_sql_bind(s, 1, key);
    rml_status st = rml_sql_step(c, s, err);
    st = st == RML_OK ? rml_sql_text(s, 0, arena, out, err) : st;
    rml_sql_end(s);
    return st;
}

static rml_status audit_alias(rml_catalog *c, rml_str alias, rml_str hash, rml_str before,
                              rml_str actor, rml_str reason, rml_error *err)
{
    rml_buffer details = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &details, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "from", before);
    rml_json_kv_str(&w, "reason", reason);
    rml_json_kv_str(&w, "to", hash);
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    if (st == RML_OK) {
        st = rml_audit_add(c, actor, RML_STR("alias"), alias, rml_buffer_text(&details), err);
    }
    rml_buffer_reset(&details);
    return st;
}

rml_status rml_catalog_alias_set(rml_catalog *c, rml_str alias, rml_str hash, rml_str actor,
                                 rml_str reason, rml_error *err)
{
    bool own;
    RML_TRY(rml_change_enter(c, &own, err));
    rml_arena arena = {0};
    rml_str before = {0};
    rml_status st = get_text(c, RML_SQL_ALIAS_GET, alias, &arena, &before, err);
    if (st == RML_OK || st == RML_END) {
        st = set_text(c, RML_SQL_ALIAS_SET, alias, hash, err);
    }
    if (st == RML_OK) {
        st = audit_alias(c, alias, hash, before, actor, reason, err);
    }
    rml_arena_reset(&arena);
    return rml_change_leave(c, own, st, err);
}

rml_status rml_catalog_alias_get(rml_catalog *c, rml_str alias, rml_arena *arena, rml_str *hash,
                                 rml_error *err)
{
    rml_status st = get_text(c, RML_SQL_ALIAS_GET, alias, arena, hash, err);
    return st != RML_END ? st
                         : rml_fail(err, RML_ERR_MISSING, rml_catalog_place(c), NULL,
                                    "expected an alias, found none named \"%.*s\"", RML_FMT(alias));
}

rml_status rml_catalog_value_set(rml_catalog *c, rml_str key, rml_str value, rml_error *err)
{
    bool own;
    RML_TRY(rml_change_enter(c, &own, err));
    return rml_change_leave(c, own, set_text(c, RML_SQL_VALUE_SET, key, value, err), err);
}

rml_status rml_catalog_value_get(rml_catalog *c, rml_str key, rml_arena *arena, rml_str *value,
                                 rml_error *err)
{
    rml_status st = get_text(c, RML_SQL_VALUE_GET, key, arena, value, err);
    return st != RML_END ? st
                         : rml_fail(err, RML_ERR_MISSING, rml_catalog_place(c), NULL,
                                    "expected a value, found none under \"%.*s\"", RML_FMT(key));
}

static rml_status add_one(rml_catalog *c, rml_str key, int64_t *out, rml_error *err)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, RML_SQL_COUNTER_GET, &s, err));
    rml_sql_bind(s, 1, key);
    rml_status st = rml_sql_step(c, s, err);
    int64_t before = st == RML_OK ? sqlite3_column_int64(s, 0) : 0;
    rml_sql_end(s);
    if (st != RML_OK && st != RML_END) {
        return st;
    }
    RML_TRY(rml_sql_start(c, RML_SQL_COUNTER_SET, &s, err));
    rml_sql_bind(s, 1, key);
    sqlite3_bind_int64(s, 2, before + 1);
    *out = before + 1;
    return rml_database_run(c, s, err);
}

static rml_status audit_count(rml_catalog *c, rml_str key, rml_str actor, int64_t value,
                              rml_error *err)
{
    rml_buffer details = {0};
    rml_status st = rml_buffer_printf(&details, err, "{\"value\":%lld}", (long long)value);
    if (st == RML_OK) {
        st = rml_audit_add(c, actor, RML_STR("count"), key, rml_buffer_text(&details), err);
    }
    rml_buffer_reset(&details);
    return st;
}

rml_status rml_catalog_count(rml_catalog *c, rml_str key, rml_str actor, int64_t *out,
                             rml_error *err)
{
    bool own;
    int64_t value = 0;
    RML_TRY(rml_change_enter(c, &own, err));
    rml_status st = add_one(c, key, &value, err);
    if (st == RML_OK) {
        st = audit_count(c, key, actor, value, err);
    }
    st = rml_change_leave(c, own, st, err);
    if (st == RML_OK) {
        *out = value;
    }
    return st;
}
