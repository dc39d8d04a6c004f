// Slices of an evaluation: all, moving, by class, by query. And, since it needs the same traffic,
// the forecast from recorded speed and heading, which reads the future and is marked so.
#include <math.h>
#include <string.h>

#include "evaluation.h"
#include "roadmill/query.h"

#define MOVING_MPS 0.5f

typedef struct finding {
    rml_judging *e;
    rml_query **queries; // of slices [first, slice_count)
    size_t first;
    rml_array *matches; // of each query
    rml_forecast recorded;
    size_t recorded_known; // scenes whose recorded state the source has
} finding;

static rml_status add_slice(rml_judging *e, rml_str name, rml_str query, rml_slice **out,
                            rml_error *err)
{
    if (e->slice_count == RML_SLICES_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected at most %d slices, found more", RML_SLICES_MAX);
    }
    rml_slice *s = &e->slices[e->slice_count++];
    *s = (rml_slice){.name = name, .query = query};
    s->inside = RML_NEW_ARRAY(&e->arena, bool, e->n + 1);
    *out = s;
    return s->inside ? RML_OK : rml_fail_memory(err, e->n);
}

static rml_status slices_by_row(rml_judging *e, rml_error *err)
{
    rml_slice *all, *moving;
    RML_TRY(add_slice(e, RML_STR("all"), (rml_str){0}, &all, err));
    RML_TRY(add_slice(e, RML_STR("moving"), (rml_str){0}, &moving, err));
    size_t of_class[RML_AGENT_STATIC + 1] = {0};
    for (size_t i = 0; i < e->n; i++) {
        all->inside[i] = true;
        moving->inside[i] = e->scenes[i].row.speed_mps >= MOVING_MPS;
        of_class[e->scenes[i].row.agent_class]++;
    }
    for (int c = 0; c <= RML_AGENT_STATIC; c++) {
        rml_slice *slice;
        if (of_class[c] == 0) {
            continue;
        }
        rml_str name =
            rml_arena_printf(&e->arena, "class %s", rml_agent_class_name((rml_agent_class)c));
        RML_TRY(add_slice(e, name, (rml_str){0}, &slice, err));
        for (size_t i = 0; i < e->n; i++) {
            slice->inside[i] = (int)e->scenes[i].row.agent_class == c;
        }
    }
    return RML_OK;
}

static rml_status compile(finding *f, rml_error *err)
{
    rml_judging *e = f->e;
    size_t count = e->options->slice_count;
    f->first = e->slice_count;
    f->queries = RML_NEW_ARRAY(&e->arena, rml_query *, count + 1);
    f->matches = RML_NEW_ARRAY(&e->arena, rml_array, count + 1);
    if (f->queries == NULL || f->matches == NULL) {
        return rml_fail_memory(err, count * sizeof *f->matches);
    }
    for (size_t k = 0; k < count; k++) {
        rml_slice *slice;
        const rml_eval_slice *asked = &e->options->slices[k];
        f->matches[k] = RML_ARRAY(rml_match);
        RML_TRY(add_slice(e, asked->name, asked->query, &slice, err));
        RML_TRY(rml_query_compile(asked->query, asked->name, &f->queries[k], err));
    }
    return RML_OK;
}

static const rml_track *find_track(const rml_traffic *traffic, rml_str id, uint32_t *index)
{
    for (uint32_t i = 0; i < traffic->track_count; i++) {
        if (rml_str_equal(traffic->tracks[i].track_id, id)) {
            *index = i;
            return &traffic->tracks[i];
        }
    }
    return NULL;
}

// now + v t with the recorded speed along the recorded heading, in the scene's frame.
static void forecast_recorded(finding *f, size_t i, const rml_track *track)
{
    const rml_scene_row *row = &f->e->scenes[i].row;
    double dt_s = (double)rml_dataset_step_ns(f->e->dataset) * 1e-9;
    for (size_t k = 0; k < track->count; k++) {
        const rml_track_state *s = &track->states[k];
        if (s->t_ns != row->t0_ns) {
            continue;
        }
        if (isnan(s->recorded_speed_mps) || isnan(s->recorded_yaw_rad)) {
            return;
        }
        double yaw = s->recorded_yaw_rad - row->map_from_scene.yaw_rad;
        double x, y;
        rml_pose2_inverse_apply(&row->map_from_scene, s->x_m, s->y_m, &x, &y);
        float *to = f->recorded.xy + 2 * i * f->recorded.steps;
        for (uint32_t t = 0; t < f->recorded.steps; t++) {
            double ahead_m = s->recorded_speed_mps * dt_s * (double)(t + 1);
            to[2 * t] = (float)(x + ahead_m * rml_f64_cos(yaw));
            to[2 * t + 1] = (float)(y + ahead_m * rml_f64_sin(yaw));
        }
        f->recorded.probability[i] = 1;
        f->recorded_known++;
        return;
    }
}

