// The audit chain: whatever is done to its rows behind its back is found, and the entry named.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "audit.h"
#include "roadmill/base/random.h"
#include "scratch.h"

enum { ENTRIES = 40, CHANGES = 200 };

static void fill(rml_catalog *c)
{
    for (int i = 0; i < ENTRIES - 6; i++) {
        char subject[32];
        snprintf(subject, sizeof subject, "subject-%d", i % 7);
        assert_int_equal(
            rml_audit_add(c, RML_STR("j.doe"), i % 2 ? RML_STR("train") : RML_STR("ingest"),
                          rml_str_of(subject), RML_STR("{\"note\": \"€ and more\"}"), NULL),
            RML_OK);
    }
    for (int i = 0; i < 3; i++) {
        int64_t n;
        assert_int_equal(rml_catalog_count(c, RML_STR("looks"), RML_STR("eval"), &n, NULL), RML_OK);
        assert_int_equal(rml_catalog_alias_set(c, RML_STR("m@prod"),
                                               i % 2 ? RML_STR("a") : RML_STR("b"), RML_STR("me"),
                                               RML_STR("gate passed"), NULL),
                         RML_OK);
    }
}

typedef struct draws {
    uint64_t seed, next;
} draws;

static uint64_t draw(draws *d, uint64_t below)
{
    return rml_random_below(d->seed, 0, d->next++, below);
}

static sqlite3 *db;

static void run(const char *format, ...) RML_PRINTF(1, 2);
static void run(const char *format, ...)
{
    char sql[1000], *message = NULL;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
}

// One character of one field, or a whole other value, a space more, another number.
static int alter(draws *d)
{
    static const char *const columns[] = {"actor",   "action",   "subject",
                                          "details", "previous", "hash"};
    int entry = 1 + (int)draw(d, ENTRIES);
    const char *column = columns[draw(d, 6)];
    switch (draw(d, 6)) {
    case 0:
        run("UPDATE audit SET %s = %s || ' ' WHERE sequence = %d", column, column, entry);
        break;
    case 1:
        run("UPDATE audit SET %s = '' WHERE sequence = %d", column, entry);
        break;
    case 2:
        run("UPDATE audit SET time_ns = time_ns + 1 WHERE sequence = %d", entry);
        break;
    case 3: // bytes that are not UTF-8, and could become the same replacement character
        run("UPDATE audit SET %s = CAST(x'ff' AS TEXT) || substr(%s, 2) WHERE sequence = %d",
            column, column, entry);
        break;
    case 4:
        run("UPDATE audit SET %s = char(unicode(%s) + 1) || substr(%s, 2) WHERE sequence = %d",
            column, column, column, entry);
        break;
    default:
        run("UPDATE audit SET sequence = %d WHERE sequence = %d", ENTRIES + 1 + (int)draw(d, 100),
            entry);
    }
    return entry;
}

// Any entry but with its followers left, moved up to close the gap, or the last ones cut off.
static int delete_one(draws *d)
{
    int entry = 1 + (int)draw(d, ENTRIES);
    switch (draw(d, 3)) {
    case 0:
        run("DELETE FROM audit WHERE sequence = %d", entry);
        break;
    case 1:
        run("DELETE FROM audit WHERE sequence >= %d", entry);
        break;
    default:
        run("DELETE FROM audit WHERE sequence = %d", entry);
        for (int i = entry + 1; i <= ENTRIES; i++) {
            run("UPDATE audit SET sequence = %d WHERE sequence = %d", i - 1, i);
        }
    }
    return entry;
}

// A copy of another entry with the right neighbours, at any place.
static int insert_one(draws *d)
{
    int entry = 1 + (int)draw(d, ENTRIES + 1), model = 1 + (int)draw(d, ENTRIES);
    run("CREATE TEMP TABLE one AS SELECT * FROM audit WHERE sequence = %d", model);
    for (int i = ENTRIES; i >= entry; i--) {
        run("UPDATE audit SET sequence = %d WHERE sequence = %d", i + 1, i);
    }
    run("INSERT INTO audit SELECT %d, time_ns, actor, action, subject, details, "
        "coalesce((SELECT hash FROM audit WHERE sequence = %d), previous), hash FROM one",
        entry, entry - 1);
    run("DROP TABLE one");
    return model == entry ? entry + 1
                          : entry; // of two that are the same the second is one too many
}

