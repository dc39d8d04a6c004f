// Reads a recipe (docs/recipes.md) from YAML. Every error says line and column, what was expected
// and what was found; the hash is taken over what the recipe says, so comments and layout do not
// change it.
#include "recipe.h"

#include "roadmill/base/json.h"
#include "roadmill/base/yaml.h"
#include "roadmill/codec.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(items) (sizeof(items) / sizeof((items)[0]))

const char *const rml_ego_column_names[RML_EGO_COLUMNS] = {
    [RML_EGO_X] = "x_m",
    [RML_EGO_Y] = "y_m",
    [RML_EGO_Z] = "z_m",
    [RML_EGO_ROLL] = "roll_rad",
    [RML_EGO_PITCH] = "pitch_rad",
    [RML_EGO_YAW] = "yaw_rad",
    [RML_EGO_VX] = "vx_mps",
    [RML_EGO_VY] = "vy_mps",
    [RML_EGO_YAW_RATE] = "yaw_rate_radps",
    [RML_EGO_AX] = "ax_mps2",
    [RML_EGO_AY] = "ay_mps2",
    [RML_EGO_STEERING] = "steering_rad",
};
const char *const rml_recipe_time_names[3] = {"sensor", "publish", "log"};
const char *const rml_recipe_policy_names[3] = {
    [RML_CLOCK_LATEST] = "latest", [RML_CLOCK_NEAREST] = "nearest", [RML_CLOCK_LINEAR] = "linear"};

// ---- Small reads -------------------------------------------------------------------------------

static rml_status expect_map(const rml_yaml *node, const char *what, rml_error *err)
{
    if (node->kind == RML_YAML_MAP) {
        return RML_OK;
    }
    return rml_fail(err, RML_ERR_DATA, node->at, NULL, "expected %s as a map, found a %s", what,
                    node->kind == RML_YAML_LIST ? "list" : "single value");
}

// A key that must be there.
static rml_status required_str(const rml_yaml *map, const char *key, rml_str *out, rml_error *err)
{
    *out = (rml_str){0};
    RML_TRY(rml_yaml_get_str(map, key, out, err));
    if (out->len == 0) {
        return rml_fail(err, RML_ERR_DATA, map->at, NULL, "expected the key \"%s\", found none",
                        key);
    }
    return RML_OK;
}

// One of a few words; a missing key leaves *out.
static rml_status choice(const rml_yaml *map, const char *key, const char *const *words,
                         size_t count, size_t *out, rml_error *err)
{
    rml_str text = {0};
    RML_TRY(rml_yaml_get_str(map, key, &text, err));
    if (!text.data) {
        return RML_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (rml_str_equal(text, rml_str_of(words[i]))) {
            *out = i;
            return RML_OK;
        }
    }
    char list[128] = "";
    for (size_t i = 0, used = 0; i < count; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                 i == 0 ? "" : (i + 1 == count ? " or " : ", "), words[i]);
    }
    return rml_fail(err, RML_ERR_DATA, rml_yaml_get(map, key)->at, NULL,
                    "expected %s to be %s, found \"%.*s\"", key, list, RML_FMT(text));
}

// A path of names with dots between: "pose.pose.position".
static bool path_is_valid(rml_str path)
{
    bool name = false;
    for (size_t i = 0; i < path.len; i++) {
        char c = path.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool digit = c >= '0' && c <= '9';
        if (c == '.' ? !name : !(letter || (digit && name))) {
            return false;
        }
        name = c != '.';
    }
    return name;
}

static rml_status field_path(rml_str path, rml_place at, rml_error *err)
{
    if (path_is_valid(path)) {
        return RML_OK;
    }
    return rml_fail(err, RML_ERR_DATA, at, NULL,
                    "expected a field as names with dots between, found \"%.*s\"", RML_FMT(path));
}

// ---- Channels ----------------------------------------------------------------------------------

