// The machine: a stack of vectors. A mask marks the instants where the answer can still change, so
// that a measure behind a condition that fails everywhere costs nothing.
#include "machine.h"

#include <math.h>
#include <string.h>

#define WORKSPACE_MAX ((size_t)1 << 30)

// ---- Make --------------------------------------------------------------------------------------

static size_t mask_depth(const rml_query *q)
{
    size_t depth = 0, most = 0;
    for (size_t i = 0; i < q->step_count; i++) {
        switch (q->steps[i].op) {
        case RML_OP_AND_BEGIN:
        case RML_OP_OR_BEGIN:
        case RML_OP_HOLD_BEGIN:
        case RML_OP_SOME_BEGIN:
        case RML_OP_ALL_BEGIN:
            depth++;
            most = depth > most ? depth : most;
            break;
        case RML_OP_AND_END:
        case RML_OP_OR_END:
        case RML_OP_HOLD_END:
        case RML_OP_SOME_END:
        case RML_OP_ALL_END:
            depth--;
            break;
        default:
            break;
        }
    }
    return most + 1;
}

rml_status rml_machine_make(rml_machine *m, const rml_query *q, const rml_world *w, rml_error *err)
{
    *m = (rml_machine){.q = q, .w = w, .room = 1};
    bool lacks = false;
    for (size_t i = 0; i < w->traffic->track_count; i++) {
        const rml_track *t = &w->traffic->tracks[i];
        m->room = t->count > m->room ? t->count : m->room;
        lacks = lacks || t->is_point || t->is_apart;
    }
    size_t masks = mask_depth(q), levels = q->depth + 1;
    size_t row = levels * (sizeof(double) + 1) + masks + q->slots * sizeof(uint32_t) +
                 sizeof(double) + 1 + sizeof(uint32_t);
    if (m->room > WORKSPACE_MAX / row) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected a query and tracks that need at most %zu MiB, found a track of "
                        "%zu states and %zu bytes for each",
                        WORKSPACE_MAX >> 20, m->room, row);
    }
    m->numbers = rml_heap_make(levels * m->room * sizeof(double));
    m->truths = rml_heap_make(levels * m->room);
    m->masks = rml_heap_make(masks * m->room);
    m->index = rml_heap_make(q->slots * m->room * sizeof(uint32_t));
    m->score = rml_heap_make(m->room * sizeof(double));
    m->joined = rml_heap_make(m->room);
    m->since = rml_heap_make(m->room * sizeof(uint32_t));
    m->causes = lacks ? rml_heap_make(m->room) : NULL;
    bool whole = m->numbers && m->truths && m->masks && m->index && m->score && m->joined &&
                 m->since && (m->causes || !lacks);
    if (!whole) {
        rml_machine_reset(m);
        return rml_fail_memory(err, row * w->traffic->track_count);
    }
    return RML_OK;
}

void rml_machine_reset(rml_machine *m)
{
    rml_heap_free(m->numbers);
    rml_heap_free(m->truths);
    rml_heap_free(m->masks);
    rml_heap_free(m->index);
    rml_heap_free(m->score);
    rml_heap_free(m->joined);
    rml_heap_free(m->since);
    rml_heap_free(m->causes);
    *m = (rml_machine){0};
}

// ---- Bind --------------------------------------------------------------------------------------

static uint32_t *index_of(const rml_machine *m, uint32_t slot)
{
    return m->index + slot * m->room;
}

void rml_machine_focus(rml_machine *m, uint32_t track)
{
    const rml_track *t = &m->w->traffic->tracks[track];
    m->n = t->count;
    m->instants = t->states;
    m->track[0] = track;
    m->bound[0] = track;
    m->bound_count = 1;
    for (size_t i = 0; i < m->n; i++) {
        index_of(m, 0)[i] = (uint32_t)i;
    }
}