static int swap_two(draws *d)
{
    int a = 1 + (int)draw(d, ENTRIES), b = 1 + (int)draw(d, ENTRIES - 1);
    b += b >= a;
    run("UPDATE audit SET sequence = -1 WHERE sequence = %d", a);
    run("UPDATE audit SET sequence = %d WHERE sequence = %d", a, b);
    run("UPDATE audit SET sequence = %d WHERE sequence = -1", b);
    return a < b ? a : b;
}

static void finds_every_change(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("audit");
    fill(c);
    rml_hash head;
    int64_t count;
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, &head, &count, NULL), RML_OK);
    assert_int_equal(count, ENTRIES);
    assert_int_equal(sqlite3_open(scratch_path, &db), SQLITE_OK);
    static int (*const changes[])(draws *) = {alter, delete_one, insert_one, swap_two};
    run("CREATE TABLE kept AS SELECT * FROM audit");
    for (uint64_t i = 0; i < CHANGES; i++) {
        draws d = {i, 0};
        int entry = changes[i % 4](&d);
        char want[40];
        rml_error err = {0};
        snprintf(want, sizeof want, "audit entry %d:", entry);
        rml_status st = rml_audit_verify(c, (rml_str){0}, NULL, &count, &err);
        if (st != RML_ERR_CONFLICT || strstr(err.what, want) != err.what || count != entry - 1) {
            fail_msg("change %d: expected %s found %s", (int)i, want, err.what);
        }
        run("DELETE FROM audit");
        run("INSERT INTO audit SELECT * FROM kept");
        assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, &count, NULL), RML_OK);
    }
    sqlite3_close(db);
    scratch_close(c);
}

// A forger who gives the altered entry the hash of its new fields is found by the entry after it,
// whose `previous` no longer fits, or by the end.
static void finds_forged_hashes(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("audit");
    rml_arena arena = {0};
    rml_array entries = RML_ARRAY(rml_audit_entry);
    fill(c);
    assert_int_equal(rml_audit_list(c, &arena, &entries, NULL), RML_OK);
    assert_int_equal(sqlite3_open(scratch_path, &db), SQLITE_OK);
    run("CREATE TABLE kept AS SELECT * FROM audit");
    for (int i = 1; i <= ENTRIES; i++) {
        rml_audit_entry e = *RML_AT(&entries, rml_audit_entry, i - 1);
        char hash[RML_HASH_TEXT], want[40];
        rml_error err = {0};
        e.actor = RML_STR("forger");
        assert_int_equal(rml_audit_hash(&e, hash, NULL), RML_OK);
        run("UPDATE audit SET actor = 'forger', hash = '%s' WHERE sequence = %d", hash, i);
        snprintf(want, sizeof want, "audit entry %d:", i < ENTRIES ? i + 1 : i);
        assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, NULL, &err), RML_ERR_CONFLICT);
        assert_ptr_equal(strstr(err.what, want), err.what);
        run("DELETE FROM audit");
        run("INSERT INTO audit SELECT * FROM kept");
    }
    rml_array_reset(&entries);
    rml_arena_reset(&arena);
    sqlite3_close(db);
    scratch_close(c);
}

// Bytes that are not UTF-8 would be written as U+FFFD before hashing: where that stood they must
// not pass for it.
static void finds_bytes_that_hash_alike(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("audit");
    rml_str x = RML_STR("x");
    rml_error err;
    assert_int_equal(rml_audit_add(c, x, x, RML_STR("a\xef\xbf\xbd"), RML_STR("{}"), NULL), RML_OK);
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, NULL, NULL), RML_OK);
    assert_int_equal(sqlite3_open(scratch_path, &db), SQLITE_OK);
    run("UPDATE audit SET subject = CAST(x'61ff' AS TEXT)");
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, NULL, &err), RML_ERR_CONFLICT);
    assert_non_null(strstr(err.what, "audit entry 1:"));
    sqlite3_close(db);
    scratch_close(c);
}