static rml_status keep_parse(const rml_yaml *node, recipe_channel *channel, rml_error *err)
{
    static const char *const known[] = {"field", "at_least", "at_most"};
    RML_TRY(expect_map(node, "a condition of \"keep\"", err));
    RML_TRY(rml_yaml_only(node, known, COUNT(known), err));
    if (channel->keep_count == RECIPE_KEEPS_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, node->at, NULL,
                        "expected at most %d conditions for a channel", RECIPE_KEEPS_MAX);
    }
    recipe_keep *keep = &channel->keeps[channel->keep_count++];
    *keep = (recipe_keep){.at_least = NAN, .at_most = NAN, .at = node->at};
    RML_TRY(required_str(node, "field", &keep->field, err));
    keep->at = rml_yaml_get(node, "field")->at;
    RML_TRY(field_path(keep->field, keep->at, err));
    RML_TRY(rml_yaml_get_f64(node, "at_least", &keep->at_least, err));
    RML_TRY(rml_yaml_get_f64(node, "at_most", &keep->at_most, err));
    if (isnan(keep->at_least) && isnan(keep->at_most)) {
        return rml_fail(err, RML_ERR_DATA, node->at, NULL,
                        "expected at_least or at_most in a condition, found neither");
    }
    return RML_OK;
}

static rml_status without_parse(const rml_yaml *node, recipe_channel *c, rml_error *err)
{
    const rml_yaml *words = rml_yaml_get(node, "topic_without");
    if (words && words->kind != RML_YAML_LIST) {
        return rml_fail(err, RML_ERR_DATA, words->at, NULL,
                        "expected \"topic_without\" as a list of words");
    }
    for (const rml_yaml *w = words ? words->child : NULL; w; w = w->next) {
        if (w->kind != RML_YAML_SCALAR || c->without_count == RECIPE_WITHOUT_MAX) {
            return rml_fail(err, RML_ERR_DATA, w->at, NULL,
                            "expected at most %d words in \"topic_without\"", RECIPE_WITHOUT_MAX);
        }
        c->without[c->without_count++] = w->text;
    }
    return RML_OK;
}

static rml_status channel_parse(rml_recipe *r, const rml_yaml *node, rml_error *err)
{
    static const char *const known[] = {"type",         "topic",    "topic_without", "policy",
                                        "tolerance_ms", "required", "keep"};
    RML_TRY(expect_map(node, "a channel", err));
    RML_TRY(rml_yaml_only(node, known, COUNT(known), err));
    if (r->channel_count == RECIPE_CHANNELS_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, node->key_at, NULL, "expected at most %d channels",
                        RECIPE_CHANNELS_MAX);
    }
    if (!path_is_valid(node->key) || rml_str_find(node->key, RML_STR(".")) < node->key.len) {
        return rml_fail(err, RML_ERR_DATA, node->key_at, NULL,
                        "expected the name of a channel (letters, digits, _), found \"%.*s\"",
                        RML_FMT(node->key));
    }
    recipe_channel *c = &r->channels[r->channel_count++];
    *c = (recipe_channel){.name = node->key, .required = true};
    RML_TRY(required_str(node, "type", &c->type, err));
    c->at = rml_yaml_get(node, "type")->at;
    RML_TRY(rml_yaml_get_str(node, "topic", &c->topic, err));
    RML_TRY(without_parse(node, c, err));
    RML_TRY(rml_yaml_get_bool(node, "required", &c->required, err));
    size_t policy = RML_CLOCK_LATEST;
    RML_TRY(choice(node, "policy", rml_recipe_policy_names, 3, &policy, err));
    c->policy = (rml_clock_policy)policy;
    double tolerance_ms = 0;
    RML_TRY(rml_yaml_get_f64(node, "tolerance_ms", &tolerance_ms, err));
    if (!(tolerance_ms >= 0 && tolerance_ms <= 3.6e6)) {
        return rml_fail(err, RML_ERR_DATA, rml_yaml_get(node, "tolerance_ms")->at, NULL,
                        "expected a tolerance between 0 and 3600000 ms, found %g", tolerance_ms);
    }
    c->tolerance_ns = (int64_t)(tolerance_ms * 1e6 + 0.5);
    const rml_yaml *keep = rml_yaml_get(node, "keep");
    if (keep && keep->kind != RML_YAML_LIST) {
        return rml_fail(err, RML_ERR_DATA, keep->at, NULL, "expected \"keep\" as a list");
    }
    for (const rml_yaml *k = keep ? keep->child : NULL; k; k = k->next) {
        RML_TRY(keep_parse(k, c, err));
    }
    return RML_OK;
}