bool rml_machine_bind(rml_machine *m, uint32_t slot, uint32_t track)
{
    const rml_track *t = &m->w->traffic->tracks[track];
    if (t->count == 0 || m->n == 0 || t->states[0].t_ns > m->instants[m->n - 1].t_ns ||
        t->states[t->count - 1].t_ns <= m->instants[0].t_ns - m->w->step_ns) {
        return false;
    }
    m->work += m->n;
    uint32_t *index = index_of(m, slot);
    size_t k = 0; // states before k are at or before the instant
    bool ever = false;
    for (size_t i = 0; i < m->n; i++) {
        int64_t t_ns = m->instants[i].t_ns;
        while (k < t->count && t->states[k].t_ns <= t_ns) {
            k++;
        }
        bool there = k > 0 && t->states[k - 1].t_ns > t_ns - m->w->step_ns;
        index[i] = there ? (uint32_t)(k - 1) : RML_ABSENT;
        ever |= there;
    }
    m->track[slot] = track;
    m->bound[m->bound_count++] = track;
    if (!ever) {
        m->bound_count--;
    }
    return ever;
}

void rml_machine_unbind(rml_machine *m)
{
    m->bound_count--;
}

bool rml_machine_is_bound(const rml_machine *m, uint32_t track)
{
    for (size_t i = 0; i < m->bound_count; i++) {
        if (m->bound[i] == track) {
            return true;
        }
    }
    return false;
}

// ---- Steps -------------------------------------------------------------------------------------

static double *number_at(rml_machine *m, size_t below)
{
    return m->numbers + (m->level - 1 - below) * m->room;
}

static void push_truth(rml_machine *m, int8_t value)
{
    m->level++;
    memset(rml_truth_at(m, 0), value, m->n);
}

typedef int (*about)(const rml_machine *m, const rml_step *s, rml_at a, rml_at b);

static int about_predicate(const rml_machine *m, const rml_step *s, rml_at a, rml_at b)
{
    return s->measure->truth(m->w, a, b, s->value);
}

static int about_same_lane(const rml_machine *m, const rml_step *s, rml_at a, rml_at b)
{
    (void)s;
    int32_t p = rml_lane_at(m->w, a), q = rml_lane_at(m->w, b);
    return p == RML_NO_LANE || q == RML_NO_LANE ? RML_UNKNOWN
           : rml_lanes_same(m->w, p, q)         ? RML_TRUE
                                                : RML_FALSE;
}

static int about_changes(const rml_machine *m, const rml_step *s, rml_at a, rml_at b)
{
    (void)s;
    (void)b;
    return rml_changes_lane(m->w, a);
}

static int about_into(const rml_machine *m, const rml_step *s, rml_at a, rml_at b)
{
    int changes = rml_changes_lane(m->w, a);
    int same = about_same_lane(m, s, a, b);
    return changes < same ? changes : same;
}

// Notes it where the step was asked for; true if there is something to note: all is unknown then.
static bool note_cause(rml_machine *m, const rml_step *s)
{
    uint8_t cause = m->causes != NULL ? rml_step_causes(m, s) : 0;
    const uint8_t *mask = rml_mask_now(m);
    for (size_t i = 0; cause != 0 && i < m->n; i++) {
        m->causes[i] |= mask[i] ? cause : 0;
    }
    return cause != 0;
}

static void step_truth(rml_machine *m, const rml_step *s, about f)
{
    push_truth(m, RML_UNKNOWN);
    if (note_cause(m, s)) {
        return;
    }
    int8_t *out = rml_truth_at(m, 0);
    const uint8_t *mask = rml_mask_now(m);
    const uint32_t *a = index_of(m, s->a), *b = index_of(m, s->b);
    for (size_t i = 0; i < m->n; i++) {
        if (mask[i] && a[i] != RML_ABSENT && b[i] != RML_ABSENT) {
            out[i] =
                (int8_t)f(m, s, (rml_at){m->track[s->a], a[i]}, (rml_at){m->track[s->b], b[i]});
        }
    }
}

