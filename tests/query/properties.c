// Protects: the flat plan with its masks says what the tree says. Random programs over random small
// traffics, against an evaluator that follows the definitions instant by instant, with no plan, no
// vectors and no short cuts; and the laws of three-valued logic.
#include "roadmill/base/random.h"
#include "roadmill/query.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "program.h"
#include "traffic.h"

// ---- Random programs and traffics --------------------------------------------------------------

typedef struct dice {
    uint64_t seed, at;
} dice;

static uint64_t roll(dice *d, uint64_t count)
{
    return rml_random_below(d->seed, 7, d->at++, count);
}

static void add(char *text, size_t size, const char *more)
{
    size_t at = strlen(text);
    snprintf(text + at, size - at, "%s", more);
}

static void random_condition(dice *d, int depth, bool has_c, char *text, size_t size)
{
    static const char *const simple[] = {
        "speed(a) > 6 m/s",
        "speed(b) <= 6 m/s",
        "gap(a, b) < 6 m",
        "ttc(a, b) < 4 s",
        "acceleration(a) > 0 m/s^2",
        "a is car",
        "b is truck",
        "near(a, b, 8 m)",
        "lane_of(a) == lane_of(b)",
        "b changes_lane",
        "standing(b)",
        "b changes_lane into lane_of(a)",
        "headway(b, a) < 2 s",
        "distance(a, b) != 5 m",
        "cut_in(a, b)",
    };
    static const char *const of_c[] = {"near(a, c, 8 m)", "speed(c) > 6 m/s", "c is car",
                                       "gap(b, c) < 9 m"};
    switch (depth > 0 ? roll(d, 8) : 7) {
    case 0:
    case 1:
        add(text, size, "(");
        random_condition(d, depth - 1, has_c, text, size);
        add(text, size, roll(d, 2) ? " and " : " or ");
        random_condition(d, depth - 1, has_c, text, size);
        add(text, size, ")");
        return;
    case 2:
        add(text, size, "not ");
        random_condition(d, depth - 1, has_c, text, size);
        return;
    case 3:
        add(text, size, "(");
        random_condition(d, depth - 1, has_c, text, size);
        add(text, size, roll(d, 2) ? ") for at least 300 ms" : ") for at least 100 ms");
        return;
    case 4:
        if (!has_c) {
            add(text, size, roll(d, 2) ? "(some c: " : "(all c: vehicle: ");
            random_condition(d, depth - 1, true, text, size);
            add(text, size, ")");
            return;
        } // else: falls to a simple one
        break;
    default:
        break;
    }
    add(text, size, has_c && roll(d, 2) ? of_c[roll(d, 4)] : simple[roll(d, 15)]);
}

static void random_traffic(dice *d, test_traffic *t)
{
    static const char *const classes[] = {"car", "truck", "bicycle", "unknown"};
    char line[512];
    test_traffic_clear(t);
    test_traffic_line(t, "lane L 0,40 0,4 left M next N");
    test_traffic_line(t, "lane M 0,60 4,8 right L");
    test_traffic_line(t, "lane N 40,80 0,4");
    size_t count = 2 + roll(d, 3);
    for (size_t i = 0; i < count; i++) {
        snprintf(line, sizeof line, "agent v%zu %s %dx2 0.%d %d,%d", i, classes[roll(d, 4)],
                 roll(d, 8) ? 4 : -1, (int)roll(d, 4), (int)roll(d, 40), (int)roll(d, 8));
        for (int k = 0; k < 3; k++) {
            char part[64];
            if (roll(d, 6) == 0) {
                snprintf(part, sizeof part, " -*%d", 1 + (int)roll(d, 2));
            } else {
                snprintf(part, sizeof part, " %d,%d*%d", (int)roll(d, 14), (int)roll(d, 21) - 10,
                         1 + (int)roll(d, 4));
            }
            add(line, sizeof line, part);
        }
        assert_true(test_traffic_line(t, line));
    }
}

// ---- By definition -----------------------------------------------------------------------------

typedef struct truth_of {
    const rml_world *w;
    uint32_t track[RML_QUERY_SLOTS];
    uint32_t taken[8];
    size_t taken_count;
} truth_of;

