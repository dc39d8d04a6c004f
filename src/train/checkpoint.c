// train: checkpoints. Written beside and made visible by one rename, so a kill leaves the state
// before or the state after.
#include "checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "events.h"
#include "roadmill/base/json.h"
#include "shards.h"

static const char PREFIX[] = "checkpoint-";
enum { TEXT_MAX = 64 << 20 };

// ---- A copy ------------------------------------------------------------------------------------

static size_t members_size(const rml_members *m)
{
    size_t count = 0;
    for (size_t i = 0; i < m->count; i++) {
        count += m->list[i].count;
    }
    return count;
}

static float *copies_place(const rml_members *m, float **copies, float *at)
{
    for (size_t i = 0; i < m->count; i++) {
        copies[i] = at;
        at += m->list[i].count;
    }
    return at;
}

// The average as tensors named like the weights.
static rml_status average_members(const rml_learner *l, rml_members *out, rml_error *err)
{
    *out = (rml_members){0};
    if (l->average == NULL) {
        return RML_OK;
    }
    RML_TRY(rml_members_make(l->engine.graph, l->engine.plan, false, out, err));
    out->plan = NULL;
    out->data = RML_NEW_ARRAY(&out->arena, float *, out->count + 1);
    if (out->data == NULL) {
        rml_members_free(out);
        return rml_fail_memory(err, out->count * sizeof *out->data);
    }
    copies_place(out, out->data, l->average);
    return RML_OK;
}

rml_status rml_snapshot_make(rml_snapshot *s, const rml_learner *l, rml_error *err)
{
    const rml_engine *e = &l->engine;
    *s = (rml_snapshot){.dataset = rml_dataset_hash(l->loader.dataset)};
    rml_status st = rml_members_make(e->graph, e->plan, false, &s->weights, err);
    st = st ? st : rml_members_make(e->graph, e->plan, true, &s->moments, err);
    st = st ? st : average_members(l, &s->average, err);
    if (st == RML_OK) {
        size_t count =
            members_size(&s->weights) + members_size(&s->moments) + members_size(&s->average);
        s->weight_copies = RML_NEW_ARRAY(&s->weights.arena, float *, s->weights.count);
        s->moment_copies = RML_NEW_ARRAY(&s->moments.arena, float *, s->moments.count);
        s->average_copies = RML_NEW_ARRAY(&s->average.arena, float *, s->average.count + 1);
        s->numbers = rml_heap_make(count * sizeof *s->numbers);
        if (!s->weight_copies || !s->moment_copies || !s->average_copies || !s->numbers) {
            st = rml_fail_memory(err, count * sizeof *s->numbers);
        }
    }
    if (st != RML_OK) {
        rml_snapshot_free(s);
        return st;
    }
    float *at = copies_place(&s->weights, s->weight_copies, s->numbers);
    at = copies_place(&s->moments, s->moment_copies, at);
    copies_place(&s->average, s->average_copies, at);
    return RML_OK;
}

void rml_snapshot_free(rml_snapshot *s)
{
    rml_members_free(&s->weights);
    rml_members_free(&s->moments);
    rml_members_free(&s->average);
    rml_heap_free(s->numbers);
    rml_buffer_reset(&s->curve);
    *s = (rml_snapshot){0};
}

static rml_status copies_take(const rml_members *m, float *const *copies, rml_error *err)
{
    for (size_t i = 0; i < m->count; i++) {
        RML_TRY(rml_members_get(m, i, copies[i], err));
    }
    return RML_OK;
}

rml_status rml_snapshot_take(rml_snapshot *s, const rml_learner *l, rml_str curve, rml_error *err)
{
    RML_TRY(copies_take(&s->weights, s->weight_copies, err));
    RML_TRY(copies_take(&s->moments, s->moment_copies, err));
    RML_TRY(copies_take(&s->average, s->average_copies, err));
    s->step = l->step;
    s->position = l->loader.position;
    s->order = l->loader.order;
    s->curve.len = 0;
    return rml_buffer_str(&s->curve, curve, err);
}

// ---- Finding -----------------------------------------------------------------------------------

// Names of checkpoints below folder, oldest first: the numbers have one width.
static rml_status checkpoints_list(rml_str folder, rml_arena *arena, rml_array *names,
                                   rml_error *err)
{
    rml_array all = RML_ARRAY(rml_str);
    rml_status st = rml_store_list(folder, arena, &all, err);
    for (size_t i = 0; st == RML_OK && i < all.count; i++) {
        rml_str name = *RML_AT(&all, rml_str, i);
        bool whole = false;
        if (rml_str_starts(name, rml_str_of(PREFIX))) {
            rml_str path = rml_path_join(arena, folder, name);
            st = path.data ? rml_store_folder_has(path, &whole, err)
                           : rml_fail_memory(err, folder.len);
        }
        if (whole) {
            rml_str *slot = rml_array_push(names, err);
            if (slot == NULL) {
                st = RML_ERR_MEMORY;
            } else {
                *slot = name;
            }
        }
    }
    rml_array_reset(&all);
    return st;
}

