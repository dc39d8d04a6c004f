// Settings of a struct as one table.
#include "roadmill/base/setting.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static void *place_of(const rml_settings *part, const rml_setting *s)
{
    return (char *)part->base + s->offset;
}

void rml_setting_set(const rml_setting *s, void *at, double value)
{
    switch (s->kind) {
    case RML_SETTING_U32:
        *(uint32_t *)at = (uint32_t)value;
        break;
    case RML_SETTING_U64:
        *(uint64_t *)at = (uint64_t)value;
        break;
    case RML_SETTING_F64:
        *(double *)at = value;
        break;
    case RML_SETTING_BOOL:
        *(bool *)at = value > 0;
        break;
    }
}

static bool is_zero(const rml_setting *s, const void *at)
{
    switch (s->kind) {
    case RML_SETTING_U32:
        return *(const uint32_t *)at == 0;
    case RML_SETTING_U64:
        return *(const uint64_t *)at == 0;
    case RML_SETTING_F64:
        return *(const double *)at == 0;
    default:
        return false;
    }
}

static bool fits(const rml_setting *s, double value)
{
    bool whole = s->kind == RML_SETTING_F64 || value == floor(value);
    return whole && value >= s->low && value <= s->high;
}

void rml_settings_defaults(const rml_settings *parts, size_t count)
{
    for (size_t p = 0; p < count; p++) {
        for (size_t i = 0; i < parts[p].count; i++) {
            const rml_setting *s = &parts[p].rows[i];
            if (s->standard != 0 && is_zero(s, place_of(&parts[p], s))) {
                rml_setting_set(s, place_of(&parts[p], s), s->standard);
            }
        }
    }
}

// The next of all parts by name; at[count] are the places reached. NULL at the end.
static const rml_setting *next_of(const rml_settings *parts, size_t count, size_t *at, void **place)
{
    size_t least = count;
    for (size_t p = 0; p < count; p++) {
        if (at[p] < parts[p].count &&
            (least == count ||
             strcmp(parts[p].rows[at[p]].name, parts[least].rows[at[least]].name) < 0)) {
            least = p;
        }
    }
    if (least == count) {
        return NULL;
    }
    const rml_setting *s = &parts[least].rows[at[least]++];
    *place = place_of(&parts[least], s);
    return s;
}

enum { PARTS_MAX = 4 };

static rml_status read_yaml(const rml_yaml *map, const rml_setting *s, void *at, rml_error *err)
{
    const rml_yaml *node = rml_yaml_get(map, s->name);
    if (node == NULL) {
        return RML_OK;
    }
    if (s->kind == RML_SETTING_BOOL) {
        return rml_yaml_get_bool(map, s->name, at, err);
    }
    double value = 0;
    RML_TRY(rml_yaml_get_f64(map, s->name, &value, err));
    if (!fits(s, value)) {
        return rml_fail(err, RML_ERR_ARGUMENT, node->at, NULL,
                        "expected %s to be a%s number from %g to %g, found %.*s", s->name,
                        s->kind == RML_SETTING_F64 ? "" : " whole", s->low, s->high,
                        RML_FMT(node->text));
    }
    rml_setting_set(s, at, value);
    return RML_OK;
}

rml_status rml_settings_yaml(const rml_yaml *map, const rml_settings *parts, size_t count,
                             const char *const *also, rml_error *err)
{
    const char *known[RML_SETTINGS_MAX];
    size_t at[PARTS_MAX] = {0}, names = 0;
    const rml_setting *s;
    void *place;
    assert(count <= PARTS_MAX);
    while ((s = next_of(parts, count, at, &place)) != NULL) {
        assert(names < RML_SETTINGS_MAX);
        known[names++] = s->name;
    }
    for (; also != NULL && *also != NULL; also++) {
        assert(names < RML_SETTINGS_MAX);
        known[names++] = *also;
    }
    if (map->kind != RML_YAML_MAP) {
        return rml_fail(err, RML_ERR_ARGUMENT, map->at, NULL,
                        "expected fields such as \"%s: ...\", found a %s", known[0],
                        map->kind == RML_YAML_LIST ? "list" : "single value");
    }
    RML_TRY(rml_yaml_only(map, known, names, err));
    memset(at, 0, sizeof at);
    while ((s = next_of(parts, count, at, &place)) != NULL) {
        RML_TRY(read_yaml(map, s, place, err));
    }
    return RML_OK;
}

void rml_settings_write(const rml_settings *parts, size_t count, bool named, rml_json_writer *w)
{
    size_t at[PARTS_MAX] = {0};
    const rml_setting *s;
    void *place;
    assert(count <= PARTS_MAX);
    while ((s = next_of(parts, count, at, &place)) != NULL) {
        if (named && s->unnamed) {
            continue;
        }
        switch (s->kind) {
        case RML_SETTING_U32:
            rml_json_kv_i64(w, s->name, *(uint32_t *)place);
            break;
        case RML_SETTING_U64:
            rml_json_kv_i64(w, s->name, (int64_t) * (uint64_t *)place);
            break;
        case RML_SETTING_F64:
            rml_json_kv_f64(w, s->name, *(double *)place);
            break;
        case RML_SETTING_BOOL:
            rml_json_kv_bool(w, s->name, *(bool *)place);
            break;
        }
    }
}

rml_status rml_settings_read(const rml_json *object, rml_str file, const rml_settings *parts,
                             size_t count, rml_error *err)
{
    size_t at[PARTS_MAX] = {0};
    const rml_setting *s;
    void *place;
    assert(count <= PARTS_MAX);
    while ((s = next_of(parts, count, at, &place)) != NULL) {
        const rml_json *member = rml_json_get(object, s->name);
        if (member == NULL) {
            continue;
        }
        bool boolean = s->kind == RML_SETTING_BOOL;
        bool number = member->kind == RML_JSON_INT || member->kind == RML_JSON_NUMBER;
        if (boolean ? member->kind != RML_JSON_BOOL : !number || !fits(s, member->number)) {
            return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, member->at), NULL,
                            "expected %s within %g and %g, found another value", s->name, s->low,
                            s->high);
        }
        rml_setting_set(s, place, boolean ? member->boolean : member->number);
    }
    return RML_OK;
}

const rml_setting *rml_settings_find(const rml_settings *parts, size_t count, rml_str name,
                                     void **at)
{
    for (size_t p = 0; p < count; p++) {
        for (size_t i = 0; i < parts[p].count; i++) {
            const rml_setting *s = &parts[p].rows[i];
            if (rml_str_equal(name, rml_str_of(s->name))) {
                *at = place_of(&parts[p], s);
                return s;
            }
        }
    }
    return NULL;
}
