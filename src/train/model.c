// The folder of a model: read with its configuration, written beside and moved into place.
#include "model.h"

#include "config.h"
#include "weights.h"

enum { CONFIG_MAX = 1 << 20 };

static rml_status config_open(rml_str path, rml_arena *kept, rml_train_config *out, rml_error *err)
{
    rml_arena arena = {0};
    rml_buffer text = {0};
    const rml_json *object = NULL;
    rml_status st = rml_store_get(path, CONFIG_MAX, &text, err);
    st = st ? st : rml_json_parse(&arena, rml_buffer_text(&text), path, &object, err);
    st = st ? st : rml_train_config_read(object, path, kept, out, err);
    rml_buffer_reset(&text);
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_model_open(rml_str folder, uint32_t batch, rml_arena *kept, rml_engine *out,
                          rml_error *err)
{
    rml_arena arena = {0};
    rml_train_config c;
    rml_str config = rml_path_join(&arena, folder, RML_STR("config.json"));
    rml_str weights = rml_path_join(&arena, folder, RML_STR("weights.safetensors"));
    *out = (rml_engine){0};
    rml_status st = config.data && weights.data ? RML_OK : rml_fail_memory(err, 1);
    st = st ? st : config_open(config, kept, &c, err);
    st = st ? st : rml_engine_make(out, &c, batch, NULL, NULL, NULL, err);
    st = st ? st : rml_weights_load(weights.data, out->graph, out->plan, err);
    rml_arena_reset(&arena);
    if (st != RML_OK) {
        rml_engine_free(out);
    }
    return st;
}

static rml_status save_beside(rml_arena *arena, rml_str beside, const rml_engine *e, rml_hash *hash,
                              rml_error *err)
{
    rml_str config = rml_path_join(arena, beside, RML_STR("config.json"));
    rml_str weights = rml_path_join(arena, beside, RML_STR("weights.safetensors"));
    rml_buffer text = {0};
    if (!config.data || !weights.data) {
        return rml_fail_memory(err, 1);
    }
    rml_status st = rml_state_save(weights.data, e->graph, e->plan, hash, err);
    st = st ? st : rml_model_config_text(&e->config, &text, err);
    st = st ? st : rml_store_put(config, rml_buffer_bytes(&text), err);
    rml_buffer_reset(&text);
    return st;
}

rml_status rml_model_save(rml_str run, const rml_engine *e, char weights[65], rml_error *err)
{
    rml_arena arena = {0};
    rml_hash hash;
    rml_str beside = rml_path_join(&arena, run, RML_STR("model-beside"));
    rml_str model = rml_path_join(&arena, run, RML_STR("model"));
    rml_store_folder made = {0};
    rml_status st = beside.data && model.data ? RML_OK : rml_fail_memory(err, 1);
    st = st ? st : rml_store_folder_begin(&made, beside, err);
    st = st ? st : save_beside(&arena, made.path, e, &hash, err);
    st = st ? st : rml_store_folder_remove(model, err);
    st = st ? st : rml_store_folder_commit(&made, model, err);
    if (st == RML_OK) {
        rml_hash_text(&hash, weights);
    }
    rml_store_folder_close(&made);
    rml_arena_reset(&arena);
    return st;
}