static void step_measure(rml_machine *m, const rml_step *s)
{
    m->level++;
    double *out = number_at(m, 0);
    bool lacks = note_cause(m, s);
    const uint8_t *mask = rml_mask_now(m);
    const uint32_t *a = index_of(m, s->a), *b = index_of(m, s->b);
    for (size_t i = 0; i < m->n; i++) {
        out[i] = !lacks && mask[i] && a[i] != RML_ABSENT && b[i] != RML_ABSENT
                     ? s->measure->number(m->w, (rml_at){m->track[s->a], a[i]},
                                          (rml_at){m->track[s->b], b[i]}, s->value)
                     : NAN;
    }
}

static bool holds(rml_compare compare, double x, double y)
{
    switch (compare) {
    case RML_LT:
        return x < y;
    case RML_LE:
        return x <= y;
    case RML_GT:
        return x > y;
    case RML_GE:
        return x >= y;
    case RML_EQ:
        return x == y;
    default:
        return x != y;
    }
}

static void step_compare(rml_machine *m, const rml_step *s)
{
    const double *x = number_at(m, 1), *y = number_at(m, 0);
    m->level--;
    int8_t *out = rml_truth_at(m, 0);
    for (size_t i = 0; i < m->n; i++) {
        out[i] = isnan(x[i]) || isnan(y[i])      ? RML_UNKNOWN
                 : holds(s->compare, x[i], y[i]) ? RML_TRUE
                                                 : RML_FALSE;
    }
    if (s->scores) {
        memcpy(m->score, x, m->n * sizeof *x);
    }
}

static void step_number(rml_machine *m, const rml_step *s)
{
    m->level++;
    for (size_t i = 0; i < m->n; i++) {
        number_at(m, 0)[i] = s->value;
    }
}

static void step_is(rml_machine *m, const rml_step *s)
{
    rml_agent_class c = m->w->traffic->tracks[m->track[s->a]].agent_class;
    bool known = c != RML_AGENT_UNKNOWN || s->classes == RML_CLASSES_ANY;
    push_truth(m, !known ? RML_UNKNOWN : s->classes >> c & 1 ? RML_TRUE : RML_FALSE);
}

// Opens a mask of the instants where the top of the stack is not `settled`. false: there are none.
static bool open_mask(rml_machine *m, int8_t settled)
{
    const uint8_t *outer = rml_mask_now(m);
    const int8_t *left = rml_truth_at(m, 0);
    m->mask++;
    uint8_t *inner = rml_mask_now(m), any = 0;
    for (size_t i = 0; i < m->n; i++) {
        inner[i] = outer[i] && left[i] != settled;
        any |= inner[i];
    }
    return any != 0;
}

static void close_both(rml_machine *m, bool both)
{
    m->mask--;
    const int8_t *right = rml_truth_at(m, 0);
    m->level--;
    int8_t *left = rml_truth_at(m, 0);
    for (size_t i = 0; i < m->n; i++) {
        left[i] = (left[i] < right[i]) == both ? left[i] : right[i];
    }
}

static void run_steps(rml_machine *m, size_t from, size_t to);

// The least (all) or greatest (some) over the other actors that are there at the instant.
static void run_quantifier(rml_machine *m, size_t at)
{
    const rml_step *s = &m->q->steps[at];
    bool some = s->op == RML_OP_SOME_BEGIN;
    push_truth(m, some ? RML_FALSE : RML_TRUE);
    m->mask++;
    // Above the limit the answer is not used: the run fails.
    for (uint32_t t = 0; t < m->w->traffic->track_count && m->work <= RML_QUERY_WORK_MAX; t++) {
        const rml_track *track = &m->w->traffic->tracks[t];
        if (!(s->classes >> track->agent_class & 1) || rml_machine_is_bound(m, t) ||
            !rml_machine_bind(m, s->a, t)) {
            continue;
        }
        const uint8_t *outer = m->masks + (m->mask - 1) * m->room;
        const uint32_t *index = index_of(m, s->a);
        uint8_t *inner = rml_mask_now(m), any = 0;
        for (size_t i = 0; i < m->n; i++) {
            inner[i] = outer[i] && index[i] != RML_ABSENT;
            any |= inner[i];
        }
        if (any) {
            run_steps(m, at + 1, s->end);
            const int8_t *one = rml_truth_at(m, 0);
            m->level--;
            int8_t *all = rml_truth_at(m, 0);
            for (size_t i = 0; i < m->n; i++) {
                bool takes = index[i] != RML_ABSENT && (some ? one[i] > all[i] : one[i] < all[i]);
                all[i] = takes ? one[i] : all[i];
            }
        }
        rml_machine_unbind(m);
    }
    m->mask--;
}