// The folder of the newest one; data NULL if there is none.
static rml_status checkpoints_newest(rml_str folder, rml_arena *arena, rml_str *out, rml_error *err)
{
    rml_array names = RML_ARRAY(rml_str);
    *out = (rml_str){0};
    rml_status st = checkpoints_list(folder, arena, &names, err);
    if (st == RML_OK && names.count > 0) {
        *out = rml_path_join(arena, folder, *RML_AT(&names, rml_str, names.count - 1));
        st = out->data ? RML_OK : rml_fail_memory(err, folder.len);
    }
    rml_array_reset(&names);
    return st;
}

// ---- Writing -----------------------------------------------------------------------------------

static rml_status state_write(const char *path, const rml_snapshot *s, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    char order[RML_HASH_TEXT];
    rml_hash_text(&s->order, order);
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "dataset", s->dataset);
    rml_json_kv_str(&w, "order", rml_str_of(order));
    rml_json_kv_i64(&w, "position", (int64_t)s->position);
    rml_json_kv_i64(&w, "step", (int64_t)s->step);
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    st = st ? st : rml_file_replace(path, rml_buffer_bytes(&text), err);
    rml_buffer_reset(&text);
    return st;
}

static rml_status checkpoint_fill(rml_str beside, rml_str before, const rml_snapshot *s,
                                  rml_arena *arena, rml_error *err)
{
    rml_str state = rml_path_join(arena, beside, RML_STR("state.json"));
    rml_str points = rml_path_join(arena, beside, RML_STR("curve.csv"));
    if (!state.data || !points.data) {
        return rml_fail_memory(err, beside.len);
    }
    RML_TRY(rml_shards_write(beside, before, "weights", &s->weights,
                             (const float *const *)s->weight_copies, NULL, err));
    RML_TRY(rml_shards_write(beside, before, "state", &s->moments,
                             (const float *const *)s->moment_copies, NULL, err));
    if (s->average.count > 0) {
        RML_TRY(rml_shards_write(beside, before, "average", &s->average,
                                 (const float *const *)s->average_copies, NULL, err));
    }
    RML_TRY(state_write(state.data, s, err));
    return rml_file_replace(points.data, rml_buffer_bytes(&s->curve), err);
}

rml_status rml_checkpoint_curve(rml_str folder, rml_str curve, rml_error *err)
{
    rml_arena arena = {0};
    rml_buffer events = {0};
    rml_str path = rml_path_join(&arena, folder, RML_STR("curve.csv"));
    rml_str beside = rml_path_join(&arena, folder, RML_STR("events.out.tfevents.0.roadmill"));
    rml_status st = path.data && beside.data ? RML_OK : rml_fail_memory(err, folder.len);
    st = st ? st : rml_events_write(curve, &events, err);
    st = st ? st : rml_store_put(path, rml_bytes_of_str(curve), err);
    st = st ? st : rml_store_put(beside, rml_buffer_bytes(&events), err);
    rml_buffer_reset(&events);
    rml_arena_reset(&arena);
    return st;
}

// The newest one as a local folder whose files can be linked; data NULL if there is none.
static rml_status checkpoint_before(rml_str folder, rml_arena *arena, rml_str *out, rml_error *err)
{
    *out = (rml_str){0};
    if (!rml_store_is_local(folder)) {
        return RML_OK;
    }
    rml_str newest;
    RML_TRY(checkpoints_newest(folder, arena, &newest, err));
    return newest.data ? rml_store_path(newest, arena, out, err) : RML_OK;
}

rml_status rml_checkpoint_save(rml_str folder, const rml_snapshot *s, rml_error *err)
{
    rml_arena arena = {0};
    rml_str before = {0};
    rml_str target =
        rml_arena_printf(&arena, "%.*s/%s%010" PRIu64, RML_FMT(folder), PREFIX, s->step);
    rml_str beside = rml_arena_printf(&arena, "%.*s/beside-%010" PRIu64, RML_FMT(folder), s->step);
    rml_store_folder made = {0};
    bool there = false;
    rml_status st = target.data && beside.data ? RML_OK : rml_fail_memory(err, 1);
    st = st ? st : rml_store_folder_has(target, &there, err);
    if (st == RML_OK && !there) { // the end may fall on a checkpoint
        st = rml_store_folder_begin(&made, beside, err);
        st = st ? st : checkpoint_before(folder, &arena, &before, err);
        st = st ? st : checkpoint_fill(made.path, before, s, &arena, err);
        st = st ? st : rml_store_folder_commit(&made, target, err);
    }
    rml_store_folder_close(&made);
    st = st ? st : rml_checkpoint_curve(folder, rml_buffer_text(&s->curve), err);
    rml_arena_reset(&arena);
    return st;
}

