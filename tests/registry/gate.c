// Gates: one model that passes, then one thing changed at a time and the verdict that it must give.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "catalog/scratch.h"
#include "roadmill/base/json.h"
#include "roadmill/codec.h"
#include "roadmill/registry.h"

#define MODEL "1111111111111111111111111111111111111111111111111111111111111111"
#define RUN "2222222222222222222222222222222222222222222222222222222222222222"

static const char policy[] =
    "name: test\n"
    "min_windows: 100\n"
    "min_units: 3\n"
    "max_looks: 5\n"
    "probabilities: required\n"
    "licences: [MIT, CC-BY-4.0]\n"
    "purposes: [development]\n"
    "approvals: {safety: 1, release: 2}\n"
    "thresholds:\n"
    "  - {metric: min_fde_6, slice: all, at_most: 2.0}\n"
    "  - {metric: brier_min_fde_6, slice: all, at_most: 3.0}\n"
    "margins:\n"
    "  - {metric: min_fde_1, slice: all, against: cv_1, at_most: 0.02}\n"
    "  - {metric: min_fde_6, slice: moving, against: best_blind, at_most: 0}\n";

// Evidence on one model; every text is JSON, as it would stand in the document.
typedef struct evidence {
    const char *version; // NULL: the hash of the manifest
    const char *split, *looks, *windows, *families, *hash, *kind, *probability, *best_blind;
    const char *slice_windows, *slice_units;
    const char *fde, *brier;                // value, low, high
    const char *against_cv, *against_blind; // relative, low, high
    const char *manifest, *leaks;
    rml_approval approvals[4];
} evidence;

static const evidence good = {
    .split = "\"gate\"",
    .looks = "2",
    .windows = "500",
    .families = "6",
    .hash = "\"" MODEL "\"",
    .kind = "\"model\"",
    .probability = "true",
    .best_blind = "\"blind_x\"",
    .slice_windows = "400",
    .slice_units = "5",
    .fde = "\"value\":1.5,\"low\":1.4,\"high\":1.6",
    .brier = "\"value\":2.5,\"low\":2.4,\"high\":2.6",
    .against_cv = "\"relative\":-0.1,\"low\":-0.15,\"high\":-0.05",
    .against_blind = "\"relative\":-0.2,\"low\":-0.25,\"high\":-0.15",
    .manifest = "{\"licence\":\"CC-BY-4.0\",\"licences\":[\"CC-BY-4.0\",\"MIT\"],\"purpose\":"
                "\"development\"}",
    .leaks = "{\"clean\":true,\"worst\":\"\"}",
    .approvals = {{{"safety", 6}, {"a", 1}},
                  {{"release", 7}, {"b", 1}},
                  {{"release", 7}, {"c", 1}}},
};

static rml_str write_evaluation(const evidence *e, rml_arena *arena)
{
    char version[RML_HASH_TEXT + 2] = "";
    if (!e->version && e->manifest[0]) {
        rml_hash hash;
        char text[RML_HASH_TEXT];
        assert_int_equal(rml_json_text_hash(rml_str_of(e->manifest), &hash, NULL), RML_OK);
        rml_hash_text(&hash, text);
        snprintf(version, sizeof version, "\"%s\"", text);
    }
    return rml_arena_printf(
        arena,
        "{\"version\":%s,\"split\":%s,\"looks\":%s,\"windows\":%s,\"families\":%s,\"best_blind\":%"
        "s,"
        "\"models\":[{\"name\":\"other\",\"kind\":\"model\",\"hash\":\"3\",\"has_probability\":"
        "true,"
        "\"slices\":[]},{\"name\":\"cv_1\",\"kind\":\"baseline\",\"hash\":\"" MODEL
        "\",\"slices\":[]},"
        "{\"name\":\"m\",\"kind\":%s,\"hash\":%s,\"has_probability\":%s,\"slices\":["
        "{\"name\":\"all\",\"windows\":%s,\"units\":%s,\"metrics\":[{\"name\":\"min_fde_6\",%s,"
        "\"method\":\"t\"},{\"name\":\"brier_min_fde_6\",%s}],\"against\":[{\"baseline\":\"cv_1\","
        "\"metric\":\"min_fde_6\",\"relative\":9,\"low\":9,\"high\":9},{\"baseline\":\"cv_1\","
        "\"metric\":"
        "\"min_fde_1\",%s,\"units\":%s}]},{\"name\":\"moving\",\"windows\":%s,\"units\":%s,"
        "\"metrics\":"
        "[],\"against\":[{\"baseline\":\"blind_x\",\"metric\":\"min_fde_6\",%s}]}]}]}",
        e->version   ? e->version
        : version[0] ? version
                     : "\"none\"",
        e->split, e->looks, e->windows, e->families, e->best_blind, e->kind, e->hash,
        e->probability, e->slice_windows, e->slice_units, e->fde, e->brier, e->against_cv,
        e->slice_units, e->slice_windows, e->slice_units, e->against_blind);
}