// Scenes [from, to) are those of one recording.
static rml_status look_at(finding *f, const rml_traffic *traffic, size_t from, size_t to,
                          rml_error *err)
{
    rml_judging *e = f->e;
    rml_query_count counted;
    for (size_t k = 0; k < e->options->slice_count; k++) {
        rml_array_clear(&f->matches[k]);
        RML_TRY(rml_query_run(f->queries[k], traffic, &f->matches[k], &counted, err));
    }
    for (size_t i = from; i < to; i++) {
        const rml_scene_row *row = &e->scenes[i].row;
        uint32_t index;
        const rml_track *track = find_track(traffic, row->track_id, &index);
        if (track == NULL) {
            return rml_fail(err, RML_ERR_MISSING, (rml_place){0}, NULL,
                            "expected track %.*s of scene %.12s in the lake, found none",
                            RML_FMT(row->track_id), row->scene_id);
        }
        for (size_t k = 0; k < e->options->slice_count; k++) {
            e->slices[f->first + k].inside[i] = rml_query_covers(&f->matches[k], index, row->t0_ns);
        }
        forecast_recorded(f, i, track);
    }
    return RML_OK;
}

// The spans of scenes that are of one recording: scenes of a split stand by recording.
typedef struct spans {
    finding *f;
    rml_str *ids;
    size_t *ends; // behind the last scene of each
    size_t count;
} spans;

static rml_status look_at_span(void *context, size_t index, const rml_traffic *traffic,
                               rml_error *err)
{
    const spans *s = context;
    return look_at(s->f, traffic, index == 0 ? 0 : s->ends[index - 1], s->ends[index], err);
}

static rml_status look_at_all(finding *f, rml_error *err)
{
    rml_judging *e = f->e;
    spans s = {.f = f,
               .ids = RML_NEW_ARRAY(&e->arena, rml_str, e->n + 1),
               .ends = RML_NEW_ARRAY(&e->arena, size_t, e->n + 1)};
    if (s.ids == NULL || s.ends == NULL) {
        return rml_fail_memory(err, e->n * sizeof *s.ids);
    }
    for (size_t at = 0; at < e->n; s.count++) {
        s.ids[s.count] = e->scenes[at].row.recording_id;
        while (at < e->n && rml_str_equal(e->scenes[at].row.recording_id, s.ids[s.count])) {
            at++;
        }
        s.ends[s.count] = at;
    }
    return rml_traffic_each(e->lake, s.ids, s.count, RML_TRAFFIC_ON_GRID, look_at_span, &s,
                            "slicing", NULL, err);
}

static rml_status number_units(rml_judging *e, rml_slice *s, rml_error *err)
{
    uint32_t *families = RML_NEW_ARRAY(&e->arena, uint32_t, e->n + 1);
    uint32_t *dense = RML_NEW_ARRAY(&e->arena, uint32_t, e->n + 1);
    s->number = RML_NEW_ARRAY(&e->arena, uint32_t, e->n + 1);
    if (families == NULL || dense == NULL || s->number == NULL) {
        return rml_fail_memory(err, e->n * sizeof *dense);
    }
    for (size_t i = 0; i < e->n; i++) {
        if (s->inside[i]) {
            families[s->windows++] = e->scenes[i].family;
        }
    }
    RML_TRY(rml_units_number(families, s->windows, &e->arena, dense, &s->units, err));
    size_t at = 0;
    for (size_t i = 0; i < e->n; i++) {
        s->number[i] = s->inside[i] ? dense[at++] : RML_NOT_IN_SLICE;
    }
    return RML_OK;
}

static rml_status add_recorded(finding *f, rml_error *err)
{
    if (f->recorded_known < f->e->n || f->e->n == 0 || f->e->truth.axes != 2) {
        return RML_OK; // the source has none, or not everywhere; or no positions are asked for
    }
    rml_entrant *entrant = rml_array_push(&f->e->entrants, err);
    if (entrant == NULL) {
        return RML_ERR_MEMORY;
    }
    *entrant = (rml_entrant){.name = RML_STR("recorded"),
                             .kind = RML_EVIDENCE_READS_FUTURE,
                             .has_probability = true,
                             .seeds = 1,
                             .own = f->recorded};
    f->recorded = (rml_forecast){0};
    return RML_OK;
}

rml_status rml_slices_find(rml_judging *e, rml_error *err)
{
    finding f = {.e = e};
    uint32_t steps = rml_dataset_scene_spec(e->dataset)->future;
    RML_TRY(slices_by_row(e, err));
    rml_status st = compile(&f, err);
    st = st ? st : rml_forecast_make(&f.recorded, e->n, 1, steps, err);
    st = st ? st : look_at_all(&f, err);
    st = st ? st : add_recorded(&f, err);
    rml_forecast_free(&f.recorded);
    for (size_t k = 0; f.queries != NULL && k < e->options->slice_count; k++) {
        rml_query_free(f.queries[k]);
        rml_array_reset(&f.matches[k]);
    }
    for (size_t s = 0; st == RML_OK && s < e->slice_count; s++) {
        st = number_units(e, &e->slices[s], err);
    }
    return st;
}
