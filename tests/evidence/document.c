// The evaluation document: one that version 0e67bf3 wrote is read and written again with the same
// bytes; every question; what is missing, foreign, torn or beyond memory.
//
// evaluation.json: `roadmill eval --slice fast=...` of 0e67bf3 on a fleet of `roadmill synth --seed
// 3`, of which four models, two slices and some metrics are kept, text as it stood.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "roadmill/codec.h"
#include "roadmill/evidence.h"
#include "roadmill/store.h"

#define GOLDEN "tests/evidence/evaluation.json"
#define GOLDEN_HASH "3861604210ea7d186c111147737ebeac7894b98db497dc986b8dad9ddd7c6715"

static rml_str golden(rml_buffer *text)
{
    rml_error err = {0};
    if (rml_store_get(RML_STR(GOLDEN), 1 << 20, text, &err) != RML_OK) {
        fail_msg("%s: %s", err.place, err.what);
    }
    return rml_buffer_text(text);
}

static const rml_evaluation *read_text(rml_arena *arena, rml_str text)
{
    const rml_evaluation *e = NULL;
    rml_error err = {0};
    if (rml_evidence_read(text, RML_STR("e.json"), arena, &e, &err) != RML_OK) {
        fail_msg("%s: %s", err.place, err.what);
    }
    return e;
}

static void keeps_its_bytes(void **state)
{
    (void)state;
    rml_arena arena = {0};
    rml_buffer text = {0}, again = {0};
    rml_hash hash;
    char name[RML_HASH_TEXT];
    const rml_evaluation *e = read_text(&arena, golden(&text));
    assert_int_equal(rml_evidence_write(e, &again, &hash, NULL), RML_OK);
    assert_int_equal(again.len, text.len);
    assert_memory_equal(again.data, text.data, text.len);
    rml_hash_text(&hash, name);
    assert_string_equal(name, GOLDEN_HASH);
    rml_buffer_reset(&text);
    rml_buffer_reset(&again);
    rml_arena_reset(&arena);
}

static void assert_text(rml_str found, const char *want)
{
    assert_true(rml_str_equal(found, rml_str_of(want)));
}

static void tells_what_it_holds(void **state)
{
    (void)state;
    rml_arena arena = {0};
    rml_buffer text = {0};
    const rml_evaluation *e = read_text(&arena, golden(&text));
    rml_buffer_reset(&text); // nothing borrows from the text
    assert_text(e->split, "dev");
    assert_text(e->best_blind, "blind_ridge_unscaled_end");
    assert_true(e->windows == 2316 && e->families == 6 && e->looks == 0 && e->draws == 2000);
    assert_true(e->miss_m == 2 && e->level == 0.95);
    assert_int_equal(e->metric_count, 10);
    static const rml_evidence_kind kinds[] = {RML_EVIDENCE_MODEL, RML_EVIDENCE_BASELINE,
                                              RML_EVIDENCE_BLIND, RML_EVIDENCE_READS_FUTURE};
    assert_int_equal(e->model_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(e->models[i].kind, kinds[i]);
        assert_ptr_equal(rml_evidence_model_named(e, e->models[i].name), &e->models[i]);
        assert_int_equal(e->models[i].slice_count, 2);
        assert_int_equal(e->models[i].seeds, 1);
    }
    const rml_evidence_model *m = &e->models[0];
    assert_true(m->has_probability && m->hash.len == 64);
    assert_int_equal(m->calibration->bins, 10);
    assert_null(e->models[3].calibration);
    const rml_evidence_slice *fast = rml_evidence_slice_named(m, RML_STR("fast"));
    assert_text(fast->query, "fast(a: vehicle): speed(a) > 5 m/s");
    const rml_evidence_value *v = rml_evidence_value_of(fast, RML_STR("min_fde_6"));
    assert_true(v->low < v->value && v->value < v->high);
    assert_text(v->method, "t");
    rml_str best = rml_evidence_name(e, RML_STR("best_blind"));
    const rml_evidence_difference *d = rml_evidence_difference_to(fast, best, RML_STR("min_fde_6"));
    assert_true(d->relative > 0.27 && d->relative < 0.28 && d->units == 6 && d->p == 0.03125);
    rml_arena_reset(&arena);
}