static bool channel_find(const rml_recipe *r, rml_str name, size_t *out)
{
    for (size_t i = 0; i < r->channel_count; i++) {
        if (rml_str_equal(r->channels[i].name, name)) {
            *out = i;
            return true;
        }
    }
    return false;
}

// ---- Values ------------------------------------------------------------------------------------

// "imu.angular_velocity" -> the channel and "angular_velocity"; "fix" -> the channel and nothing.
static rml_status argument_parse(const rml_recipe *r, rml_str text, rml_place at,
                                 recipe_value *value, size_t index, rml_error *err)
{
    rml_str name, field = rml_str_cut(text, '.', &name);
    size_t channel;
    if (!channel_find(r, name, &channel)) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected a channel of this recipe before the first dot, found \"%.*s\"",
                        RML_FMT(name));
    }
    if (index > 0 && channel != value->channel) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected both arguments from one channel, found \"%.*s\" and \"%.*s\"",
                        RML_FMT(r->channels[value->channel].name), RML_FMT(name));
    }
    value->channel = channel;
    value->arguments[index] = field;
    if (value->function->whole_channel) {
        if (field.data) {
            return rml_fail(err, RML_ERR_DATA, at, NULL,
                            "expected %s(CHANNEL) without a field, found \"%.*s\"",
                            value->function->name, RML_FMT(text));
        }
        return RML_OK;
    }
    return field_path(field, at, err);
}

static rml_place further(rml_place at, size_t columns)
{
    at.column += at.column ? (uint32_t)columns : 0;
    return at;
}

// FIELD, NAME(FIELD) or NAME(FIELD, FIELD).
static rml_status value_parse(const rml_recipe *r, const rml_yaml *node, recipe_value *value,
                              rml_error *err)
{
    if (node->kind != RML_YAML_SCALAR) {
        return rml_fail(err, RML_ERR_DATA, node->at, NULL,
                        "expected a field or a function of fields, found a list or map");
    }
    rml_str text = node->text, name = {"", 0}, inside = text;
    size_t open = rml_str_find(text, RML_STR("("));
    if (open < text.len) {
        name = (rml_str){text.data, open};
        if (!rml_str_ends(text, RML_STR(")"))) {
            return rml_fail(err, RML_ERR_DATA, further(node->at, text.len), NULL,
                            "expected \")\" at the end, found \"%.*s\"", RML_FMT(text));
        }
        inside = (rml_str){text.data + open + 1, text.len - open - 2};
    }
    *value = (recipe_value){.at = node->at};
    value->function = rml_recipe_function_find(rml_str_trim(name));
    if (!value->function || (open < text.len && name.len == 0)) {
        char names[256];
        rml_recipe_function_names(names, sizeof names);
        return rml_fail(err, RML_ERR_DATA, node->at, NULL,
                        "expected a function among %s, found \"%.*s\"", names, RML_FMT(name));
    }
    size_t count = 0;
    rml_str rest = inside;
    while (rest.data) {
        rml_str argument;
        rest = rml_str_cut(rest, ',', &argument);
        argument = rml_str_trim(argument);
        rml_place at = further(node->at, (size_t)(argument.data - text.data));
        if (count == value->function->arguments) {
            return rml_fail(
                err, RML_ERR_DATA, at, NULL, "expected %zu argument(s) for %s, found more",
                value->function->arguments, count && name.len ? value->function->name : "a field");
        }
        RML_TRY(argument_parse(r, argument, at, value, count++, err));
    }
    if (count < value->function->arguments) {
        return rml_fail(err, RML_ERR_DATA, node->at, NULL,
                        "expected %zu arguments for %s, found %zu", value->function->arguments,
                        value->function->name, count);
    }
    return RML_OK;
}

static rml_status values_parse(rml_recipe *r, const rml_yaml *root, rml_error *err)
{
    const rml_yaml *ego = rml_yaml_get(root, "ego");
    if (!ego) {
        return rml_fail(err, RML_ERR_DATA, root->at, NULL, "expected the key \"ego\", found none");
    }
    RML_TRY(expect_map(ego, "\"ego\"", err));
    RML_TRY(rml_yaml_only(ego, rml_ego_column_names, RML_EGO_COLUMNS, err));
    for (size_t i = 0; i < RML_EGO_COLUMNS; i++) {
        const rml_yaml *node = rml_yaml_get(ego, rml_ego_column_names[i]);
        if (node) {
            RML_TRY(value_parse(r, node, &r->values[i], err));
        } else if (i == RML_EGO_X || i == RML_EGO_Y) {
            return rml_fail(err, RML_ERR_DATA, ego->at, NULL, "expected the key \"%s\", found none",
                            rml_ego_column_names[i]);
        }
    }
    return RML_OK;
}

