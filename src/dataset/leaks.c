// The leak check: what stands on both sides of a comparison, and inputs that read the future.
//
// Sides: train and validation against dev, gate and sealed. docs/datasets.md defines each finding.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roadmill/base/json.h"
#include "roadmill/base/random.h"
#include "roadmill/dataset.h"
#include "roadmill/dataset/shard.h"

#define FUTURE_SCENES 48        // scenes that are cut again with another future
#define DUPLICATE_TRAVEL_M 5.0f // of the focus; paths of standing cars are all alike

// All scenes with their side, for sorting.
typedef struct side_scene {
    const rml_dataset_scene *scene;
    size_t index; // in its split
    bool held;    // dev, gate or sealed
    float where;  // what near-duplicates share
} side_scene;

typedef struct check {
    const rml_dataset *d;
    rml_leak_report *out;
    rml_arena arena;
    side_scene *scenes;
    size_t count;
    int64_t before_ns, after_ns; // what a window spans around t0
    rml_scene_spec spec;
    const rml_scene_cutter *cutter;
    const rml_tensor_info *info;
    size_t tensors;
} check;

static void tell(check *c, const char *what, const rml_dataset_scene *a, const rml_dataset_scene *b)
{
    if (c->out->worst[0] == '\0') {
        snprintf(c->out->worst, sizeof c->out->worst,
                 "%s: scene %.12s of %s and scene %.12s of %s (recordings %.12s and %.12s)", what,
                 a->row.scene_id, rml_split_name(a->split), b->row.scene_id,
                 rml_split_name(b->split), a->row.recording_id.data, b->row.recording_id.data);
    }
}

static rml_status gather(check *c, rml_error *err)
{
    for (int s = 0; s < RML_SPLITS; s++) {
        c->count += rml_dataset_count(c->d, (rml_split)s);
    }
    c->scenes = RML_NEW_ARRAY(&c->arena, side_scene, c->count + 1);
    if (c->scenes == NULL) {
        return rml_fail_memory(err, c->count * sizeof *c->scenes);
    }
    size_t at = 0;
    for (int s = 0; s < RML_SPLITS; s++) {
        const rml_dataset_scene *scenes = rml_dataset_scenes(c->d, (rml_split)s);
        for (size_t i = 0; i < rml_dataset_count(c->d, (rml_split)s); i++) {
            c->scenes[at++] = (side_scene){&scenes[i], i, s >= RML_DEV, 0};
        }
    }
    return RML_OK;
}

// ---- Shared things: sorted by a key, a key with both sides is shared --------------------------

static int compare_family(const void *a, const void *b)
{
    uint32_t x = ((const side_scene *)a)->scene->family, y = ((const side_scene *)b)->scene->family;
    return x < y ? -1 : x > y;
}

static int compare_clip(const void *a, const void *b)
{
    uint32_t x = ((const side_scene *)a)->scene->clip, y = ((const side_scene *)b)->scene->clip;
    return x < y ? -1 : x > y;
}

static int compare_recording(const void *a, const void *b)
{
    return rml_str_compare(((const side_scene *)a)->scene->row.recording_id,
                           ((const side_scene *)b)->scene->row.recording_id);
}

static int compare_time(const void *a, const void *b)
{
    int by = compare_recording(a, b);
    int64_t x = ((const side_scene *)a)->scene->row.t0_ns;
    int64_t y = ((const side_scene *)b)->scene->row.t0_ns;
    return by ? by : x < y ? -1 : x > y;
}

static uint64_t count_shared(check *c, int (*compare)(const void *, const void *), const char *what)
{
    uint64_t shared = 0;
    qsort(c->scenes, c->count, sizeof *c->scenes, compare);
    for (size_t from = 0, end; from < c->count; from = end) {
        const side_scene *sides[2] = {NULL, NULL};
        for (end = from; end < c->count && compare(&c->scenes[from], &c->scenes[end]) == 0; end++) {
            sides[c->scenes[end].held] = &c->scenes[end];
        }
        if (sides[0] != NULL && sides[1] != NULL) {
            shared++;
            tell(c, what, sides[0]->scene, sides[1]->scene);
        }
    }
    return shared;
}

