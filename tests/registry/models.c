// Registered models: numbers, immutability, promotion through gates alone, lineage.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "catalog/scratch.h"
#include "roadmill/base/json.h"
#include "roadmill/registry.h"

static char home[400], bundle[420];

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[600];
    rml_error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (rml_file_replace(path, rml_bytes_of(text, strlen(text)), &err) != RML_OK) {
        fail_msg("%s: %s", err.place, err.what);
    }
}

static rml_catalog *begin(void)
{
    rml_catalog *c = scratch_open("models");
    const char *folder = getenv("TMPDIR");
    char inside[440];
    snprintf(home, sizeof home, "%s/roadmill-models-home", folder ? folder : "/tmp");
    snprintf(bundle, sizeof bundle, "%s/bundle", home);
    snprintf(inside, sizeof inside, "%s/export", bundle);
    assert_int_equal(rml_folder_remove(home, NULL), RML_OK);
    assert_int_equal(rml_folder_make(inside, NULL), RML_OK);
    write_file(bundle, "weights.safetensors", "weights");
    write_file(bundle, "config.json", "{}");
    write_file(inside, "model.onnx", "onnx");
    return c;
}

static void finish(rml_catalog *c)
{
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, NULL, NULL), RML_OK);
    assert_int_equal(rml_folder_remove(home, NULL), RML_OK);
    scratch_close(c);
}

static rml_str add(rml_catalog *c, rml_arena *arena, const char *name, uint32_t want)
{
    rml_str hash = {0};
    uint32_t number = 0;
    rml_error err = {0};
    rml_status st = rml_model_register(rml_str_of(home), c, rml_str_of(name), bundle,
                                       RML_STR("run-1"), arena, &hash, &number, &err);
    if (st != RML_OK) {
        fail_msg("%s: %s", err.place, err.what);
    }
    assert_int_equal(number, want);
    return hash;
}

static void registers(void **state)
{
    (void)state;
    rml_catalog *c = begin();
    rml_arena a = {0};
    rml_object_row row;
    rml_str first = add(c, &a, "predictor", 1);
    assert_true(rml_str_equal(add(c, &a, "predictor", 1), first)); // the same again
    write_file(bundle, "weights.safetensors", "others");
    rml_str second = add(c, &a, "predictor", 2);
    assert_false(rml_str_equal(first, second));
    write_file(bundle, "weights.safetensors", "weights");
    assert_true(rml_str_equal(add(c, &a, "predictor", 1), first));
    assert_false(rml_str_equal(add(c, &a, "other", 1), first)); // its name is part of it

    char path[600];
    rml_buffer text = {0};
    snprintf(path, sizeof path, "%s/models/predictor/2/weights.safetensors", home);
    assert_int_equal(rml_file_read(path, 100, &text, NULL), RML_OK);
    assert_true(rml_str_equal(rml_buffer_text(&text), RML_STR("others")));
    rml_buffer_reset(&text);
    snprintf(path, sizeof path, "%s/models/predictor/1/export/model.onnx", home);
    assert_true(rml_file_exists(path));
    snprintf(path, sizeof path, "%s/models/predictor/.making", home);
    assert_false(rml_file_exists(path));

    static const struct {
        const char *text, *name;
    } finds[] = {
        {"predictor", "predictor/2"}, {"predictor/1", "predictor/1"}, {"other", "other/1"}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rml_model_find(c, rml_str_of(finds[i].text), &a, &row, NULL), RML_OK);
        assert_true(rml_str_equal(row.name, rml_str_of(finds[i].name)));
    }
    assert_int_equal(rml_model_find(c, (rml_str){first.data, 12}, &a, &row, NULL), RML_OK);
    assert_true(rml_str_equal(row.hash, first));
    assert_int_equal(rml_model_find(c, RML_STR("none"), &a, &row, NULL), RML_ERR_MISSING);
    assert_int_equal(rml_model_find(c, RML_STR("predictor@x"), &a, &row, NULL), RML_ERR_MISSING);
    rml_arena_reset(&a);
    finish(c);
}

static void refuses_odd_names_and_empty_bundles(void **state)
{
    (void)state;
    rml_catalog *c = begin();
    rml_arena a = {0};
    rml_str hash;
    uint32_t number;
    static const char *const names[] = {
        "",
        "a/b",
        "../x",
        ".x",
        "a b",
        "a@b",
        "01234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(rml_model_register(rml_str_of(home), c, rml_str_of(names[i]), bundle,
                                            (rml_str){0}, &a, &hash, &number, NULL),
                         RML_ERR_ARGUMENT);
    }
    char empty[440];
    snprintf(empty, sizeof empty, "%s/empty", home);
    assert_int_equal(rml_folder_make(empty, NULL), RML_OK);
    assert_int_equal(rml_model_register(rml_str_of(home), c, RML_STR("m"), empty, (rml_str){0}, &a,
                                        &hash, &number, NULL),
                     RML_ERR_ARGUMENT);
    rml_arena_reset(&a);
    finish(c);
}

