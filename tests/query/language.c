// Protects: what programs of the language find, and what they say when they are wrong. The cases
// stand in cases.txt.
#include "roadmill/query.h"

#include "roadmill/os.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "traffic.h"

typedef struct test_case {
    char name[512], query[2048], error[512];
    char expect[16][512];
    size_t expect_count;
    long long count[3];
    bool has_count;
    bool has_because;
    long long because[2];
    test_traffic *traffic;
} test_case;

static size_t failures, cases_run;

static void fail_case(const test_case *c, const char *what, const char *found)
{
    print_error("%s: %s, found %s\n", c->name, what, found);
    failures++;
}

static void match_text(const rml_traffic *t, const rml_match *m, char *text, size_t size)
{
    int at = snprintf(text, size, "%.9g %.9g", (double)m->start_ns / 1e9, (double)m->end_ns / 1e9);
    for (uint32_t a = 0; a < m->actor_count; a++) {
        at += snprintf(text + at, size - (size_t)at, " %.*s",
                       RML_FMT(t->tracks[m->actors[a]].track_id));
    }
}

static void run_case(const test_case *c)
{
    rml_query *q = NULL;
    rml_error err = {0};
    char text[1024] = "no error";
    rml_status st = rml_query_compile(rml_str_of(c->query), RML_STR("query"), &q, &err);
    cases_run++;
    if (st != RML_OK || c->error[0] != '\0') {
        if (st != RML_OK) {
            rml_error_text(&err, text, sizeof text);
        }
        if (strcmp(text, c->error) != 0) {
            fail_case(c, c->error, text);
        }
        rml_query_free(q);
        return;
    }
    rml_array matches = RML_ARRAY(rml_match);
    rml_query_count count = {0};
    const rml_traffic *traffic = &c->traffic->traffic;
    assert_int_equal(rml_query_run(q, traffic, &matches, &count, NULL), RML_OK);
    for (size_t i = 0; i < matches.count || i < c->expect_count; i++) {
        snprintf(text, sizeof text, "no match");
        if (i < matches.count) {
            match_text(traffic, RML_AT(&matches, rml_match, i), text, sizeof text);
        }
        if (i >= c->expect_count || strcmp(text, c->expect[i]) != 0) {
            fail_case(c, i < c->expect_count ? c->expect[i] : "no more matches", text);
        }
    }
    snprintf(text, sizeof text, "%llu %llu %llu", (unsigned long long)count.matches,
             (unsigned long long)count.unknown, (unsigned long long)count.evaluated);
    if (c->has_count &&
        ((long long)count.matches != c->count[0] || (long long)count.unknown != c->count[1] ||
         (long long)count.evaluated != c->count[2])) {
        fail_case(c, "matches, unknown and evaluated", text);
    }
    snprintf(text, sizeof text, "%llu %llu",
             (unsigned long long)count.because[RML_UNKNOWN_EGO_SIZE],
             (unsigned long long)count.because[RML_UNKNOWN_EGO_FRAME]);
    if (c->has_because && ((long long)count.because[RML_UNKNOWN_EGO_SIZE] != c->because[0] ||
                           (long long)count.because[RML_UNKNOWN_EGO_FRAME] != c->because[1])) {
        fail_case(c, "unknown by the ego's size, by its frame", text);
    }
    rml_array_reset(&matches);
    rml_query_free(q);
}

static void read_line(test_case *c, char *line)
{
    if (strncmp(line, "query ", 6) == 0) {
        size_t at = strlen(c->query);
        snprintf(c->query + at, sizeof c->query - at, "%s%s", at ? "\n" : "", line + 6);
    } else if (strncmp(line, "expect ", 7) == 0) {
        snprintf(c->expect[c->expect_count++], sizeof c->expect[0], "%s", line + 7);
    } else if (strncmp(line, "error ", 6) == 0) {
        snprintf(c->error, sizeof c->error, "%s", line + 6);
    } else if (strncmp(line, "count ", 6) == 0) {
        c->has_count =
            sscanf(line + 6, "%lld %lld %lld", &c->count[0], &c->count[1], &c->count[2]) == 3;
    } else if (strncmp(line, "because ", 8) == 0) {
        c->has_because = sscanf(line + 8, "%lld %lld", &c->because[0], &c->because[1]) == 2;
    } else if (*line != '\0' && *line != '#') {
        assert_true(test_traffic_line(c->traffic, line));
    }
}

static void finish(test_case *c)
{
    test_traffic *traffic = c->traffic;
    if (c->name[0] != '\0') {
        run_case(c);
    }
    test_traffic_clear(traffic);
    memset(c, 0, sizeof *c);
    c->traffic = traffic;
}