static int64_t stamp(const truth_of *x, size_t i)
{
    return x->w->traffic->tracks[x->track[0]].states[i].t_ns;
}

static size_t instants(const truth_of *x)
{
    return x->w->traffic->tracks[x->track[0]].count;
}

static bool find_at(const truth_of *x, uint32_t slot, size_t i, rml_at *out)
{
    const rml_track *track = &x->w->traffic->tracks[x->track[slot]];
    for (uint32_t k = 0; k < track->count; k++) {
        int64_t away = stamp(x, i) - track->states[k].t_ns;
        if (away >= 0 && away < 100000000) {
            *out = (rml_at){x->track[slot], k};
            return true;
        }
    }
    return false;
}

static bool joined_in_time(const truth_of *x, size_t i) // instant i and the next
{
    return stamp(x, i + 1) - stamp(x, i) <= 150000000;
}

static int64_t end_of(const truth_of *x, size_t i)
{
    return i + 1 < instants(x) && joined_in_time(x, i) ? stamp(x, i + 1) : stamp(x, i) + 100000000;
}

static int truth(truth_of *x, const rml_node *n, size_t i);

// Some stretch around i, whole in time and long enough, all of it at least `least`.
static bool held(truth_of *x, const rml_node *n, size_t i, int least)
{
    for (size_t s = 0; s <= i; s++) {
        bool whole = true;
        for (size_t e = s; e < instants(x) && whole; e++) {
            whole = truth(x, n->left, e) >= least && (e == s || joined_in_time(x, e - 1));
            if (whole && e >= i && end_of(x, e) - stamp(x, s) >= (int64_t)(n->value * 1e9 + 0.5)) {
                return true;
            }
        }
    }
    return false;
}

static int quantified(truth_of *x, const rml_node *n, size_t i)
{
    bool some = n->kind == RML_NODE_SOME;
    int result = some ? RML_FALSE : RML_TRUE;
    for (uint32_t t = 0; t < x->w->traffic->track_count; t++) {
        bool taken = false;
        rml_at at;
        for (size_t k = 0; k < x->taken_count; k++) {
            taken |= x->taken[k] == t;
        }
        x->track[n->a] = t;
        if (taken || !(n->classes >> x->w->traffic->tracks[t].agent_class & 1) ||
            !find_at(x, n->a, i, &at)) {
            continue;
        }
        x->taken[x->taken_count++] = t;
        int one = truth(x, n->left, i);
        x->taken_count--;
        result = some == (one > result) ? one : result;
    }
    return result;
}

static int lane_truth(const rml_world *w, rml_at a, rml_at b)
{
    int32_t p = rml_lane_at(w, a), q = rml_lane_at(w, b);
    return p < 0 || q < 0 ? RML_UNKNOWN : rml_lanes_same(w, p, q) ? RML_TRUE : RML_FALSE;
}

static double number(truth_of *x, const rml_node *n, size_t i)
{
    rml_at a, b;
    if (n->kind == RML_NODE_NUMBER) {
        return n->value;
    }
    bool there = find_at(x, n->a, i, &a) && find_at(x, n->b, i, &b);
    return there ? n->measure->number(x->w, a, b, n->value) : NAN;
}

static int compared(truth_of *x, const rml_node *n, size_t i)
{
    double p = number(x, n->left, i), q = number(x, n->right, i);
    const bool holds[] = {p<q, p <= q, p> q, p >= q, p == q, p != q};
    return isnan(p) || isnan(q) ? RML_UNKNOWN : holds[n->compare] ? RML_TRUE : RML_FALSE;
}

static int about_actors(truth_of *x, const rml_node *n, size_t i)
{
    rml_at a, b;
    if (n->kind == RML_NODE_IS) {
        rml_agent_class c = x->w->traffic->tracks[x->track[n->a]].agent_class;
        return c == RML_AGENT_UNKNOWN ? RML_UNKNOWN : n->classes >> c & 1 ? RML_TRUE : RML_FALSE;
    }
    if (!find_at(x, n->a, i, &a) || !find_at(x, n->b, i, &b)) {
        return RML_UNKNOWN;
    }
    int changes = RML_TRUE, same = RML_TRUE;
    if (n->kind == RML_NODE_MEASURE) {
        return n->measure->truth(x->w, a, b, n->value);
    }
    if (n->kind == RML_NODE_CHANGES || n->kind == RML_NODE_INTO) {
        changes = rml_changes_lane(x->w, a);
    }
    if (n->kind == RML_NODE_SAME_LANE || n->kind == RML_NODE_INTO) {
        same = lane_truth(x->w, a, b);
    }
    return changes < same ? changes : same;
}

