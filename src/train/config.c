// train: the configuration of a training, from YAML and as canonical JSON (docs/training.md).
#include "config.h"

#include <math.h>
#include <string.h>

#include "roadmill/base/yaml.h"

typedef enum field_kind { FIELD_U32, FIELD_U64, FIELD_F64, FIELD_BOOL } field_kind;
typedef struct field {
    const char *name;
    field_kind kind;
    size_t offset;
    double low, high;
    bool not_hashed;
} field;

#define MODEL(member) offsetof(rml_train_config, model.member)
#define TRAIN(member) offsetof(rml_train_config, member)
// In the order of the alphabet, as the canonical form has them.
static const field fields[] = {
    {"agents", FIELD_U32, MODEL(agents), 1, 1024, false},
    {"batch", FIELD_U32, TRAIN(batch), 1, 65536, false},
    {"bfloat16", FIELD_BOOL, TRAIN(bfloat16), 0, 0, false},
    {"blocks", FIELD_U32, MODEL(blocks), 1, 64, false},
    {"checkpoint_every", FIELD_U64, TRAIN(checkpoint_every), 1, 1e9, true},
    {"checkpoint_s", FIELD_F64, TRAIN(checkpoint_s), -1, 1e9, true},
    {"clip_norm", FIELD_F64, TRAIN(clip_norm), -1, 1e9, false},
    {"distance", FIELD_F64, MODEL(distance), -1, 1e6, false},
    {"drop_tokens", FIELD_F64, TRAIN(drop_tokens), -1, 0.99, false},
    {"dt_s", FIELD_F64, MODEL(dt_s), 1e-3, 10, false},
    {"ema", FIELD_F64, TRAIN(ema), 0, 0.999999, false},
    {"feature_most", FIELD_F64, MODEL(feature_most), -1, 1e9, false},
    {"features", FIELD_U32, MODEL(features), 1, 4096, false},
    {"heads", FIELD_U32, MODEL(heads), 1, 64, false},
    {"hidden", FIELD_U32, MODEL(hidden), 1, 16384, false},
    {"laplace", FIELD_F64, MODEL(laplace), -1, 1e6, false},
    {"learning_rate", FIELD_F64, TRAIN(learning_rate), -1, 10, false},
    {"map", FIELD_U32, MODEL(map), 1, 1024, false},
    {"modes", FIELD_U32, MODEL(modes), 1, 64, false},
    {"momentum", FIELD_F64, TRAIN(momentum), -1, 0.9999, false},
    {"muon", FIELD_BOOL, TRAIN(muon), 0, 0, false},
    {"nearest", FIELD_U32, MODEL(nearest), 0, 2048, false},
    {"no_mirror", FIELD_BOOL, TRAIN(no_mirror), 0, 0, false},
    {"no_pin", FIELD_BOOL, MODEL(no_pin), 0, 0, false},
    {"no_single", FIELD_BOOL, MODEL(no_single), 0, 0, false},
    {"noise", FIELD_F64, TRAIN(noise), -1, 100, false},
    {"pose_bias", FIELD_BOOL, MODEL(pose_bias), 0, 0, false},
    {"predict", FIELD_U32, MODEL(predict), 1, 1024, false},
    {"relax", FIELD_F64, MODEL(relax), -1, 1, false},
    {"seed", FIELD_U64, TRAIN(seed), 0, 9e15, false},
    {"steps", FIELD_U64, TRAIN(steps), 1, 1e9, false},
    {"steps_ahead", FIELD_U32, MODEL(steps), 1, 1024, false},
    {"warmup", FIELD_U64, TRAIN(warmup), 1, 1e9, false},
    {"weight_decay", FIELD_F64, TRAIN(weight_decay), -1, 10, false},
    {"width", FIELD_U32, MODEL(width), 1, 4096, false},
    {"winner_end", FIELD_F64, MODEL(winner_end), -1, 1, false},
};
enum { FIELD_COUNT = sizeof fields / sizeof *fields };

static void *field_at(rml_train_config *c, const field *f)
{
    return (char *)c + f->offset;
}

static void field_set(rml_train_config *c, const field *f, double value)
{
    switch (f->kind) {
    case FIELD_U32:
        *(uint32_t *)field_at(c, f) = (uint32_t)value;
        break;
    case FIELD_U64:
        *(uint64_t *)field_at(c, f) = (uint64_t)value;
        break;
    case FIELD_F64:
        *(double *)field_at(c, f) = value;
        break;
    case FIELD_BOOL:
        *(bool *)field_at(c, f) = value > 0;
        break;
    }
}

static bool field_fits(const field *f, double value)
{
    bool whole = f->kind == FIELD_F64 || value == floor(value);
    return whole && value >= f->low && value <= f->high;
}

