// YAML, typed reads: a value of another type is an error with its place.
#include "roadmill/base/yaml.h"

const rml_yaml *rml_yaml_get(const rml_yaml *map, const char *key)
{
    if (!map || map->kind != RML_YAML_MAP) {
        return NULL;
    }
    rml_str wanted = rml_str_of(key);
    for (const rml_yaml *m = map->child; m; m = m->next) {
        if (rml_str_equal(m->key, wanted)) {
            return m;
        }
    }
    return NULL;
}

static rml_status fail_type(const rml_yaml *value, const char *expected, rml_error *err)
{
    if (value->kind != RML_YAML_SCALAR) {
        return rml_fail(err, RML_ERR_DATA, value->at, NULL, "%.*s: expected %s, found a %s",
                        RML_FMT(value->key), expected,
                        value->kind == RML_YAML_LIST ? "list" : "map");
    }
    return rml_fail(err, RML_ERR_DATA, value->at, NULL, "%.*s: expected %s, found %s%.*s%s",
                    RML_FMT(value->key), expected, value->quoted ? "\"" : "", RML_FMT(value->text),
                    value->quoted          ? "\""
                    : value->text.len == 0 ? "nothing"
                                           : "");
}

rml_status rml_yaml_get_str(const rml_yaml *map, const char *key, rml_str *out, rml_error *err)
{
    const rml_yaml *value = rml_yaml_get(map, key);
    if (!value) {
        return RML_OK;
    }
    if (value->kind != RML_YAML_SCALAR) {
        return fail_type(value, "text", err);
    }
    *out = value->text;
    return RML_OK;
}

rml_status rml_yaml_get_f64(const rml_yaml *map, const char *key, double *out, rml_error *err)
{
    const rml_yaml *value = rml_yaml_get(map, key);
    if (!value) {
        return RML_OK;
    }
    bool plain = value->kind == RML_YAML_SCALAR && !value->quoted;
    return plain && rml_parse_f64(value->text, out) ? RML_OK : fail_type(value, "a number", err);
}

rml_status rml_yaml_get_i64(const rml_yaml *map, const char *key, int64_t *out, rml_error *err)
{
    const rml_yaml *value = rml_yaml_get(map, key);
    if (!value) {
        return RML_OK;
    }
    bool plain = value->kind == RML_YAML_SCALAR && !value->quoted;
    return plain && rml_parse_i64(value->text, out) ? RML_OK
                                                    : fail_type(value, "a whole number", err);
}

rml_status rml_yaml_get_bool(const rml_yaml *map, const char *key, bool *out, rml_error *err)
{
    const rml_yaml *value = rml_yaml_get(map, key);
    if (!value) {
        return RML_OK;
    }
    bool plain = value->kind == RML_YAML_SCALAR && !value->quoted;
    bool yes = plain && rml_str_equal(value->text, RML_STR("true"));
    if (!yes && !(plain && rml_str_equal(value->text, RML_STR("false")))) {
        return fail_type(value, "true or false", err);
    }
    *out = yes;
    return RML_OK;
}

static rml_status fail_key(const rml_yaml *member, const char *const *known, size_t count,
                           rml_error *err)
{
    const char *nearest = rml_nearest_name(member->key, known, count);
    return rml_fail(err, RML_ERR_DATA, member->key_at, NULL,
                    "expected a known key%s%s%s, found \"%.*s\"",
                    nearest != NULL ? " (did you mean " : "", nearest != NULL ? nearest : "",
                    nearest != NULL ? "?)" : "", RML_FMT(member->key));
}

rml_status rml_yaml_only(const rml_yaml *map, const char *const *known, size_t count,
                         rml_error *err)
{
    if (!map) {
        return RML_OK;
    }
    if (map->kind != RML_YAML_MAP) {
        return fail_type(map, "a map", err);
    }
    for (const rml_yaml *m = map->child; m; m = m->next) {
        bool is_known = false;
        for (size_t i = 0; i < count && !is_known; i++) {
            is_known = rml_str_equal(m->key, rml_str_of(known[i]));
        }
        if (!is_known) {
            return fail_key(m, known, count, err);
        }
    }
    return RML_OK;
}