// "odom.header.frame_id" is a field if "odom" is the driving channel; anything else is the name.
static rml_status frame_parse(rml_recipe *r, const rml_yaml *root, rml_error *err)
{
    RML_TRY(required_str(root, "frame", &r->frame, err));
    r->frame_at = rml_yaml_get(root, "frame")->at;
    rml_str name, field = rml_str_cut(r->frame, '.', &name);
    size_t channel;
    if (!field.data || !channel_find(r, name, &channel)) {
        return RML_OK;
    }
    if (channel != r->driver) {
        return rml_fail(err, RML_ERR_DATA, r->frame_at, NULL,
                        "expected the frame from the driver \"%.*s\", found \"%.*s\"",
                        RML_FMT(r->channels[r->driver].name), RML_FMT(name));
    }
    r->frame_field = field;
    return field_path(field, r->frame_at, err);
}

// The size of the vehicle: all of it, or nothing is known of its box.
static rml_status vehicle_parse(rml_recipe *r, const rml_yaml *root, rml_error *err)
{
    static const char *const known[] = {"length_m", "width_m", "axle_to_centre_m"};
    double *const values[] = {&r->length_m, &r->width_m, &r->axle_to_centre_m};
    const rml_yaml *vehicle = rml_yaml_get(root, "vehicle");
    r->has_vehicle = vehicle != NULL;
    r->length_m = r->width_m = r->axle_to_centre_m = NAN;
    if (!r->has_vehicle) {
        return RML_OK;
    }
    RML_TRY(expect_map(vehicle, "\"vehicle\"", err));
    RML_TRY(rml_yaml_only(vehicle, known, COUNT(known), err));
    for (size_t i = 0; i < COUNT(known); i++) {
        RML_TRY(rml_yaml_get_f64(vehicle, known[i], values[i], err));
        bool is_size = i < 2;
        if (!(*values[i] > (is_size ? 0 : -100) && *values[i] < 100)) {
            const rml_yaml *node = rml_yaml_get(vehicle, known[i]);
            return rml_fail(err, RML_ERR_DATA, node ? node->at : vehicle->at, NULL,
                            "expected %s of the vehicle, %s 100 m, found %s%.*s", known[i],
                            is_size ? "above 0 and below" : "within", node ? "" : "none",
                            RML_FMT(node ? node->text : (rml_str){0}));
        }
    }
    return RML_OK;
}

// ---- The whole ---------------------------------------------------------------------------------

