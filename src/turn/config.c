// The YAML of a turn (docs/turn.md). What is not said has the default of the built-in one below.

#include "roadmill/base/yaml.h"
#include "roadmill/turn.h"

// What `roadmill turn` does without a file: small models, so that one turn takes minutes.
static const char builtin[] = "name: predictor\n"
                              "dataset:\n"
                              "  split: family\n"
                              "  stride: 10\n"
                              "  keep_one: true\n"
                              "  seed: 1\n"
                              "  share: {train: 0.35, validation: 0.15, dev: 0.3, gate: 0.2}\n"
                              "train:\n"
                              "  agents: 16\n"
                              "  map: 16\n"
                              "  learning_rate: 0.002\n"
                              "  drop_tokens: 0.35\n"
                              "  width: 64\n"
                              "  blocks: 2\n"
                              "  heads: 4\n"
                              "  hidden: 128\n"
                              "  steps: 1200\n"
                              "  batch: 64\n"
                              "  seeds: 1\n"
                              "slices:\n"
                              "  braking: \"hard_braking(a)\"\n"
                              "  turning: \"turning(a)\"\n"
                              "mine:\n"
                              "  budget: 128\n"
                              "  seeds: 10\n"
                              "  agents: 16\n"
                              "  map: 16\n"
                              "  width: 32\n"
                              "  blocks: 1\n"
                              "  heads: 2\n"
                              "  hidden: 64\n"
                              "  steps: 250\n"
                              "  batch: 32\n";

rml_str rml_turn_config_builtin(void)
{
    return RML_STR(builtin);
}

static rml_status get_u32(const rml_yaml *map, const char *key, uint32_t *out, rml_error *err)
{
    const rml_yaml *node = rml_yaml_get(map, key);
    if (node == NULL) {
        return RML_OK;
    }
    int64_t value = 0;
    RML_TRY(rml_yaml_get_i64(map, key, &value, err));
    if (value < 1 || value > 1000000) {
        return rml_fail(err, RML_ERR_ARGUMENT, node->at, NULL,
                        "expected %s between 1 and 1000000, found %lld", key, (long long)value);
    }
    *out = (uint32_t)value;
    return RML_OK;
}

// The settings of a training, under `train` or `mine`; also: what else stands there.
static rml_status read_train(const rml_yaml *map, const char *const *also, rml_train_config *out,
                             rml_error *err)
{
    return map == NULL ? RML_OK : rml_train_config_yaml(map, also, out, err);
}

// The task of the whole turn. Settings of another task's model mean nothing to it.
static rml_status read_task(const rml_yaml *root, rml_turn_config *out, rml_error *err)
{
    const rml_yaml *node = rml_yaml_get(root, "task");
    rml_str name = {0};
    const rml_task *task;
    RML_TRY(rml_yaml_get_str(root, "task", &name, err));
    RML_TRY(rml_task_need(name, node ? node->at : root->at, &task, err));
    if (node == NULL && out->train.task != NULL) {
        return RML_OK;
    }
    rml_train_config *const trainings[] = {&out->train, &out->compare};
    for (size_t i = 0; i < 2; i++) {
        if (trainings[i]->task != task) {
            trainings[i]->task = task;
            trainings[i]->model = (rml_model_config){0};
        }
    }
    out->dataset.cutter = rml_scene_cutter_find(rml_str_of(task->cutter));
    return RML_OK;
}

static rml_status read_share(const rml_yaml *share, rml_dataset_spec *out, rml_error *err)
{
    for (const rml_yaml *item = share == NULL ? NULL : share->child; item; item = item->next) {
        rml_split split;
        double value = 0;
        if (!rml_split_parse(item->key, &split)) {
            return rml_fail(err, RML_ERR_ARGUMENT, item->key_at, NULL,
                            "expected train, validation, dev, gate or sealed, found %.*s",
                            RML_FMT(item->key));
        }
        if (!rml_parse_f64(item->text, &value) || !(value >= 0 && value <= 1)) {
            return rml_fail(err, RML_ERR_ARGUMENT, item->at, NULL,
                            "expected a share between 0 and 1, found %.*s", RML_FMT(item->text));
        }
        out->share[split] = value;
    }
    return RML_OK;
}

// place: {train: [USA_US101], gate: [USA_Lanker]}
static rml_status read_places(const rml_yaml *places, rml_arena *arena, rml_dataset_spec *out,
                              rml_error *err)
{
    for (const rml_yaml *item = places == NULL ? NULL : places->child; item; item = item->next) {
        rml_split split;
        if (!rml_split_parse(item->key, &split) || item->kind != RML_YAML_LIST) {
            return rml_fail(err, RML_ERR_ARGUMENT, item->key_at, NULL,
                            "expected a split with a list of places, found %.*s",
                            RML_FMT(item->key));
        }
        rml_str *names = RML_NEW_ARRAY(arena, rml_str, item->count);
        if (names == NULL) {
            return rml_fail_memory(err, item->count * sizeof *names);
        }
        size_t n = 0;
        for (const rml_yaml *name = item->child; name != NULL; name = name->next) {
            names[n++] = name->text;
        }
        out->place[split] = names;
        out->place_count[split] = n;
    }
    return RML_OK;
}

