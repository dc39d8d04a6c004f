// A query over the recordings of a lake: its price, its answers, their rows and pictures.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "roadmill/scene.h"

#include "program.h"

#define ROWS_AT_ONCE 65536
#define PLOT_STEPS_MAX 500

rml_status rml_query_price_of(rml_lake *lake, const rml_query *q, rml_query_price *out,
                              rml_error *err)
{
    rml_arena arena = {0};
    rml_array sizes = RML_ARRAY(rml_traffic_size);
    *out = (rml_query_price){0};
    rml_status st = rml_traffic_sizes(lake, &arena, &sizes, err);
    for (size_t i = 0; st == RML_OK && i < sizes.count; i++) {
        const rml_traffic_size *size = RML_AT(&sizes, rml_traffic_size, i);
        double steps = (double)size->states * (double)q->step_count;
        for (size_t k = 1; k < q->program.actor_count + q->loops; k++) {
            steps *= (double)size->tracks;
        }
        out->recordings++;
        out->tracks += size->tracks;
        out->states += size->states;
        out->steps += steps;
        out->points += size->is_point;
    }
    rml_array_reset(&sizes);
    rml_arena_reset(&arena);
    return st;
}

// ---- Find --------------------------------------------------------------------------------------

typedef struct finder {
    const rml_query *q;
    const rml_find_options *options;
    rml_lake_txn *txn;
    rml_batch batch;
    rml_array matches;
    rml_find_result *out;
} finder;

static rml_status flush(finder *f, rml_error *err)
{
    rml_status st = f->batch.count > 0 ? rml_lake_append(f->txn, "events", &f->batch, err) : RML_OK;
    rml_batch_clear(&f->batch);
    return st;
}

static rml_status find_in(void *context, size_t index, const rml_traffic *traffic, rml_error *err)
{
    finder *f = context;
    (void)index;
    rml_array_clear(&f->matches);
    RML_TRY(rml_query_run(f->q, traffic, &f->matches, &f->out->count, err));
    f->out->recordings++;
    for (size_t i = 0; f->options->save && i < f->matches.count; i++) {
        RML_TRY(rml_event_append(&f->batch, f->q, f->options->text, traffic,
                                 RML_AT(&f->matches, rml_match, i), err));
        RML_TRY(f->batch.count < ROWS_AT_ONCE ? RML_OK : flush(f, err));
    }
    if (f->options->tell == NULL || f->matches.count == 0) {
        return RML_OK;
    }
    return f->options->tell(f->options->context, traffic, f->matches.data, f->matches.count, err);
}

rml_status rml_query_find(rml_lake *lake, const rml_query *q, const rml_find_options *options,
                          rml_find_result *out, rml_error *err)
{
    char owner[RML_HASH_TEXT];
    rml_arena arena = {0};
    rml_array ids = RML_ARRAY(rml_str);
    finder f = {.q = q, .options = options, .matches = RML_ARRAY(rml_match), .out = out};
    *out = (rml_find_result){0};
    rml_hash_text(&q->hash, owner);
    rml_status st = rml_traffic_list(lake, &arena, &ids, err);
    st = st ? st : rml_batch_init(&f.batch, rml_event_table(), err);
    if (st == RML_OK && options->save) {
        st = rml_lake_begin(lake, rml_str_of(owner), &f.txn, err);
        st = st ? st : rml_lake_replace(f.txn, "events", err);
    }
    st = st ? st
            : rml_traffic_each(lake, ids.data, ids.count, RML_TRAFFIC_AS_STORED, find_in, &f,
                               "finding", options->progress, err);
    st = st || !options->save ? st : flush(&f, err);
    st = st || !options->save ? st : rml_lake_commit(f.txn, NULL, NULL, err);
    rml_lake_txn_close(f.txn);
    rml_batch_reset(&f.batch);
    rml_array_reset(&f.matches);
    rml_array_reset(&ids);
    rml_arena_reset(&arena);
    return st;
}