// Held-out windows that share time with a training window of the same recording.
static uint64_t count_overlaps(check *c)
{
    uint64_t overlapping = 0;
    qsort(c->scenes, c->count, sizeof *c->scenes, compare_time);
    int64_t span = c->before_ns + c->after_ns; // closed at both ends: sharing one sample is enough
    for (size_t i = 0; i < c->count; i++) {
        if (!c->scenes[i].held) {
            continue;
        }
        bool found = false;
        for (int step = -1; step <= 1 && !found; step += 2) {
            for (size_t k = i + (size_t)(int64_t)step; k < c->count && !found;
                 k += (size_t)(int64_t)step) {
                const rml_dataset_scene *a = c->scenes[i].scene, *b = c->scenes[k].scene;
                if (compare_recording(&c->scenes[i], &c->scenes[k]) != 0 ||
                    llabs(a->row.t0_ns - b->row.t0_ns) > span) {
                    break;
                }
                found = !c->scenes[k].held;
                if (found) {
                    tell(c, "overlapping windows", b, a);
                }
            }
        }
        overlapping += found;
    }
    return overlapping;
}

// ---- Near-duplicates ---------------------------------------------------------------------------

static void sample_of(const check *c, const side_scene *s, rml_tensor_view *tensors)
{
    rml_dataset_sample(c->d, s->scene->split, s->index, tensors);
}

static bool is_duplicate(const check *c, const side_scene *x, const side_scene *y)
{
    rml_tensor_view a[RML_TENSORS_MAX], b[RML_TENSORS_MAX];
    sample_of(c, x, a);
    sample_of(c, y, b);
    return c->cutter->alike(&c->spec, a, b);
}

static int compare_where(const void *a, const void *b)
{
    float x = ((const side_scene *)a)->where, y = ((const side_scene *)b)->where;
    return x < y ? -1 : x > y;
}

static uint64_t count_duplicates(check *c)
{
    uint64_t duplicates = 0;
    for (size_t i = 0; i < c->count; i++) {
        rml_tensor_view tensors[RML_TENSORS_MAX];
        sample_of(c, &c->scenes[i], tensors);
        c->scenes[i].where = c->cutter->where(&c->spec, tensors);
    }
    qsort(c->scenes, c->count, sizeof *c->scenes, compare_where);
    for (size_t i = 0; i < c->count; i++) {
        const side_scene *x = &c->scenes[i];
        bool found = false;
        if (!x->held || !(x->scene->row.travelled_m >= DUPLICATE_TRAVEL_M)) {
            continue;
        }
        for (int step = -1; step <= 1 && !found; step += 2) {
            for (size_t k = i + (size_t)(int64_t)step; k < c->count && !found;
                 k += (size_t)(int64_t)step) {
                const side_scene *y = &c->scenes[k];
                if (!(fabsf(y->where - x->where) <= RML_SCENE_ALIKE_M)) {
                    break;
                }
                found = !y->held && is_duplicate(c, x, y);
                if (found) {
                    tell(c, "near-duplicate scenes", y->scene, x->scene);
                }
            }
        }
        duplicates += found;
    }
    return duplicates;
}

// ---- The future in the inputs ------------------------------------------------------------------