// ---- Reading -----------------------------------------------------------------------------------

// The order so far must be the one that this version and seed give: hashed again from the start.
static rml_status state_read(rml_str path, rml_learner *l, rml_arena *arena, rml_error *err)
{
    rml_buffer text = {0};
    const rml_json *state = NULL;
    rml_status st = rml_store_get(path, TEXT_MAX, &text, err);
    st = st ? st : rml_json_parse(arena, rml_buffer_text(&text), path, &state, err);
    if (st == RML_OK) {
        rml_hash order, version = {{0}};
        const rml_loader *o = &l->loader;
        int64_t step = rml_json_get_i64(state, "step", -1);
        int64_t position = rml_json_get_i64(state, "position", -1);
        bool named = rml_hash_parse(rml_json_get_str(state, "order", (rml_str){0}), &order) &&
                     rml_hash_parse(rml_dataset_hash(o->dataset), &version);
        uint64_t batch = l->engine.config.batch;
        if (!named || step < 0 || (uint64_t)step > l->engine.config.steps ||
            (uint64_t)position != (uint64_t)step * batch) {
            st = rml_fail(
                err, RML_ERR_DATA, rml_place_file(path), "remove the folder of this checkpoint",
                "expected a step within %" PRIu64 ", its position and order, found others",
                l->engine.config.steps);
        } else {
            uint64_t count = rml_dataset_count(o->dataset, o->split);
            rml_hash again = {{0}};
            for (uint64_t p = 0; p < (uint64_t)position; p++) {
                rml_order_add(&again, rml_order_at(&version, o->seed, count, p));
            }
            if (!rml_hash_equal(&again, &order)) {
                st = rml_fail(err, RML_ERR_CONFLICT, rml_place_file(path),
                              "remove the folder of this run and train again",
                              "expected the order of samples of this version and seed, found "
                              "another");
            }
            l->loader.order = order;
            l->loader.position = (uint64_t)position;
            l->step = (uint64_t)step;
        }
    }
    rml_buffer_reset(&text);
    return st;
}

static rml_status shards_load(rml_str folder, const char *stem, bool moments, rml_learner *l,
                              rml_error *err)
{
    rml_members m;
    RML_TRY(rml_members_make(l->engine.graph, l->engine.plan, moments, &m, err));
    rml_status st = rml_shards_read(folder, stem, &m, err);
    rml_members_free(&m);
    return st;
}

static rml_status average_load(rml_str folder, rml_learner *l, rml_error *err)
{
    rml_members m;
    RML_TRY(average_members(l, &m, err));
    rml_status st = m.count > 0 ? rml_shards_read(folder, "average", &m, err) : RML_OK;
    rml_members_free(&m);
    return st;
}

rml_status rml_checkpoint_load(rml_str folder, rml_learner *l, rml_buffer *curve, bool *found,
                               rml_error *err)
{
    rml_arena arena = {0};
    rml_str newest = {0};
    rml_status st = checkpoints_newest(folder, &arena, &newest, err);
    *found = st == RML_OK && newest.data != NULL;
    if (*found) {
        rml_str state = rml_path_join(&arena, newest, RML_STR("state.json"));
        rml_str points = rml_path_join(&arena, newest, RML_STR("curve.csv"));
        bool room = state.data && points.data;
        st = room ? state_read(state, l, &arena, err) : rml_fail_memory(err, 1);
        st = st ? st : shards_load(newest, "weights", false, l, err);
        st = st ? st : shards_load(newest, "state", true, l, err);
        st = st ? st : average_load(newest, l, err);
        st = st ? st : rml_store_get(points, TEXT_MAX, curve, err);
    }
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_checkpoint_prune(rml_str folder, rml_error *err)
{
    rml_arena arena = {0};
    rml_array names = RML_ARRAY(rml_str);
    rml_status st = checkpoints_list(folder, &arena, &names, err);
    for (size_t i = 0; st == RML_OK && i + 1 < names.count; i++) {
        rml_str path = rml_path_join(&arena, folder, *RML_AT(&names, rml_str, i));
        st = path.data ? rml_store_folder_remove(path, err) : rml_fail_memory(err, 1);
    }
    rml_array_reset(&names);
    rml_arena_reset(&arena);
    return st;
}