// A kill between the rename and the catalog leaves a folder without its row; the next call with the
// same bundle takes it, one with another bundle goes past it.
static void goes_on_after_a_kill(void **state)
{
    (void)state;
    rml_catalog *c = begin();
    rml_arena a = {0};
    rml_str hash = add(c, &a, "m", 1);
    rml_catalog_close(c);
    scratch_remove();
    assert_int_equal(rml_catalog_open(rml_str_of(scratch_path), &c, NULL), RML_OK);
    assert_true(rml_str_equal(add(c, &a, "m", 1), hash));
    rml_object_row row;
    assert_int_equal(rml_model_find(c, RML_STR("m"), &a, &row, NULL), RML_OK);
    write_file(bundle, "config.json", "{\"x\":1}");
    rml_catalog_close(c);
    scratch_remove();
    assert_int_equal(rml_catalog_open(rml_str_of(scratch_path), &c, NULL), RML_OK);
    rml_str other = add(c, &a, "m", 2);
    assert_false(rml_str_equal(other, hash));
    rml_arena_reset(&a);
    finish(c);
}

// A gate's verdict on a model, as a gate would put it.
static void put_verdict(rml_catalog *c, rml_str model, const char *verdict, int number)
{
    char body[300], hash[65];
    snprintf(body, sizeof body, "{\"model\":\"%.*s\",\"reason\":\"because %d\",\"verdict\":\"%s\"}",
             RML_FMT(model), number, verdict);
    snprintf(hash, sizeof hash, "%064x", (unsigned)number);
    rml_object_row row = {RML_STR("gate"), rml_str_of(hash), model, rml_str_of(body), 0};
    assert_int_equal(rml_catalog_put(c, &row, NULL), RML_OK);
}

static rml_status promote(rml_catalog *c, const char *model, const char *alias, rml_error *err)
{
    return rml_model_promote(c, rml_str_of(model), rml_str_of(alias), RML_STR("j.doe"), err);
}

static void promotes_through_a_gate_alone(void **state)
{
    (void)state;
    rml_catalog *c = begin();
    rml_arena a = {0};
    rml_object_row row;
    rml_error err;
    rml_str model = add(c, &a, "m", 1);
    assert_int_equal(promote(c, "m/1", "m@production", &err), RML_ERR_CONFLICT);
    assert_non_null(strstr(err.what, "found none (no gate has judged it)"));
    put_verdict(c, model, "undecided", 1);
    assert_int_equal(promote(c, "m/1", "m@production", &err), RML_ERR_CONFLICT);
    assert_non_null(strstr(err.what, "found undecided (because 1)"));
    put_verdict(c, model, "pass", 2);
    assert_int_equal(promote(c, "m/1", "other@production", &err), RML_ERR_ARGUMENT);
    assert_int_equal(promote(c, "m/1", "m@", &err), RML_ERR_ARGUMENT);
    assert_int_equal(promote(c, "m/1", "production", &err), RML_ERR_ARGUMENT);
    assert_int_equal(promote(c, "m/1", "m@production", &err), RML_OK);
    assert_int_equal(rml_model_find(c, RML_STR("m@production"), &a, &row, NULL), RML_OK);
    assert_true(rml_str_equal(row.hash, model));

    // A later gate that fails stops further promotion; another model has no part in the verdict.
    put_verdict(c, model, "fail", 3);
    assert_int_equal(promote(c, "m/1", "m@staging", &err), RML_ERR_CONFLICT);
    write_file(bundle, "config.json", "{\"x\":2}");
    add(c, &a, "m", 2);
    assert_int_equal(promote(c, "m", "m@production", &err), RML_ERR_CONFLICT);
    assert_int_equal(promote(c, "nothing", "m@production", &err), RML_ERR_MISSING);
    assert_int_equal(rml_model_find(c, RML_STR("m@production"), &a, &row, NULL), RML_OK);
    assert_true(rml_str_equal(row.hash, model));
    rml_arena_reset(&a);
    finish(c);
}