static void channel_write(rml_json_writer *w, const recipe_channel *c)
{
    rml_json_object(w);
    rml_json_kv_str(w, "name", c->name);
    rml_json_kv_str(w, "type", c->type);
    rml_json_kv_str(w, "topic", c->topic);
    rml_json_kv_str(w, "policy", rml_str_of(rml_recipe_policy_names[c->policy]));
    rml_json_kv_ns(w, "tolerance_ns", c->tolerance_ns);
    rml_json_kv_bool(w, "required", c->required);
    rml_json_key(w, "keep");
    rml_json_list(w);
    for (size_t i = 0; i < c->keep_count; i++) {
        rml_json_object(w);
        rml_json_kv_str(w, "field", c->keeps[i].field);
        rml_json_kv_f64(w, "at_least", c->keeps[i].at_least);
        rml_json_kv_f64(w, "at_most", c->keeps[i].at_most);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    if (c->without_count > 0) { // recipes that do not say it keep the name they had
        rml_json_key(w, "topic_without");
        rml_json_list(w);
        for (size_t i = 0; i < c->without_count; i++) {
            rml_json_str(w, c->without[i]);
        }
        rml_json_list_end(w);
    }
    rml_json_object_end(w);
}

// A recipe's name by hash. "engine" counts changes of what its functions mean.
static rml_status recipe_hash(rml_recipe *r, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_i64(&w, "engine", 1);
    rml_json_kv_str(&w, "recipe", r->name);
    rml_json_kv_str(&w, "time", rml_str_of(rml_recipe_time_names[r->time]));
    rml_json_kv_str(&w, "driver", r->channels[r->driver].name);
    rml_json_kv_str(&w, "frame", r->frame);
    rml_json_key(&w, "channels");
    rml_json_list(&w);
    for (size_t i = 0; i < r->channel_count; i++) {
        channel_write(&w, &r->channels[i]);
    }
    rml_json_list_end(&w);
    rml_json_key(&w, "ego");
    rml_json_object(&w);
    for (size_t i = 0; i < RML_EGO_COLUMNS; i++) {
        const recipe_value *v = &r->values[i];
        if (v->function) {
            rml_json_key(&w, rml_ego_column_names[i]);
            rml_json_list(&w);
            rml_json_str(&w, rml_str_of(v->function->name));
            rml_json_str(&w, r->channels[v->channel].name);
            rml_json_str(&w, v->arguments[0]);
            rml_json_str(&w, v->arguments[1]);
            rml_json_list_end(&w);
        }
    }
    rml_json_object_end(&w);
    if (r->frame_stands) {
        rml_json_kv_bool(&w, "frame_stands", true);
    }
    if (r->has_vehicle) {
        rml_json_kv_f64(&w, "length_m", r->length_m);
        rml_json_kv_f64(&w, "width_m", r->width_m);
        rml_json_kv_f64(&w, "axle_to_centre_m", r->axle_to_centre_m);
    }
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    if (!st) {
        st = rml_json_text_hash(rml_buffer_text(&text), &r->hash, err);
    }
    rml_buffer_reset(&text);
    return st;
}

static rml_status recipe_read(rml_recipe *r, const rml_yaml *root, rml_error *err)
{
    static const char *const known[] = {"recipe",       "time",    "driver",   "frame",
                                        "frame_stands", "vehicle", "channels", "ego"};
    RML_TRY(expect_map(root, "a recipe", err));
    RML_TRY(rml_yaml_only(root, known, COUNT(known), err));
    RML_TRY(required_str(root, "recipe", &r->name, err));
    size_t time = RECIPE_TIME_SENSOR;
    RML_TRY(choice(root, "time", rml_recipe_time_names, 3, &time, err));
    r->time = (recipe_time)time;
    const rml_yaml *channels = rml_yaml_get(root, "channels");
    if (!channels) {
        return rml_fail(err, RML_ERR_DATA, root->at, NULL,
                        "expected the key \"channels\", found none");
    }
    RML_TRY(expect_map(channels, "\"channels\"", err));
    for (const rml_yaml *c = channels->child; c; c = c->next) {
        RML_TRY(channel_parse(r, c, err));
    }
    rml_str driver;
    RML_TRY(required_str(root, "driver", &driver, err));
    if (!channel_find(r, driver, &r->driver)) {
        return rml_fail(err, RML_ERR_DATA, rml_yaml_get(root, "driver")->at, NULL,
                        "expected the driver to be a channel of this recipe, found \"%.*s\"",
                        RML_FMT(driver));
    }
    RML_TRY(frame_parse(r, root, err));
    RML_TRY(rml_yaml_get_bool(root, "frame_stands", &r->frame_stands, err));
    RML_TRY(vehicle_parse(r, root, err));
    RML_TRY(values_parse(r, root, err));
    return recipe_hash(r, err);
}

rml_status rml_recipe_parse(rml_str text, rml_str file, rml_recipe **out, rml_error *err)
{
    *out = NULL;
    rml_recipe *r = rml_heap_make(sizeof *r);
    if (!r) {
        return rml_fail_memory(err, sizeof *r);
    }
    r->file = rml_arena_str(&r->arena, file);
    const rml_yaml *root;
    rml_status st = rml_yaml_parse(&r->arena, text, file, &root, err);
    if (!st) {
        st = recipe_read(r, root, err);
    }
    if (st) {
        rml_recipe_free(r);
        return st;
    }
    *out = r;
    return RML_OK;
}

void rml_recipe_free(rml_recipe *r)
{
    if (r) {
        rml_arena_reset(&r->arena);
        rml_heap_free(r);
    }
}

rml_str rml_recipe_name(const rml_recipe *r)
{
    return r->name;
}