static rml_status read_rule(const rml_yaml *map, rml_dataset_spec *out, rml_error *err)
{
    static const struct {
        const char *name;
        rml_split_rule rule;
    } rules[] = {{"family", RML_SPLIT_FAMILY},
                 {"recording", RML_SPLIT_RECORDING},
                 {"place", RML_SPLIT_PLACE},
                 {"time", RML_SPLIT_TIME}};
    rml_str name = RML_STR("family");
    RML_TRY(rml_yaml_get_str(map, "split", &name, err));
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rml_str_equal(name, rml_str_of(rules[i].name))) {
            out->rule = rules[i].rule;
            return RML_OK;
        }
    }
    return rml_fail(err, RML_ERR_ARGUMENT, rml_yaml_get(map, "split")->at, NULL,
                    "expected family, recording, place or time, found %.*s", RML_FMT(name));
}

static rml_status read_dataset(const rml_yaml *map, rml_arena *arena, rml_dataset_spec *out,
                               rml_error *err)
{
    static const char *const known[] = {"split", "stride", "keep_one", "seed",
                                        "share", "place",  "query"};
    RML_TRY(rml_yaml_only(map, known, sizeof known / sizeof *known, err));
    RML_TRY(read_rule(map, out, err));
    RML_TRY(get_u32(map, "stride", &out->scene.stride, err));
    RML_TRY(rml_yaml_get_bool(map, "keep_one", &out->keep_one, err));
    int64_t seed = (int64_t)out->seed;
    RML_TRY(rml_yaml_get_i64(map, "seed", &seed, err));
    out->seed = (uint64_t)seed;
    RML_TRY(rml_yaml_get_str(map, "query", &out->query, err));
    RML_TRY(read_share(rml_yaml_get(map, "share"), out, err));
    return read_places(rml_yaml_get(map, "place"), arena, out, err);
}

static rml_status read_slices(const rml_yaml *map, rml_arena *arena, rml_turn_config *out,
                              rml_error *err)
{
    if (map == NULL) {
        return RML_OK;
    }
    rml_turn_slice *slices = RML_NEW_ARRAY(arena, rml_turn_slice, map->count + 1);
    if (slices == NULL) {
        return rml_fail_memory(err, map->count * sizeof *slices);
    }
    out->slices = slices;
    out->slice_count = 0;
    for (const rml_yaml *item = map->child; item != NULL; item = item->next) {
        slices[out->slice_count++] = (rml_turn_slice){item->key, item->text};
    }
    return RML_OK;
}

// A weight of the choice of a batch, or its diversity: a share from 0 on.
static rml_status get_weight(const rml_yaml *map, const char *key, double most, double *out,
                             rml_error *err)
{
    double value = *out;
    RML_TRY(rml_yaml_get_f64(map, key, &value, err));
    if (!(value >= 0 && value <= most)) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_yaml_get(map, key)->at, NULL,
                        "expected %s between 0 and %g, found %g", key, most, value);
    }
    *out = value;
    return RML_OK;
}

static rml_status read_mine(const rml_yaml *map, rml_turn_config *out, rml_error *err)
{
    uint32_t budget = (uint32_t)out->mine.budget, per_family = (uint32_t)out->mine.per_unit_max;
    RML_TRY(get_u32(map, "budget", &budget, err));
    RML_TRY(get_u32(map, "seeds", &out->mine_seeds, err));
    RML_TRY(get_u32(map, "per_family", &per_family, err));
    RML_TRY(get_weight(map, "loss", 1000, &out->mine.weight_loss, err));
    RML_TRY(get_weight(map, "spread", 1000, &out->mine.weight_disagreement, err));
    RML_TRY(get_weight(map, "novelty", 1000, &out->mine.weight_novelty, err));
    RML_TRY(get_weight(map, "diversity", 1, &out->mine.diversity, err));
    out->mine.budget = budget;
    out->mine.per_unit_max = per_family;
    static const char *const also[] = {"budget", "seeds",   "per_family", "loss",
                                       "spread", "novelty", "diversity",  NULL};
    return read_train(map, also, &out->compare, err);
}

static rml_status read_all(rml_str text, rml_str file, rml_arena *arena, rml_turn_config *out,
                           rml_error *err)
{
    static const char *const known[] = {"name", "task", "dataset", "train", "slices", "mine"};
    static const char *const beside_train[] = {"seeds", NULL};
    const rml_yaml *root;
    RML_TRY(rml_yaml_parse(arena, text, file, &root, err));
    RML_TRY(rml_yaml_only(root, known, sizeof known / sizeof *known, err));
    RML_TRY(rml_yaml_get_str(root, "name", &out->name, err));
    RML_TRY(read_dataset(rml_yaml_get(root, "dataset"), arena, &out->dataset, err));
    RML_TRY(read_task(root, out, err));
    RML_TRY(read_train(rml_yaml_get(root, "train"), beside_train, &out->train, err));
    RML_TRY(get_u32(rml_yaml_get(root, "train"), "seeds", &out->seeds, err));
    RML_TRY(read_slices(rml_yaml_get(root, "slices"), arena, out, err));
    RML_TRY(read_mine(rml_yaml_get(root, "mine"), out, err));
    out->dataset.name = out->name;
    return RML_OK;
}

rml_status rml_turn_config_parse(rml_str text, rml_str file, rml_arena *arena, rml_turn_config *out,
                                 rml_error *err)
{
    *out = (rml_turn_config){.seeds = 1};
    RML_TRY(read_all(RML_STR(builtin), RML_STR("built-in turn"), arena, out, err));
    return text.len == 0 ? RML_OK : read_all(text, file, arena, out, err);
}