// A copy of traffic in which everything after t0 is another: moved, and for the others cut short.
static rml_status other_future(const rml_traffic *traffic, int64_t t0_ns, uint32_t focus,
                               uint64_t seed, rml_arena *arena, rml_traffic *out, rml_error *err)
{
    *out = *traffic;
    rml_track *tracks = RML_NEW_ARRAY(arena, rml_track, traffic->track_count);
    if (tracks == NULL) {
        return rml_fail_memory(err, traffic->track_count * sizeof *tracks);
    }
    for (size_t i = 0; i < traffic->track_count; i++) {
        tracks[i] = traffic->tracks[i];
        rml_track_state *states = RML_NEW_ARRAY(arena, rml_track_state, tracks[i].count);
        if (states == NULL) {
            return rml_fail_memory(err, tracks[i].count * sizeof *states);
        }
        size_t now = 0;
        for (size_t k = 0; k < tracks[i].count; k++) {
            states[k] = traffic->tracks[i].states[k];
            now += states[k].t_ns <= t0_ns;
            if (states[k].t_ns > t0_ns) {
                states[k].x_m += 1 + 9 * rml_random_f64(seed, 2 * i, k);
                states[k].y_m -= 1 + 9 * rml_random_f64(seed, 2 * i + 1, k);
                states[k].recorded_speed_mps += 3;
                states[k].recorded_yaw_rad += 1;
            }
        }
        tracks[i].states = states;
        // Every other track also ends at now; the focus keeps its length, the target needs it. A
        // track that lies all in the future stays: whether it is there is no input either.
        if (i != focus && i % 2 == 0 && now > 0) {
            tracks[i].count = now;
        }
    }
    out->tracks = tracks;
    return RML_OK;
}

// One scene alone in the writer.
static rml_status cut_one(const check *c, const rml_traffic *traffic, rml_window window,
                          rml_shard_writer *out, rml_error *err)
{
    rml_cutter *cutter = NULL;
    rml_tensor_slot slots[RML_TENSORS_MAX];
    rml_shard_writer_clear(out);
    RML_TRY(rml_cutter_make(traffic, &c->spec, &cutter, err));
    rml_status st = rml_shard_writer_add(out, 1, err);
    if (st == RML_OK) {
        rml_shard_writer_slots(out, 0, slots);
        c->cutter->cut(cutter, window, slots);
    }
    rml_cutter_free(cutter);
    return st;
}

