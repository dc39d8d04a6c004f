// train: the file of a sweep: a training, the settings that are searched, how many trials and
// rungs.
#include "space.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "roadmill/math.h"

enum { RUNG_GRAIN = 20 }; // a rung stands at a point of the curve

// ---- Numbers -----------------------------------------------------------------------------------

double rml_axis_position(const rml_sweep_axis *a, double value)
{
    if (a->kind == RML_AXIS_CHOICE) {
        size_t i = 0;
        while (i + 1 < a->choice_count && a->choices[i] != value) {
            i++;
        }
        return (double)i;
    }
    if (a->kind == RML_AXIS_LOG) {
        double low = rml_f64_log(a->low);
        return (rml_f64_log(value) - low) / (rml_f64_log(a->high) - low);
    }
    return (value - a->low) / (a->high - a->low);
}

double rml_axis_value(const rml_sweep_axis *a, double position)
{
    double value;
    if (a->kind == RML_AXIS_LOG) {
        double low = rml_f64_log(a->low), high = rml_f64_log(a->high);
        value = rml_f64_exp(low + position * (high - low));
    } else {
        value = a->low + position * (a->high - a->low);
    }
    if (a->whole) {
        value = floor(value + 0.5);
    } else {
        char text[32]; // four digits: a setting that people can read and type
        snprintf(text, sizeof text, "%.3e", value);
        rml_parse_f64(rml_str_of(text), &value);
    }
    return value < a->low ? a->low : value > a->high ? a->high : value;
}

void rml_sweep_apply(const rml_sweep_config *c, const double *values, rml_train_config *out)
{
    *out = c->train;
    for (size_t i = 0; i < c->axis_count; i++) {
        rml_train_field_set(out, rml_str_of(c->axes[i].name), values[i]);
    }
}

uint64_t rml_sweep_steps(const rml_sweep_config *c, uint32_t rung)
{
    uint64_t share = 1;
    for (uint32_t i = rung + 1; i < c->rungs; i++) {
        share *= c->eta;
    }
    if (share == 1) {
        return c->train.steps;
    }
    uint64_t steps = (c->train.steps + share - 1) / share;
    return (steps + RUNG_GRAIN - 1) / RUNG_GRAIN * RUNG_GRAIN;
}

// ---- As JSON -----------------------------------------------------------------------------------

static void write_value(const rml_sweep_axis *a, double value, rml_json_writer *w)
{
    if (a->boolean) {
        rml_json_bool(w, value > 0);
    } else {
        rml_json_f64(w, value);
    }
}

void rml_sweep_write_values(const rml_sweep_config *c, const double *values, rml_json_writer *w)
{
    rml_json_object(w);
    for (size_t i = 0; i < c->axis_count; i++) {
        rml_json_key(w, c->axes[i].name);
        write_value(&c->axes[i], values[i], w);
    }
    rml_json_object_end(w);
}

static void write_axis(const rml_sweep_axis *a, rml_json_writer *w)
{
    rml_json_key(w, a->name);
    if (a->kind == RML_AXIS_CHOICE) {
        rml_json_list(w);
        for (size_t i = 0; i < a->choice_count; i++) {
            write_value(a, a->choices[i], w);
        }
        rml_json_list_end(w);
        return;
    }
    rml_json_object(w);
    rml_json_kv_f64(w, "from", a->low);
    rml_json_kv_bool(w, "log", a->kind == RML_AXIS_LOG);
    rml_json_kv_f64(w, "to", a->high);
    rml_json_object_end(w);
}

void rml_sweep_write(const rml_sweep_config *c, rml_json_writer *w)
{
    rml_json_object(w);
    rml_json_kv_i64(w, "eta", c->eta);
    rml_json_kv_i64(w, "rungs", c->rungs);
    rml_json_key(w, "search");
    rml_json_object(w);
    for (size_t i = 0; i < c->axis_count; i++) {
        write_axis(&c->axes[i], w);
    }
    rml_json_object_end(w);
    rml_json_kv_i64(w, "seed", (int64_t)c->seed);
    rml_json_kv_i64(w, "startup", c->startup);
    rml_json_key(w, "train");
    rml_json_object(w);
    rml_train_config_write(&c->train, true, w);
    rml_json_object_end(w);
    rml_json_kv_i64(w, "trials", c->trials);
    rml_json_kv_i64(w, "window", c->window);
    rml_json_object_end(w);
}