static int truth(truth_of *x, const rml_node *n, size_t i)
{
    int left, right;
    switch (n->kind) {
    case RML_NODE_AND:
    case RML_NODE_OR:
        left = truth(x, n->left, i);
        right = truth(x, n->right, i);
        return (left < right) == (n->kind == RML_NODE_AND) ? left : right;
    case RML_NODE_NOT:
        return 2 - truth(x, n->left, i);
    case RML_NODE_HOLD:
        return held(x, n, i, RML_TRUE)      ? RML_TRUE
               : held(x, n, i, RML_UNKNOWN) ? RML_UNKNOWN
                                            : RML_FALSE;
    case RML_NODE_SOME:
    case RML_NODE_ALL:
        return quantified(x, n, i);
    case RML_NODE_COMPARE:
        return compared(x, n, i);
    default:
        return about_actors(x, n, i);
    }
}

// The clauses up to k at instant i; *since: where the first of them held.
static int sequence(truth_of *x, const rml_program *g, size_t k, size_t i, size_t *since)
{
    int now = truth(x, g->clauses[k].node, i), past = RML_FALSE;
    *since = i;
    if (k == 0) {
        return now;
    }
    for (size_t u = i + 1; u-- > 0;) {
        size_t start;
        if (stamp(x, i) - stamp(x, u) > g->clauses[k].within_ns) {
            break;
        }
        int before = sequence(x, g, k - 1, u, &start);
        past = before > past ? before : past;
        *since = before == RML_TRUE ? start : *since;
    }
    return now < past ? now : past;
}

// ---- Against the plan --------------------------------------------------------------------------

#define GRID 40 // instants of 100 ms that are compared

typedef struct marks {
    bool at[GRID];
} marks;

static void mark(marks *m, int64_t start_ns, int64_t end_ns)
{
    for (int64_t t = start_ns; t < end_ns; t += 100000000) {
        assert_true(t >= 0 && t / 100000000 < GRID);
        m->at[t / 100000000] = true;
    }
}

static void check_binding(truth_of *x, const rml_program *g, const rml_array *matches,
                          uint64_t *unknown, uint64_t *evaluated, const char *text)
{
    marks want = {0}, found = {0};
    for (size_t i = 0; i < instants(x); i++) {
        rml_at at;
        size_t since;
        if (!find_at(x, 1, i, &at)) {
            continue;
        }
        int value = sequence(x, g, g->clause_count - 1, i, &since);
        ++*evaluated;
        *unknown += value == RML_UNKNOWN;
        if (value == RML_TRUE) {
            mark(&want, stamp(x, since), stamp(x, since) + 1);
            mark(&want, stamp(x, since), end_of(x, i));
        }
    }
    for (size_t i = 0; i < matches->count; i++) {
        const rml_match *m = RML_AT(matches, rml_match, i);
        if (m->actors[0] == x->track[0] && m->actors[1] == x->track[1]) {
            mark(&found, m->start_ns, m->end_ns);
        }
    }
    if (memcmp(&want, &found, sizeof want) != 0) {
        print_error("%s: actors %u and %u differ\n", text, x->track[0], x->track[1]);
    }
    assert_memory_equal(&want, &found, sizeof want);
}