void rml_train_config_defaults(rml_train_config *config)
{
    rml_predictor_defaults(&config->model);
    config->batch = config->batch ? config->batch : 32;
    config->steps = config->steps ? config->steps : 2000;
    config->warmup = config->warmup ? config->warmup : 100;
    config->checkpoint_every = config->checkpoint_every ? config->checkpoint_every : 500;
    config->until = config->until && config->until < config->steps ? config->until : config->steps;
    const struct {
        double *value, otherwise;
    } numbers[] = {
        {&config->learning_rate, 1e-3}, {&config->weight_decay, 0.05}, {&config->clip_norm, 5},
        {&config->momentum, 0.95},      {&config->checkpoint_s, 10},   {&config->noise, 0.02},
        {&config->drop_tokens, 0.2},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (*numbers[i].value == 0) {
            *numbers[i].value = numbers[i].otherwise;
        }
    }
}

static rml_status field_parse(const rml_yaml *map, const field *f, rml_train_config *out,
                              rml_error *err)
{
    const rml_yaml *node = rml_yaml_get(map, f->name);
    if (node == NULL) {
        return RML_OK;
    }
    if (f->kind == FIELD_BOOL) {
        return rml_yaml_get_bool(map, f->name, field_at(out, f), err);
    }
    double value = 0;
    RML_TRY(rml_yaml_get_f64(map, f->name, &value, err));
    if (!field_fits(f, value)) {
        return rml_fail(err, RML_ERR_ARGUMENT, node->at, NULL,
                        "expected %s to be a%s number from %g to %g, found %.*s", f->name,
                        f->kind == FIELD_F64 ? "" : " whole", f->low, f->high, RML_FMT(node->text));
    }
    field_set(out, f, value);
    return RML_OK;
}

rml_status rml_train_config_map(const rml_yaml *map, rml_train_config *out, rml_error *err)
{
    const char *known[FIELD_COUNT];
    *out = (rml_train_config){0};
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        known[i] = fields[i].name;
    }
    if (map->kind != RML_YAML_MAP) {
        return rml_fail(err, RML_ERR_ARGUMENT, map->at, NULL,
                        "expected fields such as \"steps: 2000\", found a %s",
                        map->kind == RML_YAML_LIST ? "list" : "single value");
    }
    RML_TRY(rml_yaml_only(map, known, FIELD_COUNT, err));
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        RML_TRY(field_parse(map, &fields[i], out, err));
    }
    return RML_OK;
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

static const field *field_named(rml_str name)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (rml_str_equal(name, rml_str_of(fields[i].name)) && !fields[i].not_hashed) {
            return &fields[i];
        }
    }
    return NULL;
}

bool rml_train_field_find(rml_str name, rml_train_field *out)
{
    const field *f = field_named(name);
    if (f != NULL) {
        bool below_zero = f->kind == FIELD_F64 && f->low < 0; // which would mean zero
        *out =
            (rml_train_field){f->kind == FIELD_U32 || f->kind == FIELD_U64, f->kind == FIELD_BOOL,
                              below_zero ? 0 : f->low, f->kind == FIELD_BOOL ? 1 : f->high};
    }
    return f != NULL;
}

void rml_train_field_set(rml_train_config *config, rml_str name, double value)
{
    const field *f = field_named(name);
    bool zero = f->kind == FIELD_F64 && f->low < 0 && value == 0;
    field_set(config, f, zero ? -1 : value);
}

void rml_train_config_write(const rml_train_config *config, bool hashed, rml_json_writer *w)
{
    rml_train_config c = *config;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const field *f = &fields[i];
        if (hashed && f->not_hashed) {
            continue;
        }
        switch (f->kind) {
        case FIELD_U32:
            rml_json_kv_i64(w, f->name, *(uint32_t *)field_at(&c, f));
            break;
        case FIELD_U64:
            rml_json_kv_i64(w, f->name, (int64_t) * (uint64_t *)field_at(&c, f));
            break;
        case FIELD_F64:
            rml_json_kv_f64(w, f->name, *(double *)field_at(&c, f));
            break;
        case FIELD_BOOL:
            rml_json_kv_bool(w, f->name, *(bool *)field_at(&c, f));
            break;
        }
    }
}

static void write_quantisers(const rml_predictor_config *c, rml_json_writer *w)
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
                                  rml_predictor_config *out, rml_error *err)
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
    *out = (rml_train_config){0};
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const field *f = &fields[i];
        const rml_json *member = rml_json_get(object, f->name);
        if (member == NULL) {
            continue;
        }
        bool number = member->kind == RML_JSON_INT || member->kind == RML_JSON_NUMBER;
        bool fits = f->kind == FIELD_BOOL ? member->kind == RML_JSON_BOOL
                                          : number && field_fits(f, member->number);
        if (!fits) {
            return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, member->at), NULL,
                            "expected %s within %g and %g, found another value", f->name, f->low,
                            f->high);
        }
        field_set(out, f, f->kind == FIELD_BOOL ? member->boolean : member->number);
    }
    RML_TRY(read_quantisers(rml_json_get(object, "int8"), file, arena, &out->model, err));
    rml_train_config_defaults(out);
    return RML_OK;
}