static rml_gate_result judge(rml_catalog *c, const evidence *e, rml_str policy_text,
                             rml_arena *arena)
{
    rml_gate_request request = {.policy = policy_text,
                                .policy_file = RML_STR("gate.yaml"),
                                .evaluation =
                                    e->split[0] ? write_evaluation(e, arena) : (rml_str){0},
                                .manifest = rml_str_of(e->manifest),
                                .leaks = rml_str_of(e->leaks),
                                .model = RML_STR(MODEL),
                                .approvals = e->approvals};
    while (request.approval_count < 4 && e->approvals[request.approval_count].role.len > 0) {
        request.approval_count++;
    }
    rml_gate_result result;
    rml_error err = {0};
    rml_status st = rml_gate_judge(c, &request, arena, &result, &err);
    if (st != RML_OK) {
        fail_msg("%s: %s", err.place, err.what);
    }
    return result;
}

// Which member of the evidence a case replaces, by its offset; and what must come of it.
#define AT(member) offsetof(evidence, member)
static const struct {
    const char *name;
    size_t member;
    const char *text;
    rml_verdict want;
    const char *reason;
} cases[] = {
    {"as it is", AT(split), "\"gate\"", RML_PASS, "all 14 conditions hold"},
    // the model
    {"worse than constant velocity", AT(against_cv), "\"relative\":0.3,\"low\":0.2,\"high\":0.4",
     RML_FAIL, "min_fde_1 against cv_1, all: +30.0 % against cv_1"},
    {"perhaps worse", AT(against_cv), "\"relative\":0.0,\"low\":-0.1,\"high\":0.1", RML_UNDECIDED,
     "not clear of the bound"},
    {"interval ends on the margin", AT(against_cv), "\"relative\":0.0,\"low\":-0.1,\"high\":0.02",
     RML_PASS, "all"},
    {"worse than the best blind one", AT(against_blind),
     "\"relative\":0.1,\"low\":0.05,\"high\":0.2", RML_FAIL, "against blind_x"},
    {"above the threshold", AT(fde), "\"value\":2.5,\"low\":2.4,\"high\":2.6", RML_FAIL,
     "min_fde_6, all: 2.5, interval 2.4 to 2.6: on the wrong side of the bound, at most 2"},
    {"across the threshold", AT(fde), "\"value\":1.9,\"low\":1.7,\"high\":2.1", RML_UNDECIDED,
     "not clear of"},
    {"no interval", AT(fde), "\"value\":1.5,\"low\":null,\"high\":null", RML_UNDECIDED,
     "its interval is undecided"},
    {"no value", AT(fde), "\"value\":null", RML_UNDECIDED, "does not hold this number"},
    {"no comparison", AT(against_cv), "\"relative\":null", RML_UNDECIDED,
     "does not hold this number"},
    {"no best blind one", AT(best_blind), "null", RML_UNDECIDED, "does not hold this number"},
    {"no probabilities", AT(probability), "false", RML_UNDECIDED,
     "probabilities: the predictions have none"},
    // the evidence
    {"another model", AT(hash), "\"4\"", RML_UNDECIDED, "does not hold model 111111111111"},
    {"a baseline of that hash", AT(kind), "\"blind\"", RML_UNDECIDED, "does not hold model"},
    {"another version", AT(version), "\"5555555555555555\"", RML_FAIL,
     "the evaluation is of version 555555555555"},
    {"another split", AT(split), "\"dev\"", RML_UNDECIDED, "of the dev split, gate is asked for"},
    {"no evaluation", AT(split), "", RML_UNDECIDED, "there is no evaluation"},
    {"too few windows", AT(windows), "99", RML_UNDECIDED,
     "windows in the test set: 99, at least 100 are asked for"},
    {"too few families", AT(families), "2", RML_UNDECIDED, "families in the test set: 2"},
    {"unknown windows", AT(windows), "null", RML_UNDECIDED, "does not say how many"},
    {"too few windows in a slice", AT(slice_windows), "50", RML_UNDECIDED, "50 windows in 5"},
    {"too few units in a slice", AT(slice_units), "2", RML_UNDECIDED, "400 windows in 2"},
    {"too many looks", AT(looks), "6", RML_FAIL, "looks at the split: 6, at most 5 are allowed"},
    {"looks not told", AT(looks), "null", RML_UNDECIDED, "looks at the split"},
    // the data
    {"a leaking dataset", AT(leaks),
     "{\"clean\":false,\"worst\":\"recording x stands on two sides\"}", RML_FAIL,
     "leak check: the dataset leaks: recording x stands on two sides"},
    {"no leak report", AT(leaks), "", RML_UNDECIDED, "there is no leak report"},
    {"an empty leak report", AT(leaks), "{}", RML_UNDECIDED, "there is no leak report"},
    {"a forbidden licence", AT(manifest),
     "{\"licence\":\"CC-BY-NC-4.0\",\"licences\":[\"CC-BY-NC-4.0\",\"MIT\"],\"purpose\":"
     "\"development\"}",
     RML_FAIL, "licence: CC-BY-NC-4.0 is not allowed"},
    {"a forbidden one that is not the strictest", AT(manifest),
     "{\"licence\":\"CC-BY-4.0\",\"licences\":[\"CC-BY-4.0\",\"GPL-3.0\"],\"purpose\":"
     "\"development\"}",
     RML_FAIL, "licence: GPL-3.0 is not allowed"},
    {"a licence that is not stated", AT(manifest),
     "{\"licence\":\"not-stated\",\"licences\":[\"MIT\",\"not-stated\"],\"purpose\":"
     "\"development\"}",
     RML_UNDECIDED, "licence: not stated for every source"},
    {"no licence", AT(manifest), "{\"purpose\":\"development\"}", RML_UNDECIDED,
     "licence: not stated"},
    {"a forbidden purpose", AT(manifest), "{\"licence\":\"MIT\",\"purpose\":\"advertising\"}",
     RML_FAIL, "purpose: advertising is not allowed"},
    {"no purpose", AT(manifest), "{\"licence\":\"MIT\"}", RML_UNDECIDED, "purpose: not stated"},
    {"no manifest", AT(manifest), "", RML_UNDECIDED, "there is no manifest"},
};

