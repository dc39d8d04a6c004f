// The audit chain: each entry holds the hash of the one before, and its own hash is the SHA-256 of
// the canonical JSON of all its other fields.
#include "audit.h"

#include "roadmill/base/json.h"
#include "roadmill/codec.h"
#include "roadmill/os.h"

#include <string.h>

const char rml_audit_no_hash[RML_HASH_TEXT] =
    "0000000000000000000000000000000000000000000000000000000000000000";

rml_status rml_audit_hash(const rml_audit_entry *e, char text[RML_HASH_TEXT], rml_error *err)
{
    rml_buffer json = {0};
    rml_hash hash;
    rml_json_writer w;
    rml_json_writer_init(&w, &json, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "action", e->action);
    rml_json_kv_str(&w, "actor", e->actor);
    rml_json_kv_str(&w, "details", e->details);
    rml_json_kv_str(&w, "previous", e->previous);
    rml_json_kv_ns(&w, "sequence", e->sequence);
    rml_json_kv_str(&w, "subject", e->subject);
    rml_json_kv_ns(&w, "time_ns", e->time_ns);
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    if (st == RML_OK) {
        st = rml_json_text_hash(rml_buffer_text(&json), &hash, err);
    }
    if (st == RML_OK) {
        rml_hash_text(&hash, text);
    }
    rml_buffer_reset(&json);
    return st;
}

rml_status rml_audit_head_get(rml_catalog *c, rml_audit_head *out, rml_error *err)
{
    sqlite3_stmt *s;
    *out = (rml_audit_head){0};
    memcpy(out->hash, rml_audit_no_hash, sizeof out->hash);
    RML_TRY(rml_sql_start(c, RML_SQL_HEAD_GET, &s, err));
    rml_status st = rml_sql_step(c, s, err);
    if (st == RML_OK) {
        rml_str hash = rml_sql_view(s, 1);
        out->sequence = sqlite3_column_int64(s, 0);
        size_t len = hash.len < sizeof out->hash ? hash.len : sizeof out->hash - 1;
        memcpy(out->hash, hash.data, len);
        out->hash[len] = 0;
    }
    rml_sql_end(s);
    return st == RML_END ? RML_OK : st;
}

static rml_status write_entry(rml_catalog *c, const rml_audit_entry *e, rml_error *err)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, RML_SQL_AUDIT_ADD, &s, err));
    sqlite3_bind_int64(s, 1, e->sequence);
    sqlite3_bind_int64(s, 2, e->time_ns);
    rml_sql_bind(s, 3, e->actor);
    rml_sql_bind(s, 4, e->action);
    rml_sql_bind(s, 5, e->subject);
    rml_sql_bind(s, 6, e->details);
    rml_sql_bind(s, 7, e->previous);
    rml_sql_bind(s, 8, e->hash);
    RML_TRY(rml_database_run(c, s, err));
    RML_TRY(rml_sql_start(c, RML_SQL_HEAD_SET, &s, err));
    sqlite3_bind_int64(s, 1, e->sequence);
    rml_sql_bind(s, 2, e->hash);
    return rml_database_run(c, s, err);
}

static rml_status append(rml_catalog *c, rml_audit_entry *e, rml_error *err)
{
    rml_audit_head last;
    char hash[RML_HASH_TEXT];
    RML_TRY(rml_audit_head_get(c, &last, err));
    e->sequence = last.sequence + 1;
    e->time_ns = rml_clock_unix_ns();
    e->previous = rml_str_of(last.hash);
    RML_TRY(rml_audit_hash(e, hash, err));
    e->hash = rml_str_of(hash);
    return write_entry(c, e, err);
}

bool rml_audit_is_text(const rml_audit_entry *e)
{
    return rml_utf8_valid(e->actor) && rml_utf8_valid(e->action) && rml_utf8_valid(e->subject) &&
           rml_utf8_valid(e->details) && rml_utf8_valid(e->previous) && rml_utf8_valid(e->hash);
}

rml_status rml_audit_add(rml_catalog *c, rml_str actor, rml_str action, rml_str subject,
                         rml_str details, rml_error *err)
{
    rml_audit_entry e = {.actor = actor, .action = action, .subject = subject, .details = details};
    if (!rml_audit_is_text(&e)) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_catalog_place(c), NULL,
                        "expected an audit entry of UTF-8, found other bytes");
    }
    rml_arena arena = {0};
    const rml_json *value;
    rml_status st = rml_json_parse(&arena, details, RML_STR("details"), &value, err);
    rml_arena_reset(&arena);
    RML_TRY(st);
    bool own;
    RML_TRY(rml_change_enter(c, &own, err));
    return rml_change_leave(c, own, append(c, &e, err), err);
}

rml_audit_entry rml_audit_view(sqlite3_stmt *s)
{
    return (rml_audit_entry){.sequence = sqlite3_column_int64(s, 0),
                             .time_ns = sqlite3_column_int64(s, 1),
                             .actor = rml_sql_view(s, 2),
                             .action = rml_sql_view(s, 3),
                             .subject = rml_sql_view(s, 4),
                             .details = rml_sql_view(s, 5),
                             .previous = rml_sql_view(s, 6),
                             .hash = rml_sql_view(s, 7)};
}

static rml_status copy_entry(sqlite3_stmt *s, rml_arena *arena, rml_array *entries, rml_error *err)
{
    rml_audit_entry *e = rml_array_push(entries, err);
    if (!e) {
        return RML_ERR_MEMORY;
    }
    *e = rml_audit_view(s);
    rml_str *texts[] = {&e->actor, &e->action, &e->subject, &e->details, &e->previous, &e->hash};
    for (int i = 0; i < 6; i++) {
        RML_TRY(rml_sql_text(s, i + 2, arena, texts[i], err));
    }
    return RML_OK;
}

rml_status rml_audit_list(rml_catalog *c, rml_arena *arena, rml_array *entries, rml_error *err)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(c, RML_SQL_AUDIT_LIST, &s, err));
    rml_status st;
    while ((st = rml_sql_step(c, s, err)) == RML_OK) {
        st = copy_entry(s, arena, entries, err);
        if (st != RML_OK) {
            break;
        }
    }
    rml_sql_end(s);
    return st == RML_END ? RML_OK : st;
}