// ---- From YAML ---------------------------------------------------------------------------------

static rml_status parse_choice(const rml_yaml *node, const rml_train_field *f, rml_sweep_axis *a,
                               rml_error *err)
{
    double value = 0;
    bool fits;
    if (f->boolean) {
        value = rml_str_equal(node->text, RML_STR("true"));
        fits = value > 0 || rml_str_equal(node->text, RML_STR("false"));
    } else {
        fits = node->kind == RML_YAML_SCALAR && rml_parse_f64(node->text, &value) &&
               value >= f->low && value <= f->high && (!f->whole || value == floor(value));
    }
    for (size_t i = 0; fits && i < a->choice_count; i++) {
        fits = a->choices[i] != value;
    }
    if (!fits) {
        return rml_fail(err, RML_ERR_ARGUMENT, node->at, NULL,
                        "expected values of %s, each once, within %g and %g%s, found %.*s", a->name,
                        f->low, f->high, f->boolean ? " (false, true)" : "", RML_FMT(node->text));
    }
    a->choices[a->choice_count++] = value;
    return RML_OK;
}

static rml_status parse_range(const rml_yaml *node, const rml_train_field *f, rml_sweep_axis *a,
                              rml_error *err)
{
    static const char *const known[] = {"from", "to", "log"};
    bool log = false;
    double low = NAN, high = NAN;
    RML_TRY(rml_yaml_only(node, known, sizeof known / sizeof *known, err));
    RML_TRY(rml_yaml_get_f64(node, "from", &low, err));
    RML_TRY(rml_yaml_get_f64(node, "to", &high, err));
    RML_TRY(rml_yaml_get_bool(node, "log", &log, err));
    bool fits = low < high && low >= f->low && high <= f->high && (!log || low > 0);
    if (f->boolean || !fits || (f->whole && (low != floor(low) || high != floor(high)))) {
        return rml_fail(err, RML_ERR_ARGUMENT, node->at, NULL,
                        "expected from below to%s, both within %g and %g, for %s, found %g and %g",
                        log ? ", above zero" : "", f->low, f->high, a->name, low, high);
    }
    a->kind = log ? RML_AXIS_LOG : RML_AXIS_LINEAR;
    a->low = low;
    a->high = high;
    return RML_OK;
}

// train: the map of the trials' training, may be NULL.
static rml_status parse_axis(const rml_yaml *node, const rml_yaml *train,
                             const rml_train_config *config, rml_sweep_axis *a, rml_error *err)
{
    rml_train_field f;
    bool budget = rml_str_equal(node->key, RML_STR("steps"));
    if (budget || node->key.len >= sizeof a->name || !rml_train_field_find(config, node->key, &f)) {
        return rml_fail(err, RML_ERR_ARGUMENT, node->key_at, "docs/training.md lists them",
                        "expected a field of a training%s, found %.*s",
                        budget ? " other than the steps that rungs are made of" : "",
                        RML_FMT(node->key));
    }
    memcpy(a->name, node->key.data, node->key.len);
    a->whole = f.whole;
    a->boolean = f.boolean;
    if (train != NULL && rml_yaml_get(train, a->name) != NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, node->key_at, "leave it out of one of them",
                        "expected %s under train or search, found it under both", a->name);
    }
    if (node->kind == RML_YAML_MAP) {
        return parse_range(node, &f, a, err);
    }
    a->kind = RML_AXIS_CHOICE;
    if (node->kind != RML_YAML_LIST || node->count < 2 || node->count > RML_SWEEP_CHOICES) {
        return rml_fail(err, RML_ERR_ARGUMENT, node->at, NULL,
                        "expected {from: …, to: …, log: true} or a list of 2 to %d values for %s",
                        RML_SWEEP_CHOICES, a->name);
    }
    for (const rml_yaml *c = node->child; c != NULL; c = c->next) {
        RML_TRY(parse_choice(c, &f, a, err));
    }
    return RML_OK;
}