static void judges_one_change_at_a_time(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("gate");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_arena arena = {0};
        evidence e = good;
        memcpy((char *)&e + cases[i].member, &cases[i].text, sizeof cases[i].text);
        rml_gate_result r = judge(c, &e, RML_STR(policy), &arena);
        if (r.verdict != cases[i].want || !strstr(r.reason.data, cases[i].reason)) {
            fail_msg("%s: expected %s with \"%s\", found %s with \"%s\"", cases[i].name,
                     rml_verdict_name(cases[i].want), cases[i].reason, rml_verdict_name(r.verdict),
                     r.reason.data);
        }
        // The deciding condition is one of them, has the verdict and gives the reason.
        assert_true((r.deciding == NULL) == (r.verdict == RML_PASS));
        if (r.deciding) {
            assert_int_equal(r.deciding->verdict, r.verdict);
            assert_in_range(r.deciding - r.conditions, 0, r.condition_count - 1);
            assert_true(rml_str_starts(r.reason, r.deciding->name));
        }
        rml_arena_reset(&arena);
    }
    scratch_close(c);
}

static void counts_approvals_by_person(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("gate");
    static const struct {
        rml_approval approvals[4];
        const char *reason; // NULL: pass
    } sets[] = {
        {{{{"safety", 6}, {"a", 1}}, {{"release", 7}, {"b", 1}}, {{"release", 7}, {"c", 1}}}, NULL},
        {{{{"safety", 6}, {"a", 1}}}, "approval by release: 0 of 2"},
        {{{{"release", 7}, {"b", 1}}, {{"release", 7}, {"c", 1}}}, "approval by safety: 0 of 1"},
        {{{{"safety", 6}, {"a", 1}}, {{"release", 7}, {"b", 1}}, {{"release", 7}, {"b", 1}}},
         "approval by release: 1 of 2"},
        {{{{"safety", 6}, {"", 0}}, {{"release", 7}, {"b", 1}}, {{"release", 7}, {"c", 1}}},
         "approval by safety: 0 of 1"},
        {{{{"", 0}, {"", 0}}}, "approval by safety"},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        rml_arena arena = {0};
        evidence e = good;
        memcpy(e.approvals, sets[i].approvals, sizeof e.approvals);
        rml_gate_result r = judge(c, &e, RML_STR(policy), &arena);
        assert_int_equal(r.verdict, sets[i].reason ? RML_UNDECIDED : RML_PASS);
        assert_true(!sets[i].reason || strstr(r.reason.data, sets[i].reason));
        rml_arena_reset(&arena);
    }
    scratch_close(c);
}