static void check_program(const char *text, const test_traffic *t)
{
    rml_query *q = NULL;
    rml_error err = {0};
    rml_arena arena = {0};
    rml_program g;
    rml_world w;
    rml_query_count count = {0};
    rml_array matches = RML_ARRAY(rml_match);
    uint64_t unknown = 0, evaluated = 0;
    if (rml_query_compile(rml_str_of(text), RML_STR("q"), &q, &err) != RML_OK) {
        print_error("%s: %s\n", text, err.what);
    }
    assert_int_equal(rml_program_parse(rml_str_of(text), RML_STR("q"), &arena, &g, &err), RML_OK);
    assert_int_equal(rml_world_make(&t->traffic, RML_READS_LANES, &w, &err), RML_OK);
    assert_int_equal(rml_query_run(q, &t->traffic, &matches, &count, &err), RML_OK);
    for (uint32_t a = 0; a < t->traffic.track_count; a++) {
        for (uint32_t b = 0; b < t->traffic.track_count; b++) {
            truth_of x = {.w = &w, .track = {a, b}, .taken = {a, b}, .taken_count = 2};
            if (a != b) {
                check_binding(&x, &g, &matches, &unknown, &evaluated, text);
            }
        }
    }
    if (count.unknown != unknown || count.evaluated != evaluated) {
        print_error("%s: unknown differs\n", text);
    }
    assert_int_equal(count.unknown, unknown);
    assert_int_equal(count.evaluated, evaluated);
    rml_array_reset(&matches);
    rml_world_reset(&w);
    rml_arena_reset(&arena);
    rml_query_free(q);
}

static void plans_say_what_trees_say(void **state)
{
    (void)state;
    test_traffic *t = calloc(1, sizeof *t);
    for (uint64_t seed = 0; seed < 1500; seed++) {
        dice d = {.seed = seed};
        char text[4096] = "f(a, b): ";
        random_condition(&d, 3, false, text, sizeof text);
        if (roll(&d, 3) == 0) {
            add(text, sizeof text, " then within 300 ms: ");
            random_condition(&d, 1, false, text, sizeof text);
        }
        random_traffic(&d, t);
        check_program(text, t);
    }
    test_traffic_clear(t);
    free(t);
}

// ---- Laws --------------------------------------------------------------------------------------

static void run_text(const char *text, const rml_traffic *t, rml_array *matches,
                     rml_query_count *count)
{
    rml_query *q = NULL;
    assert_int_equal(rml_query_compile(rml_str_of(text), RML_STR("q"), &q, NULL), RML_OK);
    assert_int_equal(rml_query_run(q, t, matches, count, NULL), RML_OK);
    rml_query_free(q);
}

static void same_answers(const char *one, const char *other, const rml_traffic *t)
{
    rml_array p = RML_ARRAY(rml_match), q = RML_ARRAY(rml_match);
    rml_query_count m = {0}, n = {0};
    run_text(one, t, &p, &m);
    run_text(other, t, &q, &n);
    assert_memory_equal(&m, &n, sizeof m);
    assert_int_equal(p.count, q.count);
    for (size_t i = 0; i < p.count; i++) {
        const rml_match *a = RML_AT(&p, rml_match, i), *b = RML_AT(&q, rml_match, i);
        assert_true(a->start_ns == b->start_ns && a->end_ns == b->end_ns &&
                    a->actors[0] == b->actors[0] && a->actors[1] == b->actors[1]);
        assert_true(a->start_ns < a->end_ns);
    }
    rml_array_reset(&p);
    rml_array_reset(&q);
}

static void laws_of_three_values(void **state)
{
    (void)state;
    test_traffic *t = calloc(1, sizeof *t);
    for (uint64_t seed = 5000; seed < 5300; seed++) {
        dice d = {.seed = seed};
        char a[2048] = "", b[2048] = "", one[8192], other[8192];
        random_condition(&d, 2, false, a, sizeof a);
        random_condition(&d, 2, false, b, sizeof b);
        random_traffic(&d, t);
        snprintf(one, sizeof one, "f(a, b): not ((%s) and (%s))", a, b);
        snprintf(other, sizeof other, "f(a, b): (not (%s)) or (not (%s))", a, b);
        same_answers(one, other, &t->traffic);
        snprintf(one, sizeof one, "f(a, b): not not (%s)", a);
        snprintf(other, sizeof other, "f(a, b): %s", a);
        same_answers(one, other, &t->traffic);
        snprintf(one, sizeof one, "f(a, b): not some c: (%s)", a);
        snprintf(other, sizeof other, "f(a, b): all c: not (%s)", a);
        same_answers(one, other, &t->traffic);
    }
    test_traffic_clear(t);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_say_what_trees_say),
        cmocka_unit_test(laws_of_three_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