// ---- Picture -----------------------------------------------------------------------------------

// The way of a track over the stamps from the match's start to its end, in the scene's frame.
static void put_way(const rml_track *track, const rml_pose2 *frame, const rml_match *match,
                    int64_t step_ns, bool is_focus, float *xy, size_t steps)
{
    for (size_t i = 0; i < 2 * steps; i++) {
        xy[i] = NAN;
    }
    for (size_t i = 0; i < track->count; i++) {
        int64_t after = track->states[i].t_ns - match->start_ns;
        if (after < 0 || track->states[i].t_ns > match->end_ns) {
            continue;
        }
        // The focus is at the origin at the start; another's way begins behind a gap.
        int64_t k = after / step_ns + (is_focus ? -1 : 1);
        if (k >= 0 && (size_t)k < steps) {
            double x, y;
            rml_pose2_inverse_apply(frame, track->states[i].x_m, track->states[i].y_m, &x, &y);
            xy[2 * k] = (float)x;
            xy[2 * k + 1] = (float)y;
        }
    }
}

static rml_status plot_ways(const rml_query *q, const rml_traffic *traffic, const rml_match *match,
                            const rml_cutter *cutter, rml_window window, size_t steps,
                            double width_px, rml_arena *arena, rml_buffer *svg, rml_error *err)
{
    static const char *const colours[RML_QUERY_ACTORS_MAX] = {"#0072B2", "#D55E00", "#009E73",
                                                              "#CC79A7"};
    rml_scene_row row;
    rml_scene_future ways[RML_QUERY_ACTORS_MAX];
    RML_TRY(rml_cutter_row(cutter, window, &row, err));
    int64_t step_ns = traffic->step_ns > 0 ? traffic->step_ns : 100000000;
    for (uint32_t a = 0; a < match->actor_count; a++) {
        const rml_track *track = &traffic->tracks[match->actors[a]];
        float *xy = RML_NEW_ARRAY(arena, float, 2 * steps);
        rml_str label = rml_arena_printf(arena, "%.*s: %.*s", RML_FMT(q->program.actors[a].name),
                                         RML_FMT(track->track_id));
        if (xy == NULL || label.data == NULL) {
            return rml_fail_memory(err, 2 * steps * sizeof *xy);
        }
        put_way(track, &row.map_from_scene, match, step_ns, a == 0, xy, steps);
        ways[a] = (rml_scene_future){label.data, colours[a], xy, NULL, 1};
    }
    rml_str title =
        rml_arena_printf(arena, "%.*s from %.1f s to %.1f s", RML_FMT(traffic->recording_id),
                         (double)match->start_ns / 1e9, (double)match->end_ns / 1e9);
    return rml_scene_plot(cutter, window, ways, match->actor_count, width_px,
                          title.data ? title.data : "", svg, err);
}

rml_status rml_match_plot(const rml_query *q, const rml_traffic *traffic, const rml_match *match,
                          double width_px, rml_buffer *svg, rml_error *err)
{
    const rml_track *focus = &traffic->tracks[match->actors[0]];
    rml_window window = {match->actors[0], 0};
    while (window.now + 1 < focus->count && focus->states[window.now].t_ns < match->start_ns) {
        window.now++;
    }
    int64_t step_ns = traffic->step_ns > 0 ? traffic->step_ns : 100000000;
    int64_t long_enough = (match->end_ns - match->start_ns) / step_ns + 2;
    size_t steps = long_enough > PLOT_STEPS_MAX ? PLOT_STEPS_MAX : (size_t)long_enough;
    const rml_scene_spec spec = {.future = (uint32_t)steps};
    rml_cutter *cutter = NULL;
    rml_arena arena = {0};
    rml_status st = rml_cutter_make(traffic, &spec, &cutter, err);
    st = st ? st : plot_ways(q, traffic, match, cutter, window, steps, width_px, &arena, svg, err);
    rml_cutter_free(cutter);
    rml_arena_reset(&arena);
    return st;
}
