// train: checkpoints. Written beside and made visible by one rename, so a kill leaves the state
// before or the state after.
#include "checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "roadmill/base/json.h"
#include "weights.h"

static const char PREFIX[] = "checkpoint-";
enum { TEXT_MAX = 64 << 20 };

static rml_status state_write(const char *path, const rml_learner *l, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    char order[RML_HASH_TEXT];
    rml_hash_text(&l->loader.order, order);
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "dataset", rml_dataset_hash(l->loader.dataset));
    rml_json_kv_str(&w, "order", rml_str_of(order));
    rml_json_kv_i64(&w, "position", (int64_t)l->loader.position);
    rml_json_kv_i64(&w, "step", (int64_t)l->step);
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    st = st ? st : rml_file_replace(path, rml_buffer_bytes(&text), err);
    rml_buffer_reset(&text);
    return st;
}

rml_status rml_checkpoint_save(const char *folder, const rml_learner *l, rml_str curve,
                               rml_error *err)
{
    rml_arena arena = {0};
    const rml_engine *e = &l->engine;
    rml_str target = rml_arena_printf(&arena, "%s/%s%010" PRIu64, folder, PREFIX, l->step);
    rml_str beside = rml_arena_printf(&arena, "%s/beside-%010" PRIu64, folder, l->step);
    rml_str weights = rml_path_join(&arena, beside, RML_STR("weights.safetensors"));
    rml_str moments = rml_path_join(&arena, beside, RML_STR("state.safetensors"));
    rml_str state = rml_path_join(&arena, beside, RML_STR("state.json"));
    rml_str points = rml_path_join(&arena, beside, RML_STR("curve.csv"));
    if (!target.data || !weights.data || !moments.data || !state.data || !points.data) {
        rml_arena_reset(&arena);
        return rml_fail_memory(err, 1);
    }
    rml_status st = RML_OK;
    if (rml_file_exists(target.data)) { // the end may fall on a checkpoint
        goto done;
    }
    st = rml_file_exists(beside.data) ? rml_folder_remove(beside.data, err) : RML_OK;
    st = st ? st : rml_folder_make(beside.data, err);
    st = st ? st : rml_state_save(weights.data, e->graph, e->plan, false, NULL, err);
    st = st ? st : rml_state_save(moments.data, e->graph, e->plan, true, NULL, err);
    st = st ? st : state_write(state.data, l, err);
    st = st ? st : rml_file_replace(points.data, rml_bytes_of_str(curve), err);
    st = st ? st : rml_folder_commit(beside.data, target.data, err);
done:
    rml_arena_reset(&arena);
    return st;
}

// Names of checkpoints below folder, oldest first: the numbers have one width.
static rml_status checkpoints_list(const char *folder, rml_arena *arena, rml_array *names,
                                   rml_error *err)
{
    rml_array all = RML_ARRAY(rml_str);
    rml_status st = rml_folder_list(folder, arena, &all, err);
    for (size_t i = 0; st == RML_OK && i < all.count; i++) {
        rml_str name = *RML_AT(&all, rml_str, i);
        if (rml_str_starts(name, rml_str_of(PREFIX))) {
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

// The order so far must be the one that this version and seed give: hashed again from the start.
static rml_status state_read(const char *path, rml_learner *l, rml_arena *arena, rml_error *err)
{
    rml_buffer text = {0};
    const rml_json *state = NULL;
    rml_status st = rml_file_read(path, TEXT_MAX, &text, err);
    st = st ? st : rml_json_parse(arena, rml_buffer_text(&text), rml_str_of(path), &state, err);
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
            st =
                rml_fail(err, RML_ERR_DATA, rml_place_file(rml_str_of(path)),
                         "remove the folder of this checkpoint",
                         "expected a step within %" PRIu64 ", its position and order, found others",
                         l->engine.config.steps);
        } else {
            uint64_t count = rml_dataset_count(o->dataset, o->split);
            rml_hash again = {{0}};
            for (uint64_t p = 0; p < (uint64_t)position; p++) {
                rml_order_add(&again, rml_order_at(&version, o->seed, count, p));
            }
            if (!rml_hash_equal(&again, &order)) {
                st = rml_fail(err, RML_ERR_CONFLICT, rml_place_file(rml_str_of(path)),
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

rml_status rml_checkpoint_load(const char *folder, rml_learner *l, rml_buffer *curve, bool *found,
                               rml_error *err)
{
    rml_arena arena = {0};
    rml_array names = RML_ARRAY(rml_str);
    *found = false;
    rml_status st = checkpoints_list(folder, &arena, &names, err);
    if (st == RML_OK && names.count > 0) {
        rml_str newest =
            rml_path_join(&arena, rml_str_of(folder), *RML_AT(&names, rml_str, names.count - 1));
        rml_str weights = rml_path_join(&arena, newest, RML_STR("weights.safetensors"));
        rml_str moments = rml_path_join(&arena, newest, RML_STR("state.safetensors"));
        rml_str state = rml_path_join(&arena, newest, RML_STR("state.json"));
        rml_str points = rml_path_join(&arena, newest, RML_STR("curve.csv"));
        const rml_engine *e = &l->engine;
        bool room = weights.data && moments.data && state.data && points.data;
        st = room ? state_read(state.data, l, &arena, err) : rml_fail_memory(err, 1);
        st = st ? st : rml_state_load(weights.data, e->graph, e->plan, false, err);
        st = st ? st : rml_state_load(moments.data, e->graph, e->plan, true, err);
        st = st ? st : rml_file_read(points.data, TEXT_MAX, curve, err);
        *found = st == RML_OK;
    }
    rml_array_reset(&names);
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_checkpoint_prune(const char *folder, rml_error *err)
{
    rml_arena arena = {0};
    rml_array names = RML_ARRAY(rml_str);
    rml_status st = checkpoints_list(folder, &arena, &names, err);
    for (size_t i = 0; st == RML_OK && i + 1 < names.count; i++) {
        rml_str path = rml_path_join(&arena, rml_str_of(folder), *RML_AT(&names, rml_str, i));
        st = path.data ? rml_folder_remove(path.data, err) : rml_fail_memory(err, 1);
    }
    rml_array_reset(&names);
    rml_arena_reset(&arena);
    return st;
}