// What stands before a BEGIN that has nothing left to decide is skipped.
static size_t begin_both(rml_machine *m, size_t at, int8_t settled)
{
    if (open_mask(m, settled)) {
        return at;
    }
    push_truth(m, RML_UNKNOWN);
    return m->q->steps[at].end - 1;
}

static void run_steps(rml_machine *m, size_t from, size_t to)
{
    static const about about_op[] = {[RML_OP_PREDICATE] = about_predicate,
                                     [RML_OP_SAME_LANE] = about_same_lane,
                                     [RML_OP_CHANGES] = about_changes,
                                     [RML_OP_INTO] = about_into};
    for (size_t at = from; at < to; at++) {
        const rml_step *s = &m->q->steps[at];
        m->work += m->n;
        switch (s->op) {
        case RML_OP_NUMBER:
            step_number(m, s);
            break;
        case RML_OP_MEASURE:
            step_measure(m, s);
            break;
        case RML_OP_COMPARE:
            step_compare(m, s);
            break;
        case RML_OP_IS:
            step_is(m, s);
            break;
        case RML_OP_PREDICATE:
        case RML_OP_SAME_LANE:
        case RML_OP_CHANGES:
        case RML_OP_INTO:
            step_truth(m, s, about_op[s->op]);
            break;
        case RML_OP_NOT:
            for (size_t i = 0; i < m->n; i++) {
                rml_truth_at(m, 0)[i] = (int8_t)(RML_TRUE - rml_truth_at(m, 0)[i]);
            }
            break;
        case RML_OP_AND_BEGIN:
            at = begin_both(m, at, RML_FALSE);
            break;
        case RML_OP_OR_BEGIN:
            at = begin_both(m, at, RML_TRUE);
            break;
        case RML_OP_AND_END:
        case RML_OP_OR_END:
            close_both(m, s->op == RML_OP_AND_END);
            break;
        case RML_OP_HOLD_BEGIN: // a run may reach beyond what is asked for
            m->mask++;
            memset(rml_mask_now(m), 1, m->n);
            break;
        case RML_OP_HOLD_END:
            rml_machine_hold(m, s->ns);
            break;
        case RML_OP_SOME_BEGIN:
        case RML_OP_ALL_BEGIN:
            run_quantifier(m, at);
            at = s->end;
            break;
        case RML_OP_SOME_END:
        case RML_OP_ALL_END:
            break;
        case RML_OP_THEN:
            rml_machine_then(m, s->ns);
            break;
        }
    }
}

void rml_machine_run(rml_machine *m, const uint8_t *present)
{
    m->level = m->mask = m->clause = 0;
    bool one_clause = m->q->program.clause_count == 1;
    // A clause before another is asked for where its actors are there, all of the time.
    if (one_clause) {
        memcpy(rml_mask_now(m), present, m->n);
    } else {
        memset(rml_mask_now(m), 1, m->n);
    }
    for (size_t i = 0; i < m->n; i++) {
        m->score[i] = NAN;
    }
    if (m->causes != NULL) {
        memset(m->causes, 0, m->n);
    }
    run_steps(m, 0, m->q->step_count);
    for (size_t i = 0; i < m->n; i++) {
        m->joined[i] = present[i] ? m->joined[i] : RML_UNKNOWN;
    }
}