static rml_status parse_search(const rml_yaml *map, rml_sweep_config *out, rml_error *err)
{
    const rml_yaml *search = rml_yaml_get(map, "search");
    if (search == NULL || search->kind != RML_YAML_MAP || search->count == 0 ||
        search->count > RML_SWEEP_AXES) {
        return rml_fail(err, RML_ERR_ARGUMENT, search ? search->at : map->at, NULL,
                        "expected 1 to %d settings under search, such as \"learning_rate: {from: "
                        "1e-4, to: 1e-2, log: true}\"",
                        RML_SWEEP_AXES);
    }
    for (const rml_yaml *node = search->child; node != NULL; node = node->next) {
        rml_sweep_axis *a = &out->axes[out->axis_count++];
        RML_TRY(parse_axis(node, rml_yaml_get(map, "train"), &out->train, a, err));
    }
    return RML_OK;
}

static rml_status parse_numbers(const rml_yaml *map, rml_sweep_config *out, rml_error *err)
{
    const struct {
        const char *name;
        uint32_t *out;
        int64_t otherwise, low, high;
    } numbers[] = {
        {"trials", &out->trials, 40, 1, 100000},
        {"rungs", &out->rungs, 3, 1, 10},
        {"eta", &out->eta, 3, 2, 10},
        {"window", &out->window, 4, 1, 1024},
        {"startup", &out->startup, 10, 2, 100000},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int64_t value = numbers[i].otherwise;
        RML_TRY(rml_yaml_get_i64(map, numbers[i].name, &value, err));
        if (value < numbers[i].low || value > numbers[i].high) {
            return rml_fail(err, RML_ERR_ARGUMENT, rml_yaml_get(map, numbers[i].name)->at, NULL,
                            "expected %s from %" PRId64 " to %" PRId64 ", found %" PRId64,
                            numbers[i].name, numbers[i].low, numbers[i].high, value);
        }
        *numbers[i].out = (uint32_t)value;
    }
    int64_t seed = 0;
    RML_TRY(rml_yaml_get_i64(map, "seed", &seed, err));
    out->seed = (uint64_t)seed;
    return RML_OK;
}

// Some trial must come to the last rung, and every rung must be farther than the one before.
static rml_status check_rungs(const rml_yaml *map, const rml_sweep_config *c, rml_error *err)
{
    uint64_t least = 1;
    for (uint32_t i = 1; i < c->rungs; i++) {
        least *= c->eta;
        if (rml_sweep_steps(c, i) <= rml_sweep_steps(c, i - 1)) {
            return rml_fail(
                err, RML_ERR_ARGUMENT, map->at, "fewer rungs, or more steps under train",
                "expected rungs that rise, found %u of %" PRIu64 " steps by %u in grains "
                "of %d",
                c->rungs, c->train.steps, c->eta, RUNG_GRAIN);
        }
    }
    if (c->trials < least) {
        return rml_fail(err, RML_ERR_ARGUMENT, map->at, "more trials, fewer rungs or a lower eta",
                        "expected at least %" PRIu64 " trials for %u rungs of which one in %u goes "
                        "on, found %u",
                        least, c->rungs, c->eta, c->trials);
    }
    return RML_OK;
}

static rml_status parse_map(const rml_yaml *map, rml_sweep_config *out, rml_error *err)
{
    static const char *const known[] = {"train", "search", "trials", "seed",
                                        "rungs", "eta",    "window", "startup"};
    if (map->kind != RML_YAML_MAP) {
        return rml_fail(err, RML_ERR_ARGUMENT, map->at, NULL,
                        "expected fields such as \"trials: 40\", found a %s",
                        map->kind == RML_YAML_LIST ? "list" : "single value");
    }
    RML_TRY(rml_yaml_only(map, known, sizeof known / sizeof *known, err));
    const rml_yaml *train = rml_yaml_get(map, "train");
    RML_TRY(train ? rml_train_config_map(train, &out->train, err) : RML_OK);
    rml_train_config_defaults(&out->train);
    RML_TRY(parse_search(map, out, err));
    RML_TRY(parse_numbers(map, out, err));
    return check_rungs(map, out, err);
}

rml_status rml_sweep_parse(rml_str text, rml_str file, rml_sweep_config *out, rml_error *err)
{
    rml_arena arena = {0};
    const rml_yaml *map;
    *out = (rml_sweep_config){0};
    rml_status st = rml_yaml_parse(&arena, text, file, &map, err);
    st = st ? st : parse_map(map, out, err);
    rml_arena_reset(&arena);
    return st;
}