// Whoever also rewrites the catalog's own memory of the end is found by a head kept elsewhere.
static void finds_a_cut_end(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("audit");
    fill(c);
    rml_hash head, earlier;
    rml_error err;
    char kept[RML_HASH_TEXT], old[RML_HASH_TEXT];
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, &earlier, NULL, NULL), RML_OK);
    rml_hash_text(&earlier, old);
    assert_int_equal(
        rml_audit_add(c, RML_STR("a"), RML_STR("b"), RML_STR("c"), RML_STR("{}"), NULL), RML_OK);
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, &head, NULL, NULL), RML_OK);
    rml_hash_text(&head, kept);
    assert_int_equal(rml_audit_verify(c, rml_str_of(kept), NULL, NULL, NULL), RML_OK);
    assert_int_equal(rml_audit_verify(c, rml_str_of(old), NULL, NULL, NULL), RML_OK); // it grew
    assert_int_equal(rml_audit_verify(c, (rml_str){kept, 12}, NULL, NULL, NULL), RML_OK);
    assert_int_equal(rml_audit_verify(c, (rml_str){kept, 11}, NULL, NULL, NULL), RML_ERR_ARGUMENT);
    assert_int_equal(sqlite3_open(scratch_path, &db), SQLITE_OK);
    run("DELETE FROM audit WHERE sequence = %d", ENTRIES + 1);
    run("UPDATE audit_head SET sequence = %d, hash = '%s'", ENTRIES, old);
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, NULL, NULL), RML_OK);
    assert_int_equal(rml_audit_verify(c, rml_str_of(kept), NULL, NULL, &err), RML_ERR_CONFLICT);
    assert_non_null(strstr(err.what, "audit entry 41"));
    sqlite3_close(db);
    scratch_close(c);
}

// Aliases and counters must be what the last entries on them say.
static void finds_moved_aliases(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE aliases SET hash = 'a'",
        "INSERT INTO aliases VALUES('n@prod', 'a')",
        "DELETE FROM aliases",
        "UPDATE counters SET value = 2",
        "INSERT INTO counters VALUES('other', 1)",
        "DELETE FROM counters",
    };
    rml_catalog *c = scratch_open("audit");
    fill(c);
    assert_int_equal(sqlite3_open(scratch_path, &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        rml_error err;
        run("SAVEPOINT before");
        run("%s", changes[i]);
        run("RELEASE before");
        assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, NULL, &err), RML_ERR_CONFLICT);
        assert_non_null(strstr(err.what, i < 3 ? "alias" : "counter"));
        run("DELETE FROM aliases; INSERT INTO aliases VALUES('m@prod', 'b')");
        run("DELETE FROM counters; INSERT INTO counters VALUES('looks', 3)");
        assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, NULL, &err), RML_OK);
    }
    sqlite3_close(db);
    scratch_close(c);
}

static void takes_json_and_text_alone(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("audit");
    rml_str x = RML_STR("x");
    assert_int_equal(rml_audit_add(c, x, x, x, RML_STR("no json"), NULL), RML_ERR_DATA);
    assert_int_equal(rml_audit_add(c, RML_STR("\xff"), x, x, RML_STR("{}"), NULL),
                     RML_ERR_ARGUMENT);
    int64_t count = 7;
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, &count, NULL), RML_OK);
    assert_int_equal(count, 0);
    scratch_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_change),          cmocka_unit_test(finds_forged_hashes),
        cmocka_unit_test(finds_bytes_that_hash_alike), cmocka_unit_test(finds_a_cut_end),
        cmocka_unit_test(finds_moved_aliases),         cmocka_unit_test(takes_json_and_text_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