static void knows_nothing_of_what_is_not_there(void **state)
{
    (void)state;
    rml_arena arena = {0};
    rml_str x = RML_STR("x");
    const rml_evaluation *e = read_text(
        &arena, RML_STR("{\"looks\":null,\"models\":[{\"name\":\"m\",\"kind\":\"oracle\","
                        "\"slices\":[{\"name\":\"all\",\"metrics\":[{\"name\":\"f\",\"value\":"
                        "null}],\"against\":[{\"baseline\":\"b\",\"metric\":\"f\"}]}]}]}"));
    assert_true(e->looks == -1 && e->windows == -1 && e->families == -1 && isnan(e->level));
    assert_int_equal(e->models[0].kind, RML_EVIDENCE_OTHER);
    assert_false(e->models[0].has_probability);
    const rml_evidence_slice *s = rml_evidence_slice_named(&e->models[0], RML_STR("all"));
    assert_int_equal(s->units, -1);
    assert_true(isnan(rml_evidence_value_of(s, RML_STR("f"))->value));
    const rml_evidence_difference *d = rml_evidence_difference_to(s, RML_STR("b"), RML_STR("f"));
    assert_true(isnan(d->relative) && d->units == -1);
    assert_null(rml_evidence_model_named(e, x));
    assert_null(rml_evidence_model_named(NULL, x));
    assert_null(rml_evidence_slice_named(&e->models[0], x));
    assert_null(rml_evidence_slice_named(NULL, x));
    assert_null(rml_evidence_value_of(s, x));
    assert_null(rml_evidence_value_of(NULL, x));
    assert_null(rml_evidence_difference_to(s, RML_STR("b"), x));
    assert_null(rml_evidence_difference_to(s, x, RML_STR("f")));
    assert_null(rml_evidence_difference_to(NULL, x, x));
    assert_int_equal(rml_evidence_name(e, RML_STR("best_blind")).len, 0);
    assert_int_equal(rml_evidence_name(NULL, RML_STR("best_blind")).len, 0);
    assert_text(rml_evidence_name(NULL, x), "x");
    rml_arena_reset(&arena);
}

static const struct {
    const char *text;
    rml_status status;
    const char *place, *what;
} refused[] = {
    {"[]", RML_ERR_DATA, "e.json: byte 0", "expected an evaluation as a JSON object"},
    {"{\"format\":\"roadmill-evaluation-2\"}", RML_ERR_UNSUPPORTED, "e.json",
     "expected format roadmill-evaluation-1, found roadmill-evaluation-2"},
    {"{\"models\":[", RML_ERR_DATA, "e.json: byte 11", "expected"},
};

static void refuses_other_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        rml_arena arena = {0};
        rml_error err = {0};
        const rml_evaluation *e = NULL;
        assert_int_equal(
            rml_evidence_read(rml_str_of(refused[i].text), RML_STR("e.json"), &arena, &e, &err),
            refused[i].status);
        assert_string_equal(err.place, refused[i].place);
        assert_non_null(strstr(err.what, refused[i].what));
        rml_arena_reset(&arena);
    }
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    rml_buffer text = {0};
    rml_str good = golden(&text);
    rml_status st = RML_ERR_MEMORY;
    for (uint64_t after = 0; st == RML_ERR_MEMORY; after++) {
        rml_arena arena = {0};
        rml_buffer again = {0};
        const rml_evaluation *e = NULL;
        rml_heap_fail_after(after);
        st = rml_evidence_read(good, RML_STR("e.json"), &arena, &e, NULL);
        st = st ? st : rml_evidence_write(e, &again, NULL, NULL);
        rml_heap_fail_after(UINT64_MAX);
        assert_true(st == RML_OK || st == RML_ERR_MEMORY);
        rml_buffer_reset(&again);
        rml_arena_reset(&arena);
    }
    rml_buffer_reset(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_its_bytes),
        cmocka_unit_test(tells_what_it_holds),
        cmocka_unit_test(knows_nothing_of_what_is_not_there),
        cmocka_unit_test(refuses_other_texts),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