// The first byte in which a tensor that was cut differs from the stored one; SIZE_MAX: none.
static size_t differs_at(const rml_tensor_info *info, const rml_tensor_slot *cut,
                         rml_tensor_view stored)
{
    size_t row, whole;
    bool fits = rml_tensor_info_size(info, &row, &whole);
    if (!fits || (info->ragged && *cut->rows != stored.rows)) {
        return 0;
    }
    size_t size = info->ragged ? stored.rows * row : whole;
    for (size_t i = 0; i < size; i++) {
        if (((const uint8_t *)cut->data)[i] != ((const uint8_t *)stored.data)[i]) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void note_future(check *c, const rml_scene_row *row, const rml_tensor_slot *slots,
                        const rml_tensor_view *stored)
{
    for (size_t i = 0; i < c->tensors; i++) {
        size_t at = c->info[i].future ? SIZE_MAX : differs_at(&c->info[i], &slots[i], stored[i]);
        if (at == SIZE_MAX) {
            continue;
        }
        c->out->future_in_inputs = true;
        if (c->out->worst[0] == '\0') {
            snprintf(c->out->worst, sizeof c->out->worst,
                     "future in inputs: element %zu of %s of scene %.12s moves when only states "
                     "after now are changed",
                     at / rml_element_size(c->info[i].element), c->info[i].name, row->scene_id);
        }
    }
}

static rml_status check_future_of(check *c, rml_lake *lake, const side_scene *s, rml_error *err)
{
    const rml_scene_row *row = &s->scene->row;
    rml_tensor_view stored[RML_TENSORS_MAX];
    rml_tensor_slot slots[RML_TENSORS_MAX];
    rml_arena arena = {0};
    rml_traffic traffic, changed;
    rml_window window = {0};
    rml_shard_writer scene;
    sample_of(c, s, stored);
    rml_status st = rml_shard_writer_init(&scene, c->info, c->tensors, err);
    st = st ? st : rml_traffic_load(lake, row->recording_id, &arena, &traffic, err);
    st = st ? st : rml_scene_window(&traffic, row, &window, err);
    st = st ? st : cut_one(c, &traffic, window, &scene, err);
    for (size_t i = 0; st == RML_OK && i < c->tensors; i++) {
        rml_shard_writer_slots(&scene, 0, slots);
        if (differs_at(&c->info[i], &slots[i], stored[i]) != SIZE_MAX) {
            st = rml_fail(err, RML_ERR_CONFLICT, (rml_place){0},
                          "roadmill dataset create makes a version of the lake as it is",
                          "expected tensor %s of scene %.12s as the lake gives it, found others",
                          c->info[i].name, row->scene_id);
        }
    }
    st =
        st ? st : other_future(&traffic, row->t0_ns, window.track, s->index, &arena, &changed, err);
    st = st ? st : cut_one(c, &changed, window, &scene, err);
    if (st == RML_OK) {
        rml_shard_writer_slots(&scene, 0, slots);
        note_future(c, row, slots, stored);
    }
    rml_shard_writer_reset(&scene);
    rml_arena_reset(&arena);
    return st;
}

// Evenly over all scenes, in the order of recordings and times.
static rml_status check_future(check *c, rml_lake *lake, rml_error *err)
{
    qsort(c->scenes, c->count, sizeof *c->scenes, compare_time);
    size_t tries = c->count < FUTURE_SCENES ? c->count : FUTURE_SCENES;
    for (size_t i = 0; i < tries; i++) {
        RML_TRY(check_future_of(c, lake, &c->scenes[(2 * i + 1) * c->count / (2 * tries)], err));
    }
    return RML_OK;
}

// ---- Public ------------------------------------------------------------------------------------

rml_status rml_dataset_leaks(const rml_dataset *d, rml_lake *lake, rml_leak_report *out,
                             rml_error *err)
{
    *out = (rml_leak_report){0};
    check c = {.d = d, .out = out, .spec = *rml_dataset_scene_spec(d)};
    c.before_ns = (int64_t)(c.spec.history - 1) * rml_dataset_step_ns(d);
    c.after_ns = (int64_t)c.spec.future * rml_dataset_step_ns(d);
    c.cutter = rml_dataset_cutter(d);
    c.tensors = rml_dataset_tensors(d, &c.info);
    if (c.cutter == NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a version of a cutter that this program has, to cut its scenes "
                        "again, found another");
    }
    rml_status st = gather(&c, err);
    if (st == RML_OK) {
        out->shared_recordings = count_shared(&c, compare_recording, "shared recording");
        out->overlapping_windows = count_overlaps(&c);
        out->shared_clips = count_shared(&c, compare_clip, "shared clip");
        out->shared_families = count_shared(&c, compare_family, "shared family");
        out->near_duplicates = count_duplicates(&c);
        st = check_future(&c, lake, err);
    }
    rml_arena_reset(&c.arena);
    return st;
}

bool rml_leak_report_clean(const rml_leak_report *r)
{
    return r->shared_recordings == 0 && r->overlapping_windows == 0 && r->shared_clips == 0 &&
           r->shared_families == 0 && r->near_duplicates == 0 && !r->future_in_inputs;
}

void rml_leak_report_write(const rml_leak_report *r, rml_json_writer *w)
{
    rml_json_object(w);
    rml_json_kv_bool(w, "clean", rml_leak_report_clean(r));
    rml_json_kv_i64(w, "shared_recordings", (int64_t)r->shared_recordings);
    rml_json_kv_i64(w, "overlapping_windows", (int64_t)r->overlapping_windows);
    rml_json_kv_i64(w, "shared_clips", (int64_t)r->shared_clips);
    rml_json_kv_i64(w, "shared_families", (int64_t)r->shared_families);
    rml_json_kv_i64(w, "near_duplicates", (int64_t)r->near_duplicates);
    rml_json_kv_bool(w, "future_in_inputs", r->future_in_inputs);
    rml_json_kv_str(w, "worst", rml_str_of(r->worst));
    rml_json_object_end(w);
}