static void all_cases(void **state)
{
    (void)state;
    char path[1024];
    snprintf(path, sizeof path, "%s", __FILE__);
    snprintf(strrchr(path, '/'), 16, "/cases.txt");
    rml_buffer text = {0};
    assert_int_equal(rml_file_read(path, 1 << 20, &text, NULL), RML_OK);
    test_case c = {.traffic = calloc(1, sizeof(test_traffic))};
    rml_str left = rml_buffer_text(&text), line;
    while (left.len > 0) {
        char one[512];
        left = rml_str_cut(left, '\n', &line);
        snprintf(one, sizeof one, "%.*s", RML_FMT(line));
        if (strncmp(one, "case ", 5) == 0) {
            finish(&c);
            snprintf(c.name, sizeof c.name, "%s", one + 5);
        } else {
            read_line(&c, one);
        }
    }
    finish(&c);
    print_message("%zu cases\n", cases_run);
    free(c.traffic);
    rml_buffer_reset(&text);
    assert_true(cases_run > 40);
    assert_int_equal(failures, 0);
}

static void the_hash_is_of_the_meaning(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } pairs[] = {
        {"speed(a) > 10 m/s", "speed( other )>36 km/h # fast", true},
        {"f(x): speed(x) > 10 m/s", "speed(a) > 10 m/s", true},
        {"speed(a) > 10 m/s", "speed(a) >= 10 m/s", false},
        {"near(a, b)", "near(b, a)", true},
        {"near(a, b)", "near(a, b, 10 m)", true},
        {"near(a, b)", "near(a, b, 11 m)", false},
        {"speed(a) > 1 m/s", "speed(ego) > 1 m/s", false},
        {"f(a: car): speed(a) > 1 m/s", "f(a): speed(a) > 1 m/s", false},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        rml_query *a = NULL, *b = NULL;
        rml_hash x, y;
        assert_int_equal(rml_query_compile(rml_str_of(pairs[i].a), RML_STR("a"), &a, NULL), RML_OK);
        assert_int_equal(rml_query_compile(rml_str_of(pairs[i].b), RML_STR("b"), &b, NULL), RML_OK);
        rml_query_hash(a, &x);
        rml_query_hash(b, &y);
        assert_int_equal(rml_hash_equal(&x, &y), pairs[i].same);
        rml_query_free(a);
        rml_query_free(b);
    }
}

static void covers_is_half_open(void **state)
{
    (void)state;
    rml_match matches[] = {{.start_ns = 10, .end_ns = 20, .actor_count = 1, .actors = {3}},
                           {.start_ns = 15, .end_ns = 40, .actor_count = 1, .actors = {4}}};
    const rml_array all = {matches, 2, 2, sizeof *matches};
    assert_true(rml_query_covers(&all, 3, 10) && rml_query_covers(&all, 3, 19));
    assert_false(rml_query_covers(&all, 3, 20) || rml_query_covers(&all, 3, 9));
    assert_true(rml_query_covers(&all, 4, 39));
    assert_false(rml_query_covers(&all, 4, 12));
}

static void no_memory_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    const char *text = "f(ego, v: vehicle): v changes_lane into lane_of(ego) then within 3 s: "
                       "(some w: near(v, w, 40 m)) for at least 200 ms and gap(ego, v) < 30 m";
    test_traffic *t = calloc(1, sizeof *t);
    test_traffic_line(t, "lane L 0,100 0,4 left M next N");
    test_traffic_line(t, "lane M 0,100 4,8 right L");
    test_traffic_line(t, "agent a car 4x2 0 10,2 10,0*9");
    test_traffic_line(t, "agent b car 4x2 0 30,6 10,-10*9");
    test_traffic_line(t, "agent c car 4x2 0 50,2 10,0*9");
    bool done = false;
    for (uint64_t after = 0; after < 500 && !done; after++) {
        rml_query *q = NULL;
        rml_array matches = RML_ARRAY(rml_match);
        rml_error err = {0};
        rml_heap_fail_after(after);
        rml_status st = rml_query_compile(rml_str_of(text), RML_STR("q"), &q, &err);
        st = st ? st : rml_query_run(q, &t->traffic, &matches, NULL, &err);
        rml_heap_fail_after(UINT64_MAX);
        done = st == RML_OK;
        assert_true(done || st == RML_ERR_MEMORY);
        assert_int_equal(matches.count, done ? 2 : 0);
        rml_array_reset(&matches);
        rml_query_free(q);
    }
    assert_true(done);
    test_traffic_clear(t);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_cases),
        cmocka_unit_test(the_hash_is_of_the_meaning),
        cmocka_unit_test(covers_is_half_open),
        cmocka_unit_test(no_memory_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
