// Verifying the audit chain: entry by entry, then its end, then what it says about aliases and
// counters against what they are, so that one moved behind the chain's back is found.
#include "audit.h"

#include "roadmill/base/json.h"

#include <stdio.h>
#include <string.h>

typedef struct check {
    rml_catalog *catalog;
    rml_str expected_head; // as the user kept it; empty: none
    bool head_seen;
    int64_t sequence; // of the last good entry
    char hash[RML_HASH_TEXT];
    rml_map aliases, counters; // key -> index into targets, or the value
    rml_arena arena;
    rml_array targets; // rml_str: where an alias points
    rml_error *err;
} check;

static rml_status broken(const check *k, int64_t sequence, const char *expected, rml_str found)
{
    return rml_fail(k->err, RML_ERR_CONFLICT, rml_catalog_place(k->catalog),
                    "compare with a backup of the catalog",
                    "audit entry %lld: expected %s, found %.*s", (long long)sequence, expected,
                    found.len > 80 ? 80 : RML_FMT(found));
}

// What an entry says about aliases and counters.
static rml_status replay(check *k, const rml_audit_entry *e)
{
    bool alias = rml_str_equal(e->action, RML_STR("alias"));
    if (!alias && !rml_str_equal(e->action, RML_STR("count"))) {
        return RML_OK;
    }
    const rml_json *details;
    RML_TRY(rml_json_parse(&k->arena, e->details, RML_STR("details"), &details, k->err));
    if (!alias) {
        int64_t value = rml_json_get_i64(details, "value", 0);
        return rml_map_put(&k->counters, e->subject, (uint64_t)value, k->err);
    }
    rml_str *target = rml_array_push(&k->targets, k->err);
    if (!target) {
        return RML_ERR_MEMORY;
    }
    *target = rml_json_get_str(details, "to", RML_STR(""));
    return rml_map_put(&k->aliases, e->subject, k->targets.count - 1, k->err);
}

static rml_status check_entry(check *k, const rml_audit_entry *e)
{
    char number[24], hash[RML_HASH_TEXT];
    int64_t sequence = k->sequence + 1;
    if (e->sequence != sequence) {
        snprintf(number, sizeof number, "entry %lld", (long long)e->sequence);
        return broken(k, sequence, "it to follow, and it is missing", rml_str_of(number));
    }
    if (!rml_audit_is_text(e)) {
        return broken(k, sequence, "its fields as they were written", RML_STR("other bytes"));
    }
    if (!rml_str_equal(e->previous, rml_str_of(k->hash))) {
        return broken(k, sequence, "the hash of the entry before it", e->previous);
    }
    RML_TRY(rml_audit_hash(e, hash, k->err));
    if (!rml_str_equal(e->hash, rml_str_of(hash))) {
        return broken(k, sequence, "the hash of its own fields: it was altered", e->hash);
    }
    k->sequence = sequence;
    memcpy(k->hash, hash, sizeof hash);
    k->head_seen = k->head_seen || rml_str_starts(rml_str_of(hash), k->expected_head);
    return replay(k, e);
}

static rml_status check_entries(check *k)
{
    sqlite3_stmt *s;
    RML_TRY(rml_sql_start(k->catalog, RML_SQL_AUDIT_LIST, &s, k->err));
    rml_status st;
    while ((st = rml_sql_step(k->catalog, s, k->err)) == RML_OK) {
        rml_audit_entry e = rml_audit_view(s);
        st = check_entry(k, &e);
        if (st != RML_OK) {
            break;
        }
    }
    rml_sql_end(s);
    return st == RML_END ? RML_OK : st;
}

// The chain must reach as far as the catalog and the user remember.
static rml_status check_end(check *k)
{
    rml_audit_head last;
    RML_TRY(rml_audit_head_get(k->catalog, &last, k->err));
    if (last.sequence > k->sequence) {
        return broken(k, k->sequence + 1, "it to follow, and it is missing", RML_STR("the end"));
    }
    if (last.sequence < k->sequence) {
        return broken(k, last.sequence + 1, "no entry after the one written last",
                      RML_STR("one that was put there"));
    }
    if (strcmp(last.hash, k->hash) != 0) {
        return broken(k, k->sequence, "the hash that was written last: it was altered",
                      rml_str_of(k->hash));
    }
    if (k->expected_head.len > 0 && !k->head_seen) {
        return broken(k, k->sequence + 1, "to meet the hash that was kept elsewhere",
                      RML_STR("the end before it"));
    }
    return RML_OK;
}

static rml_status moved(const check *k, const char *what, rml_str key)
{
    return rml_fail(k->err, RML_ERR_CONFLICT, rml_catalog_place(k->catalog), NULL,
                    "%s %.*s: expected what its last audit entry says, found it changed without "
                    "one",
                    what, RML_FMT(key));
}

// One alias or counter against the replayed entries.
static rml_status check_row(const check *k, sqlite3_stmt *s, bool alias)
{
    rml_str key = rml_sql_view(s, 0);
    uint64_t value;
    if (!rml_map_get(alias ? &k->aliases : &k->counters, key, &value)) {
        return moved(k, alias ? "alias" : "counter", key);
    }
    bool same = alias ? rml_str_equal(rml_sql_view(s, 1), *RML_AT(&k->targets, rml_str, value))
                      : (uint64_t)sqlite3_column_int64(s, 1) == value;
    return same ? RML_OK : moved(k, alias ? "alias" : "counter", key);
}

static rml_status check_rows(check *k, bool alias)
{
    sqlite3_stmt *s;
    size_t count = 0;
    RML_TRY(
        rml_sql_start(k->catalog, alias ? RML_SQL_ALIAS_LIST : RML_SQL_COUNTER_LIST, &s, k->err));
    rml_status st;
    while ((st = rml_sql_step(k->catalog, s, k->err)) == RML_OK) {
        count++;
        st = check_row(k, s, alias);
        if (st != RML_OK) {
            break;
        }
    }
    rml_sql_end(s);
    if (st == RML_END && count < (alias ? k->aliases.count : k->counters.count)) {
        return moved(k, alias ? "aliases" : "counters", RML_STR("(one is gone)"));
    }
    return st == RML_END ? RML_OK : st;
}

static rml_status check_all(check *k)
{
    RML_TRY(check_entries(k));
    RML_TRY(check_end(k));
    RML_TRY(check_rows(k, true));
    return check_rows(k, false);
}

rml_status rml_audit_verify(rml_catalog *c, rml_str expected_head, rml_hash *head_hash,
                            int64_t *count, rml_error *err)
{
    if (expected_head.len > 0 && expected_head.len < 12) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected at least 12 digits of a hash, found \"%.*s\"",
                        RML_FMT(expected_head));
    }
    check k = {
        .catalog = c, .expected_head = expected_head, .targets = RML_ARRAY(rml_str), .err = err};
    memcpy(k.hash, rml_audit_no_hash, sizeof k.hash);
    // One transaction, so that an entry written meanwhile is seen whole or not at all.
    bool own = !c->open;
    if (own) {
        RML_TRY(rml_catalog_begin(c, err));
    }
    rml_status st = check_all(&k);
    if (own) {
        rml_catalog_abort(c);
    }
    if (head_hash) {
        bool ok = rml_hash_parse(rml_str_of(k.hash), head_hash);
        (void)ok;
    }
    if (count) {
        *count = k.sequence;
    }
    rml_map_reset(&k.aliases);
    rml_map_reset(&k.counters);
    rml_array_reset(&k.targets);
    rml_arena_reset(&k.arena);
    return st;
}