// The evaluation may name the run that a registered model came from; the catalog knows the edge.
static void finds_the_model_by_its_run(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("gate");
    rml_arena arena = {0};
    evidence e = good;
    e.hash = "\"" RUN "\"";
    assert_int_equal(judge(c, &e, RML_STR(policy), &arena).verdict, RML_UNDECIDED);
    rml_edge about = {RML_STR(MODEL), RML_STR(RUN), RML_STR("mentions")};
    assert_int_equal(rml_catalog_link(c, &about, NULL), RML_OK);
    assert_int_equal(judge(c, &e, RML_STR(policy), &arena).verdict, RML_UNDECIDED);
    rml_edge edge = {RML_STR(MODEL), RML_STR(RUN), RML_STR("run")};
    assert_int_equal(rml_catalog_link(c, &edge, NULL), RML_OK);
    assert_int_equal(judge(c, &e, RML_STR(policy), &arena).verdict, RML_PASS);
    rml_arena_reset(&arena);
    scratch_close(c);
}

static void probability_metrics_need_them(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("gate");
    rml_arena arena = {0};
    evidence e = good;
    e.probability = "false";
    rml_str text = RML_STR(
        "thresholds:\n  - {metric: brier_min_fde_6, at_most: 3.0}\nprobabilities: optional\n");
    rml_gate_result r = judge(c, &e, text, &arena);
    assert_int_equal(r.verdict, RML_UNDECIDED);
    assert_non_null(strstr(r.reason.data, "it needs probabilities, and the predictions have none"));
    text = RML_STR("thresholds:\n  - {metric: min_fde_6, at_most: 3.0}\nprobabilities: optional\n");
    assert_int_equal(judge(c, &e, text, &arena).verdict, RML_PASS);
    rml_arena_reset(&arena);
    scratch_close(c);
}

static void keeps_the_verdict(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("gate");
    rml_arena arena = {0};
    rml_object_row row;
    rml_array edges = RML_ARRAY(rml_edge), entries = RML_ARRAY(rml_audit_entry);
    rml_gate_result r = judge(c, &good, RML_STR(policy), &arena);
    rml_gate_result again = judge(c, &good, RML_STR(policy), &arena);
    assert_string_equal(r.hash, again.hash);
    assert_int_equal(rml_catalog_get(c, "gate", RML_STR(MODEL), &arena, &row, NULL), RML_OK);
    assert_true(rml_str_equal(row.hash, rml_str_of(r.hash)));
    rml_hash hash;
    char text[RML_HASH_TEXT];
    assert_int_equal(rml_json_text_hash(row.body, &hash, NULL), RML_OK);
    rml_hash_text(&hash, text);
    assert_string_equal(text, r.hash);
    assert_int_equal(rml_catalog_edges(c, row.hash, true, &arena, &edges, NULL), RML_OK);
    assert_int_equal(edges.count, 3);
    assert_int_equal(rml_audit_list(c, &arena, &entries, NULL), RML_OK);
    assert_int_equal(entries.count, 2);
    assert_non_null(strstr(RML_AT(&entries, rml_audit_entry, 0)->details.data, "\"pass\""));
    rml_array_reset(&edges);
    rml_array_reset(&entries);
    rml_arena_reset(&arena);
    scratch_close(c);
}