static void walks_down_to_recordings(void **state)
{
    (void)state;
    rml_catalog *c = begin();
    rml_arena a = {0};
    rml_array rows = RML_ARRAY(rml_lineage_row);
    static const char *const kinds[] = {"run", "dataset", "dataset"};
    static const char *const hashes[] = {
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"};
    for (size_t i = 0; i < 3; i++) {
        rml_object_row row = {rml_str_of(kinds[i]), rml_str_of(hashes[i]), RML_STR("n"),
                              RML_STR("{}"), 0};
        assert_int_equal(rml_catalog_put(c, &row, NULL), RML_OK);
    }
    const rml_edge edges[] = {
        {rml_str_of(hashes[0]), rml_str_of(hashes[1]), RML_STR("trained-on")},
        {rml_str_of(hashes[1]), rml_str_of(hashes[2]), RML_STR("parent")},
        {rml_str_of(hashes[1]), RML_STR("rec-1"), RML_STR("recording")},
        {rml_str_of(hashes[1]), RML_STR("rec-2"), RML_STR("recording")},
        {rml_str_of(hashes[2]), RML_STR("rec-1"), RML_STR("recording")},
        {rml_str_of(hashes[2]), rml_str_of(hashes[0]), RML_STR("mined-with")}, // a circle
    };
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        assert_int_equal(rml_catalog_link(c, &edges[i], NULL), RML_OK);
    }
    static const struct {
        uint32_t depth;
        const char *role, *kind, *hash;
    } want[] = {{0, "", "run", "aaaa"},
                {1, "trained-on", "dataset", "bbbb"},
                {2, "parent", "dataset", "cccc"},
                {3, "recording", "recording", "rec-1"},
                {2, "recording", "recording", "rec-2"}};
    assert_int_equal(rml_lineage(c, RML_STR("aaaa"), &a, &rows, NULL), RML_OK);
    assert_int_equal(rows.count, 5);
    for (size_t i = 0; i < 5; i++) {
        const rml_lineage_row *row = RML_AT(&rows, rml_lineage_row, i);
        assert_int_equal(row->depth, want[i].depth);
        assert_true(rml_str_equal(row->role, rml_str_of(want[i].role)));
        assert_true(rml_str_equal(row->kind, rml_str_of(want[i].kind)));
        assert_true(rml_str_starts(row->hash, rml_str_of(want[i].hash)));
    }
    assert_int_equal(rml_lineage(c, RML_STR("ffff"), &a, &rows, NULL), RML_ERR_MISSING);
    rml_array_reset(&rows);
    rml_arena_reset(&a);
    finish(c);
}

static void gathers_evidence(void **state)
{
    (void)state;
    rml_catalog *c = begin();
    rml_arena a = {0};
    rml_gate_request request = {0};
    rml_str model = add(c, &a, "m", 1);
    rml_str version = RML_STR("dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd");
    assert_int_equal(rml_gate_gather(c, model, (rml_str){0}, &a, &request, NULL), RML_OK);
    assert_true(request.evaluation.len == 0 && request.manifest.len == 0);
    rml_object_row rows[] = {
        {RML_STR("dataset"), version, RML_STR("d"), RML_STR("{\"licence\":\"MIT\"}"), 1},
        {RML_STR("evaluation"),
         RML_STR("e100000000000000000000000000000000000000000000000000000000000000"),
         RML_STR("old"),
         RML_STR(
             "{\"version\":\"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd\"}"),
         2},
        {RML_STR("evaluation"),
         RML_STR("e300000000000000000000000000000000000000000000000000000000000000"),
         RML_STR("dev"), RML_STR("{\"split\":\"dev\",\"version\":\"d\"}"), 9},
        {RML_STR("evaluation"),
         RML_STR("e200000000000000000000000000000000000000000000000000000000000000"),
         RML_STR("new"), RML_STR("{\"split\":\"gate\",\"version\":\"eeeeeeeeeeeeeeee\"}"), 3},
    };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rml_catalog_put(c, &rows[i], NULL), RML_OK);
        rml_edge edge = {rows[i].hash, RML_STR("run-1"), RML_STR("model")};
        assert_int_equal(rml_catalog_link(c, &edge, NULL), RML_OK);
    }
    assert_int_equal(rml_gate_gather(c, model, (rml_str){0}, &a, &request, NULL), RML_OK);
    assert_true(
        rml_str_equal(request.evaluation, rows[3].body)); // the gate's, though older than dev's
    assert_int_equal(request.manifest.len, 0);            // whose version is not there
    assert_int_equal(rml_gate_gather(c, model, RML_STR("old"), &a, &request, NULL), RML_OK);
    assert_true(rml_str_equal(request.evaluation, rows[1].body));
    assert_true(rml_str_equal(request.manifest, rows[0].body));
    assert_int_equal(rml_gate_gather(c, model, RML_STR("none"), &a, &request, NULL),
                     RML_ERR_MISSING);
    rml_arena_reset(&a);
    finish(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers),
        cmocka_unit_test(refuses_odd_names_and_empty_bundles),
        cmocka_unit_test(goes_on_after_a_kill),
        cmocka_unit_test(promotes_through_a_gate_alone),
        cmocka_unit_test(walks_down_to_recordings),
        cmocka_unit_test(gathers_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
