// Queries: compile, run over a traffic, explain, cover; rows of `events`.
#include "roadmill/query.h"

#include <math.h>
#include <string.h>

#include "machine.h"

rml_status rml_query_compile(rml_str text, rml_str file, rml_query **out, rml_error *err)
{
    rml_query *q = rml_heap_make(sizeof *q);
    if (q == NULL) {
        return rml_fail_memory(err, sizeof *q);
    }
    rml_status st = rml_program_parse(text, file, &q->arena, &q->program, err);
    st = st ? st : rml_query_plan_make(q, err);
    if (st) {
        rml_query_free(q);
        q = NULL;
    }
    *out = q;
    return st;
}

void rml_query_free(rml_query *q)
{
    if (q != NULL) {
        rml_arena_reset(&q->arena);
        rml_heap_free(q);
    }
}

void rml_query_hash(const rml_query *q, rml_hash *out)
{
    *out = q->hash;
}

size_t rml_query_actor_count(const rml_query *q)
{
    return q->program.actor_count;
}

rml_str rml_query_actor_name(const rml_query *q, size_t index)
{
    return q->program.actors[index].name;
}

// ---- Run ---------------------------------------------------------------------------------------

typedef struct runner {
    rml_machine m;
    const rml_query *q;
    const rml_traffic *traffic;
    bool has_ego; // some track is the ego vehicle's
    uint8_t *present;
    rml_array *matches;
    size_t binding_first; // the first match of the binding at hand
    rml_query_count *count;
    rml_error *err;
} runner;

static rml_status add_match(runner *r, size_t first, size_t last)
{
    const rml_machine *m = &r->m;
    uint32_t since = m->since[first];
    double score = NAN;
    for (size_t i = first; i <= last; i++) {
        since = m->since[i] < since ? m->since[i] : since;
        bool tighter =
            isnan(score) || (r->q->least_best ? m->score[i] < score : m->score[i] > score);
        score = tighter ? m->score[i] : score;
    }
    rml_match one = {.start_ns = m->instants[since].t_ns,
                     .end_ns = rml_instant_end(m, last),
                     .actor_count = (uint32_t)r->q->program.actor_count,
                     .score = score};
    for (uint32_t i = 0; i < one.actor_count; i++) {
        one.actors[i] = m->track[i];
    }
    // Two ends of a sequence with one start, or that overlap, are one answer.
    rml_match *before = r->matches->count > r->binding_first
                            ? RML_AT(r->matches, rml_match, r->matches->count - 1)
                            : NULL;
    if (before != NULL && one.start_ns < before->end_ns) {
        bool tighter = isnan(before->score) ||
                       (r->q->least_best ? score < before->score : score > before->score);
        before->start_ns = one.start_ns < before->start_ns ? one.start_ns : before->start_ns;
        before->end_ns = one.end_ns;
        before->score = tighter ? score : before->score;
        return RML_OK;
    }
    rml_match *match = rml_array_push(r->matches, r->err);
    if (match == NULL) {
        return RML_ERR_MEMORY;
    }
    *match = one;
    r->count->matches++;
    return RML_OK;
}

static void count_unknown(runner *r, size_t i)
{
    const rml_machine *m = &r->m;
    bool unknown = r->present[i] && m->joined[i] == RML_UNKNOWN;
    r->count->unknown += unknown;
    for (int c = 0; unknown && m->causes != NULL && c < RML_UNKNOWN_CAUSES; c++) {
        r->count->because[c] += m->causes[i] >> c & 1;
    }
}

// All actors are bound: evaluates them and keeps the runs of instants where it is true.
static rml_status run_binding(runner *r)
{
    rml_machine *m = &r->m;
    bool any = false;
    r->binding_first = r->matches->count;
    memset(r->present, 1, m->n);
    for (size_t a = 1; a < r->q->program.actor_count; a++) {
        for (size_t i = 0; i < m->n; i++) {
            r->present[i] &= m->index[a * m->room + i] != RML_ABSENT;
        }
    }
    for (size_t i = 0; i < m->n; i++) {
        any |= r->present[i];
        r->count->evaluated += r->present[i];
    }
    if (!any) {
        return RML_OK;
    }
    rml_machine_run(m, r->present);
    if (m->work > RML_QUERY_WORK_MAX) {
        return rml_fail(r->err, RML_ERR_LIMIT, rml_place_file(r->traffic->recording_id),
                        "roadmill find QUERY --explain shows what a query costs",
                        "expected a query of at most %llu steps times instants on one recording, "
                        "found a costlier one",
                        (unsigned long long)RML_QUERY_WORK_MAX);
    }
    size_t i = 0;
    while (i < m->n) {
        size_t first = i;
        count_unknown(r, i);
        while (i < m->n && m->joined[i] == RML_TRUE &&
               (i == first || rml_instant_end(m, i - 1) == m->instants[i].t_ns)) {
            i++;
        }
        if (i > first) {
            RML_TRY(add_match(r, first, i - 1));
        } else {
            i++;
        }
    }
    return RML_OK;
}

