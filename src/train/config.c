// train: the configuration of a training, from YAML and as canonical JSON (docs/training.md).
#include "config.h"

#include <string.h>

#include "roadmill/base/yaml.h"

#define AT(member) offsetof(rml_train_config, member)
static const rml_setting settings[] = {
    {"batch", RML_SETTING_U32, AT(batch), 1, 65536, 32, false},
    {"bfloat16", RML_SETTING_BOOL, AT(bfloat16), 0, 0, 0, false},
    {"checkpoint_every", RML_SETTING_U64, AT(checkpoint_every), 1, 1e9, 500, true},
    {"checkpoint_s", RML_SETTING_F64, AT(checkpoint_s), -1, 1e9, 10, true},
    {"clip_norm", RML_SETTING_F64, AT(clip_norm), -1, 1e9, 5, false},
    {"drop_tokens", RML_SETTING_F64, AT(drop_tokens), -1, 0.99, 0.2, false},
    {"ema", RML_SETTING_F64, AT(ema), 0, 0.999999, 0, false},
    {"learning_rate", RML_SETTING_F64, AT(learning_rate), -1, 10, 1e-3, false},
    {"momentum", RML_SETTING_F64, AT(momentum), -1, 0.9999, 0.95, false},
    {"muon", RML_SETTING_BOOL, AT(muon), 0, 0, 0, false},
    {"no_mirror", RML_SETTING_BOOL, AT(no_mirror), 0, 0, 0, false},
    {"noise", RML_SETTING_F64, AT(noise), -1, 100, 0.02, false},
    {"seed", RML_SETTING_U64, AT(seed), 0, 9e15, 0, false},
    {"steps", RML_SETTING_U64, AT(steps), 1, 1e9, 2000, false},
    {"warmup", RML_SETTING_U64, AT(warmup), 1, 1e9, 100, false},
    {"weight_decay", RML_SETTING_F64, AT(weight_decay), -1, 10, 0.05, false},
};

enum { PARTS = 2 };
// The training's own settings, and those of its task.
static void parts_of(rml_train_config *c, rml_settings parts[PARTS])
{
    c->task = c->task ? c->task : rml_task_find(RML_STR(""));
    parts[0] = (rml_settings){settings, sizeof settings / sizeof *settings, c};
    parts[1] = (rml_settings){c->task->settings, c->task->setting_count, &c->model.of};
}

void rml_train_config_defaults(rml_train_config *config)
{
    rml_settings parts[PARTS];
    parts_of(config, parts);
    rml_settings_defaults(parts, PARTS);
    config->until = config->until && config->until < config->steps ? config->until : config->steps;
}

rml_status rml_train_config_map(const rml_yaml *map, rml_train_config *out, rml_error *err)
{
    static const char *const also[] = {"task", NULL};
    rml_str task = {0};
    *out = (rml_train_config){0};
    if (map->kind == RML_YAML_MAP) {
        const rml_yaml *node = rml_yaml_get(map, "task");
        RML_TRY(rml_yaml_get_str(map, "task", &task, err));
        RML_TRY(rml_task_need(task, node ? node->at : map->at, &out->task, err));
    }
    return rml_train_config_yaml(map, also, out, err);
}

rml_status rml_train_config_yaml(const rml_yaml *map, const char *const *also,
                                 rml_train_config *out, rml_error *err)
{
    rml_settings parts[PARTS];
    parts_of(out, parts);
    return rml_settings_yaml(map, parts, PARTS, also, err);
}

rml_status rml_train_config_parse(rml_str text, rml_str file, rml_train_config *out, rml_error *err)
{
    rml_arena arena = {0};
    const rml_yaml *map;
    rml_status st = rml_yaml_parse(&arena, text, file, &map, err);
    st = st ? st : rml_train_config_map(map, out, err);
    rml_arena_reset(&arena);
    if (st == RML_OK) {
        rml_train_config_defaults(out);
    }
    return st;
}

static const rml_setting *named(rml_train_config *c, rml_str name, void **at)
{
    rml_settings parts[PARTS];
    parts_of(c, parts);
    const rml_setting *s = rml_settings_find(parts, PARTS, name, at);
    return s == NULL || s->unnamed ? NULL : s;
}