static const struct {
    const char *text, *place, *what;
} bad_policies[] = {
    {"", "p:1:1", "expected at least one threshold or margin, found none"},
    {"name: x\n", "p:1:1", "expected at least one threshold or margin, found none"},
    {"margin: []\n", "p:1:1", "did you mean margins?"},
    {"thresholds: [{metric: x}]", "p:1:14", "expected one of at_most and at_least, found neither"},
    {"thresholds: [{metric: x, at_most: 1, at_least: 0}]", "p:1:14", "found both"},
    {"thresholds: [{at_most: 1}]", "p:1:14", "expected a metric, found none"},
    {"thresholds: [{metric: x, at_most: nan}]", "p:1:35", "expected a finite number"},
    {"thresholds: [{metric: x, against: y, at_most: 1}]", "p:1:26", "expected a known key"},
    {"margins: [{metric: x, at_most: 1}]", "p:1:11", "expected against"},
    {"margins: 3", "p:1:10", "margins: expected a list"},
    {"leaks: maybe", "p:1:8", "leaks: expected clean or ignored, found maybe"},
    {"min_units: -1", "p:1:12", "min_units: expected 0 or more"},
    {"max_looks: few", "p:1:12", "expected a whole number"},
    {"licences: []", "p:1:11", "expected at least one text"},
    {"approvals: [a]", "p:1:12", "expected ROLE: NUMBER"},
    {"approvals: {a: 0}", "p:1:16", "1 or more for a"},
};

static void tells_faults_of_policies(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("gate");
    for (size_t i = 0; i < sizeof bad_policies / sizeof *bad_policies; i++) {
        rml_arena arena = {0};
        rml_gate_result r;
        rml_error err = {0};
        rml_str text = rml_str_of(bad_policies[i].text);
        text = text.len > 0 ? text : RML_STR("# nothing\n");
        rml_gate_request request = {
            .policy = text, .policy_file = RML_STR("p"), .model = RML_STR(MODEL)};
        assert_int_equal(rml_gate_judge(c, &request, &arena, &r, &err), RML_ERR_DATA);
        if (strcmp(err.place, bad_policies[i].place) != 0 ||
            !strstr(err.what, bad_policies[i].what)) {
            fail_msg("%s: expected %s: %s, found %s: %s", bad_policies[i].text,
                     bad_policies[i].place, bad_policies[i].what, err.place, err.what);
        }
        rml_arena_reset(&arena);
    }
    scratch_close(c);
}

// Nothing at all: every condition of the built-in policy is undecided, none passes.
static void without_evidence_nothing_passes(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("gate");
    rml_arena arena = {0};
    rml_gate_result r;
    rml_gate_request request = {.model = RML_STR(MODEL)};
    assert_int_equal(rml_gate_judge(c, &request, &arena, &r, NULL), RML_OK);
    assert_int_equal(r.verdict, RML_UNDECIDED);
    assert_true(r.condition_count >= 10);
    for (size_t i = 0; i < r.condition_count; i++) {
        assert_int_equal(r.conditions[i].verdict, RML_UNDECIDED);
        assert_true(r.conditions[i].reason.len > 0);
    }
    rml_arena_reset(&arena);
    scratch_close(c);
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    rml_catalog *c = scratch_open("gate");
    rml_arena texts = {0};
    rml_str evaluation = write_evaluation(&good, &texts);
    rml_status st = RML_ERR_MEMORY;
    for (uint64_t after = 0; st != RML_OK; after++) {
        rml_arena arena = {0};
        rml_gate_result r;
        rml_gate_request request = {.policy = RML_STR(policy),
                                    .policy_file = RML_STR("p"),
                                    .evaluation = evaluation,
                                    .manifest = rml_str_of(good.manifest),
                                    .leaks = rml_str_of(good.leaks),
                                    .model = RML_STR(MODEL)};
        rml_heap_fail_after(after);
        st = rml_gate_judge(c, &request, &arena, &r, NULL);
        rml_heap_fail_after(UINT64_MAX);
        assert_true(after < 1000 && (st == RML_OK || st == RML_ERR_MEMORY));
        rml_arena_reset(&arena);
    }
    assert_int_equal(rml_audit_verify(c, (rml_str){0}, NULL, NULL, NULL), RML_OK);
    rml_arena_reset(&texts);
    scratch_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_one_change_at_a_time),
        cmocka_unit_test(counts_approvals_by_person),
        cmocka_unit_test(finds_the_model_by_its_run),
        cmocka_unit_test(probability_metrics_need_them),
        cmocka_unit_test(keeps_the_verdict),
        cmocka_unit_test(tells_faults_of_policies),
        cmocka_unit_test(without_evidence_nothing_passes),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