static bool may_be(const runner *r, size_t actor, const rml_track *track)
{
    const rml_query_actor *a = &r->q->program.actors[actor];
    return a->classes >> track->agent_class & 1 && (!a->is_ego || !r->has_ego || track->is_ego);
}

static rml_status bind_from(runner *r, size_t actor)
{
    if (actor == r->q->program.actor_count) {
        return run_binding(r);
    }
    for (uint32_t t = 0; t < r->traffic->track_count; t++) {
        if (!may_be(r, actor, &r->traffic->tracks[t]) || rml_machine_is_bound(&r->m, t)) {
            continue;
        }
        if (actor == 0) {
            rml_machine_focus(&r->m, t);
        } else if (!rml_machine_bind(&r->m, (uint32_t)actor, t)) {
            continue;
        }
        rml_status st = bind_from(r, actor + 1);
        rml_machine_unbind(&r->m);
        RML_TRY(st);
    }
    return RML_OK;
}

static int compare_matches(const void *a, const void *b, void *context)
{
    const rml_match *p = a, *q = b;
    (void)context;
    if (p->start_ns != q->start_ns) {
        return p->start_ns < q->start_ns ? -1 : 1;
    }
    for (uint32_t i = 0; i < p->actor_count; i++) {
        if (p->actors[i] != q->actors[i]) {
            return p->actors[i] < q->actors[i] ? -1 : 1;
        }
    }
    return p->end_ns < q->end_ns ? -1 : p->end_ns > q->end_ns;
}

rml_status rml_query_run(const rml_query *q, const rml_traffic *traffic, rml_array *matches,
                         rml_query_count *count, rml_error *err)
{
    rml_world world;
    rml_query_count own = {0};
    rml_array found = RML_ARRAY(rml_match);
    if (traffic->track_count > RML_QUERY_TRACKS_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_file(traffic->recording_id), NULL,
                        "expected at most %d tracks in one recording, found %zu",
                        RML_QUERY_TRACKS_MAX, traffic->track_count);
    }
    RML_TRY(rml_world_make(traffic, q->reads, &world, err));
    runner r = {.q = q, .traffic = traffic, .matches = &found, .count = &own, .err = err};
    for (size_t i = 0; i < traffic->track_count; i++) {
        r.has_ego |= traffic->tracks[i].is_ego;
    }
    rml_status st = rml_machine_make(&r.m, q, &world, err);
    if (st == RML_OK) {
        r.present = rml_heap_make(r.m.room);
        st = r.present ? bind_from(&r, 0) : rml_fail_memory(err, r.m.room);
    }
    st = st ? st : rml_array_sort(&found, compare_matches, NULL, err);
    if (st == RML_OK && found.count > 0) {
        rml_match *out = rml_array_push_many(matches, found.count, err);
        st = out ? RML_OK : RML_ERR_MEMORY;
        if (out != NULL) {
            memcpy(out, found.data, found.count * sizeof *out);
        }
    }
    if (st == RML_OK && count != NULL) {
        count->matches += own.matches;
        count->unknown += own.unknown;
        count->evaluated += own.evaluated;
        for (int c = 0; c < RML_UNKNOWN_CAUSES; c++) {
            count->because[c] += own.because[c];
        }
    }
    rml_heap_free(r.present);
    rml_machine_reset(&r.m);
    rml_world_reset(&world);
    rml_array_reset(&found);
    return st;
}

bool rml_query_covers(const rml_array *matches, uint32_t track, int64_t t_ns)
{
    for (size_t i = 0; i < matches->count; i++) {
        const rml_match *m = RML_AT(matches, rml_match, i);
        if (m->start_ns > t_ns) {
            return false;
        }
        if (m->actors[0] == track && t_ns < m->end_ns) {
            return true;
        }
    }
    return false;
}