bool rml_train_field_find(const rml_train_config *config, rml_str name, rml_train_field *out)
{
    rml_train_config c = *config;
    void *at;
    const rml_setting *s = named(&c, name, &at);
    if (s != NULL) {
        bool boolean = s->kind == RML_SETTING_BOOL;
        bool below_zero = s->kind == RML_SETTING_F64 && s->low < 0; // which would mean zero
        *out = (rml_train_field){s->kind == RML_SETTING_U32 || s->kind == RML_SETTING_U64, boolean,
                                 below_zero ? 0 : s->low, boolean ? 1 : s->high};
    }
    return s != NULL;
}

void rml_train_field_set(rml_train_config *config, rml_str name, double value)
{
    void *at;
    const rml_setting *s = named(config, name, &at);
    bool zero = s->kind == RML_SETTING_F64 && s->low < 0 && value == 0;
    rml_setting_set(s, at, zero ? -1 : value);
}

void rml_train_config_write(const rml_train_config *config, bool hashed, rml_json_writer *w)
{
    rml_train_config c = *config;
    rml_settings parts[PARTS];
    parts_of(&c, parts);
    // Runs of before there were tasks have no such member, and keep their names.
    if (c.task != rml_task_find(RML_STR(""))) {
        rml_json_kv_str(w, "task", rml_str_of(c.task->name));
    }
    rml_settings_write(parts, PARTS, hashed, w);
}

static void write_quantisers(const rml_model_config *c, rml_json_writer *w)
{
    rml_json_key(w, "int8");
    rml_json_list(w);
    for (size_t i = 0; i < c->quantiser_count; i++) {
        rml_json_object(w);
        rml_json_kv_str(w, "layer", rml_str_of(c->quantisers[i].layer));
        rml_json_kv_f64(w, "scale", c->quantisers[i].scale);
        rml_json_kv_i64(w, "zero", (int64_t)c->quantisers[i].zero);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

rml_status rml_model_config_text(const rml_train_config *config, rml_buffer *out, rml_error *err)
{
    rml_json_writer w;
    rml_json_writer_init(&w, out, err);
    rml_json_object(&w);
    rml_train_config_write(config, true, &w);
    if (config->model.quantiser_count > 0) {
        write_quantisers(&config->model, &w);
    }
    rml_json_object_end(&w);
    return rml_json_finish(&w);
}

static bool read_quantiser(const rml_json *object, rml_quantiser *out)
{
    rml_str layer = rml_json_get_str(object, "layer", RML_STR(""));
    out->scale = rml_json_get_f64(object, "scale", 0);
    out->zero = (double)rml_json_get_i64(object, "zero", -1);
    bool fits = layer.len > 0 && layer.len < sizeof out->layer && out->scale > 0 &&
                out->zero >= 0 && out->zero <= RML_QUANTISED_MOST;
    if (fits) {
        memcpy(out->layer, layer.data, layer.len);
    }
    return fits;
}

static rml_status read_quantisers(const rml_json *list, rml_str file, rml_arena *arena,
                                  rml_model_config *out, rml_error *err)
{
    if (list == NULL) {
        return RML_OK;
    }
    rml_quantiser *quantisers = RML_NEW_ARRAY(arena, rml_quantiser, list->count + 1);
    if (quantisers == NULL) {
        return rml_fail_memory(err, list->count * sizeof *quantisers);
    }
    for (const rml_json *q = list->child; q != NULL; q = q->next) {
        if (!read_quantiser(q, &quantisers[out->quantiser_count])) {
            return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, q->at), NULL,
                            "expected a layer with a scale above zero and a zero from 0 to 255");
        }
        out->quantiser_count++;
    }
    out->quantisers = quantisers;
    return RML_OK;
}

rml_status rml_train_config_read(const rml_json *object, rml_str file, rml_arena *arena,
                                 rml_train_config *out, rml_error *err)
{
    rml_settings parts[PARTS];
    *out = (rml_train_config){0};
    RML_TRY(rml_task_need(rml_json_get_str(object, "task", RML_STR("")), rml_place_file(file),
                          &out->task, err));
    parts_of(out, parts);
    RML_TRY(rml_settings_read(object, file, parts, PARTS, err));
    RML_TRY(read_quantisers(rml_json_get(object, "int8"), file, arena, &out->model, err));
    rml_train_config_defaults(out);
    return RML_OK;
}
